"""What is refused before anything runs, and what a run leaves behind."""

import json
from pathlib import Path

import pytest
import torch
from small_hospitals import classified, plan_for, segmented

from shiftscope.errors import EngineError, InputError, PlanError, UsageError
from shiftscope.plans import RunResult, write_plan
from shiftscope.progress import Progress
from shiftscope.training import plan_checks
from shiftscope.training.arms import arm_of, arms_of
from shiftscope.training.launch import train
from shiftscope.training.plan_checks import check_plan
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Job


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"harmonizer": "hm"}, r'harmonizer: no \'hm\'; expected zscore, .* or ""'),
        ({"personalizer": "fedavg"}, "personalizer: no 'fedavg'; expected fedbn, .*fedper"),
        ({"baseline": "fedbn"}, "baseline: no 'fedbn'; expected fedavg"),
        ({"model": "vnet"}, "model: no segmentation model 'vnet'; expected 'unet'"),
        ({"image_size": 36}, "image_size: 36 does not fit the U-Net; choose a multiple of 8"),
        ({"task": "classification", "model": "test_resnet"}, "classes: 0 for classification"),
        (
            {"task": "classification", "model": "resnet81", "classes": ("x", "y")},
            "timm has no 'resnet81'.*such as .*resnet18",
        ),
        (
            {"task": "classification", "model": "test_resnet", "classes": ("x", "y"), "weights": "/nowhere.pth"},
            "weights: /nowhere.pth cannot be loaded into test_resnet",
        ),
        (
            {"task": "classification", "model": "vit_tiny_patch16_224", "classes": ("x", "y"), "image_size": 64},
            "image_size: vit_tiny_patch16_224 does not take 64 px",
        ),
    ],
)
def test_a_plan_that_cannot_run(changes: dict[str, object], said: str, hospitals: dict[str, Path]) -> None:
    plan = plan_for(hospitals, **changes)
    with pytest.raises(PlanError, match=said):
        check_plan(plan, arms_of(plan))


