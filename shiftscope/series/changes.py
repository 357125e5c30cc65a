"""What changed, since when, on what evidence, and what to do, from the interim analyses that alarmed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from shiftscope.diagnosis.causes.attribution import evidence_of
from shiftscope.diagnosis.causes.evidence import Evidence
from shiftscope.diagnosis.judged_pairs import Comparisons
from shiftscope.diagnosis.verdicts import Limits, Verdict, judge
from shiftscope.measures.question_names import CONCEPT
from shiftscope.profiles import Profile
from shiftscope.series.actions import ACTIONS
from shiftscope.series.blocks import Blocks
from shiftscope.series.change_points import ChangePoint, change_point
from shiftscope.series.interim_analyses import Alarm, InterimAnalysis
from shiftscope.series.risen_tags import ACQUISITION, risen_tags
from shiftscope.series.together import together
from shiftscope.series.watch_documents import Change
from shiftscope.shifts import Effect, Shift
from shiftscope.shifts.contrasts.class_contrasts import CLASS_CONTRAST

__all__ = ["changes_of"]


def changes_of(
    baseline: Profile, months: Sequence[Profile], found: Sequence[InterimAnalysis], limits: Limits
) -> tuple[Change, ...]:
    """Every question that was alarmed, dated and described with all months; those that were only the likeliest at one
    analysis and are not at the latest that alarms are dropped.

    Args:
        baseline: by its label.
        months: those watched.
        found: an interim analysis after each.
        limits: of the diagnosis.
    """
    first: dict[str, tuple[int, Alarm]] = {}
    last: dict[str, Alarm] = {}
    sure: set[str] = set()
    latest: Collection[str] = ()
    for number, analysis in enumerate(found):
        latest = [question for question, one in analysis.alarms.items() if one.probability is not None] or latest
        for question, alarm in analysis.alarms.items():
            first.setdefault(question, (number, alarm))
            last[question] = alarm
            if alarm.probability is None or alarm.probability >= limits.probable:
                sure.add(question)
    if not first:
        return ()
    everything = found[-1].blocks
    shifts = everything.shifts(range(len(months)))
    out = []
    for question in [question for question in first if question in sure or question in latest]:
        number, alarm = first[question]
        point = change_point(_on(last[question], shifts))
        gradual = point.start > number
        if gradual:  # the likeliest cut of a drift lies in its midst; what alarmed first is nearer to its beginning
            point = change_point(_on(alarm, found[number].blocks.shifts(range(number + 1))))
        described, effect = next(  # the first alarm's axis is there where the last one's is not known so early
            (one, effect)
            for one in (last[question], alarm)
            if (effect := shifts[point.start].on(one.axis, one.classes)) is not None
        )
        shift = _of_classes(described, shifts[point.start])
        verdict = judge([shift], limits)[0]
        blocks = _cut(point.start, baseline, months, everything)
        evidence = _evidence(question, shift, verdict, blocks)
        probability = None if question == CONCEPT else verdict.axes[question].probability or 0.0
        about = (question, months[number].site, gradual, probability)
        out.append(_change(about, effect, point, evidence, months))
    return tuple(out)


def _on(alarm: Alarm, shifts: Sequence[Shift]) -> dict[int, Effect]:
    """The effects on the axis of an alarm, by the first month since."""
    found = {start: shift.on(alarm.axis, alarm.classes) for start, shift in enumerate(shifts)}
    return {start: effect for start, effect in found.items() if effect is not None}


def _of_classes(alarm: Alarm, shift: Shift) -> Shift:
    """The shift with no contrast but that of the alarm, so that sentences about what labels mean are about that one."""
    contrast = shift.contrast(alarm.axis, alarm.classes)
    return replace(shift, contrasts=() if contrast is None else (contrast,))


def _change(
    about: tuple[str, str, bool, float | None],
    effect: Effect,
    point: ChangePoint,
    evidence: tuple[Evidence, ...],
    months: Sequence[Profile],
) -> Change:
    question, alarmed, gradual, probability = about
    low, high = effect.interval
    action, says = ACTIONS[question]
    return Change(
        question=question,
        alarmed=alarmed,
        axis=CLASS_CONTRAST if question == CONCEPT else effect.axis,
        probability=probability,
        gradual=gradual,
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
    """The two blocks of a cut as sentences call them: before first, as in the alphabet, on which sentences about
    pairs rely."""
    since = f"since {months[start].site}"
    return {
        "before": together("before", [baseline, *months[:start]], blocks.before[start].labels),
        since: together(since, months[start:], blocks.since(start).labels),
    }


def _evidence(question: str, shift: Shift, verdict: Verdict, profiles: Mapping[str, Profile]) -> tuple[Evidence, ...]:
    """What changed, as the diagnosis explains a difference of two sites."""
    before, since = profiles
    axes = {name: answer.model_copy(update={"called": name == question}) for name, answer in verdict.axes.items()}
    judged = verdict.model_copy(update={"axes": axes})
    made = Comparisons({(before, since): shift}, {(before, since): judged}, profiles)
    found = [item for item in evidence_of(made) if item.question == question]
    if question == "appearance" and not any(item.cause == ACQUISITION for item in found):
        found.extend(risen_tags(profiles[before], profiles[since]))
    return tuple(found)
