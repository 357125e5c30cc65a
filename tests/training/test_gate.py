"""A site that is worse off with the model made for it keeps the one it has in common with the others."""

from pathlib import Path

import numpy as np
import pytest
import torch
from recorded_runs import Recorded, apart, arms_for, go_on, job_for
from torch import nn

from shiftscope.plans import Difference, Split
from shiftscope.training.algorithms.algorithm import Algorithm
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.algorithms.local_rounds import Round
from shiftscope.training.federation.kept_scores import gated
from shiftscope.training.federation.participants import Participant


@pytest.mark.parametrize(
    ("personal", "common", "kept"),
    [
        (0.4, 0.5, True),
        (0.5, 0.4, False),
        (0.5, 0.5, False),
        (None, 0.5, False),
        (0.5, None, False),
        (None, None, False),
        (0.0, 1e-9, True),
    ],
)
def test_only_a_worse_validation_score_keeps_the_common_model(
    personal: float | None, common: float | None, kept: bool
) -> None:
    assert gated(personal, common) is kept


def spoil_b(model: nn.Module, round_: Round) -> None:
    """At site b the model ends with finding nothing; elsewhere it is as it was."""
    if round_.origin[1] == "b":
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()


def spoiled(data: dict[str, Path], out: Path, **changes: object) -> Recorded:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PERSONALIZERS, "spoiled", Algorithm("FedAvg, made worse at one site", finish=spoil_b))
        plan = apart(data, seeds=(0, 1), rounds=2, **changes)
        job = job_for(plan, data, out, arms_for(plan, ["fedavg", "spoiled"], gated=True))
        run = go_on(job)
        for site in job.sites:
            kept = run.result.sites[site].kept_baseline
            gates = {(arm.name, seed): kept.get(arm.name, (False, False))[seed] for arm in job.arms for seed in (0, 1)}
            run.spreads[site] = Participant(job, site).compare(plan.every_seed, gates)[0]
        return run


@pytest.fixture(scope="module")
def judged(pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """With validation cases at both sites."""
    return spoiled(pair, tmp_path_factory.mktemp("judged"))


@pytest.fixture(scope="module")
def unjudged(pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Without any."""
    return spoiled(pair, tmp_path_factory.mktemp("unjudged"), split=Split(train=0.7, val=0.0, test=0.3))


def test_the_worse_site_keeps_the_baseline_and_the_result_says_so(judged: Recorded) -> None:
    a, b = judged.result.sites["a"], judged.result.sites["b"]
    assert b.validation["spoiled"] == (0.0, 0.0)
    assert all(value is not None and value > 0 for value in b.validation["fedavg"])
    assert b.kept_baseline == {"spoiled": (True, True)}
    assert b.scores["spoiled"] == b.scores["fedavg"] != (0.0, 0.0)
    assert b.ungated["spoiled"] == (0.0, 0.0)
    assert b.also.keys()
    assert all(series["spoiled"] == series["fedavg"] for series in b.also.values())
    assert a.kept_baseline == {"spoiled": (False, False)}
    assert a.ungated["spoiled"] == a.scores["spoiled"] == a.scores["fedavg"]


def test_what_is_compared_there_is_the_baseline_with_itself(judged: Recorded) -> None:
    assert not judged.spreads["b"].of("spoiled").covariance.any()
    assert judged.spreads["b"].of("ungated/spoiled").covariance.any()
    assert judged.result.sites["b"].differences["spoiled"] == Difference(mean=0.0, low=0.0, high=0.0)
    assert judged.result.arms["spoiled"].harmed == ()
    assert judged.result.arms["spoiled"].verdict == "no_difference"


def test_a_site_compares_the_model_that_the_coordinator_knows_it_to_use(judged: Recorded) -> None:
    """Its files may show more by then: a baseline that was judged only after the strategy was."""
    gates = {(arm.name, seed): False for arm in judged.job.arms for seed in (0, 1)}
    differences = Participant(judged.job, "b").compare((0, 1), gates)[0]
    used, own = (differences.of(name).covariance for name in ("spoiled", "ungated/spoiled"))
    np.testing.assert_array_equal(used, own)
    assert used.any()


def test_without_validation_cases_nothing_is_decided(unjudged: Recorded) -> None:
    b = unjudged.result.sites["b"]
    assert b.validation == {"fedavg": (None, None), "spoiled": (None, None)}
    assert b.kept_baseline == {"spoiled": (False, False)}
    assert b.scores["spoiled"] == b.ungated["spoiled"] == (0.0, 0.0)
    assert unjudged.spreads["b"].of("spoiled").covariance.any()
    assert (b.differences["spoiled"].mean or 0) < -0.1
    assert unjudged.result.arms["spoiled"].harmed == ()  # two seeds show nothing: Student's t has one degree of freedom


def test_what_is_not_personal_has_no_gate(portfolio: Recorded) -> None:
    arms = arms_for(portfolio.job.plan, [*CONTROLS, *PERSONALIZERS], gated=True)
    assert {arm.name for arm in arms if arm.gated} == PERSONALIZERS.keys()
    assert not any(site.kept_baseline for site in portfolio.result.sites.values())
