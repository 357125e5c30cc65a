"""From a diagnosis to advice: what is expected, what is sure enough, what it rests on, what is open."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from policies_of_advice import policy

from shiftscope import recommendation
from shiftscope.diagnosis import AxisVerdict, Diagnosis, Removal, Verdict
from shiftscope.errors import ShiftscopeError
from shiftscope.measures.question_names import CONCEPT, QUESTIONS
from shiftscope.profiles import Profile
from shiftscope.recommendation import AdviceBasis, AdvicePolicy, MeasuredGain, Network, Recommendation, recommend


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
    network: Network = "random",
    learned: AdvicePolicy | None = None,
    measured: tuple[MeasuredGain, ...] = (),
) -> Recommendation:
    """The advice for sites where so much was called, with so much confidence in the rest."""
    likely = {question: 0.999 if question in called else 0.01 for question in QUESTIONS} | dict(probabilities or {})
    axes = {
        question: AxisVerdict(
            probability=likely[question],
            effect=1.0 if question in called else 0.1,
            low=0.5 if question in called else 0.0,
            high=2.0,
            p=0.001,
            axis="x",
            called=question in called,
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
    found = recommend(diagnosis, sites, AdviceBasis(learned or policy(), network, measured))
    assert (found.harmonizer is not None) == (found.action in ("harmonize", "both"))
    assert (found.personalizer is not None) == (found.action in ("personalize", "both"))
    assert found.because
    assert found.network == network
    assert [each.action for each in found.predicted] == ["pool", "harmonize", "personalize", "both", "own_model"]
    assert all(
        (item.action, item.harmonizer, item.personalizer) != (found.action, found.harmonizer, found.personalizer)
        for item in found.alternatives
    )
    return found


def gain(found: Recommendation, action: str) -> float:
    return next(each.gain.mean for each in found.predicted if each.action == action)


def test_nothing_called_is_pooled() -> None:
    found = advice()
    assert found.action == "pool"
    assert not found.undecided
    assert found.cost.bytes == 0
    assert found.certainty is not None
    assert found.certainty > 0.9
    assert "nothing is expected to gain more than 0.01 over FedAvg" in found.because[0]


def test_labels_alone_are_pooled() -> None:
    found = advice("label")
    assert found.action == "pool"
    assert any("balanced metrics" in reason for reason in found.because)


def test_what_a_harmonizer_removes_pays_only_where_the_network_has_learned_nothing_yet() -> None:
    """The planted policy: from random weights .1 a unit of what is removed, from trained ones nothing."""
    removed = (removal("zscore", 0.9, before=4.0),)
    random, trained = (advice("appearance", removed=removed, network=net) for net in ("random", "pretrained"))
    assert (random.action, random.harmonizer) == ("harmonize", "zscore")
    assert gain(random, "harmonize") == pytest.approx(0.1 * 1.5261, abs=1e-3)  # log(1 + 3.6)
    assert trained.action == "pool"
    assert any("zscore removes 90%" in reason for reason in random.because)
    assert any("harmonize (zscore)" in reason and "random weights" in reason for reason in trained.because)


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


def test_a_harmonizer_is_not_rescued_by_a_wide_interval() -> None:
    removed = (removal("quantile_map", 0.5, 0.2), removal("zscore", 0.1, 0.4))
    assert advice("appearance", removed=removed).harmonizer == "quantile_map"


def test_what_no_harmonizer_removes_is_pooled() -> None:
    found = advice("appearance", removed=(removal("zscore", 0.05), removal("quantile_map", -0.2)))
    assert found.action == "pool"


def test_a_harmonizer_that_adds_to_the_difference_is_said_to() -> None:
    (sentence,) = (
        reason
        for reason in advice("appearance", removed=(removal("zscore", -1.37, 0.2),)).because
        if reason.startswith("zscore")
    )
    assert sentence == "zscore adds 137% to the difference in features, 95 % [117%, 157%]: 1.2 before it, 2.8 after"


@pytest.mark.parametrize("conflict", ["annotation", "concept"])
def test_conflicts_are_personalized_where_sites_have_the_patients(conflict: str) -> None:
    found = advice(conflict)
    assert (found.action, found.personalizer) == ("personalize", "ditto")
    assert found.cost.compute == 2.0
    small = advice(conflict, patients=(120, 20))
    assert small.action == "pool"
    assert gain(small, "personalize") < gain(found, "personalize")
    assert any(reason.startswith("the prediction rests on") and "it would be" in reason for reason in small.because)


def test_both_gains_add_up() -> None:
    found = advice("appearance", "annotation", removed=(removal("zscore", 0.9),))
    assert found.action == "both"
    assert gain(found, "both") == pytest.approx(gain(found, "harmonize") + gain(found, "personalize"))


def test_what_is_too_unsure_is_left_to_a_rehearsal() -> None:
    vague = policy(spread=0.08)
    found = advice("annotation", learned=vague)
    assert found.action == "rehearse"
    assert found.certainty is not None
    assert found.certainty < vague.certain
    assert any("`shiftscope rehearse` measures it" in reason for reason in found.because)
    assert {item.action for item in found.alternatives} >= {"pool", "harmonize", "personalize"}


def test_a_rehearsal_decides() -> None:
    vague = policy(spread=0.08)
    better = advice("annotation", learned=vague, measured=(MeasuredGain(None, "lp_ft", 0.06, 0.01),))
    assert (better.action, better.personalizer) == ("personalize", "lp_ft")
    assert 0.03 < gain(better, "personalize") < 0.06
    worse = advice("annotation", learned=vague, measured=(MeasuredGain(None, "lp_ft", -0.06, 0.01),))
    assert worse.action == "pool"
    assert any("the rehearsal of these sites" in reason for reason in worse.because)
    assert not worse.undecided


def test_a_rehearsal_that_measured_another_harmonizer_better_advises_it() -> None:
    measured = (
        MeasuredGain("zscore", "fedavg", 0.01, 0.005),
        MeasuredGain("clahe", "fedavg", 0.2, 0.005),
        MeasuredGain("clahe", "local", 0.5, 0.005),
    )
    found = advice("appearance", removed=(removal("zscore", 0.9),), measured=measured, network="frozen")
    assert (found.action, found.harmonizer) == ("harmonize", "clahe")


def test_a_harmonizer_of_which_nothing_is_known_does_not_borrow_what_another_removes() -> None:
    """Both rehearsed alike: what profiles say decides, and of clahe they say nothing."""
    removed = (removal("zscore", 0.9, before=4.0), removal("quantile_map", 0.5, before=4.0))
    names = ("clahe", "quantile_map", "zscore")
    measured = tuple(MeasuredGain(name, "fedavg", 0.05, 0.02) for name in names)
    found = advice("appearance", removed=removed, learned=policy(spread=0.05), measured=measured)
    assert found.harmonizer == "zscore"
    alone = [
        gain(advice("appearance", removed=removed, learned=policy(spread=0.05), measured=(item,)), "harmonize")
        for item in measured
    ]
    assert alone == sorted(alone)
    assert alone[0] < 0.05 < alone[1]


def test_what_was_rehearsed_counts_as_independent() -> None:
    """Both and its part, as unsure as each other: were one a part of the other still, nothing would be unsure."""
    measured = (MeasuredGain("zscore", "fedavg", 0.05, 0.02), MeasuredGain("zscore", "shrinkage", 0.055, 0.02))
    vague = policy(spread=0.05)
    found = advice("appearance", removed=(removal("zscore", 0.9),), learned=vague, measured=measured)
    assert found.action == "harmonize"
    assert found.certainty is not None
    assert 0.4 < found.certainty < 0.8


def test_both_are_what_their_rehearsed_parts_are() -> None:
    measured = (MeasuredGain("zscore", "fedavg", 0.0, 0.001), MeasuredGain(None, "lp_ft", 0.0, 0.001))
    found = advice("appearance", removed=(removal("zscore", 0.9),), learned=policy(spread=0.1), measured=measured)
    assert found.action == "pool"
    assert gain(found, "both") == pytest.approx(gain(found, "harmonize") + gain(found, "personalize"))
    assert abs(gain(found, "both")) < 0.001


def test_an_open_question_is_told_with_what_would_decide_it() -> None:
    found = advice(probabilities={"annotation": 0.8})
    assert found.action == "pool"
    (sentence,) = found.undecided
    assert sentence.startswith("whether sites differ in the way masks are drawn is not decided, confidence 0.8")
    assert "about 650 patients a site" in sentence  # 120 * (1.96 / 0.84) ** 2
    assert found.alternatives[0].action == "personalize"
    even = advice(probabilities={"annotation": 0.5})
    assert "a trial decides it sooner" in even.undecided[0]
    assert not advice(probabilities={"annotation": 0.2, "label": 0.5}).undecided


def test_an_open_question_that_would_change_nothing_is_not_listed() -> None:
    assert not advice("annotation", probabilities={"structure": 0.5}).undecided
    assert not advice(probabilities={"annotation": 0.5}, network="pretrained").undecided


def test_labels_of_which_nothing_can_be_told_are_left_to_a_rehearsal() -> None:
    found = advice(hidden=True)
    assert found.action == "pool"
    (sentence,) = found.undecided
    assert sentence.startswith("whether the same labels mean the same")
    assert "shiftscope rehearse" in sentence
    assert found.alternatives[0].action == "personalize"
    assert not advice("annotation", hidden=True).undecided
    assert not advice().undecided


def test_other_labels_are_told_with_their_p_value() -> None:
    found = advice("concept")
    assert found.because[0] == "sites differ in what the labels mean: effect 1.0, 95 % [0.50, 2.0], p 0.001"


def test_an_end_of_the_interval_that_would_turn_the_advice_is_listed() -> None:
    vague = advice("appearance", removed=(removal("zscore", 0.12, 0.11),))
    assert vague.action == "harmonize"
    assert any("whether zscore removes enough is not decided" in sentence for sentence in vague.undecided)
    assert not advice("appearance", removed=(removal("zscore", 0.9),)).undecided


def test_what_surely_gains_is_done_at_once_and_what_may_gain_beside_it_is_open() -> None:
    """Personalizing is as likely to gain the margin beside the harmonizer as not."""
    learned = policy()
    vague = learned.model_copy(
        update={
            "actions": tuple(
                item.model_copy(update={"constant": 0.01, "spread": 0.1, "weights": {}})
                if item.action == "personalize"
                else item
                for item in learned.actions
            )
        }
    )
    found = advice("appearance", removed=(removal("zscore", 0.9),), learned=vague)
    assert found.action == "harmonize"
    assert found.certainty == pytest.approx(0.5, abs=0.01)
    assert found.undecided[0].startswith("whether both (zscore, ditto) gains more than 0.01 over harmonize (zscore)")
    assert found.alternatives[0].action == "both"
    assert advice("label", learned=vague).action == "rehearse"


def test_an_own_model_is_never_advised_for_all() -> None:
    """It is a rival: where it may be better, the answer is a rehearsal, which says for whom."""
    alone = policy()
    alone = alone.model_copy(
        update={
            "actions": tuple(
                item.model_copy(update={"constant": 0.1}) if item.action == "own_model" else item
                for item in alone.actions
            )
        }
    )
    assert advice(learned=alone).action == "rehearse"


def test_too_few_to_compare() -> None:
    diagnosis = Diagnosis.model_construct(kind="insufficient", axes={}, by_site={}, removed=())
    found = recommend(diagnosis, [profile("a", 5), profile("b", 9)])
    assert found.action == "collect_more"
    assert found.harmonizer is found.personalizer is found.certainty is None
    assert not found.predicted


def test_what_is_exported_exists() -> None:
    assert all(hasattr(recommendation, name) for name in recommendation.__all__)


def test_an_input_beyond_the_benchmark_is_taken_as_its_farthest() -> None:
    inputs = recommendation.prediction.advice_policy.PolicyInputs("random", smallest=10**6)
    assert (inputs.values() == replace(inputs, smallest=400).values()).all()


def test_another_way_to_one_shared_head_is_not_credited_to_the_harmonizer() -> None:
    """A plan names the harmonizer alone; what balanced batches gained behind it would be promised to it."""
    measured = (MeasuredGain("zscore", "fedavg", 0.0, 0.002), MeasuredGain("zscore", "balanced", 0.5, 0.002))
    removed = (removal("zscore", 0.9),)
    found, alone = (advice("appearance", removed=removed, measured=each) for each in (measured, measured[:1]))
    assert gain(found, "harmonize") == gain(alone, "harmonize")


def test_no_gain_is_larger_than_the_metric() -> None:
    learned = policy(spread=0.3)
    learned = learned.model_copy(
        update={"transfers": tuple(item.model_copy(update={"scale": 2.0}) for item in learned.transfers)}
    )
    found = advice(
        "appearance",
        removed=(removal("zscore", 0.9),),
        learned=learned,
        measured=(MeasuredGain("zscore", "fedavg", 0.9, 0.001),),
    )
    assert gain(found, "harmonize") == 1.0


def test_what_would_turn_the_advice_is_looked_for_in_both_directions() -> None:
    """Harmonizing pays from .1 on; what is removed can only be less than it takes to turn that."""
    learned = policy(size=0.0, conflict=0.0)
    everywhere = {item.action: item for item in learned.actions if item.network == "random"}
    actions = tuple(everywhere[item.action].model_copy(update={"network": item.network}) for item in learned.actions)
    learned = learned.model_copy(update={"actions": actions})
    found = advice("appearance", removed=(removal("zscore", 0.9),), learned=learned)
    assert found.action == "harmonize"
    (sentence,) = (reason for reason in found.because if reason.startswith("the prediction rests on"))
    assert "it would be rehearse if a harmonizer removed" in sentence
    other = float(sentence.rpartition(" removed a difference in features of ")[2])
    assert 0 < other < 0.2
    less = advice("appearance", removed=(removal("zscore", 1.0, before=other),), learned=learned)
    assert less.action == "rehearse"


def test_nothing_else_is_said_to_turn_the_advice_only_where_nothing_does() -> None:
    learned = policy()
    nowhere = tuple(item.model_copy(update={"weights": {}, "constant": -0.1}) for item in learned.actions)
    found = advice("annotation", learned=learned.model_copy(update={"actions": nowhere}))
    assert any("no other value of one of these would change it" in reason for reason in found.because)


def test_where_staying_alone_surely_gains_nothing_is_said_against_it() -> None:
    measured = (MeasuredGain(None, "local", 0.3, 0.005),)
    found = advice(measured=measured, learned=policy(spread=0.1))
    assert found.action == "pool"
    sentence = found.because[0]
    assert sentence.startswith("no federation surely gains over plain FedAvg, and each site alone +0.29")
    assert sentence.endswith("with a chance of 0.99 of more than 0.01 over it: the rehearsal says which sites gain")


def test_after_a_rehearsal_a_run_decides() -> None:
    measured = (MeasuredGain(None, "lp_ft", 0.02, 0.01),)
    after, before = advice(measured=measured, network="frozen"), advice(network="frozen")
    assert any("a rehearsal or a run shows" in item.when for item in before.alternatives)
    assert not any("rehearsal" in item.when for item in after.alternatives)


def test_chances_are_never_said_to_be_none_or_whole() -> None:
    found = advice("label", network="frozen", learned=policy(spread=1e-6))
    assert "with a chance of 0.01 of more than 0.01" in found.because[1]


def test_what_all_pairs_differ_by_is_said_apart_from_what_those_with_a_shift_do() -> None:
    found = advice("appearance", removed=(removal("zscore", 0.9, before=4.0),), patients=(120, 120, 120))
    assert any("and leaves 0.40 of 4.0" in reason for reason in found.because)
    rests = "on average over all pairs of sites, a harmonizer removes 1.2 and leaves 0.13"
    assert any(rests in reason for reason in found.because)


@pytest.mark.parametrize("key", ["actions", "transfers"])
def test_a_policy_that_is_not_whole_is_refused(key: str, tmp_path: Path) -> None:
    values = policy().to_dict()
    first, *rest = values[key]
    for forged, says in (
        ([*rest], "8, 8 of them"),
        ([first, *rest, first], "10, 9 of them"),
        ([*rest, rest[0]], "9, 8"),
    ):
        (tmp_path / "policy.json").write_text(json.dumps({**values, key: forged}), encoding="utf-8")
        with pytest.raises(ShiftscopeError, match=f"key '{key}': expected one of each action and network: 9 .*{says}"):
            AdvicePolicy.read(tmp_path / "policy.json")


def test_a_policy_knows_every_network(tmp_path: Path) -> None:
    values = policy().to_dict()
    del values["personalizers"]["random"]
    for key in ("actions", "transfers"):
        values[key] = [item for item in values[key] if item["network"] != "random"]
    (tmp_path / "policy.json").write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(ShiftscopeError, match="key 'personalizers': expected one for random, too"):
        AdvicePolicy.read(tmp_path / "policy.json")
