"""Who may run what: sites allow packages, and a plan's marks say which code is meant."""

import logging
from collections.abc import Collection, Mapping

from shiftscope.errors import PlanError
from shiftscope.plans import OwnCode, Plan
from shiftscope.training.own_code.own_names import named_in, packages_of
from shiftscope.training.own_code.package_marks import code_digest, mark_of, marks_of

__all__ = ["admitted", "require_admitted", "require_allowed", "require_mark"]

_LOGGER = logging.getLogger(__name__)


def admitted(plan: Plan, allowed: Mapping[str, Collection[str]]) -> Plan:
    """The plan with marks for all its own code, once every site has allowed it and nothing differs from given marks.

    Args:
        allowed: site -> packages that it allows.

    Raises:
        PlanError: a site that does not allow a package; other code than the plan's marks stand for; or no such package.
    """
    for site, packages in allowed.items():
        require_allowed(plan, packages, site)
    found = marks_of(plan)
    for package, mark in found.items():
        if package in plan.code:
            require_mark(plan, package)
        else:
            _LOGGER.info(
                'own code: %s %s; to run this code and no other, add to the plan: [code.%s] version = "%s",'
                ' sha256 = "%s"',
                *(package, mark.version or "(no version)", package, mark.version, mark.sha256),
            )
    return plan.model_copy(update={"code": {**found, **plan.code}}) if found else plan


def require_admitted(plan: Plan, allowed: Collection[str], site: str) -> None:
    """What a site sees to in its own process, before it imports anything: it allows the code, and has that code.

    Raises:
        PlanError: it does not.
    """
    require_allowed(plan, allowed, site)
    for package in packages_of(plan):
        require_mark(plan, package)


def require_allowed(plan: Plan, allowed: Collection[str], site: str) -> None:
    """The site allows every package of the operator's own that the plan names.

    Raises:
        PlanError: naming the site, the package and what to do.
    """
    for name in named_in(plan):
        if name.package not in allowed:
            raise PlanError(
                f"site {site}: {name.key}: {name} is code of the package {name.package!r}, which this site has not"
                f" allowed; whoever answers for the site looks at that code first, and then adds --allow-code"
                f' {name.package}, or writes allow_code = ["{name.package}"] into site.toml beside its images'
            )


def require_mark(plan: Plan, package: str) -> None:
    """The code that is installed here is the code that the plan means.

    Raises:
        PlanError: it is other code, or the plan does not say.
    """
    meant = plan.code.get(package)
    if meant is None:
        raise PlanError(
            f"code: the plan does not say which code of the package {package!r} is meant; expected its version and"
            " digest, as `train` fills them in"
        )
    if meant.sha256 != code_digest(package):
        raise PlanError(
            f"code.{package}: installed here is {_said(mark_of(package))}, and the plan means {_said(meant)};"
            " install that one, or take the entry out of the plan to run what is installed"
        )


def _said(mark: OwnCode) -> str:
    return f"{f'version {mark.version}' if mark.version else 'no version'}, SHA-256 {mark.sha256}"
