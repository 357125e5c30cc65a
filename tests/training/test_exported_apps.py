"""A plan exported as a Flower app: whole, readable, refused where it cannot be, and the same training as ours."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from exported_runs import MODULES, context_of, imported, run_inline_app, settings_of
from installed_code import EXAMPLE, EXAMPLE_KEYS, installed
from recorded_runs import Recorded, apart
from safetensors.numpy import load_file
from small_hospitals import plan_for

import shiftscope
from shiftscope.errors import PlanError, ShiftscopeError, UsageError
from shiftscope.exports import AppSite
from shiftscope.exports.flower_apps import PACKAGE
from shiftscope.plans import Plan, read_plan, write_plan
from shiftscope.training.algorithms.aggregation import Tensors, Update
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.launch import train
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.array_files import load_arrays
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.states import load_checkpoint

ROOT = Path(__file__).resolve().parents[2]
FEDERATED = sorted({*CONTROLS, *PERSONALIZERS} - {"local", "pooled"})


def with_method(plan: Plan, name: str, harmonizer: str | None = None) -> Plan:
    key = "baseline" if name in CONTROLS else "personalizer"
    return plan.model_copy(update={key: name, "harmonizer": harmonizer})


def assert_same(found: Tensors, expected: Tensors) -> None:
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        assert tensor.dtype == expected[name].dtype, name
        assert tensor.tobytes() == expected[name].tobytes(), name


def job_of(plan: Plan, data: dict[str, Path], out: Path) -> Job:
    folders = {site: str(path) for site, path in data.items()}
    return Job(plan=plan, arms=(), data=folders, patient_regex=None, out=out, timeout_s=60, device="cpu")


@pytest.fixture
def exported(pair: dict[str, Path], tmp_path: Path) -> Path:
    shiftscope.export_app(plan_for(pair, image_size=16, name="Two_sites.v1"), tmp_path / "app", data=pair)
    return tmp_path / "app"


def test_an_app_is_whole(exported: Path, pair: dict[str, Path]) -> None:
    files = {file.relative_to(exported).as_posix() for file in exported.rglob("*") if file.is_file()}
    modules = {f"{PACKAGE}/{name}.py" for name in ("__init__", *MODULES)}
    assert files == modules | {
        *("README.md", "LICENSE", "pyproject.toml", "plan.toml", "sites.toml", ".gitignore", ".flwr/config.toml"),
    }
    assert read_plan(exported / "plan.toml") == plan_for(pair, image_size=16, name="Two_sites.v1")
    assert tomllib.loads((exported / "sites.toml").read_text()) == {site: str(path) for site, path in pair.items()}
    project = tomllib.loads((exported / "pyproject.toml").read_text())
    assert project["project"]["name"] == "shiftscope-two-sites-v1"
    assert project["project"]["license"] == {"file": "LICENSE"}
    assert not any("shiftscope" in one for one in project["project"]["dependencies"])
    settings = settings_of(exported)
    assert (settings["rounds"], settings["local-steps"], settings["least-sites"]) == (2, 2, 2)
    assert settings["output"] == str(exported / "runs")
    readme = (exported / "README.md").read_text()
    for name in (*modules - {f"{PACKAGE}/__init__.py"}, "plan.toml", "sites.toml", "pyproject.toml"):
        assert f"`{name}`" in readme, name
    with imported(exported) as app:
        for kind_of_app, reference in project["tool"]["flwr"]["app"]["components"].items():
            module, name = reference.split(":")
            assert type(getattr(sys.modules[module], name)).__name__.lower() == kind_of_app
        assert app.method.METHOD.local_round is app.method.local_round


def test_every_method_is_written_as_code_that_keeps_our_rules(pair: dict[str, Path], tmp_path: Path) -> None:
    """With and without a harmonizer; flwr and torch are banned at the top of our own modules for the start-up only."""
    for number, name in enumerate(FEDERATED):
        plan = with_method(apart(pair), name, (None, "quantile_map", "zscore")[number % 3])
        shiftscope.export_app(plan, tmp_path / name)
    ruff = str(Path(sys.executable).with_name("ruff"))
    config = ("--config", str(ROOT / "pyproject.toml"), "--no-cache", ".")
    for how in (("check", "--ignore", "TID253"), ("format", "--check")):
        done = subprocess.run([ruff, *how, *config], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", FEDERATED)
def test_an_app_trains_as_we_do_to_the_bit(
    name: str, portfolio: Recorded, pair: dict[str, Path], tmp_path: Path
) -> None:
    plan = with_method(apart(pair), name)
    shiftscope.export_app(plan, tmp_path / "app", data=pair)
    run = run_inline_app(tmp_path / "app", portfolio.job, small=True)
    assert_same(load_file(run / "weights.safetensors"), portfolio.checkpoint(name).shared)
    result = json.loads((run / "result.json").read_text())
    assert result["algorithm"] == name
    for site in pair:
        assert_same(load_file(run / "sites" / site / "model.safetensors"), portfolio.final(name, site))
        theirs = portfolio.checkpoint(name).evaluation[site]
        assert result["scores"][site]["cases"] == theirs.cases
        for part, expected in (("test", theirs.ungated), ("validation", theirs.validation)):
            assert {key: result["scores"][site][f"{part} {key}"] for key in expected} == pytest.approx(expected)
    assert [entry["replies"] for entry in result["rounds"]] == [dict.fromkeys(pair, "ok")] * len(result["rounds"])
    assert len(result["rounds"]) == portfolio.checkpoint(name).round


def test_an_app_with_a_harmonizer_trains_as_we_do(hospitals: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(hospitals, harmonizer="quantile_map", personalizer="fedbn")
    train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "ours"))
    shiftscope.export_app(plan, tmp_path / "app", data=hospitals)
    run = run_inline_app(tmp_path / "app", Job.read(tmp_path / "ours" / "job.json", ShiftscopeError))
    ours = load_checkpoint(tmp_path / "ours" / "checkpoints" / "adapted-seed0.safetensors")
    assert ours is not None
    assert_same(load_file(run / "weights.safetensors"), ours.shared)
    for site in hospitals:
        own = f"sites/{site}/harmonizers/quantile_map-1.safetensors"
        assert_same(load_arrays(run / own), load_arrays(tmp_path / "ours" / own))


def test_what_is_changed_in_the_files_is_what_runs(exported: Path, pair: dict[str, Path], tmp_path: Path) -> None:
    job = job_of(read_plan(exported / "plan.toml"), pair, tmp_path)
    before = load_file(run_inline_app(exported, job) / "weights.safetensors")
    method = exported / PACKAGE / "method.py"
    text = method.read_text()
    for old, new in (
        ("torch.optim.AdamW", "torch.optim.SGD"),
        ("return build(plan, weights)", "return nn.Sequential(build(plan, weights))"),
        (
            " for name, metric in metrics_of(plan).items()}",
            ' for name, metric in metrics_of(plan).items()} | {"n": 7.0}',
        ),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    method.write_text(text)
    run = run_inline_app(exported, job, rounds=1, seed=0)
    after, result = load_file(run / "weights.safetensors"), json.loads((run / "result.json").read_text())
    assert {f"0.{name}" for name in before} == set(after)
    assert any(not np.allclose(tensor, after[f"0.{name}"]) for name, tensor in before.items())
    assert len(result["rounds"]) == 1
    assert result["scores"]["a"]["test n"] == 7


def test_a_site_that_cannot_answer_stops_the_run_unless_it_may_be_missing(
    exported: Path, pair: dict[str, Path], tmp_path: Path
) -> None:
    secret = tmp_path / "anna-smith"
    (exported / "sites.toml").write_text(f'a = "{pair["a"]}"\nb = "{secret}"\n')
    job = job_of(read_plan(exported / "plan.toml"), pair, tmp_path)
    with pytest.raises(
        ShiftscopeError, match="the beginning: 1 of 2 sites answered, expected 2 .b: never joined"
    ) as problem:
        run_inline_app(exported, job)
    assert "anna" not in str(problem.value)
    errors = exported / "runs" / "1" / "sites" / "b" / "errors.log"
    assert str(secret) in errors.read_text()
    run = run_inline_app(exported, job, least_sites=1)
    result = json.loads((run / "result.json").read_text())
    assert set(result["scores"]) == {"a"}
    for entry in result["rounds"]:
        assert entry["replies"]["a"] == "ok"
        assert entry["replies"]["b"].startswith("failed: never joined: InputError, see errors.log")


def test_a_site_goes_on_from_its_last_accepted_round(
    exported: Path, pair: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, asked = AppSite.train, []

    def late(site: AppSite, number: int, accepted: int, *given: Tensors) -> Update:
        asked.append((site.site, number, accepted))
        update = trained(site, number, accepted, *given)
        if (site.site, number) == ("b", 2):
            raise TimeoutError("the work was done, and the answer is lost")
        return update

    monkeypatch.setattr(AppSite, "train", late)
    job = job_of(read_plan(exported / "plan.toml"), pair, tmp_path)
    with pytest.raises(ShiftscopeError, match="round 2: 1 of 2 sites answered, expected 2 .b: TimeoutError"):
        run_inline_app(exported, job, rounds=3)
    asked.clear()
    run = run_inline_app(exported, job, rounds=3, least_sites=1)
    assert [each for each in asked if each[0] == "b"] == [("b", 1, 0), ("b", 2, 1), ("b", 3, 1)]
    assert [each for each in asked if each[0] == "a"] == [("a", 1, 0), ("a", 2, 1), ("a", 3, 2)]
    replies = [entry["replies"]["b"] for entry in json.loads((run / "result.json").read_text())["rounds"]]
    assert replies == ["ok", "failed: TimeoutError, see errors.log in the site's own folder", "ok"]


def test_why_tensors_cannot_be_averaged(exported: Path) -> None:
    sent = {"w": np.zeros((2, 2), np.float32)}
    with imported(exported) as app:
        misfit = app.server_app.misfit
        assert misfit(sent, sent) is None
        assert misfit({}, sent) == "sent other tensors than it received, for example w"
        assert misfit({"w": np.zeros(3)}, sent) == "sent w with shape (3,), expected (2, 2)"
        assert "not finite" in misfit({"w": np.full((2, 2), np.nan)}, sent)


def test_a_site_says_who_it_is_in_a_deployment(exported: Path, pair: dict[str, Path], tmp_path: Path) -> None:
    node = {"site": "b", "data": str(pair["b"]), "home": str(tmp_path / "own")}
    with imported(exported) as app:
        site = app.settings.site_of(context_of(exported, node))
        assert (site.site, site.home) == ("b", tmp_path / "own" / "1" / "sites" / "b")
        assert site.describe() == {"train": 12, "val": 7, "test": 5}
        with pytest.raises(ShiftscopeError, match="node config: no 'home'"):
            app.settings.site_of(context_of(exported, {"site": "b", "data": "/x"}))
        with pytest.raises(ShiftscopeError, match="expected a whole path"):
            app.settings.site_of(context_of(exported, {**node, "home": "own"}))
        with pytest.raises(ShiftscopeError, match="node 3 of the simulation, and sites.toml names 2 sites"):
            app.settings.site_of(context_of(exported, {"partition-id": 2}))
        swapped = app.settings.site_of(context_of(exported, {**node, "data": str(pair["a"])}))
        with pytest.raises(PlanError, match="are the two swapped"):
            swapped.describe()


def test_settings_that_do_not_fit_are_refused(exported: Path) -> None:
    with imported(exported) as app:
        job_for = app.settings.coordinator_job
        assert job_for(context_of(exported, {}, rounds=7)).plan.rounds == 7
        with pytest.raises(ShiftscopeError, match=r"key 'rounds': .* \(got 0\)"):
            job_for(context_of(exported, {}, rounds=0))
        assert job_for(context_of(exported, {}, device="cuda")).device == "cpu"  # it is the sites' to have a GPU
        with pytest.raises(ShiftscopeError, match="least-sites: 0; expected 1 or more"):
            app.questions.Sites(None, 0, 1.0)
        with pytest.raises(PlanError, match=r"seed: 5, and the seeds of plan.toml are 0; choose one of them"):
            job_for(context_of(exported, {}, seed=5))
        plan = read_plan(exported / "plan.toml")
        write_plan(plan.model_copy(update={"personalizer": "ditto"}), exported / "plan.toml")
        with pytest.raises(PlanError, match="asks for 'ditto' with no harmonizer, and the app's method.py carries out"):
            job_for(context_of(exported, {}))


def test_a_folder_that_holds_something_is_left_alone(run, pair: dict[str, Path], tmp_path: Path) -> None:
    write_plan(plan_for(pair), tmp_path / "plan.toml")
    kept = tmp_path / "full" / "mine.txt"
    kept.parent.mkdir()
    kept.write_text("mine")
    ended = run("export", tmp_path / "plan.toml", "--to", "flower", kept.parent)
    assert ended.code == 2
    assert "is there already, and not an empty folder" in ended.err
    assert [path.name for path in kept.parent.iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    ended = run("export", tmp_path / "plan.toml", "--to", "flower", tmp_path / "empty", "--data", f"a={pair['a']}")
    assert ended.code == 0
    assert "a Flower app that carries out fedavg" in ended.err
    assert tomllib.loads((tmp_path / "empty" / "sites.toml").read_text()) == {"a": str(pair["a"]), "b": ""}


def test_what_cannot_be_exported_is_refused(run, pair: dict[str, Path], tmp_path: Path) -> None:
    plan, folder = plan_for(pair, image_size=16), tmp_path / "app"
    write_plan(plan, tmp_path / "plan.toml")
    ended = run("export", tmp_path / "plan.toml", "--to", "nvflare", folder)
    assert ended.code == 2
    assert "'nvflare' is not 'flower'" in ended.err
    with pytest.raises(UsageError, match="--to: no 'nvflare'; expected flower"):
        shiftscope.export_app(plan, folder, to="nvflare")  # type: ignore[arg-type]
    for changes, says in (
        ({"harmonizer": "blur"}, "harmonizer: no 'blur'"),
        ({"personalizer": "fedsomething"}, "personalizer: no 'fedsomething'"),
        ({"baseline": "pooled"}, "pooled brings all cases to one place"),
        ({"baseline": "local"}, "local trains every site alone"),
        ({"harmonizer": "combat"}, "combat works on features"),
    ):
        with pytest.raises(PlanError, match=says):
            shiftscope.export_app(plan.model_copy(update=changes), folder)
    with pytest.raises(PlanError, match="the plan has no site 'c'"):
        shiftscope.export_app(plan, folder, data={"c": tmp_path})
    assert not folder.exists()


def test_code_of_the_operators_own_runs_where_it_was_allowed(pair: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(pair, image_size=16, **EXAMPLE_KEYS)
    with installed(tmp_path / "packages", {"hospital_models.py": EXAMPLE}):
        with pytest.raises(PlanError, match="'hospital_models', which this site has not allowed"):
            shiftscope.export_app(plan, tmp_path / "app")
        shiftscope.export_app(plan, tmp_path / "app", data=pair, allow_code=["hospital_models"])
        assert set(read_plan(tmp_path / "app" / "plan.toml").code) == {"hospital_models"}
        job = job_of(plan, pair, tmp_path)
        with pytest.raises(ShiftscopeError, match="0 of 2 sites answered, expected 2 .a: never joined: PlanError"):
            run_inline_app(tmp_path / "app", job)
        copies = {}
        for site, folder in pair.items():
            copies[site] = tmp_path / "copies" / site
            copies[site].mkdir(parents=True)
            for kind in ("images", "masks"):
                (copies[site] / kind).symlink_to(folder / kind)
            (copies[site] / "site.toml").write_text('allow_code = ["hospital_models"]\n')
        lines = [f'{site} = "{folder}"\n' for site, folder in copies.items()]
        (tmp_path / "app" / "sites.toml").write_text("".join(lines))
        run = run_inline_app(tmp_path / "app", job)
    assert json.loads((run / "result.json").read_text())["scores"].keys() == pair.keys()
