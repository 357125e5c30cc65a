"""The measures behind a verdict, in sentences with the effect, its interval and n."""

import numpy as np

from shiftscope.diagnosis.verdicts import AxisVerdict, Verdict
from shiftscope.measures import AXES, boundary, colour, intensity, morphology, texture
from shiftscope.profiles.profile import Profile, Summary
from shiftscope.records import Real, Record
from shiftscope.shifts import Shift
from shiftscope.stats import welch

__all__ = ["Evidence", "evidence_of"]

PER_QUESTION = 2
"""Measures told for one question of one pair: the clearest, so that one cause is not told six times."""

_FAMILIES: dict[str, tuple[str, ...]] = {
    "appearance": (*intensity.MEASURES, *texture.MEASURES, *colour.MEASURES),
    "structure": (*morphology.MEASURES_2D, *morphology.MEASURES_3D),
    "annotation": tuple(boundary.MEASURES),
}


class Evidence(Record):
    """One sentence and the numbers in it.

    Attributes:
        measure: a key of `MEASURES`, an axis, or "labels".
        sites: the two sites compared.
        effect: difference of the means, second site less the first, in the measure's unit; for an axis, the effect.
        low: lower end of its 95 % interval.
        high: upper end.
        n: patients on either side.
        says: the sentence.
    """

    measure: str
    sites: tuple[str, str]
    effect: Real
    low: Real
    high: Real
    n: tuple[int, int]
    says: str


def evidence_of(shift: Shift, verdict: Verdict, profiles: tuple[Profile, Profile]) -> list[Evidence]:
    """Sentences for every question that counts as a shift; one that says how small the effects are where none does."""
    out = []
    for question, answer in verdict.axes.items():
        if not answer.called:
            continue
        if question == "label":
            out.append(_labels(shift, answer, profiles))
            continue
        told = _clearest(question, profiles)
        out.extend(told or [_axis(shift, question, answer, profiles)])
    return out or [_nothing(shift, verdict, profiles)]


def _clearest(question: str, profiles: tuple[Profile, Profile]) -> list[Evidence]:
    """The measures whose means differ most for their spread, one of each kind."""
    a, b = (profile.measures for profile in profiles)
    shared = [name for name in _FAMILIES[question] if name in a and name in b]
    if "brightness_outside" in shared:
        shared.remove("brightness")  # told without the lesion where that is possible
    rated = []
    for name in shared:
        gap, low, high = welch((b[name].n, a[name].n), (b[name].mean, a[name].mean), (b[name].sd, a[name].sd))
        spread = float(np.sqrt((a[name].sd ** 2 + b[name].sd ** 2) / 2))
        if spread > 0 and (low > 0 or high < 0):
            rated.append((abs(gap) / spread, _sentence(name, (gap, low, high), a[name], b[name], _names(profiles))))
    rated.sort(key=lambda item: -item[0])
    told: dict[str, Evidence] = {}
    for _, sentence in rated:
        told.setdefault(_root(sentence.measure), sentence)
    return list(told.values())[:PER_QUESTION]


def _root(name: str) -> str:
    """What a measure has in common with itself in another unit."""
    return name.removesuffix("_mm2").removesuffix("_mm3").removesuffix("_relative")


def _names(profiles: tuple[Profile, Profile]) -> tuple[str, str]:
    return profiles[0].site, profiles[1].site


def _sentence(name: str, gap: tuple[float, float, float], a: Summary, b: Summary, sites: tuple[str, str]) -> Evidence:
    """One measure in words: logarithms as ratios, all else in the measure's unit."""
    effect, low, high = gap
    noun = _root(name.removeprefix("log_")).replace("_", " ")
    if a.unit.startswith("log"):
        change = f"{noun} is {_number(np.exp(effect))} times at '{sites[1]}' what it is at '{sites[0]}'"
        ends = f"[{_number(np.exp(low))}, {_number(np.exp(high))}]"
    else:
        unit = "" if a.unit == "1" else f" {a.unit}"
        way = "higher" if effect > 0 else "lower"
        near, far = sorted((abs(low), abs(high)))
        change = (
            f"{noun} is {_number(abs(effect))}{unit} {way} at '{sites[1]}' than at '{sites[0]}'"
            f" ({_number(b.mean)} against {_number(a.mean)})"
        )
        ends = f"[{_number(near)}, {_number(far)}]"
    says = f"{change}, 95 % {ends}, n = {b.n} against {a.n}"
    return Evidence(measure=name, sites=sites, effect=effect, low=low, high=high, n=(a.n, b.n), says=says)


def _axis(shift: Shift, question: str, answer: AxisVerdict, profiles: tuple[Profile, Profile]) -> Evidence:
    axis, n = _asked(shift, question, answer)
    one, two = _names(profiles)
    says = f"{AXES[axis].says} differs between '{one}' and '{two}': effect {_range(answer)}, n = {n[0]} against {n[1]}"
    return _of_axis(axis, answer, n, says, profiles)


def _labels(shift: Shift, answer: AxisVerdict, profiles: tuple[Profile, Profile]) -> Evidence:
    def shares(profile: Profile) -> str:
        return ", ".join(
            f"{label} {count / profile.labelled:.0%}" if isinstance(count, int) else f"{label} {count}"
            for label, count in profile.labels.items()
        )

    axis, n = _asked(shift, "label", answer)
    told = [f"{shares(profile)} of {size} at '{profile.site}'" for profile, size in zip(profiles, n, strict=True)]
    return _of_axis(axis, answer, n, f"classes differ: {' against '.join(told)}, effect {_range(answer)}", profiles)


def _nothing(shift: Shift, verdict: Verdict, profiles: tuple[Profile, Profile]) -> Evidence:
    """What was seen where nothing counts, and how large a shift it leaves possible."""
    answers = {question: answer for question, answer in verdict.axes.items() if answer.high is not None}
    question = max(answers, key=lambda key: answers[key].high or 0.0)
    answer = answers[question]
    axis, n = _asked(shift, question, answer)
    one, two = _names(profiles)
    says = (
        f"no shift that counts between '{one}' and '{two}': the least certain answer is {question}, effect"
        f" {_range(answer)}, n = {n[0]} against {n[1]}"
    )
    return _of_axis(axis, answer, n, says, profiles)


def _asked(shift: Shift, question: str, answer: AxisVerdict) -> tuple[str, tuple[int, int]]:
    """The axis behind an answer and the patients it was measured on."""
    effect = shift.on(answer.axis or "")
    return (question, (0, 0)) if effect is None else (effect.axis, effect.n)


def _of_axis(
    axis: str, answer: AxisVerdict, n: tuple[int, int], says: str, profiles: tuple[Profile, Profile]
) -> Evidence:
    effect, low, high = (value or 0.0 for value in (answer.effect, answer.low, answer.high))
    return Evidence(measure=axis, sites=_names(profiles), effect=effect, low=low, high=high, n=n, says=says)


def _range(answer: AxisVerdict) -> str:
    return f"{_number(answer.effect or 0.0)}, 95 % [{_number(answer.low or 0.0)}, {_number(answer.high or 0.0)}]"


def _number(value: float) -> str:
    """Two significant digits, no exponent: 36, 3.6, 0.36."""
    digits = 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2
    return f"{value:.{digits}f}"
