"""`check`: is a new delivery still what it was?"""

from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import Unpack

from shiftscope import checks
from shiftscope.api.deliveries import DELIVERY, is_site, read_delivery, shown
from shiftscope.api.documents import AnyPath, policy_of, profiles_of
from shiftscope.api.site_listing import OwnerOptions, declarations
from shiftscope.checks import CheckResult, Policy
from shiftscope.errors import UsageError
from shiftscope.option_values import as_flag, as_list, as_path
from shiftscope.profiles import Profile, require_different_sites
from shiftscope.progress import Report, silent
from shiftscope.sites import Site

__all__ = ["CheckResult", "check"]


def check(
    new: Profile | AnyPath | Site,
    against: Profile | AnyPath | Iterable[Profile | AnyPath],
    *,
    policy: Policy | AnyPath | None = None,
    fail_on: Sequence[str] | None = None,
    warn_only: bool = False,
    name_files: bool = False,
    name: str | None = None,
    weights: AnyPath | None = None,
    device: str = "auto",
    jobs: int | None = None,
    max_failures: int | float | None = None,
    progress: Report = silent,
    **owner: Unpack[OwnerOptions],
) -> CheckResult:
    """Hold a new delivery against a baseline of its own site, or against other sites.

    Args:
        new: a profile; or a folder of images, a manifest or a `Site`, profiled first in the way of its baselines.
        against: one profile of the same site, or those of others, as documents or as paths.
        policy: the limits; the defaults unless given.
        fail_on: what may fail it, instead of the policy's: appearance, structure, label, annotation, files, any.
        warn_only: nothing fails, everything warns.
        name_files: whether the result and messages may name a folder's bad files; they must then stay at the site.
        name: of a folder's site; the baseline's unless given.
        weights: of the baseline's timm model, to profile a folder.
        device, jobs, max_failures, owner: as `profile` takes them, for a folder.
        progress: called after every case of a folder.

    Returns:
        "passed", "failed" or "inconclusive" with every finding behind it.

    Raises:
        ProfileError: no baseline, two of one site, or a file that is no profile.
        NotComparable: profiles measured in different ways.
        PolicyError, InputError, UsageError: a policy, a folder or an option that cannot be used.
    """
    declarations(owner)  # to be told of a misspelt option also where no folder is read
    limits = _limits(policy_of(policy), fail_on, as_flag("warn_only", warn_only))
    baselines = profiles_of([against] if isinstance(against, Profile | str | PathLike) else against)
    require_different_sites(baselines)
    if isinstance(new, Profile):
        return checks.check(new, baselines, limits)
    delivery = new if isinstance(new, Site) else as_path("a delivery", new)
    profile, failures = read_delivery(
        delivery,
        baselines,
        name=name,
        owner=owner,
        weights=None if weights is None else Path(weights),
        device=device,
        jobs=jobs,
        max_failures=max_failures,
        name_files=name_files,
        progress=progress,
    )
    source = DELIVERY
    if isinstance(delivery, Path) and (name_files or not is_site(delivery)):
        source = shown(delivery)
    return checks.check(profile, baselines, limits, source, failures if name_files else ())


def _limits(policy: Policy, fail_on: Sequence[str] | None, warn_only: bool) -> Policy:
    """The policy with what is said instead.

    Raises:
        UsageError: `fail_on` names no category.
    """
    values = policy.to_dict()
    if fail_on is not None:
        values["fail_on"] = as_list("fail_on", fail_on)
    return Policy.from_dict(values | {"warn_only": warn_only or values["warn_only"]}, "--fail-on", UsageError)
