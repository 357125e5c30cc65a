"""Documents that a caller gives as they are, or as the file they stand in."""

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from shiftscope.checks import Policy, read_policy
from shiftscope.errors import EngineError, ProfileError
from shiftscope.plans import Plan, RunResult, read_plan
from shiftscope.profiles import Profile

__all__ = ["AnyPath", "plan_of", "policy_of", "profile_of", "profiles_of", "result_of"]

AnyPath = str | PathLike[str]
"""A path, as text or as an object."""


def profile_of(source: Profile | AnyPath) -> Profile:
    """A profile, read where a path is given.

    Raises:
        ProfileError: the file is missing, or no profile.
    """
    return source if isinstance(source, Profile) else Profile.read(Path(source), ProfileError)


def profiles_of(sources: Iterable[Profile | AnyPath]) -> list[Profile]:
    """The same for several, in their order.

    Raises:
        ProfileError: a file is missing, or no profile; or one alone was given in place of several.
    """
    if isinstance(sources, str | PathLike | Profile):
        raise ProfileError("expected several profiles in a list, got one alone")
    return [profile_of(source) for source in sources]


def plan_of(source: Plan | AnyPath) -> Plan:
    """A plan, read where a path is given.

    Raises:
        PlanError: the file is missing, or no plan.
    """
    return source if isinstance(source, Plan) else read_plan(Path(source))


def policy_of(source: Policy | AnyPath | None) -> Policy:
    """A policy, read where a path is given; the defaults for None.

    Raises:
        PolicyError: the file is missing, or no policy.
    """
    if source is None:
        return Policy()
    return source if isinstance(source, Policy) else read_policy(Path(source))


def result_of(source: RunResult | AnyPath) -> RunResult:
    """A run's result, read where a path is given.

    Raises:
        EngineError: the file is missing, or no result.
    """
    return source if isinstance(source, RunResult) else RunResult.read(Path(source), EngineError)
