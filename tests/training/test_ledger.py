"""What a run is expected to take is what it takes."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_hospitals import plan_for

from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.plans import PlannedSite, RunResult, Spending
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.arms import arm_of
from shiftscope.training.federation.flower.messages import pack, size_of, weight_of
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.launch import train
from shiftscope.training.models.networks import build
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs import pace
from shiftscope.training.runs.forecasts import CaseCounts, rehearsed_reference
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.memory import measure_from_here, peak_bytes, resident_bytes
from shiftscope.training.runs.payload import bytes_of


@pytest.fixture(scope="module")
def run(hospitals: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    """Every strategy there is, on two rounds; the last one tunes where a strategy tunes."""
    plan = plan_for(hospitals, rounds=2, local_steps=2, seeds=(11,))
    plan = plan.model_copy(update={"sites": _clustered(plan.sites)})
    names = [*CONTROLS, *PERSONALIZERS]
    arms = [arm_of(plan, name, name, None) for name in names]
    arms.append(arm_of(plan, "mapped", "fedbn", "quantile_map"))
    return train(plan, hospitals, RunOptions(engine="inline", out=tmp_path_factory.mktemp("ledger") / "run"), arms=arms)


def _clustered(sites: dict[str, PlannedSite]) -> dict[str, PlannedSite]:
    return {name: site.model_copy(update={"cluster": int(name == "c")}) for name, site in sites.items()}


ARMS = (*CONTROLS, *PERSONALIZERS, "mapped")


@pytest.mark.slow
@pytest.mark.parametrize("arm", ARMS)
def test_bytes_and_passes_come_as_predicted(run: RunResult, arm: str) -> None:
    expected, measured = _both(run, arm)
    assert measured.bytes_down == expected.bytes_down
    assert measured.bytes_up == expected.bytes_up
    assert measured.passes == expected.passes > 0


@pytest.mark.slow
@pytest.mark.parametrize("arm", ARMS)
def test_every_round_at_every_site_is_foreseen(run: RunResult, arm: str) -> None:
    forecast = run.ledger[arm].predicted
    assert forecast is not None
    first = [entry for entry in run.rounds if entry.arm == arm and entry.seed == run.plan.seeds[0]]
    for site, foreseen in forecast.rounds.items():
        spent = [entry.sites[site] for entry in first if site in entry.sites]
        assert len(foreseen) == len(spent) + 1
        for one, other in zip(foreseen, spent, strict=False):
            assert (one.up, one.down, one.steps, one.passes) == (other.up, other.down, other.steps, other.passes), one


@pytest.mark.slow
@pytest.mark.parametrize("arm", ARMS)
def test_seconds_and_memory_are_of_the_right_size(run: RunResult, arm: str) -> None:
    expected, measured = _both(run, arm)
    assert 0.02 < expected.seconds / measured.seconds < 50
    assert expected.peak_bytes is not None
    if measured.peak_bytes is not None:
        assert 0.5 < expected.peak_bytes / measured.peak_bytes < 2


@pytest.mark.slow
def test_the_ledger_is_the_sum_of_the_account(run: RunResult) -> None:
    for arm, cost in run.cost_by_arm.items():
        measured = run.ledger[arm].measured
        assert measured.bytes_up + measured.bytes_down == cost.bytes


@pytest.mark.slow
def test_what_stays_home_or_comes_twice_shows_in_the_bytes(run: RunResult) -> None:
    down = {arm: _both(run, arm)[0].bytes_down for arm in ARMS}
    assert down["fedper"] < down["fedavg"]
    assert down["local"] == 0
    assert 1.7 < down["scaffold"] / down["fedavg"] < 2.1
    assert down["pooled"] < down["fedavg"]
    assert down["mapped"] > down["fedbn"]
    passes = {arm: _both(run, arm)[0].passes for arm in ARMS}
    assert passes["ditto"] == 2 * passes["fedavg"]
    assert passes["fedala"] > passes["fedavg"] == passes["lp_ft"]
    peaks = {arm: _both(run, arm)[0].peak_bytes for arm in ARMS}
    assert peaks["ditto"] > peaks["fedavg"]  # type: ignore[operator]


@pytest.mark.parametrize("name", [name for name, chosen in HARMONIZERS.items() if chosen.on != "features"])
def test_a_reference_weighs_what_was_rehearsed(name: str, job: Job) -> None:
    chosen = HARMONIZERS[name]
    plan = job.plan.model_copy(update={"colour": chosen.on == "colour"})
    known = dict.fromkeys(job.sites, CaseCounts(12, 5, 24, 12))
    rehearsed = rehearsed_reference(job.model_copy(update={"plan": plan}), name, known, {})
    rng = np.random.default_rng(5)
    channels = 3 if plan.colour else 1

    def case() -> np.ndarray:
        if chosen.on == "geometry":
            return np.array([[1.0, 0.5, 0.5], [1, 40, 48]])
        return rng.uniform(0.1, 0.9, (1, channels, 32, 32)).astype(np.float32)

    sites = {site: [[case()] for _ in range(12)] for site in job.sites}
    _, reference = fit(chosen, sites)
    assert {key: array.shape for key, array in rehearsed.items()} == {k: a.shape for k, a in reference.items()}
    assert bytes_of(rehearsed) == bytes_of(reference)


def test_arrays_weigh_as_flower_packs_them() -> None:
    arrays = {
        "weights": np.zeros((3, 5), np.float32),
        "turned": np.asfortranarray(np.ones((4, 6))),
        "scalar": np.array(7),
        "none": np.zeros((0, 2)),
    }
    assert bytes_of(arrays) == weight_of(Payload(arrays)) == size_of(pack(Payload(arrays)))


def test_a_resumed_run_keeps_its_first_forecast(hospitals: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(hospitals, personalizer="fedala", seeds=(0, 11))
    first = train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run"))
    again = train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run", resume=True))
    ledgers = [run.to_dict()["ledger"] for run in (first, again)]
    seconds = [[entry["measured"].pop("seconds") for entry in ledger.values()] for ledger in ledgers]
    assert ledgers[0] == ledgers[1]
    assert seconds[0] == pytest.approx(seconds[1], rel=1e-5)  # a sum of figures that are kept with six digits
    for arm in first.arms:
        expected, measured = _both(first, arm)
        assert (expected.bytes_down, expected.passes) == (measured.bytes_down, measured.passes)


def test_the_forecast_is_logged_before_the_first_round(
    hospitals: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    logged: list[list[str]] = []

    def first(_step: object) -> None:
        logged.append(list(caplog.messages))

    caplog.set_level("INFO", "shiftscope")
    train(
        plan_for(hospitals, rounds=1),
        hospitals,
        RunOptions(engine="inline", out=tmp_path / "run"),
        progress=first,
    )
    assert len(logged) == 2
    assert logged[0][0] == "checking 3 sites"
    assert "baseline: about " in logged[0][1]
    assert "MB to the sites" in logged[0][1]


@pytest.fixture
def job(hospitals: dict[str, Path], tmp_path: Path) -> Job:
    plan = plan_for(hospitals)
    return Job(
        plan=plan,
        arms=(arm_of(plan, "baseline", "fedavg", None),),
        data={site: str(path) for site, path in hospitals.items()},
        patient_regex=None,
        out=tmp_path,
        timeout_s=1,
        device="cpu",
    )


def test_the_peak_forgets_what_came_before() -> None:
    if not measure_from_here("cpu"):
        pytest.skip("this system does not reset a process's peak")
    before = resident_bytes("cpu")
    held = np.ones(25_000_000)
    high = peak_bytes("cpu")
    assert before is not None
    assert high is not None
    assert high - before > 0.9 * held.nbytes
    size = held.nbytes
    del held
    assert peak_bytes("cpu") > high - 0.1 * size  # type: ignore[operator]  # the kernel counts pages in batches
    assert measure_from_here("cpu")
    assert peak_bytes("cpu") < high - 0.9 * size  # type: ignore[operator]


def _both(run: RunResult, arm: str) -> tuple[Spending, Spending]:
    book = run.ledger[arm]
    assert book.predicted is not None
    return book.predicted.total, book.measured


def test_what_happens_once_is_not_in_the_pace(hospitals: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The first step of a process loads libraries for seconds; a prediction made of it was 100 times too high."""
    plan = plan_for(hospitals)
    original, waited = pace.run_steps, []

    def slow_at_first(*arguments: Any, **more: Any) -> float:
        if not waited:
            waited.append(True)
            time.sleep(2)
        return original(*arguments, **more)

    monkeypatch.setattr(pace, "run_steps", slow_at_first)
    monkeypatch.setattr(pace, "BUDGET_S", 0.2)
    assert pace.time_steps(plan, build(plan), "cpu").seconds < 1
