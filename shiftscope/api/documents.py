"""Documents that a caller gives as they are, or as the file they stand in."""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from shiftscope.checks import Policy, read_policy
from shiftscope.errors import PlanError, ProfileError, UsageError
from shiftscope.option_values import AnyPath, as_list, as_path
from shiftscope.plans import Plan, RehearsalResult, read_plan
from shiftscope.profiles import Profile
from shiftscope.records import explain_validation

__all__ = ["AnyPath", "paths_of", "plan_of", "policy_of", "profile_of", "profiles_of", "rehearsal_of"]


def profile_of(source: Profile | AnyPath) -> Profile:
    """A profile, read where a path is given.

    Raises:
        ProfileError: the file is missing, or no profile.
    """
    return source if isinstance(source, Profile) else Profile.read(as_path("a profile", source), ProfileError)


def profiles_of(sources: Iterable[Profile | AnyPath]) -> list[Profile]:
    """The same for several, in their order.

    Raises:
        ProfileError: a file is missing, or no profile.
        UsageError: one alone was given in place of several, or something else than profiles and paths.
    """
    if isinstance(sources, Profile):
        raise UsageError("profiles: expected several in a list, got one alone")
    return [profile_of(source) for source in as_list("profiles", sources)]


def paths_of(what: str, sources: Iterable[AnyPath]) -> list[Path]:
    """One path or more.

    Raises:
        UsageError: none, one alone in place of a list, or something that is no path.
    """
    found = [as_path(what, source) for source in as_list(what, sources)]
    if not found:
        raise UsageError(f"{what}: expected one or more, got none")
    return found


def plan_of(source: Plan | AnyPath) -> Plan:
    """A plan, read where a path is given.

    Raises:
        PlanError: the file is missing, or no plan; or a plan was changed into one that is none.
    """
    if not isinstance(source, Plan):
        return read_plan(as_path("plan", source))
    try:
        return Plan.model_validate(source.model_dump())  # model_copy checks nothing
    except ValidationError as problem:
        raise PlanError(f"plan: {explain_validation(problem)}") from None


def rehearsal_of(source: RehearsalResult | AnyPath) -> RehearsalResult:
    """A rehearsal, read where a path is given.

    Raises:
        PlanError: the file is missing, or no rehearsal.
    """
    if isinstance(source, RehearsalResult):
        return source
    return RehearsalResult.read(as_path("rehearsal", source), PlanError)


def policy_of(source: Policy | AnyPath | None) -> Policy:
    """A policy, read where a path is given; the defaults for None.

    Raises:
        PolicyError: the file is missing, or no policy.
    """
    if source is None:
        return Policy()
    return source if isinstance(source, Policy) else read_policy(as_path("policy", source))
