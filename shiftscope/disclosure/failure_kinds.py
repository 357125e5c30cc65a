"""What a coordinator learns of an error at a site: its kind, from a fixed list, and nothing else."""

from shiftscope.errors import (
    EngineError,
    FederationError,
    InputError,
    NotComparable,
    OrderRefused,
    PlanError,
    PolicyError,
    ProfileError,
    ShiftscopeError,
    TableError,
    TooManyFailures,
    Unreadable,
    Unsettled,
    UsageError,
)

__all__ = ["FAILURE_KINDS", "OTHER_FAILURE", "FailureElsewhere", "kind_of_failure"]

FAILURE_KINDS: tuple[type[BaseException], ...] = (
    *(Unreadable, TableError, TooManyFailures, Unsettled, InputError, NotComparable, ProfileError),
    *(UsageError, PlanError, PolicyError, OrderRefused, FederationError, EngineError, ShiftscopeError),
    *(MemoryError, TimeoutError, FileNotFoundError, PermissionError, OSError, ImportError, ArithmeticError),
)
"""The kinds that are told apart, the narrower before the wider."""

OTHER_FAILURE = "Failure"
"""What every other error is called: the name of a class can hold anything."""


class FailureElsewhere(Exception):
    """An error in another process of the site.

    Args:
        kind: as that process has it by `kind_of_failure`; whatever is none of the list counts as any other error.
        text: the whole of it, for the site's own people.
    """

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind if any(kind == known.__name__ for known in FAILURE_KINDS) else OTHER_FAILURE
        super().__init__(text)


def kind_of_failure(problem: BaseException) -> str:
    """The first kind that an error is, whatever its own class is called."""
    if isinstance(problem, FailureElsewhere):
        return problem.kind
    return next((kind.__name__ for kind in FAILURE_KINDS if isinstance(problem, kind)), OTHER_FAILURE)
