"""A site whose training diverges misses that round, and nothing of it stays."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from recorded_runs import Recorded, apart, arms_for, go_on, job_for

from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.local_rounds import Round
from shiftscope.training.data.batches import Batch

NAMES = ("fedavg", "fedbn", "ditto", "apfl")
ILL, AT = "b", 2


@pytest.fixture(scope="module")
def run(pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Three rounds; in the second one site's first batch is not a number."""
    plan = apart(pair)
    job = job_for(plan, pair, tmp_path_factory.mktemp("diverged"), arms_for(plan, NAMES))
    original = Round.batches

    def spoiled(self: Round, purpose: str = "train") -> Iterator[Batch]:
        for index, (images, targets) in enumerate(original(self, purpose)):
            hit = (self.origin[1], self.number, index) == (ILL, AT, 0)
            yield (images * float("nan") if hit else images), targets

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Round, "batches", spoiled)
        return go_on(job)


def finite(tensors: Tensors) -> bool:
    return bool(tensors) and all(np.isfinite(tensor).all() for tensor in tensors.values())


@pytest.mark.parametrize("name", NAMES)
def test_the_site_fails_in_that_round_only(name: str, run: Recorded) -> None:
    replies = [entry.replies for entry in run.result.rounds if entry.arm == name]
    assert replies == [
        {"a": "ok", ILL: "ok"},
        {"a": "ok", ILL: f"failed: EngineError, see sites/{ILL}/errors.log"},
        {"a": "ok", ILL: "ok"},
    ]
    assert run.result.sites[ILL].scores[name][0] is not None
    assert finite(run.checkpoint(name).shared)
    assert finite(run.final(name, ILL))


@pytest.mark.parametrize(("name", "holder"), [("fedbn", "home"), ("ditto", "memory"), ("apfl", "memory")])
def test_what_stays_at_the_site_is_what_it_had_before(name: str, holder: str, run: Recorded) -> None:
    """The round that diverged leaves no state, and the next one sets out from the one before."""
    first, third = (getattr(run.personal(name, ILL, after), holder) for after in (1, 3))
    assert finite(first)
    assert finite(third)
    kept = {path.stem for path in (run.job.home(ILL) / f"{name}-seed0").glob("round-*")}
    assert kept == {"round-00001", "round-00003"}
    assert any((third[key] != first[key]).any() for key in first)


def test_the_log_at_the_site_names_tensor_round_and_what_to_do(run: Recorded) -> None:
    log = (run.job.home(ILL) / "errors.log").read_text()
    for name in NAMES:
        assert f"is not finite after round {AT} of {name}, seed 0: training diverged; lower the plan's" in log
    assert not (run.job.home("a") / "errors.log").exists()


def test_all_missed_alike_and_are_compared(run: Recorded) -> None:
    for name in NAMES[1:]:
        assert run.result.arms[name].difference.mean is not None
