"""Calls into the operator's own code: imported only as marked, apart from the random state of all else."""

import importlib
import random
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.printable_text import on_one_line
from shiftscope.training.own_code.own_names import OwnName, named_in
from shiftscope.training.own_code.package_marks import root_of
from shiftscope.training.own_code.permissions import require_mark

__all__ = ["draw_seed", "made", "run"]

_LOADED: WeakKeyDictionary[ModuleType, str] = WeakKeyDictionary()
"""Package -> digest of its files when this process imported it."""


def made(plan: Plan, key: str) -> tuple[OwnName, Any]:
    """What `function(plan)` gives for a key of the plan, and its name.

    Raises:
        PlanError: other code than the plan's marks stand for, no such function, or an exception in it.
    """
    name = next(name for name in named_in(plan) if name.key == key)
    function = _function(plan, name)
    return name, run(name, draw_seed(), function, plan)


def draw_seed() -> int:
    """A number from torch's current random state."""
    return int(torch.randint(2**63 - 1, ()))


def run(name: OwnName, seed: int, function: Callable[..., Any], *given: Any) -> Any:
    """Call own code with the global random states set from `seed`; they and torch's settings are restored afterwards.

    Raises:
        PlanError: it raised something else.
    """
    try:
        with _apart(seed):
            return function(*given)
    except PlanError:
        raise
    except (Exception, SystemExit) as problem:
        last = traceback.extract_tb(problem.__traceback__)[-1]
        said = on_one_line(str(problem))
        raise PlanError(
            f"{name.key}: {name} raised {type(problem).__name__}: {said} ({Path(last.filename).name}, line"
            f" {last.lineno}); mend that code"
        ) from problem


@contextmanager
def _apart(seed: int) -> Iterator[None]:
    """Whatever own code does to global state ends with the call, and what it draws there follows from `seed`."""
    threads, dtype, learns = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    legacy, plain = np.random.get_state(), random.getstate()  # noqa: NPY002 - kept for code that uses it
    on_gpu = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    try:
        with torch.random.fork_rng(devices=None if on_gpu else ()):
            torch.manual_seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002 - as above
            random.seed(seed)
            yield
    finally:
        np.random.set_state(legacy)  # noqa: NPY002 - as above
        random.setstate(plain)
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(learns)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def _function(plan: Plan, name: OwnName) -> Callable[..., Any]:
    _require_as_marked(plan, name.package)
    module = run(name, 0, importlib.import_module, name.module)
    _LOADED.setdefault(sys.modules[name.package], plan.code[name.package].sha256)
    root, file = root_of(name.package), Path(getattr(module, "__file__", None) or "")
    if file != root and not file.is_relative_to(root):
        raise name.misfit(f"was imported from {file}", f"a module below {root}")
    function: Callable[..., Any] | None = getattr(module, name.function, None)
    if not callable(function):
        raise name.misfit("is not there, or cannot be called", f"a function {name.function}(plan) in {name.module}")
    if str(getattr(function, "__module__", "")).partition(".")[0] != name.package:
        raise name.misfit(
            f"is defined in {getattr(function, '__module__', None)}",
            f"a function that the package {name.package} defines",
        )
    return function


def _require_as_marked(plan: Plan, package: str) -> None:
    """What will be imported, or was, is what the plan's mark stands for; read once in the life of a process.

    Raises:
        PlanError: it is not.
    """
    loaded = _LOADED.get(sys.modules[package]) if package in sys.modules else None
    if loaded is None or package not in plan.code or plan.code[package].sha256 != loaded:
        require_mark(plan, package)
    if loaded is not None and plan.code[package].sha256 != loaded:
        raise PlanError(
            f"code.{package}: its files have changed since this process imported them; start Python anew, so that the"
            " code that runs is the code that is recorded"
        )
