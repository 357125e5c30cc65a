"""What a rehearsal says to whoever advises: of whom it was, on what network the plan trains, and its gains."""

from collections.abc import Sequence

from scipy import special

from shiftscope.errors import PlanError
from shiftscope.plans.plan import Plan
from shiftscope.plans.rehearsal_results import RehearsalResult
from shiftscope.printable_text import shown
from shiftscope.profiles import Profile
from shiftscope.recommendation import MeasuredGain, Network

__all__ = ["measured_gains", "network_of", "require_rehearsed"]


def require_rehearsed(rehearsal: RehearsalResult, profiles: Sequence[Profile]) -> None:
    """That a rehearsal was of these sites and of the data that the profiles describe.

    Raises:
        PlanError: it was of others.
    """
    rehearsed = {site: planned.fingerprint for site, planned in rehearsal.plan.sites.items()}
    profiled = {profile.site: profile.fingerprint for profile in profiles}
    if odd := sorted(rehearsed.keys() ^ profiled.keys()):
        have = "rehearsed and not profiled" if odd[0] in rehearsed else "profiled and not rehearsed"
        raise PlanError(f"rehearsal: site {shown(odd[0])} was {have}; give the profiles of the sites that rehearsed")
    if changed := [site for site in sorted(rehearsed) if rehearsed[site] != profiled[site]]:
        raise PlanError(
            f"rehearsal: site {shown(changed[0])} rehearsed with other data than its profile describes; rehearse again"
        )


def network_of(plan: Plan) -> Network:
    """What a plan trains."""
    if plan.model == "linear":
        return "frozen"
    return "random" if plan.weights is None else "pretrained"


def measured_gains(rehearsal: RehearsalResult) -> tuple[MeasuredGain, ...]:
    """Of every strategy whose gain over FedAvg has an interval."""
    return tuple(
        MeasuredGain(each.harmonizer, each.method, gain.mean, _error(gain.low, gain.high, gain.level))
        for each in rehearsal.strategies[1:]
        if (gain := each.gain).mean is not None and gain.low is not None and gain.high is not None
    )


def _error(low: float, high: float, level: float) -> float:
    """Of a normal interval."""
    return (high - low) / 2 / float(special.ndtri((1 + level) / 2))
