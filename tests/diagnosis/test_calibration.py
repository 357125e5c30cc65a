"""The calibrated model: its shape by property, its data by provenance."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shiftscope.diagnosis.calibration import (
    Calibration,
    QuestionModel,
    Signals,
    Term,
    load_calibration,
    shift_probabilities,
    signals,
)
from shiftscope.diagnosis.verdicts import LIMITS, QUESTIONS
from shiftscope.measures.basis import load_basis
from shiftscope.shifts import SiteStatistics, compare_two
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.stats import Moments

MASKED = ("look", "colour", "texture", "noise", "layout", "lesion", "size", "boundary", "labels")


def none_of(names: tuple[str, ...]) -> dict[str, tuple[float, float, float]]:
    return dict.fromkeys(names, (0.0, 0.0, 0.0))


@pytest.mark.parametrize("masks", [True, False])
def test_without_evidence_nothing_is_probable(masks: bool) -> None:
    names = MASKED if masks else tuple(name for name in MASKED if name not in ("size", "boundary", "lesion"))
    found = shift_probabilities(none_of(names), load_calibration())
    assert {*found} == {*QUESTIONS} - {"concept"} - (set() if masks else {"annotation"})
    for question, shift in found.items():
        assert 0 < shift.probability < LIMITS.probable, question


@pytest.mark.parametrize(
    ("axis", "question"),
    [
        ("look", "appearance"),
        ("noise", "appearance"),
        ("size", "structure"),
        ("boundary", "annotation"),
        ("labels", "label"),
    ],
)
def test_a_plain_shift_on_one_axis_is_probable(axis: str, question: str) -> None:
    found = shift_probabilities({**none_of(MASKED), axis: (8.0, 6.0, 0.0)}, load_calibration())
    assert found[question].probability > 0.5
    assert all(shift.probability < 0.5 for other, shift in found.items() if other != question)


@given(st.lists(st.floats(0, 50), min_size=9, max_size=9), st.integers(0, 8), st.floats(0.01, 20))
def test_more_evidence_is_never_less_probable(values: list[float], which: int, more: float) -> None:
    """Raising the lower end of an axis (its effect kept) cannot lower the probability of what it speaks of."""
    model = load_calibration()
    before: Signals = {name: (value, 0.8 * value, 0.0) for name, value in zip(MASKED, values, strict=True)}
    name = MASKED[which]
    effect, low, held = before[name]
    after = {**before, name: (effect, low + more, held)}
    for question, shift in shift_probabilities(before, model).items():
        assert shift_probabilities(after, model)[question].probability >= shift.probability - 1e-12


def test_what_leaks_and_what_was_held_equal_is_taken_off() -> None:
    term = Term(axis="layout", weight=1.0, leaks={"look": 0.5})
    model = Calibration(
        unit=0.1,
        doubt=0.25,
        answers=(QuestionModel(question="structure", masks=False, intercept=-2.0, disputed=0.1, terms=(term,)),),
        provenance={},
    )

    def evidence(low: float, leaking: float, explained: float) -> float:
        signals = {"layout": (low, low, explained), "look": (leaking, leaking, 0.0)}
        return shift_probabilities(signals, model)["structure"].evidence["layout"]

    full, half = np.log1p(10), np.log1p(5)
    assert evidence(1.0, 0.0, 0.0) == pytest.approx(full)
    assert evidence(1.0, 1.0, 0.0) == pytest.approx(half + 0.1 * (full - half))
    assert evidence(1.0, 0.0, 2.0) == pytest.approx(half)
    assert evidence(1.0, 9.0, 0.0) == pytest.approx(0.1 * full)
    assert evidence(1.0, 0.0, 9.0) == 0


def test_the_calibration_was_made_on_this_basis() -> None:
    """A rebuilt basis needs a new calibration: `make calibration`."""
    known = load_calibration()
    assert known.provenance["basis_sha256"] == load_basis()[1]
    assert {*known.provenance} >= {"made", "machine", "seed", "bases", "federations"}
    for answer in known.answers:
        assert all(term.weight >= 0 and min(term.leaks.values(), default=0.0) >= 0 for term in answer.terms)


def test_signals_are_lower_ends_of_intervals() -> None:
    rng = np.random.default_rng(0)

    def statistics_of(name: str, shift: float) -> SiteStatistics:
        rows = rng.standard_normal((60, 4)) + shift
        return SiteStatistics(name, 60, {"texture": Moments.of(rows)}, {}, None, {}, LabelCounts({}, {}, 0))

    shift = compare_two(statistics_of("a", 0.0), statistics_of("b", 0.7))
    texture = shift.on("texture")
    assert texture is not None
    effect, low, explained = signals([shift])[0]["texture"]
    assert (effect, explained) == (texture.value, 0.0)
    assert texture.interval[0] < low < effect
    assert texture.exceeds(low) == pytest.approx(0.9, abs=1e-3)
