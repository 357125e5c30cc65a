"""At a site or the coordinator: what keeps a federation from working."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import chain

from shiftscope.api.federating.chosen_folders import chosen_home
from shiftscope.disclosure.policies.policy_findings import policy_findings, room_findings
from shiftscope.errors import FederationError
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.doctor.examinations import examine_coordinator, examine_site
from shiftscope.federations.doctor.health_findings import Examination, failed
from shiftscope.federations.homes import coordinator_path, only_name, site_path
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.option_values import AnyPath

__all__ = ["examine_federation"]


def examine_federation(name: str | None = None, *, home: AnyPath | None = None) -> list[Examination]:
    """What is wrong with a federation here, at its coordinator, at its site, or at both where both are here.

    Raises:
        FederationError: there is no such federation here.
    """
    place, now = chosen_home(home), datetime.now(UTC)
    name = only_name(place, name)
    found = []
    if coordinator_path(place, name).is_dir():
        found.append(_examined(name, "coordinator", lambda: examine_coordinator(Coordinator.open(place, name), now)))
    if site_path(place, name).is_dir():
        found.append(_examined(name, "site", lambda: _at_site(JoinedSite.open(place, name), now)))
    if not found:
        raise FederationError(
            f"{place}: no federation '{name}' is coordinated or joined here; give another name, or --home"
        )
    return found


def _at_site(site: JoinedSite, now: datetime) -> Examination:
    from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS

    policy = policy_findings(site.policy, (*CONTROLS, *PERSONALIZERS))
    return examine_site(site, now, chain(policy, room_findings(site.policy, site.taken())))


def _examined(name: str, place: str, examine: Callable[[], Examination]) -> Examination:
    """An examination; of a folder that cannot be opened, what keeps it from that is the finding."""
    try:
        return examine()
    except FederationError as problem:
        found, _, remedy = str(problem).partition("; ")
        return Examination(federation=name, place=place, findings=(failed("folder", found, remedy or "restore it"),))
