"""Do the same labels mean the same? Other labels are called, other images are not, and what cannot be told is said."""

import json
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from policies_of_advice import policy

from shiftscope.diagnosis import LIMITS, AxisVerdict, Diagnosis, diagnose
from shiftscope.diagnosis.concept_verdicts import judge_concepts
from shiftscope.diagnosis.verdicts import QUESTIONS, judge
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Patient, Profile, SiteAccumulator
from shiftscope.profiles.parts.origins import Origin
from shiftscope.recommendation import Advice, AdviceBasis, advise
from shiftscope.reports.wording import answered, called
from shiftscope.shifts import Shift, SiteStatistics, compare_all
from shiftscope.shifts.contrasts.compared_classes import contrasts_of_pairs, contrasts_of_sites
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.sites import Site, case_digests
from shiftscope.stats import Moments

AXES = {"intensity": 8, "texture": 8, "noise": 4, "layout": 16}
GOLDEN = Path(__file__).parents[1] / "golden" / "advice-1.json"

Drawn = tuple[np.ndarray, dict[str, np.ndarray]]
"""Who is called malignant, and coordinates by axis."""


def patients(rng: np.random.Generator, n: int, gap: float = 1.6, swapped: float = 0.0, moved: float = 0.0) -> Drawn:
    """n patients of either class, `gap` apart on the first coordinate of each axis; a share of labels is the other."""
    ill = np.arange(2 * n) < n
    axes = {axis: rng.standard_normal((2 * n, width)) + moved for axis, width in AXES.items()}
    for rows in axes.values():
        rows[:, 0] += gap * ill
    return ill != (np.arange(2 * n) % n < swapped * n), axes


def federation(rng: np.random.Generator, n: int = 50, gap: float = 1.6, **last: float) -> list[SiteStatistics]:
    """Two sites alike, and a third to which something was done."""
    out = []
    for name in "abc":
        malignant, axes = patients(rng, n, gap, **(last if name == "c" else {}))
        groups = {"benign": ~malignant, "malignant": malignant}
        plain = {axis: Moments.of(values[:, :4]) for axis, values in axes.items()}
        classes = {
            label: {axis: Moments.of(values[group, :4]) for axis, values in axes.items()}
            for label, group in groups.items()
        }
        counts = {label: int(group.sum()) for label, group in groups.items()}
        out.append(SiteStatistics(name, 2 * n, plain, {}, None, classes, LabelCounts(counts, counts, 2 * n)))
    return out


def each_site(sites: list[SiteStatistics]) -> list[AxisVerdict]:
    """Each against all others, judged together."""
    return judge_concepts([Shift((), found) for found in contrasts_of_sites(sites).values()], LIMITS)


def first_and_last(sites: list[SiteStatistics]) -> AxisVerdict:
    """The two, judged alone."""
    return judge_concepts([compare_all(sites).pairs["a", "c"]], LIMITS)[0]


def profile(rng: np.random.Generator, name: str, n: int = 50, **done: float) -> Profile:
    """The profile of a site of such patients."""
    accumulator = SiteAccumulator()
    malignant, axes = patients(rng, n, **done)
    for number, ill in enumerate(malignant):
        numbers = {"quantiles": np.sort(rng.random(33)), "amplitude": rng.random(24)}
        label = "malignant" if ill else "benign"
        rows = {axis: values[number] for axis, values in axes.items()}
        accumulator.add(Patient(1, 0, label, rows, numbers, {}, frozenset({"2-D"}), False))
    site = Site(name, Path(name), "images", (), "manifest", (), {})
    found = accumulator.export(Origin.of(site, 0, load_extractor(), {}, enumerate(case_digests(site))))
    return found.model_copy(update={"fingerprint": sha256(name.encode()).hexdigest()})


REWARDING = AdviceBasis(policy(), "random")


@pytest.fixture(scope="module")
def advice() -> Advice:
    """On three sites, of which the last swaps half of its labels, by a policy that rewards models of their own then."""
    rng = np.random.default_rng(3)
    return advise([profile(rng, name, swapped=0.5 * (name == "c")) for name in "abc"], REWARDING)


def test_swapped_labels_are_called_in_the_pairs_of_the_site_that_swapped_them() -> None:
    calls: dict[tuple[str, str], int] = {}
    for rng in np.random.default_rng(0).spawn(15):
        pairs = contrasts_of_pairs(federation(rng, 80, swapped=0.5))
        answers = judge_concepts([Shift((), found) for found in pairs.values()], LIMITS)
        for pair, answer in zip(pairs, answers, strict=True):
            calls[pair] = calls.get(pair, 0) + answer.called
        assert {answer.classes for answer in answers} == {("benign", "malignant")}
        assert {answer.probability for answer in answers} == {None}
    assert calls["a", "c"] >= 14
    assert calls["b", "c"] >= 14
    assert calls["a", "b"] <= 2


