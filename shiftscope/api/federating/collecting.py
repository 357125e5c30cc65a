"""`profile --federation`: at the coordinator, a profile of each site, as far as their policies let one out."""

import logging
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from shiftscope.api.federating.chosen_folders import coordinator_of
from shiftscope.errors import EngineError, FederationError, ProfileError
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolment_answers import EnrolmentStep
from shiftscope.federations.orders import OrderedProfile
from shiftscope.option_values import AnyPath, as_list, as_number, as_path, as_whole_number
from shiftscope.parsing import parse_json
from shiftscope.profiles import Profile
from shiftscope.training.federation.job_orders import profile_order
from shiftscope.training.run_options import TIMEOUT_S

__all__ = ["collect_profiles"]

_LOGGER = logging.getLogger(__name__)


def collect_profiles(
    federation: str | None = None,
    *,
    sites: Sequence[str] = (),
    output: AnyPath | None = None,
    classes: Sequence[str] = (),
    seed: int = 0,
    epsilon: float | None = None,
    timeout_s: float = TIMEOUT_S,
    home: AnyPath | None = None,
) -> EnrolmentStep:
    """Ask sites of a federation for their profiles; each profiles its own images and sends what its policy lets out.

    Args:
        federation: its name; the only one that is coordinated here unless given.
        sites: whom to ask; all that were accepted unless given.
        output: the folder for SITE.profile.json of each site; the current one unless given.
        classes: names of classes that are known here already.
        seed, epsilon: as `profile` takes them.
        timeout_s: how long the slowest site is waited for, in seconds.
        home: where federations lie, in place of SHIFTSCOPE_HOME or ~/.shiftscope.

    Raises:
        FederationError: there is no such federation, or it has no sites.
        EngineError: its SuperLink is not running, or no site sent a profile.
    """
    coordinator = coordinator_of(federation, home)
    asked = as_list("sites", sites) or [member.site for member in coordinator.members() if member.removed is None]
    if not asked:
        name = coordinator.settings.federation
        raise FederationError(f"no site was accepted in '{name}' yet: shiftscope federation accept {name} FILE")
    options = OrderedProfile(
        seed=as_whole_number("seed", seed, 0, 2**63 - 1),
        classes=tuple(as_list("classes", classes)),
        epsilon=None if epsilon is None else as_number("epsilon", epsilon, 0),
    )
    profiles, failures = _collected(coordinator, asked, options, as_number("timeout_s", timeout_s, 1))
    if not profiles:
        why = "; ".join(f"{site}: {reason}" for site, reason in failures.items())
        raise EngineError(f"no site sent a profile ({why})")
    folder = Path() if output is None else as_path("output", output)
    files = {site: folder / f"{site}.profile.json" for site in profiles}
    for site, made in profiles.items():
        made.write(files[site])
    return EnrolmentStep(
        done=f"{len(profiles)} of {len(asked)} sites sent their profiles",
        facts={site: str(files[site]) if site in files else f"none: {failures[site]}" for site in sorted(asked)},
        then=(f"shiftscope recommend {' '.join(str(file) for file in files.values())}",) if len(files) > 1 else (),
    )


def _collected(
    coordinator: Coordinator, sites: Sequence[str], options: OrderedProfile, timeout_s: float
) -> tuple[dict[str, Profile], dict[str, str]]:
    """Site -> its profile, once it is seen that it is one, and site -> why there is none."""
    from shiftscope.training.federation.flower.deployed.deployments import collect, nodes_of
    from shiftscope.training.federation.flower.deployed.profile_collections import ProfileCollection

    nodes, now = nodes_of(coordinator, list(sites)), datetime.now(UTC)
    run = secrets.token_hex(16)
    order = profile_order(coordinator.settings.federation, sites, options, run, timeout_s, now)
    collection = ProfileCollection(
        out=coordinator.path / "runs" / f"profiles-{run[:8]}", timeout_s=timeout_s, nodes=nodes
    )
    _LOGGER.info("asking %d sites for their profiles", len(sites))
    answers = collect(collection, coordinator, order)
    profiles, failures = {}, dict(answers.failures)
    for site, text in answers.profiles.items():
        try:
            values = parse_json(text, f"site {site}", "a profile", ProfileError)
            made = Profile.from_dict(values, f"site {site}", ProfileError)
            if made.site != site:
                raise ProfileError(f"it calls itself {made.site!r}")
            profiles[site] = made
        except ProfileError as problem:
            failures[site] = str(problem)
    return profiles, failures
