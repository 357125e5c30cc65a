"""From a baseline and its months to a watch: every month with what its interim analysis found."""

from collections.abc import Sequence

from shiftscope.diagnosis.verdicts import LIMITS, Limits
from shiftscope.profiles import Profile
from shiftscope.series.changes import changes_of
from shiftscope.series.interim_analyses import InterimAnalysis, Test, interim_analyses
from shiftscope.series.limits import spent
from shiftscope.series.months import caveats_of, date_of, is_enough, require_series
from shiftscope.series.watch_documents import Month, Reading, Watch
from shiftscope.shifts import EffectBatch, SiteStatistics

__all__ = ["ALPHA", "watch"]

ALPHA = 0.05


def watch(
    baseline: tuple[str, Profile],
    months: Sequence[tuple[str, Profile]],
    alpha: float = ALPHA,
    limits: Limits = LIMITS,
) -> Watch:
    """Watch a site's months for changes against its baseline. Nothing is drawn: the same files give the same answer,
    and a month more changes nothing of what was said after the months before.

    Args:
        baseline: label and profile of what the site was like.
        months: label and profile of each month, the oldest first; no patient is in two of them or in the baseline.
        alpha: chance of any alarm, over all interim analyses and axes, when nothing changes.
        limits: margins, and patients that are needed.

    Raises:
        ProfileError: see `months.require_series`.
        NotComparable: likewise.
    """
    sites = {label: profile.site for label, profile in (baseline, *months)}
    first, *rest = (profile.model_copy(update={"site": label}) for label, profile in (baseline, *months))
    require_series(first, rest, limits)
    watched = [profile for profile in rest if is_enough(profile, limits)]
    found = list(
        interim_analyses(SiteStatistics.of(first), [SiteStatistics.of(profile) for profile in watched], alpha, limits)
    )
    names = [profile.site for profile in watched]
    readings = dict(zip(names, _readings(found, names), strict=True))
    alarms = {name: tuple(analysis.alarms) for name, analysis in zip(names, found, strict=True)}
    return Watch(
        baseline=first.site,
        patients=first.patients,
        alpha=alpha,
        spent=spent(alpha, len(found)),
        months=tuple(
            Month(
                label=profile.site,
                patients=profile.patients,
                dated=date_of(profile),
                watched=profile.site in readings,
                readings=readings.get(profile.site, ()),
                alarms=alarms.get(profile.site, ()),
            )
            for profile in rest
        ),
        changes=changes_of(first, watched, found, limits),
        caveats=tuple(caveats_of(first, rest, sites, limits)),
    )


def _readings(found: Sequence[InterimAnalysis], names: Sequence[str]) -> list[tuple[Reading, ...]]:
    """What each analysis found on every axis.

    Args:
        found: the analyses, one after each month.
        names: labels of these months.
    """
    effects = [test.effect for analysis in found for test in analysis.tests.values()]
    intervals = iter(EffectBatch.of(effects).intervals.tolist())
    return [
        tuple(_reading(axis, test, names[test.start], next(intervals)) for axis, test in analysis.tests.items())
        for analysis in found
    ]


def _reading(axis: str, test: Test, since: str, interval: Sequence[float]) -> Reading:
    effect = test.effect
    low, high = interval
    return Reading(
        axis=axis,
        question=effect.question,
        since=since,
        effect=effect.value,
        low=low,
        high=high,
        n=effect.n,
        p=test.p,
        limit=test.limit,
        outside=test.outside,
    )
