"""What stays in a site's folder after a run: its scores always, its models where they are wanted."""

from pathlib import Path

import numpy as np
import pytest
import torch
from recorded_runs import SEED, Recorded, apart, arms_for, go_on, job_for
from torch import nn

from shiftscope.training.algorithms.algorithm import Algorithm
from shiftscope.training.algorithms.families import PERSONALIZERS
from shiftscope.training.algorithms.local_rounds import Round

NAMES = ["fedavg", "fedbn", "ditto", "spoiled"]


def spoil(model: nn.Module, _round: Round) -> None:
    """Tuning that ends in a model which finds nothing."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        list(model.parameters())[-1].copy_(torch.tensor([5.0, -5.0]))


@pytest.fixture(scope="module", params=[True, False], ids=["kept", "not kept"])
def run(request: pytest.FixtureRequest, pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Two rounds, the last strategy of which every site refuses."""
    plan = apart(pair, rounds=2, local_steps=15)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PERSONALIZERS, "spoiled", Algorithm("", finish=spoil))
        job = job_for(plan, pair, tmp_path_factory.mktemp("kept"), arms_for(plan, NAMES, gated=True))
        job = job.model_copy(update={"keep_models": request.param})
        job.write(job.path)
        return go_on(job)


def test_models_stay_only_where_they_are_wanted(run: Recorded) -> None:
    for site in run.job.sites:
        folders = {path.name for path in run.job.home(site).iterdir() if path.is_dir()}
        assert folders == ({f"{name}-seed{SEED}" for name in NAMES} if run.job.keep_models else set())


def test_scores_stay(run: Recorded) -> None:
    for site in run.job.sites:
        for name in NAMES:
            cases = run.cases(name, site)
            assert len(cases["dice"]) == run.result.sites[site].cases
            assert np.nanmean(cases["dice"]) == pytest.approx(run.result.sites[site].ungated[name][0], abs=1e-6)


def test_a_gated_site_keeps_the_model_it_uses(run: Recorded) -> None:
    gated = [site for site in run.job.sites if run.result.sites[site].kept_baseline["spoiled"][0]]
    assert gated
    if not run.job.keep_models:
        return
    for site in gated:
        used, base = (run.job.home(site) / f"{name}-seed{SEED}" / "model.safetensors" for name in ("spoiled", "fedavg"))
        assert used.read_bytes() == base.read_bytes()
    for site in run.job.sites:
        for name in ("fedbn", "ditto"):
            kept = run.result.sites[site].kept_baseline[name][0]
            own, base = run.final(name, site), run.final("fedavg", site)
            assert all((own[key] == base[key]).all() for key in base) == kept
