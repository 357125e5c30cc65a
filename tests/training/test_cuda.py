"""Training on a GPU: every algorithm, every kind of network, and the same work as on a CPU up to rounding."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from recorded_runs import Recorded, apart, arms_for, go_on, job_for
from small_hospitals import plan_for
from volumes_on_disk import classified_volumes, segmented_volumes

from shiftscope.plans import Plan, RunResult
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.arms import arm_of
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch can use"),
]

ALGORITHMS = (*CONTROLS, *PERSONALIZERS)
CLOSE = 2e-3
"""Of a loss near 1 after two rounds: convolutions on a GPU round otherwise, and AdamW's first steps enlarge it."""


@pytest.fixture(scope="module")
def both(pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recorded]:
    """Every algorithm on either device."""
    plan = apart(pair, rounds=2)
    return {
        device: go_on(job_for(plan, pair, tmp_path_factory.mktemp(device), arms_for(plan, ALGORITHMS), device))
        for device in ("cpu", "cuda")
    }


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_algorithm_does_the_same_on_a_gpu(algorithm: str, both: dict[str, Recorded]) -> None:
    cpu, cuda = (both[device].result for device in ("cpu", "cuda"))
    for here, there in zip(cpu.rounds, cuda.rounds, strict=True):
        if here.arm == algorithm:
            assert there.loss == pytest.approx(here.loss, abs=CLOSE)
            assert {site: (spent.steps, spent.passes) for site, spent in there.sites.items()} == {
                site: (spent.steps, spent.passes) for site, spent in here.sites.items()
            }
    for site in cpu.sites:
        one, other = (both[device].final(algorithm, site) for device in ("cpu", "cuda"))
        assert one.keys() == other.keys()
        assert all(np.isfinite(tensor).all() for tensor in other.values())


def test_memory_on_the_gpu_is_accounted(both: dict[str, Recorded]) -> None:
    entries = [spent for entry in both["cuda"].result.rounds for spent in entry.sites.values()]
    assert all(spent.peak_bytes is not None and 1e5 < spent.peak_bytes < 1e9 for spent in entries)
    assert both["cuda"].result.machine["device"] == "cuda"


def twice(plan: Plan, data: dict[str, Path], out: Path, algorithm: str, harmonizer: str | None) -> list[RunResult]:
    arms = [arm_of(plan, "one", algorithm, harmonizer)]
    return [
        train(plan, data, RunOptions(engine="inline", out=out / device, device=device), arms=arms)
        for device in ("cpu", "cuda")
    ]


@pytest.mark.parametrize("kind", ["mixstyle", "quantile_spectrum", "resnet", "linear", "volumes", "volume classes"])
def test_networks_and_harmonizers(
    kind: str, hospitals: dict[str, Path], clinics: dict[str, Path], tmp_path: Path
) -> None:
    classes = {"task": "classification", "classes": ("large", "small")}
    plans: dict[str, Callable[[], tuple[Plan, dict[str, Path], str | None]]] = {
        "mixstyle": lambda: (plan_for(hospitals), hospitals, "mixstyle"),
        "quantile_spectrum": lambda: (plan_for(hospitals), hospitals, "quantile_spectrum"),
        "resnet": lambda: (plan_for(clinics, **classes, model="test_resnet"), clinics, None),
        "linear": lambda: (plan_for(clinics, **classes, model="linear", image_size=64), clinics, None),
        "volumes": lambda: _volumes(segmented_volumes(tmp_path / "balls", {"thin": 6, "thick": 10})),
        "volume classes": lambda: _volumes(classified_volumes(tmp_path / "sizes", ["a", "b"]), **classes),
    }
    plan, data, harmonizer = plans[kind]()
    cpu, cuda = twice(plan, data, tmp_path, "fedper", harmonizer)
    for here, there in zip(cpu.rounds, cuda.rounds, strict=True):
        assert there.loss == pytest.approx(here.loss, abs=10 * CLOSE)
    for site, result in cpu.sites.items():
        assert cuda.sites[site].cases == result.cases
        assert all(score is None or np.isfinite(score) for score in cuda.sites[site].scores["one"])


def _volumes(data: dict[str, Path], **changes: object) -> tuple[Plan, dict[str, Path], None]:
    size = {"image_size": 24, "patch": (8, 16, 16)}
    if changes:
        size = {"image_size": 32, "patch": (8, 32, 32), "model": "resnet10"}
    return plan_for(data, **{**size, **changes}), data, None


def test_flower_gives_workers_their_share_of_the_gpu(pair: dict[str, Path], tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="Flower's simulation needs ray")
    plan = plan_for(pair, image_size=16)
    arms = [arm_of(plan, "one", "fedbn", None)]
    runs = [
        train(plan, pair, RunOptions(engine=e, out=tmp_path / e, device="cuda"), arms=arms)
        for e in ("inline", "flower")
    ]
    for one, other in zip(runs[0].rounds, runs[1].rounds, strict=True):
        assert other.loss == pytest.approx(one.loss, abs=CLOSE)
