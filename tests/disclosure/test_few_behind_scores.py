"""What the gate does with scores behind which few patients stand, whatever else the policy allows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from small_answers import HONEST, Exchange, outcome_of
from small_policies import permissive

from shiftscope.disclosure.field_rules import suppressed_by
from shiftscope.disclosure.policies.site_policy import SitePolicy
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Release, bytes_of_message

SCORED = {
    "evaluate": [f"{kind}.{name}" for kind in ("scores", "ungated", "validation") for name in ("dice", "surface_px")]
    + [f"{kind}.{name}" for kind in ("scores", "ungated", "validation") for name in ("dice of cyst",)]
    + [f"{kind}.surface_px of tumour" for kind in ("scores", "ungated", "validation")]
    + ["kept_baseline"],
    "query.compare": ["tensors/covariance", "freedom"],
    "query.weights": ["tensors/plain"],
    "evaluate.heads": [f"means.{name}" for name in ("fedavg", "local", "zscore+lp_ft")]
    + ["validation.fedavg", "tensors/covariance", "freedom"],
}
"""Question -> all of its answer that test or validation patients are behind."""


def counting(question: str, **patients: Any) -> Exchange:
    """The honest answer with 8 patients behind every score, where `patients` say nothing else."""
    exchange = HONEST[question][1]
    counts = dict.fromkeys(SCORED[question], 8) | patients
    return replace(exchange, answer=replace(exchange.answer, patients=counts))


def left(exchange: Exchange, folder: Path, **policy: Any) -> tuple[Release, dict[str, str]]:
    outcome, log, heard = outcome_of(exchange, folder, policy=permissive(**policy))
    assert isinstance(outcome, Release), heard
    (row,) = log.rows()
    suppressed = outcome.facts.get("suppressed", {})
    assert row["suppressed"] == suppressed
    return outcome, suppressed


@pytest.mark.parametrize("question", SCORED)
def test_a_limit_keeps_below_and_lets_out_at_it(question: str, tmp_path: Path) -> None:
    outcome, suppressed = left(counting(question), tmp_path / "at", min_scored=8)
    assert suppressed == {}
    assert bytes_of_message(outcome) == bytes_of_message(HONEST[question][1].answer)
    _, suppressed = left(counting(question), tmp_path / "below", min_scored=9)
    assert suppressed == dict.fromkeys(SCORED[question], "min_scored")


@pytest.mark.parametrize("question", SCORED)
def test_a_score_whose_patients_nobody_counted_stays(question: str, tmp_path: Path) -> None:
    for number, behind in enumerate(
        ({}, dict.fromkeys(SCORED[question], "many"), dict.fromkeys(SCORED[question], 1e9))
    ):
        exchange = HONEST[question][1]
        exchange = replace(exchange, answer=replace(exchange.answer, patients=behind))
        _, suppressed = left(exchange, tmp_path / str(number), min_scored=2)
        assert suppressed == dict.fromkeys(SCORED[question], "min_scored")


def test_only_what_few_are_behind_stays(tmp_path: Path) -> None:
    exchange = counting("evaluate", **{"scores.dice of cyst": 4, "validation.dice": 0})
    outcome, suppressed = left(exchange, tmp_path, min_scored=5)
    assert suppressed == {"scores.dice of cyst": "min_scored", "validation.dice": "min_scored"}
    assert suppressed_by(outcome.facts["scores"]["dice of cyst"]) == "min_scored"
    assert outcome.facts["scores"]["dice"] == 0.8
    assert outcome.facts["validation"]["surface_px"] == 3.5


def test_undefined_and_few_are_not_told_apart(tmp_path: Path) -> None:
    """In the plan with one patient more a class has its first: both times the same leaves."""
    none, one = (
        counting("evaluate", **{"scores.dice of cyst": count}).saying(scores={"dice of cyst": value})
        for count, value in ((0, None), (1, 0.37))
    )
    for limit, told_apart in ((1, True), (2, False)):
        sent = [
            bytes_of_message(left(exchange, tmp_path / f"{limit} {name}", min_scored=limit)[0])
            for name, exchange in (("none", none), ("one", one))
        ]
        assert (sent[0] != sent[1]) == told_apart


@pytest.mark.parametrize("question", SCORED)
@pytest.mark.parametrize("counts", [(0, 3), (6, 40)], ids=["few", "many"])
def test_what_was_counted_never_leaves(question: str, counts: tuple[int, int], tmp_path: Path) -> None:
    """The same bytes whatever the count, on either side of the limit; the log does not know it either."""
    sent, logged = [], []
    for count in counts:
        exchange = counting(question, **dict.fromkeys(SCORED[question], count))
        sent.append(bytes_of_message(left(exchange, tmp_path / str(count), min_scored=5)[0]))
        (row,) = ReleaseLog(tmp_path / str(count)).rows()
        logged.append({key: row[key] for key in ("fields", "suppressed", "sha256")})
    assert sent[0] == sent[1]
    assert logged[0] == logged[1]


def test_the_choice_of_a_model_is_asked_of_gated_strategies_alone(tmp_path: Path) -> None:
    plain = counting("evaluate", kept_baseline=0).asking(arm="baseline")
    outcome, suppressed = left(plain, tmp_path / "plain", min_scored=5)
    assert (outcome.facts["kept_baseline"], "kept_baseline" in suppressed) == (False, False)
    forged, log, _ = outcome_of(plain.saying(kept_baseline=True), tmp_path / "forged")
    assert not isinstance(forged, Release)
    assert log.rows()[0]["rule"] == "choice"


def test_a_policy_without_metrics_keeps_by_that_key(tmp_path: Path) -> None:
    _, suppressed = left(counting("query.compare", **{"tensors/covariance": 1}), tmp_path, min_scored=5, metrics=())
    assert suppressed == {"tensors/covariance": "metrics"}


def test_what_is_no_score_needs_no_count(tmp_path: Path) -> None:
    for question in HONEST.keys() - SCORED.keys():
        _, suppressed = left(HONEST[question][1], tmp_path / question, min_scored=10**6)
        assert suppressed == {}


def test_five_patients_are_asked_for_where_a_policy_says_nothing() -> None:
    assert SitePolicy().min_scored == 5


@pytest.mark.parametrize("metrics", [(), ("surface_px", "loss")], ids=["none", "others"])
def test_which_score_is_larger_stays_where_the_scores_stay(metrics: tuple[str, ...], tmp_path: Path) -> None:
    """Asked again and again with other models, "personal is worse than common" would find any score by halving."""
    sent = []
    for kept in (False, True):
        exchange = counting("evaluate").saying(
            kept_baseline=kept, scores={"dice": 0.8, "surface_px": 2.0 if kept else 3.5}
        )
        outcome, suppressed = left(exchange, tmp_path / str(kept), min_scored=5, metrics=metrics)
        assert suppressed["kept_baseline"] == suppressed["scores.surface_px"] == "metrics"
        assert ("ungated.surface_px" in suppressed) == (not metrics)
        sent.append(bytes_of_message(outcome))
    assert sent[0] == sent[1]


def test_a_model_that_nobody_chose_says_the_scores_that_a_policy_allows(tmp_path: Path) -> None:
    plain = counting("evaluate").asking(arm="baseline")
    outcome, suppressed = left(plain, tmp_path, min_scored=5, metrics=("surface_px",))
    assert outcome.facts["scores"]["surface_px"] == 3.5
    assert not {"kept_baseline", "scores.surface_px"} & suppressed.keys()


def test_how_much_a_site_wants_of_its_own_heads_stays_with_its_scores(tmp_path: Path) -> None:
    outcome, suppressed = left(counting("query.weights"), tmp_path, min_scored=5, metrics=("loss",))
    assert (dict(outcome.tensors), suppressed) == ({}, {"tensors/plain": "metrics"})
