"""Lost and forged answers in every kind of question: the site is left out with a note, or comes back; others go on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import ArrayRecord, ConfigRecord, RecordDict
from small_rehearsals import Clinic, Forge, Rehearsed, clinics_of, plan_of, rehearsed_on, weights_at

from shiftscope.errors import EngineError
from shiftscope.plans import Plan
from shiftscope.training.federation.flower.messages import pack
from shiftscope.training.federation.payloads import Payload

ALONE = ("percentile", "zscore")
"""They share nothing."""

Setting = tuple[Plan, dict[str, Path]]


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Setting:
    root = tmp_path_factory.mktemp("three")
    data = clinics_of(root / "data", {"a": Clinic(), "b": Clinic(), "c": Clinic(15, 12)})
    return plan_of(data, weights_at(root)), data


def run(setting: Setting, out: Path, **how: Any) -> Rehearsed:
    return rehearsed_on(*setting, out, **how)


@pytest.fixture(scope="module")
def honest(setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> Rehearsed:
    return run(setting, tmp_path_factory.mktemp("honest") / "run")


def facts(**changes: Any) -> Forge:
    return lambda _, answer: replace(answer, facts={**answer.facts, **changes})


def tensors(change: Callable[[np.ndarray], np.ndarray]) -> Forge:
    return lambda _, answer: replace(answer, tensors={name: change(array) for name, array in answer.tensors.items()})


def fails(_asked: Payload, _answer: Payload) -> None:
    return None


FORGED: dict[str, tuple[str, Forge]] = {
    "cases": ("query.describe", facts(cases=[10**12] * 5)),
    "squares": ("query.features", facts(squares=[1e11])),
    "features": ("query.features", facts(features=10)),
    "same_as": ("query.features", facts(same_as=3)),
    "NaN heads": ("train.heads", tensors(lambda array: array * np.float32(np.nan))),
    "far heads": ("train.heads", tensors(lambda array: array + np.float32(1e6))),
    "weights": ("query.weights", tensors(lambda array: np.full_like(array, 2.0))),
    "means": ("evaluate.heads", facts(means={"fedavg": 7.0})),
    "covariance": ("evaluate.heads", tensors(lambda array: -array - 1)),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_site_that_sends_what_cannot_be_is_left_out_and_the_others_go_on(
    what: str, setting: Setting, tmp_path: Path
) -> None:
    question, forge = FORGED[what]
    found = run(setting, tmp_path / "run", forge={("c", question): forge})
    result = found.result
    assert result.sites["c"].withheld.startswith("it ")
    assert any(note.startswith("site c was left out of the rehearsal: it ") for note in result.notes)
    assert result.sites["a"].withheld == result.sites["b"].withheld == ""
    for strategy in result.strategies:
        assert strategy.sites.keys() == {"a", "b"}
    assert "site c" in "".join(note for note in result.notes)
    after = [kind for site, kind, _, _ in found.log if site == "c"]
    assert after[-1] == question
    assert after.count(question) == 1


def test_from_the_first_question_on_it_is_as_if_it_had_never_been_there(setting: Setting, tmp_path: Path) -> None:
    """What was left out before the first round has moved no head and no scale."""
    plan, data = setting
    two = {site: data[site] for site in "ab"}
    without = plan.model_copy(update={"sites": {site: plan.sites[site] for site in "ab"}})
    alone = run((without, two), tmp_path / "two").result
    forged = run(setting, tmp_path / "three", forge={("c", "query.features"): facts(squares=[1e11])}).result
    for one, other in zip(alone.strategies, forged.strategies, strict=True):
        assert {site: score.score for site, score in one.sites.items()} == {
            site: score.score for site, score in other.sites.items()
        }


def test_a_lost_round_is_made_up_for(setting: Setting, honest: Rehearsed, tmp_path: Path) -> None:
    found = run(
        setting,
        tmp_path / "run",
        lost=lambda site, kind, asked: (site, kind) == ("c", "train.heads") and asked.facts["round"] in (7, 8, 20),
    )
    assert found.result.sites["c"].withheld == ""
    assert any("site c did not answer (heads): no answer within" in note for note in found.result.notes)
    for one, other in zip(honest.result.strategies, found.result.strategies, strict=True):
        assert other.score == pytest.approx(one.score, abs=0.06)


@pytest.mark.parametrize("kind", ["train.heads", "query.weights", "evaluate.heads", "query.features"])
def test_a_site_that_does_not_come_back_is_waited_for_no_more(kind: str, setting: Setting, tmp_path: Path) -> None:
    found = run(setting, tmp_path / "run", forge={("c", kind): fails})
    assert found.result.sites["c"].withheld == "MemoryError"
    assert len([1 for site, asked, _, _ in found.log if (site, asked) == ("c", kind)]) == (
        3 if kind == "train.heads" else 1
    )
    assert [site for site, asked, _, answer in found.log if asked == "evaluate.heads" and answer] == ["a", "b"]
    assert any("site c did not answer" in note for note in found.result.notes)


def test_a_site_that_never_joined_is_told_of(setting: Setting, tmp_path: Path) -> None:
    found = run(setting, tmp_path / "run", forge={("c", "query.describe"): fails}).result
    assert found.sites["c"].withheld == "never joined: MemoryError"
    assert "site c was left out of the rehearsal: never joined: MemoryError" in found.notes


def raw(facts: str) -> Forge:
    """A message with these facts and nothing else."""
    return lambda _, __: RecordDict({"facts": ConfigRecord({"json": facts}), "arrays": ArrayRecord({})})


@pytest.mark.parametrize(
    ("kind", "forge"),
    [
        ("query.features", raw("{}")),
        ("query.features", lambda _, answer: with_facts(answer, "[1]")),
        ("query.describe", lambda _, answer: with_facts(answer, "null")),
        ("query.describe", facts(site="a")),
        ("query.describe", facts(site="x\x1b[31m")),
    ],
)
def test_what_is_no_answer_at_all_is_a_site_that_failed(
    kind: str, forge: Forge, setting: Setting, tmp_path: Path
) -> None:
    found = run(setting, tmp_path / "run", forge={("c", kind): forge}).result
    assert "a message" in found.sites["c"].withheld or "a node calls itself" in found.sites["c"].withheld
    assert found.sites["c"].withheld.isprintable()
    assert found.strategies[0].sites.keys() == {"a", "b"}


def with_facts(answer: Payload, text: str) -> RecordDict:
    """The answer with other facts, as they are written."""
    content = pack(answer)
    content["facts"] = ConfigRecord({"json": text, "arrays": content["facts"]["arrays"]})
    return content


def test_one_harmonizer_that_fails_at_one_site_costs_the_site_and_at_all_the_harmonizer(
    setting: Setting, tmp_path: Path
) -> None:
    def behind(name: str) -> Forge:
        return lambda asked, answer: None if asked.facts["harmonizer"] == name else answer

    one = run(setting, tmp_path / "one", harmonizers=ALONE, forge={("c", "query.features"): behind("zscore")}).result
    assert one.sites["c"].withheld == "MemoryError"
    assert one.strategy("zscore").sites.keys() == {"a", "b"}
    every = {(site, "query.features"): behind("percentile") for site in "abc"}
    dropped = run(setting, tmp_path / "all", harmonizers=ALONE, forge=every).result
    assert "MemoryError" in dropped.left_out["percentile"]
    assert {strategy.harmonizer for strategy in dropped.strategies} == {None, "zscore"}
    assert dropped.strategies[0].sites.keys() == {"a", "b", "c"}


def test_odd_statistics_of_a_harmonizer_fit_nothing(setting: Setting, tmp_path: Path) -> None:
    def shorter(_: Payload, answer: Payload) -> Payload:
        return replace(answer, statistics={key: array[..., :3] for key, array in answer.statistics.items()})

    forge = {("c", "query.shares"): shorter}
    found = run(setting, tmp_path / "run", harmonizers=("quantile_map",), forge=forge).result
    assert found.sites["c"].withheld == "it sent other statistics for quantile_map than the other sites"
    assert found.strategy("quantile_map").sites.keys() == {"a", "b"}


def test_nobody_left_is_an_error_that_says_why(setting: Setting, tmp_path: Path) -> None:
    for kind in ("query.describe", "query.features", "train.heads", "query.weights", "evaluate.heads"):
        with pytest.raises(EngineError, match=r"no site .*MemoryError"):
            run(setting, tmp_path / kind, forge={(site, kind): fails for site in "abc"})


def test_chained_equals_are_named_at_the_one_that_was_rehearsed(setting: Setting, tmp_path: Path) -> None:
    """Three that are all alike: the third stands at the first, not at the second, which nobody finds in the result."""

    def same(asked: Payload, answer: Payload) -> Payload:
        found = {"percentile": ["plain"], "zscore": ["percentile", "plain"]}.get(asked.facts["harmonizer"], [])
        return replace(answer, facts={**answer.facts, "same_as": found})

    forge = {(site, "query.features"): same for site in "abc"}
    found = run(setting, tmp_path / "run", harmonizers=ALONE, forge=forge).result
    assert {"percentile", "zscore"} < {*found.strategies[0].stands_for}
    assert all(strategy.harmonizer is None for strategy in found.strategies)
