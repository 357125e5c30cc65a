"""From a diagnosis to advice: what is removed, what remains, who conflicts, who is small, what is open."""

from collections.abc import Mapping
from typing import Any

import pytest

from shiftscope import recommendation
from shiftscope.diagnosis import AxisVerdict, Diagnosis, Removal, Verdict
from shiftscope.measures.question_names import CONCEPT, QUESTIONS
from shiftscope.profiles import Profile
from shiftscope.recommendation import RULES, Recommendation, recommend


def profile(name: str, patients: int, *, colour: bool = False) -> Profile:
    """A profile of which only the size and the colour are looked at."""
    return Profile.model_construct(site=name, patients=patients, cases=patients, colour=colour)


def removal(name: str, share: float, half: float = 0.05, before: float = 1.2) -> Removal:
    return Removal(
        harmonizer=name,
        share=share,
        low=share - half,
        high=min(1.0, share + half),
        before=before,
        remains=before * (1 - share),
        pairs=1,
    )


def advice(
    *called: str,
    removed: tuple[Removal, ...] = (),
    patients: tuple[int, ...] = (120, 120),
    probabilities: Mapping[str, float] | None = None,
    colour: bool = False,
    hidden: bool = False,
) -> Recommendation:
    """The advice for sites where so much was called, with so much confidence in the rest."""
    likely = {question: 0.999 if question in called else 0.01 for question in QUESTIONS} | dict(probabilities or {})
    axes = {
        question: AxisVerdict(
            probability=likely[question], effect=1.0, low=0.5, high=2.0, p=0.001, axis="x", called=question in called
        )
        for question in QUESTIONS
    }
    axes[CONCEPT] = axes[CONCEPT].model_copy(update={"probability": None, "hidden": hidden})
    sites = [profile(f"site{index}", count, colour=colour) for index, count in enumerate(patients)]
    kind = {(True, False): "appearance", (False, True): "structural", (True, True): "mixed"}.get(
        ("appearance" in called, "structure" in called), "none"
    )
    values: dict[str, Any] = {"kind": kind, "axes": axes}
    diagnosis = Diagnosis.model_construct(
        **values, pairs=(), by_site={site.site: Verdict(**values) for site in sites}, evidence=(), removed=removed
    )
    found = recommend(diagnosis, sites)
    assert (found.harmonizer is not None) == (found.action in ("harmonize", "both"))
    assert (found.personalizer is not None) == (found.action in ("personalize", "both"))
    assert found.because
    assert all(
        (item.action, item.harmonizer, item.personalizer) != (found.action, found.harmonizer, found.personalizer)
        for item in found.alternatives
    )
    return found


def test_nothing_called_is_pooled() -> None:
    found = advice()
    assert found.action == "pool"
    assert not found.undecided
    assert found.cost.bytes == 0


def test_labels_alone_are_pooled() -> None:
    found = advice("label")
    assert found.action == "pool"
    assert any("balanced metrics" in reason for reason in found.because)


def test_the_cheaper_harmonizer_wins_where_the_intervals_overlap() -> None:
    """Ultrasound scanners: z-scores remove 57 %, the map 48 %; and the other way round."""
    for z, q in ((0.57, 0.48), (0.48, 0.57)):
        found = advice("appearance", removed=(removal("zscore", z, 0.1), removal("quantile_map", q, 0.1)))
        assert (found.action, found.harmonizer, found.cost.bytes) == ("harmonize", "zscore", 0)
        assert any(item.harmonizer == "quantile_map" for item in found.alternatives)
        assert any("zscore removes" in reason and "95 %" in reason for reason in found.because)


def test_the_dearer_harmonizer_wins_where_it_is_clearly_better() -> None:
    removed = (removal("quantile_map", 0.97), removal("zscore", 0.53))
    grey, colour = (advice("appearance", removed=removed, colour=colour) for colour in (False, True))
    assert grey.harmonizer == "quantile_map"
    assert (grey.cost.bytes, colour.cost.bytes) == (199 * 8, 3 * 199 * 8)


def test_a_harmonizer_that_is_not_worth_it_is_not_rescued_by_a_wide_interval() -> None:
    removed = (removal("quantile_map", 0.5, 0.2), removal("zscore", 0.1, 0.4))
    assert advice("appearance", removed=removed).harmonizer == "quantile_map"


def test_what_no_harmonizer_removes_is_pooled_while_it_is_small() -> None:
    found = advice("appearance", removed=(removal("zscore", 0.05), removal("quantile_map", -0.2)))
    assert found.action == "pool"
    assert any("too little to be worth it" in reason for reason in found.because)


def test_a_harmonizer_that_adds_to_the_difference_is_said_to() -> None:
    (sentence,) = (
        reason
        for reason in advice("appearance", removed=(removal("zscore", -1.37, 0.2),)).because
        if "in features" in reason
    )
    assert sentence == "zscore adds 137% to the difference in features, 95 % [117%, 157%]: 1.2 before it, 2.8 after"