@pytest.mark.parametrize("moved", [0.0, 1.0, 3.0])
def test_nothing_but_images_is_rarely_called(moved: float) -> None:
    wrong = 0
    for rng in np.random.default_rng(1).spawn(40):
        wrong += any(answer.called for answer in each_site(federation(rng, 30, moved=moved)))
    assert wrong <= 6  # 5 % family-wise: more has a chance of 1 %


def test_three_readings_where_nothing_is_called() -> None:
    rng = np.random.default_rng(2)
    near = first_and_last(federation(rng, 100))
    assert (near.called, near.hidden, answered(near)) == (False, False, "not seen")
    assert near.detectable is not None
    assert near.detectable < 0.8**2
    for sites in (federation(rng, 100, moved=2.0), federation(rng, 12, gap=0.8)):
        hidden = first_and_last(sites)
        assert (hidden.called, hidden.hidden, answered(hidden)) == (False, True, "cannot tell")
    unasked = first_and_last([replace(site, classes={}) for site in federation(rng, 100)])
    assert unasked == AxisVerdict()
    assert answered(unasked) == "not asked"


def test_all_comparisons_share_one_level() -> None:
    """The same comparison among many that show nothing has a p value as many times as large."""
    shift = compare_all(federation(np.random.default_rng(4), 100, swapped=0.4)).pairs["a", "c"]
    calm = compare_all(federation(np.random.default_rng(5))).pairs["a", "b"]
    (alone,) = judge_concepts([shift], LIMITS)
    among = judge_concepts([shift, *[calm] * 9], LIMITS)[0]
    assert alone.p is not None
    assert alone.called
    assert among.p == pytest.approx(10 * alone.p, rel=1e-6)
    assert among.effect == alone.effect


def test_the_other_answers_are_what_they_would_be_without_it() -> None:
    shifts = [*compare_all(federation(np.random.default_rng(6), swapped=0.5, moved=0.8)).pairs.values()]
    with_it, without = judge(shifts), judge([Shift(shift.effects) for shift in shifts])
    for one, other in zip(with_it, without, strict=True):
        assert list(one.axes) == list(QUESTIONS)
        assert one.kind == other.kind
        assert {**one.axes, "concept": None} == {**other.axes, "concept": None}
        assert other.axes["concept"] == AxisVerdict()


def test_a_federation_with_swapped_labels_is_said_to_be_one(advice: Advice) -> None:
    diagnosis = advice.diagnosis
    assert diagnosis.kind == "none"
    assert "the same labels mean something else" in called(diagnosis)
    assert "the same labels mean something else" in diagnosis.headline()
    assert {pair.a + pair.b for pair in diagnosis.pairs if pair.axes["concept"].called} == {"ac", "bc"}
    (finding,) = [item for item in diagnosis.evidence if item.question == "concept"]
    assert finding.sites == ("a", "b", "c")
    assert finding.n == (200, 100)
    assert "mean something else at 'c'" in finding.says
    assert "'benign' and 'malignant' do not lie apart as they do elsewhere" in finding.says
    assert advice.recommendation.action == "personalize"
    row = next(row for row in diagnosis.to_rows() if (row["a"], row["b"], row["question"]) == ("a", "c", "concept"))
    assert (row["called"], row["hidden"], row["probability"]) == (True, False, None)


def test_what_cannot_be_told_is_said_with_what_decides_it() -> None:
    rng = np.random.default_rng(7)
    far = diagnose([profile(rng, name, moved=3.0 * (name == "b")) for name in "ab"])
    (finding,) = [item for item in far.evidence if item.question == "concept"]
    assert "cannot be told between 'a' and 'b': images differ too much" in finding.says
    assert "shiftscope rehearse" in finding.says
    few = advise(
        [profile(rng, name, 25, gap=0.8) for name in "ab"], AdviceBasis(policy(size=0.0, conflict=0.3), "random")
    )
    (finding,) = [item for item in few.diagnosis.evidence if item.question == "concept"]
    assert "cannot be told between 'a' and 'b': patients are too few" in finding.says
    assert few.recommendation.action == "pool"
    assert any("shiftscope rehearse" in text for text in few.recommendation.undecided)
    bare = diagnose([profile(rng, "a"), profile(rng, "b").model_copy(update={"by_class": {}})])
    (finding,) = [item for item in bare.evidence if item.question == "concept"]
    assert finding.says.startswith(
        "nothing can be said of what the labels mean: no two sites have two classes in common"
    )


def test_a_document_from_before_the_question_is_read_as_one_that_did_not_ask_it() -> None:
    value = json.loads(GOLDEN.read_text(encoding="utf-8"))["diagnosis"]
    old = json.loads(json.dumps(value))
    for axes in (old["axes"], *(item["axes"] for item in (*old["pairs"], *old["by_site"].values()))):
        del axes["concept"]
        for answer in axes.values():
            del answer["classes"], answer["hidden"]
    found = Diagnosis.model_validate_json(json.dumps(old))
    assert found.axes["concept"] == AxisVerdict()
    assert found == Diagnosis.model_validate_json(json.dumps(value))
