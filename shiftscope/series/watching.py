"""From a baseline and its months to a watch: every month with what its look found."""

from collections.abc import Sequence

from shiftscope.diagnosis.verdicts import LIMITS, Limits
from shiftscope.profiles import Profile
from shiftscope.series.changes import changes_of
from shiftscope.series.interim_analyses import InterimAnalysis, Test, interim_analyses, question_of
from shiftscope.series.limits import spent
from shiftscope.series.months import caveats_of, date_of, is_enough, require_series
from shiftscope.series.watch_documents import Month, Reading, Watch
from shiftscope.shifts import SiteStatistics, intervals

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
        alpha: chance of any alarm, over all looks and axes, when nothing changes.
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
    tests = [test.effect for look in found for test in look.tests.values()]
    if tests:
        intervals(tests)
    by_label = {profile.site: look for profile, look in zip(watched, found, strict=True)}
    names = [profile.site for profile in watched]
    return Watch(
        baseline=first.site,
        patients=first.patients,
        alpha=alpha,
        spent=spent(alpha, len(found)),
        months=tuple(_month(profile, by_label.get(profile.site), names) for profile in rest),
        changes=changes_of(first, watched, found, limits),
        caveats=tuple(caveats_of(first, rest, sites, limits)),
    )


def _month(profile: Profile, look: InterimAnalysis | None, names: Sequence[str]) -> Month:
    readings = tuple(_reading(test, names[test.start]) for test in look.tests.values()) if look else ()
    return Month(
        label=profile.site,
        patients=profile.patients,
        dated=date_of(profile),
        watched=look is not None,
        readings=readings,
        alarms=tuple(look.alarms) if look else (),
    )


def _reading(test: Test, since: str) -> Reading:
    effect = test.effect
    low, high = effect.interval
    return Reading(
        axis=effect.axis,
        question=question_of(effect),
        since=since,
        effect=effect.value,
        low=low,
        high=high,
        n=effect.n,
        p=test.p,
        limit=test.limit,
        outside=test.outside,
    )