def test_strong_appearance_that_nothing_removes_is_personalized() -> None:
    """4 % removed, 7 remain: two maps cannot do what blur and noise undid."""
    removed = (removal("zscore", 0.04, before=7), removal("quantile_map", -0.05, before=7))
    found = advice("appearance", removed=removed)
    assert (found.action, found.harmonizer, found.personalizer) == ("personalize", None, "fedper")


def test_what_only_the_filter_removes_is_harmonized_with_it() -> None:
    removed = (removal("quantile_spectrum", 0.93, before=7), removal("zscore", 0.04, before=7))
    found = advice("appearance", removed=removed)
    assert (found.action, found.harmonizer) == ("harmonize", "quantile_spectrum")


def test_strong_appearance_of_which_much_remains_takes_both() -> None:
    found = advice("appearance", removed=(removal("zscore", 0.5, before=12),))
    assert found.action == "both"
    assert {item.action for item in found.alternatives} >= {"personalize", "harmonize"}


def test_appearance_that_the_features_do_not_see_takes_the_cheapest() -> None:
    found = advice("appearance")
    assert (found.action, found.harmonizer) == ("harmonize", "zscore")


@pytest.mark.parametrize("conflict", ["structure", "annotation", "concept"])
def test_conflicts_are_personalized_unless_sites_are_small(conflict: str) -> None:
    assert advice(conflict).action == "personalize"
    small = advice(conflict, patients=(120, RULES.few - 1))
    assert small.action == "pool"
    assert any(f"{RULES.few - 1} at the smallest site" in reason for reason in small.because)
    assert small.alternatives[0].action == "personalize"
    assert "50 patients or more" in small.alternatives[0].when
    assert advice(conflict, patients=(RULES.few, RULES.few)).action == "personalize"


def test_appearance_and_structure_take_both() -> None:
    assert advice("appearance", "structure", removed=(removal("zscore", 0.8),)).action == "both"


def test_an_open_question_is_told_with_what_would_decide_it() -> None:
    found = advice(probabilities={"structure": 0.8})
    assert found.action == "pool"
    (sentence,) = found.undecided
    assert sentence.startswith("whether sites differ in structure is not decided, confidence 0.8")
    assert "about 650 patients a site" in sentence  # 120 * (1.96 / 0.84) ** 2
    assert found.alternatives[0].action == "personalize"
    even = advice(probabilities={"structure": 0.5})
    assert "a trial decides it sooner" in even.undecided[0]
    assert not advice(probabilities={"structure": 0.2, "label": 0.5}).undecided


def test_an_open_question_that_would_change_nothing_is_not_listed() -> None:
    assert not advice("structure", probabilities={"annotation": 0.5}).undecided


def test_labels_of_which_nothing_can_be_told_are_left_to_a_rehearsal() -> None:
    found = advice(hidden=True)
    assert found.action == "pool"
    (sentence,) = found.undecided
    assert sentence.startswith("whether the same labels mean the same")
    assert "shiftscope rehearse" in sentence
    assert found.alternatives[0].action == "personalize"
    assert not advice("structure", hidden=True).undecided
    assert not advice().undecided
    small = advice(hidden=True, patients=(30, 30))
    assert small.undecided
    assert all(item.personalizer is None for item in small.alternatives)


def test_other_labels_are_told_with_their_p_value() -> None:
    found = advice("concept")
    assert found.because[0] == "sites differ in what the labels mean: effect 1.0, 95 % [0.50, 2.0], p 0.001"
    assert "what a label means at each site is learned by a head of its own" in found.because


def test_few_patients_forbid_the_other_answer() -> None:
    found = advice(probabilities={"structure": 0.8}, patients=(30, 30))
    assert found.undecided
    assert all(item.personalizer is None for item in found.alternatives)


def test_limits_within_an_interval_are_listed() -> None:
    worth = advice("appearance", removed=(removal("zscore", 0.3, 0.2),))
    assert worth.action == "harmonize"
    assert any("removes the 20% that make it worth it is not decided" in sentence for sentence in worth.undecided)
    copes = advice("appearance", removed=(removal("zscore", 0.5, 0.2, before=5.5),))
    assert copes.action == "harmonize"
    assert any("one model copes with what remains is not decided" in sentence for sentence in copes.undecided)
    assert any(item.action == "both" for item in copes.alternatives)
    assert not advice("appearance", removed=(removal("zscore", 0.9),)).undecided


def test_too_few_to_compare() -> None:
    diagnosis = Diagnosis.model_construct(kind="insufficient", axes={}, by_site={}, removed=())
    found = recommend(diagnosis, [profile("a", 5), profile("b", 9)])
    assert found.action == "collect_more"
    assert found.harmonizer is found.personalizer is None


def test_what_is_exported_exists() -> None:
    assert all(hasattr(recommendation, name) for name in recommendation.__all__)
