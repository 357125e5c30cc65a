"""Names of the operator's own code in a plan: what is one, and of which package it is."""

import re
import sys
from dataclasses import dataclass

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.printable_text import shown

__all__ = ["OwnName", "is_own", "named_in", "packages_of"]

_PART = "(?!__)[A-Za-z_][A-Za-z0-9_]*"
_NAME = re.compile(rf"({_PART}(?:\.{_PART})*):({_PART})")
"""ASCII alone: other letters can look like these and be files of another name."""


@dataclass(frozen=True, slots=True)
class OwnName:
    """A function that a plan names.

    Attributes:
        key: of the plan: "model", "loss" or "augment".
        module: dotted, from the top-level package on.
        function: in that module.
    """

    key: str
    module: str
    function: str

    @classmethod
    def of(cls, key: str, text: str) -> "OwnName":
        """From the plan's text.

        Raises:
            PlanError: it is no such name, or the package is part of Python.
        """
        found = _NAME.fullmatch(text)
        if found is None:
            raise PlanError(
                f'{key}: {shown(text)} names no code; expected "package.module:function", an installed package of your'
                ' own, for example "hospital_models:outline_net"'
            )
        name = cls(key, found[1], found[2])
        if name.package in sys.stdlib_module_names:
            raise PlanError(
                f"{key}: {shown(text)} is part of Python itself, not code of your own; name a function of an installed"
                " package"
            )
        return name

    @property
    def package(self) -> str:
        """The top-level package, which is what a site allows."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        return f"{self.module}:{self.function}"

    def misfit(self, got: str, expected: str) -> PlanError:
        """What is said where the code does something else than it should."""
        return PlanError(f"{self.key}: {self} {got}; expected {expected}; docs/models.md shows an example")


def is_own(name: str | None) -> bool:
    """Whether a plan's model is meant as the operator's own."""
    return name is not None and ":" in name


def named_in(plan: Plan) -> list[OwnName]:
    """Every function of the operator's own that the plan names.

    Raises:
        PlanError: a name that cannot be one.
    """
    given = {"model": plan.model if is_own(plan.model) else None, "loss": plan.loss, "augment": plan.augment}
    return [OwnName.of(key, text) for key, text in given.items() if text is not None]


def packages_of(plan: Plan) -> list[str]:
    """The top-level packages of the operator's own that the plan names, each once, sorted."""
    return sorted({name.package for name in named_in(plan)})
