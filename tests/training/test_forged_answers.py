"""Whatever one site answers to whatever question, the run ends with the other sites' result and names the site."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from replayed_runs import Forge, Replayed, honest_run

from shiftscope.errors import EngineError
from shiftscope.plans import RunResult
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.federation.run_answers import (
    read_change,
    read_description,
    read_evaluation,
    read_round,
    read_spread,
)
from shiftscope.training.runs.jobs import Job

FORGER = "c"
WEIGHT = "model.0.conv.unit0.conv.weight"
VARIANCE = "model.0.conv.unit0.adn.N.running_var"
COUNTER = "model.0.conv.unit0.adn.N.num_batches_tracked"


def fact(name: str, value: Any) -> Forge:
    """One fact is another value."""
    return lambda answer: Payload(answer.tensors, answer.statistics, {**answer.facts, name: value})


def inner(name: str, key: str, value: Any) -> Forge:
    """One value of a table among the facts is another."""
    return lambda answer: fact(name, {**answer.facts[name], key: value})(answer)


def without(name: str) -> Forge:
    """One fact is missing."""
    return lambda answer: Payload(
        answer.tensors, answer.statistics, {key: value for key, value in answer.facts.items() if key != name}
    )


def tensor(change: Callable[[np.ndarray], Any], name: str) -> Forge:
    """One tensor is another."""
    return lambda answer: Payload(
        {**answer.tensors, name: np.asarray(change(answer.tensors[name]))}, answer.statistics, answer.facts
    )


def statistic(value: Any, name: str = "quantiles") -> Forge:
    """One statistic is another."""
    return lambda answer: Payload(answer.tensors, {**answer.statistics, name: np.asarray(value)}, answer.facts)


def lost(name: str) -> Forge:
    """One tensor is missing."""
    return lambda answer: Payload(
        {key: value for key, value in answer.tensors.items() if key != name}, answer.statistics, answer.facts
    )


def empty(_answer: Payload) -> Payload:
    return Payload()


def row_in_part(found: np.ndarray) -> np.ndarray:
    found = found.copy()
    found[0, 0, 1, 0] = math.nan
    return found


ODD: tuple[Any, ...] = (None, "\x1b[2J", [], {}, -1.5, 10**400, math.nan, math.inf, [[[]]], {"suppressed": 1, "x": 2})

FACTS = {
    "query.describe": ("patients", "split"),
    "query.harmonize": ("changed",),
    "train": ("cases", "spent"),
    "evaluate": ("cases", "scores", "ungated", "validation", "kept_baseline"),
    "query.compare": ("freedom",),
}
"""Question -> facts of which every odd value is refused."""

READERS: dict[str, Callable[[Payload, Job], object]] = {
    "query.describe": lambda answer, job: read_description(FORGER, answer.facts, job.plan),
    "query.harmonize": lambda answer, _: read_change(answer.facts),
    "train": lambda answer, _: read_round(answer.facts, 48),
    "evaluate": lambda answer, job: read_evaluation(answer.facts, job.plan, 48),
    "query.compare": lambda answer, _: read_spread(answer.facts, answer.tensors, ("scaffold", "mapped"), 1, 48),
}

FORGERIES: list[tuple[str, str, Forge]] = [
    *(
        (question, "an odd " + names[0], fact(names[0], ODD[place]))
        for place, (question, names) in enumerate(FACTS.items())
    ),
    *((question, "empty", empty) for question in ("query.describe", "train", "evaluate", "query.compare")),
    ("query.describe", "left out by a name that moves the cursor", fact("left_out", {"a\rb": 1})),
    ("query.describe", "fewer than no files left out", fact("left_out", {"truncated": -1})),
    ("query.describe", "left out a thousand reasons", fact("left_out", {f"r{number}": 1 for number in range(1000)})),
    ("query.describe", "patients in a part that is none", inner("patients", "more", 3)),
    ("query.describe", "far more patients than the plan knows of", inner("patients", "train", 10_000)),
    ("query.describe", "another site", fact("site", "a")),
    ("query.share", "quantiles of another size", statistic(np.full((1, 7), 0.5))),
    ("query.share", "quantiles that fall", statistic(np.linspace(1, 0, 199)[None])),
    ("query.share", "grey values beyond 1", statistic(np.linspace(0, 1e9, 199)[None])),
    ("query.share", "numbers that are none", statistic(np.full((1, 199), math.nan))),
    ("query.share", "text", statistic(np.full((1, 199), "x"))),
    ("query.share", "a picture beside them", statistic(np.zeros((4, 4)), "pictures")),
    ("query.harmonize", "a signal that is text", fact("kept", "all")),
    ("query.harmonize", "a signal without its fields", fact("kept", {"cases": 3})),
    (
        "query.harmonize",
        "a signal beyond all numbers",
        fact("kept", {**dict.fromkeys(("before", "after", "drop", "low", "high"), math.inf), "cases": 3, "lost": True}),
    ),
    ("train", "not a number among the weights", tensor(lambda found: found * math.nan, WEIGHT)),
    ("train", "infinite weights", tensor(lambda found: found + np.float32(math.inf), WEIGHT)),
    ("train", "weights of another shape", tensor(lambda found: found[:1], WEIGHT)),
    ("train", "weights of another kind", tensor(lambda found: found.astype(np.float64), WEIGHT)),
    ("train", "weights that are text", tensor(lambda found: found.astype(str), WEIGHT)),
    ("train", "weights a hundred times as large", tensor(lambda found: found * np.float32(100), WEIGHT)),
    ("train", "weights turned about", tensor(lambda found: -100 * found, WEIGHT)),
    ("train", "one weight far away", tensor(lambda found: np.where(found == found.max(), 9, found), WEIGHT)),
    ("train", "weights beyond all numbers", tensor(lambda found: found + np.float32(1e30), WEIGHT)),
    ("train", "a variance below zero", tensor(lambda found: -found, VARIANCE)),
    ("train", "variances of another world", tensor(lambda found: found + np.float32(1e6), VARIANCE)),
    ("train", "a counter out of hand", tensor(lambda found: found + 10**9, COUNTER)),
    ("train", "a tensor less", lost(WEIGHT)),
    (
        "train",
        "a tensor more",
        lambda answer: tensor(lambda _: 1, "x")(Payload({**answer.tensors, "x": 0}, {}, answer.facts)),
    ),
    ("train", "no cases", fact("cases", 0)),
    ("train", "no loss", without("loss")),
    ("train", "a loss that is none", fact("loss", math.nan)),
    ("train", "a loss without end", fact("loss", math.inf)),
    ("train", "a loss that is text", fact("loss", "low")),
    ("train", "far more cases than the plan knows of", fact("cases", 10_000)),
    ("train", "a step more", inner("spent", "steps", 3)),
    ("train", "fewer than no steps", inner("spent", "steps", -2)),
    ("train", "another start", inner("spent", "start", "0" * 16)),
    ("train", "a start that is text", inner("spent", "start", "\x1b[2J")),
    ("train", "passes beyond all numbers", inner("spent", "passes", 2**62)),
    ("train", "seconds that are none", inner("spent", "seconds", math.nan)),
    ("train", "memory beyond all numbers", inner("spent", "peak_bytes", 2**62)),
    ("train", "a cost of its own", inner("spent", "euros", 3)),
    ("evaluate", "a score above 1", inner("scores", "dice", 1.5)),
    ("evaluate", "a score that is text", inner("ungated", "dice", "good")),
    ("evaluate", "a score that is none", inner("validation", "dice", math.nan)),
    ("evaluate", "a distance below 0", inner("scores", "surface_px", -1)),
    ("evaluate", "a metric of its own", inner("scores", "fame", 1.0)),
    ("evaluate", "a step more", inner("spent", "steps", 3)),
    ("evaluate", "more cases than the plan knows of", fact("cases", 10_000)),
    ("query.compare", "a covariance of another shape", tensor(lambda found: found[:1], "covariance")),
    ("query.compare", "a covariance of whole numbers", tensor(lambda found: np.ones(found.shape, int), "covariance")),
    ("query.compare", "a variance below zero", tensor(lambda found: -1 - np.abs(found), "covariance")),
    ("query.compare", "a variance beyond scores", tensor(lambda found: found + 100, "covariance")),
    ("query.compare", "a row known in part", tensor(row_in_part, "covariance")),
    ("query.compare", "no covariance", lost("covariance")),
    ("query.compare", "a strategy twice", fact("strategies", ["scaffold", "scaffold"])),
    ("query.compare", "a strategy of its own", fact("strategies", ["scaffold", "mine"])),
    ("query.compare", "no degrees of freedom", fact("freedom", 0)),
    ("query.compare", "a million degrees of freedom", fact("freedom", 10**6)),
]


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Replayed:
    return honest_run(tmp_path_factory.mktemp("honest"))


def named(result: RunResult, site: str) -> bool:
    """Whether the result says that something was not as it should be at the site."""
    replies = [entry.replies.get(site, "ok") for entry in result.rounds]
    return any(reply != "ok" for reply in replies) or any(f"site {site} " in note for note in result.notes)


def test_there_are_many_of_them() -> None:
    assert len({(question, what) for question, what, _ in FORGERIES}) == len(FORGERIES) > 60


@pytest.mark.parametrize("question", FACTS)
@pytest.mark.parametrize("value", ODD, ids=lambda value: str(value)[:9])
def test_no_odd_fact_is_believed(question: str, value: Any, replayed: Replayed) -> None:
    honest = next(answer for site, of, _, answer in replayed.recorded.log if (site, of) == (FORGER, question))
    job, read = replayed.recorded.job, READERS[question]
    read(honest, job)
    for name in FACTS[question]:
        if (name, value) == ("spent", {}):  # a cost of nothing: off the budget, and not odd in itself
            continue
        with pytest.raises(EngineError, match="sent"):
            read(fact(name, value)(honest), job)


def test_an_honest_run_replayed_is_the_same(replayed: Replayed, tmp_path: Path) -> None:
    again = replayed.forged(tmp_path, "train", lambda answer: answer, "")
    honest = replayed.recorded.result
    assert again.sites == honest.sites
    assert again.difference == honest.difference
    assert not named(again, FORGER)


@pytest.mark.parametrize(
    ("question", "forge"),
    [(of, forge) for of, _, forge in FORGERIES],
    ids=[f"{of}: {what}" for of, what, _ in FORGERIES],
)
def test_the_run_ends_with_the_other_sites_and_names_the_forger(
    question: str, forge: Forge, replayed: Replayed, tmp_path: Path
) -> None:
    result = replayed.forged(tmp_path, question, forge, FORGER)
    assert named(result, FORGER)
    text = (tmp_path / "result.json").read_text()
    assert "\x1b" not in text
    assert RunResult.read(tmp_path / "result.json") == result
    for site in "abd":
        assert not named(result, site)
        assert result.sites[site].scores["fedavg"][0] is not None
        assert result.sites[site].scores["fedavg"] == replayed.recorded.result.sites[site].scores["fedavg"]
    assert result.difference.mean is not None or question == "train"


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("query.describe", "no site could take part: a node calls itself None"),
        ("train", "fedavg seed 0 round 1: no site sent an update"),
        ("evaluate", "no site could judge fedavg seed 0"),
    ],
)
def test_where_nobody_is_left_the_error_says_why(question: str, says: str, replayed: Replayed, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=says):
        replayed.forged(tmp_path, question, empty, "abcd")


def test_where_no_description_can_be_the_error_says_why(replayed: Replayed, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="no site could take part: takes no part: it sent None, expected a mark"):
        replayed.forged(tmp_path, "query.describe", fact("split", None), "abcd")


def test_where_no_share_can_be_the_error_says_why(replayed: Replayed, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="harmonizer quantile_map: no site could answer .*which rise"):
        replayed.forged(tmp_path, "query.share", statistic(np.linspace(1, 0, 199)[None]), "abcd")


def test_without_any_spread_there_is_a_result_without_intervals(replayed: Replayed, tmp_path: Path) -> None:
    result = replayed.forged(tmp_path, "query.compare", empty, "abcd")
    assert (result.verdict, result.difference.mean) == ("undecided", None)
    assert all(result.sites[site].scores["scaffold"][0] is not None for site in "abcd")