def test_swapped_sites_are_named(hospitals: dict[str, Path], tmp_path: Path) -> None:
    swapped = {**hospitals, "a": hospitals["b"], "b": hospitals["a"]}
    with pytest.raises(PlanError, match=r"site a: .* holds the data that were profiled as 'b'; are the two swapped"):
        train(plan_for(hospitals), swapped, RunOptions(engine="inline", out=tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_other_data_than_profiled_are_refused(hospitals: dict[str, Path], tmp_path: Path) -> None:
    other = segmented(tmp_path / "other", {"c": 0.9})
    with pytest.raises(PlanError, match=r"site c: .* is not what was profiled"):
        train(plan_for(hospitals), {**hospitals, **other}, RunOptions(engine="inline", out=tmp_path / "run"))


def test_data_for_every_site_and_no_other(hospitals: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(hospitals)
    with pytest.raises(PlanError, match=r"nothing given for site 'b'; .* --data b=DIR"):
        train(plan, {"a": hospitals["a"]}, RunOptions(engine="inline", out=tmp_path))
    with pytest.raises(PlanError, match="the plan has no site 'd'; its sites are a, b, c"):
        train(plan, {**hospitals, "d": tmp_path}, RunOptions(engine="inline", out=tmp_path))
    with pytest.raises(InputError):
        train(plan, {**hospitals, "a": tmp_path / "absent"}, RunOptions(engine="inline", out=tmp_path))


def test_a_run_and_its_traces(hospitals: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(hospitals, harmonizer="quantile_map", personalizer="fedbn", seeds=(0, 5))
    plan = plan.model_copy(update={"data": {"a": str(hospitals["a"])}})
    steps: list[Progress] = []
    data = {site: path for site, path in hospitals.items() if site != "a"}
    result = train(plan, data, RunOptions(engine="inline", out=tmp_path / "run"), progress=steps.append)
    assert RunResult.read(tmp_path / "run" / "result.json").to_json() == result.to_json()
    lines = (tmp_path / "run" / "rounds.jsonl").read_text().splitlines()
    assert [json.loads(line)["arm"] for line in lines] == [
        arm for arm in ("baseline", "adapted", "local") for _ in range(4)
    ]
    assert len(result.rounds) == 12
    assert [(step.done, step.total) for step in steps] == [(done, 12) for done in range(1, 13)]
    assert [step.doing for step in steps[::2]] == [
        f"{arm}, seed {seed}" for arm in ("baseline", "adapted", "local") for seed in (0, 5)
    ]
    assert steps[0].line.startswith("baseline, seed 0, round 1 of 2: loss ")
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir()) == [
        f"{arm}-seed{seed}.safetensors" for arm in ("adapted", "baseline", "local") for seed in (0, 5)
    ]
    assert (tmp_path / "run" / "references" / "quantile_map.safetensors").exists()
    assert (tmp_path / "run" / "sites" / "a" / "adapted-seed5" / "model.safetensors").exists()
    assert set(result.sites) == {"a", "b", "c"}
    for site in result.sites.values():
        assert all(score is not None and 0 <= score <= 1 for series in site.scores.values() for score in series)
        assert site.cases == site.patients["test"] > 0
        assert site.changed is not None
        assert site.changed > 0.001
    assert result.difference.low < result.difference.mean < result.difference.high  # type: ignore[operator]
    assert str(hospitals["a"]) not in (tmp_path / "run" / "result.json").read_text()
    assert all("lowers the contrast of lesions" in note for note in result.notes)

    with pytest.raises(UsageError, match="holds a run already; add --resume"):
        train(plan, data, RunOptions(engine="inline", out=tmp_path / "run"))
    with pytest.raises(PlanError, match=r"rounds: 2 when .* was begun, now 3; resume with the first plan"):
        train(
            plan.model_copy(update={"rounds": 3}), data, RunOptions(engine="inline", out=tmp_path / "run", resume=True)
        )
    with pytest.raises(UsageError, match="holds no run to resume"):
        train(plan, data, RunOptions(engine="inline", out=tmp_path / "other", resume=True))


def test_classification_gives_auroc_and_balanced_accuracy(clinics: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(
        clinics,
        task="classification",
        classes=("large", "small"),
        model="test_resnet",
        personalizer="fedper",
        harmonizer="zscore",
        rounds=3,
        local_steps=6,
        batch_size=8,
        learning_rate=3e-3,
    )
    result = train(plan, clinics, RunOptions(engine="inline", out=tmp_path / "run"))
    assert result.metric == "auroc"
    for site in result.sites.values():
        assert site.scores["adapted"][0] is not None
        assert set(site.also) == {"balanced_accuracy"}
    losses = [entry.loss for entry in result.rounds if entry.arm == "baseline"]
    assert losses[-1] < losses[0]  # type: ignore[operator]


def test_a_plan_without_advice_still_tells_whether_taking_part_pays(hospitals: dict[str, Path], tmp_path: Path) -> None:
    result = train(plan_for(hospitals), hospitals, RunOptions(engine="inline", out=tmp_path / "run"))
    assert {entry.arm for entry in result.rounds} == {"baseline", "local"}
    assert (result.verdict, result.difference.mean, result.worst_site) == ("undecided", None, None)
    assert all(site.differences["local"].mean is not None for site in result.sites.values())


def test_a_harmonizer_that_changes_nothing_anywhere_is_an_error(tmp_path: Path) -> None:
    twins = segmented(tmp_path / "data", {"a": 1.0})
    plan = plan_for(twins, harmonizer="quantile_map")
    with pytest.raises(EngineError, match="harmonizer quantile_map: it changed no pixel at any site"):
        train(plan, twins, RunOptions(engine="inline", out=tmp_path / "run"))


def test_too_few_patients_share_nothing(tmp_path: Path) -> None:
    small = segmented(tmp_path / "data", {"a": 1.0, "b": 2.0}, cases=6)
    with pytest.raises(
        EngineError, match=r"no site has 10 training patients with anything to share .* choose 'zscore'"
    ):
        train(plan_for(small, harmonizer="quantile_map"), small, RunOptions(engine="inline", out=tmp_path / "run"))


def test_a_small_site_is_harmonized_by_what_the_others_share(tmp_path: Path) -> None:
    mixed = {**segmented(tmp_path, {"big": 1.0}), **segmented(tmp_path / "s", {"small": 2.5}, cases=6)}
    result = train(plan_for(mixed, harmonizer="quantile_map"), mixed, RunOptions(engine="inline", out=tmp_path / "run"))
    assert result.sites["big"].changed == pytest.approx(0, abs=1e-4)
    assert result.sites["small"].changed > 0.05  # type: ignore[operator]


def test_features_of_two_scanners_are_aligned_and_trained_on(tmp_path: Path) -> None:
    """The linear model on frozen features, as they are and after ComBat."""
    data = classified(tmp_path, {"north": 1.0, "south": 1.7}, cases=24)
    plan = plan_for(
        data,
        task="classification",
        classes=("large", "small"),
        model="linear",
        harmonizer="combat",
        rounds=4,
        local_steps=10,
        batch_size=8,
    )
    result = train(plan, data, RunOptions(engine="inline", out=tmp_path / "run"))
    changes = [site.changed for site in result.sites.values()]
    assert all(change is not None and change > 0.01 for change in changes)
    for arm in ("baseline", "adapted"):
        losses = [entry.loss for entry in result.rounds if entry.arm == arm]
        assert losses[-1] < losses[0]  # type: ignore[operator]
        assert result.arms[arm].mean > 0.7  # type: ignore[operator]


def test_a_gpu_that_is_not_there_is_reported(
    run, hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    write_plan(plan_for(hospitals, rounds=2), tmp_path / "plan.toml")
    folders = [part for site, path in hospitals.items() for part in ("--data", f"{site}={path}")]
    for command in ("train", "trial"):
        done = run(command, tmp_path / "plan.toml", *folders, "--device", "cuda", "-o", tmp_path / "run")
        assert (done.code, "--device cuda: no GPU that torch can use; try --device cpu" in done.err) == (2, True)
        assert not (tmp_path / "run").exists()


def test_a_resumed_run_foresees_what_the_first_had_not(hospitals: dict[str, Path], tmp_path: Path) -> None:
    """Strategies may join a run; none of its arms goes without a prediction, and the first prediction stands."""
    plan, out = plan_for(hospitals), tmp_path / "run"
    first, second = arm_of(plan, "one", "fedavg", None), arm_of(plan, "two", "fedbn", None)
    train(plan, hospitals, RunOptions(engine="inline", out=out), arms=[first])
    job = Job.read(out / "job.json", EngineError)
    ledger = train(plan, hospitals, RunOptions(engine="inline", out=out, resume=True), arms=[first, second]).ledger
    assert ledger["one"].predicted == job.forecast["one"]
    assert ledger["two"].predicted is not None
    job.model_copy(update={"device": "cuda"}).write(job.path)
    with pytest.raises(UsageError, match=r"--device: cuda when .* was begun, now cpu"):
        train(plan, hospitals, RunOptions(engine="inline", out=out, resume=True), arms=[first])


def test_the_missing_extra_is_told_in_one_line(
    hospitals: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_checks.importlib.util, "find_spec", lambda name: None if name == "flwr" else object())
    with pytest.raises(UsageError, match=r"train needs flwr; run: pip install 'shiftscope-fl\[train\]'"):
        train(plan_for(hospitals), hospitals, RunOptions(engine="inline", out=tmp_path))
