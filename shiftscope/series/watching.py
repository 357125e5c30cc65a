"""From a baseline and its months to what changed, since when, and what to do."""

from collections.abc import Mapping, Sequence

from shiftscope.diagnosis.attribution import evidence_of
from shiftscope.diagnosis.comparisons import Comparisons
from shiftscope.diagnosis.evidence import Evidence
from shiftscope.diagnosis.verdicts import LIMITS, Limits, Verdict, judge
from shiftscope.profiles import Profile
from shiftscope.series.actions import ACTIONS
from shiftscope.series.blocks import Blocks
from shiftscope.series.change_points import ChangePoint, change_point
from shiftscope.series.limits import spent
from shiftscope.series.looks import Alarm, Look, Test, looks, question_of
from shiftscope.series.months import caveats_of, date_of, is_enough, require_series
from shiftscope.series.records import Change, Month, Reading, Watch
from shiftscope.series.together import together
from shiftscope.shifts import Effect, Shift, Side, intervals

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
    found = list(looks(Side.of(first), [Side.of(profile) for profile in watched], alpha, limits))
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
        changes=_changes(first, watched, found, limits),
        caveats=tuple(caveats_of(first, rest, sites, limits)),
    )


def _month(profile: Profile, look: Look | None, names: Sequence[str]) -> Month:
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
        p=effect.p,
        limit=test.limit,
        outside=test.outside,
    )


def _changes(baseline: Profile, months: Sequence[Profile], found: Sequence[Look], limits: Limits) -> tuple[Change, ...]:
    """Every question that was alarmed, dated and told with all months."""
    first: dict[str, int] = {}
    sure: set[str] = set()
    latest: Mapping[str, Alarm] = {}
    axes: dict[str, str] = {}
    for number, look in enumerate(found):
        latest = look.alarms or latest
        for question, alarm in look.alarms.items():
            first.setdefault(question, number)
            axes[question] = alarm.axis
            if alarm.probability >= limits.probable:
                sure.add(question)
    if not first:
        return ()
    starts = range(len(months))
    shifts = dict(zip(starts, found[-1].blocks.shifts(starts), strict=True))
    out = []
    for question in [question for question in first if question in sure or question in latest]:
        axis = axes[question]
        effects = {start: effect for start, shift in shifts.items() if (effect := shift.on(axis)) is not None}
        point = change_point(effects)
        told = _cut(point.start, baseline, months, found[-1].blocks)
        verdict = judge([shifts[point.start]], limits)[0]
        out.append(
            _change(
                question,
                months[first[question]].site,
                effects[point.start],
                verdict.axes[question].probability or 0.0,
                point,
                _evidence(question, shifts[point.start], verdict, told),
                months,
            )
        )
    return tuple(out)


def _change(
    question: str,
    alarmed: str,
    effect: Effect,
    probability: float,
    point: ChangePoint,
    evidence: tuple[Evidence, ...],
    months: Sequence[Profile],
) -> Change:
    low, high = effect.interval
    action, says = ACTIONS[question]
    return Change(
        question=question,
        alarmed=alarmed,
        axis=effect.axis,
        probability=probability,
        start=months[point.start].site,
        possible=tuple(months[start].site for start in point.possible),
        effect=effect.value,
        low=low,
        high=high,
        n=effect.n,
        action=action,
        says=says,
        evidence=evidence,
    )


def _cut(start: int, baseline: Profile, months: Sequence[Profile], blocks: Blocks) -> Mapping[str, Profile]:
    """The two blocks of a cut as sentences call them: before first, as in the alphabet, on which the telling of pairs
    relies."""
    since = f"since {months[start].site}"
    return {
        "before": together("before", [baseline, *months[:start]], blocks.before[start].labels),
        since: together(since, months[start:], blocks.since(start).labels),
    }


def _evidence(question: str, shift: Shift, verdict: Verdict, profiles: Mapping[str, Profile]) -> tuple[Evidence, ...]:
    """What moved, as the diagnosis tells it of two sites."""
    before, since = profiles
    axes = {name: answer.model_copy(update={"called": name == question}) for name, answer in verdict.axes.items()}
    judged = verdict.model_copy(update={"axes": axes})
    made = Comparisons({(before, since): shift}, {(before, since): judged}, profiles)
    return tuple(item for item in evidence_of(made) if item.question == question)
