"""The operator's own code: who allows it, which code it is, and a run with it."""

import json
import logging
import os
import re
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from installed_code import EXAMPLE, EXAMPLE_KEYS, installed
from recorded_runs import apart
from safetensors.numpy import load_file
from small_hospitals import plan_for

import shiftscope
from shiftscope.errors import PlanError
from shiftscope.plans import OwnCode, Plan, RunResult, read_plan, write_plan
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS
from shiftscope.training.arms import arm_of, arms_of
from shiftscope.training.federation.participants import Participant
from shiftscope.training.launch import train
from shiftscope.training.own_code.own_names import OwnName, is_own, packages_of
from shiftscope.training.own_code.package_marks import code_digest, mark_of, marks_of
from shiftscope.training.own_code.permissions import admitted
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Job

ALLOWED = ("hospital_models",)


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Path]:
    """The package of the documentation, installed."""
    with installed(tmp_path / "installed", {"hospital_models.py": EXAMPLE}) as folder:
        yield folder


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Path]:
    """A package that leaves a file behind when it is imported."""
    mark = tmp_path / "imported"
    text = f"open({str(mark)!r}, 'w').close()\n\ndef net(plan):\n    raise KeyError('never')\n"
    with installed(tmp_path / "installed", {"trap/__init__.py": text, "trap/deep.py": text}):
        yield mark


def a_plan(**changes: object) -> Plan:
    return plan_for({}, sites={"a": {"fingerprint": "", "patients": 9, "cases": 9}}, **changes)


@pytest.mark.parametrize(
    "text",
    [
        *(":f", "p:", "p:f:g", "p.:f", ".p:f", "p..q:f", "p:f.g", "p q:f", "p-q:f", "1p:f", "../p:f", "p/q:f", "p:f()"),
        *("__main__:f", "p.__pycache__.q:f", "p:__class__", "\uff4fs:system", "p:f\n", "pé:f", "p\\q:f", "C:\\p:f"),
    ],
)
def test_a_name_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match=r'model: .* names no code; expected "package.module:function"'):
        OwnName.of("model", text)


@pytest.mark.parametrize(
    "text", ["os:system", "subprocess:run", "os.path:join", "builtins:eval", "pickle:loads", "this:s"]
)
def test_python_itself_is_never_own_code(text: str, tmp_path: Path) -> None:
    """Even where a site would allow it."""
    with pytest.raises(PlanError, match="is part of Python itself, not code of your own"):
        admitted(a_plan(model=text), {"a": [text.partition(":")[0]]})
    options = RunOptions(out=tmp_path, engine="inline", allow_code=("os", "subprocess", "builtins"))
    with pytest.raises(PlanError, match="is part of Python itself"):
        train(a_plan(loss=text), {"a": tmp_path}, options)


def test_what_a_plan_names() -> None:
    plan = a_plan(model="one.nets:net", loss="two:loss", augment="one:flips")
    assert packages_of(plan) == ["one", "two"]
    assert packages_of(a_plan()) == []
    assert (is_own("one:net"), is_own("unet"), is_own(None)) == (True, False, False)
    with pytest.raises(PlanError, match="loss: 'dice' names no code"):
        packages_of(a_plan(loss="dice"))


def test_nothing_is_imported_before_every_site_has_allowed_it(
    trap: Path, hospitals: dict[str, Path], tmp_path: Path
) -> None:
    for key in ("model", "loss", "augment"):
        plan = plan_for(hospitals, **{key: "trap.deep:net"})
        said = rf"site a: {key}: trap.deep:net is code of the package 'trap', .* adds --allow-code trap, or writes"
        with pytest.raises(PlanError, match=said):
            train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run"))
        pinned = plan.model_copy(update={"code": {"trap": OwnCode(version="2.1", sha256="0" * 64)}})
        with pytest.raises(PlanError, match=r"code.trap: installed here is no version, SHA-256 [0-9a-f]{64}, and the"):
            train(pinned, hospitals, RunOptions(engine="inline", out=tmp_path / "run", allow_code=("trap",)))
        marks_of(plan)
    assert not trap.exists()
    assert not (tmp_path / "run").exists()
    plan = plan_for(hospitals, model="trap.deep:net")
    with pytest.raises(PlanError, match=r"model: trap.deep:net raised KeyError: 'never' \(deep.py, line 4\)"):
        train(plan, hospitals, RunOptions(engine="inline", out=tmp_path / "run", allow_code=("trap",)))
    assert trap.exists()


def test_a_site_allows_code_in_its_own_file(trap: Path, hospitals: dict[str, Path], tmp_path: Path) -> None:
    """Each for itself: that two of three allow a package says nothing for the third."""
    data = {site: shutil.copytree(folder, tmp_path / "data" / site) for site, folder in hospitals.items()}
    for site in ("a", "b"):
        (data[site] / "site.toml").write_text('allow_code = ["other", "trap"]\n', encoding="utf-8")
    (data["c"] / "site.toml").write_text('allow_code = ["trap_of_another_name"]\n', encoding="utf-8")
    plan = plan_for(hospitals, model="trap:net")
    with pytest.raises(PlanError, match=r'site c: model: trap:net .* allow_code = \["trap"\] into site.toml'):
        train(plan, data, RunOptions(engine="inline", out=tmp_path / "run"))
    assert not trap.exists()
    (data["c"] / "site.toml").write_text('allow_code = ["trap"]\n', encoding="utf-8")
    with pytest.raises(PlanError, match="raised KeyError"):
        train(plan, data, RunOptions(engine="inline", out=tmp_path / "run"))


def test_a_site_looks_itself_before_it_imports(trap: Path, hospitals: dict[str, Path], tmp_path: Path) -> None:
    """In its own process: whatever the coordinator says was allowed, and whatever it says the code is."""
    plan = plan_for(hospitals, model="trap:net")
    job = Job(
        plan=plan, arms=arms_of(plan), data={site: str(path) for site, path in hospitals.items()}, patient_regex=None,
        out=tmp_path, timeout_s=1, device="cpu",
    )  # fmt: skip
    with pytest.raises(PlanError, match="site b: model: trap:net is code of the package 'trap'"):
        Participant(job, "b").describe()
    allowed = job.model_copy(update={"allow_code": ("trap",)})
    with pytest.raises(PlanError, match="code: the plan does not say which code of the package 'trap' is meant"):
        Participant(allowed, "b").describe()
    marked = plan.model_copy(update={"code": {"trap": OwnCode(sha256="1" * 64)}})
    with pytest.raises(PlanError, match=f"and the plan means no version, SHA-256 {'1' * 64}"):
        Participant(allowed.model_copy(update={"plan": marked}), "b").evaluate("baseline", 0, 0, {}, {})
    assert not trap.exists()


def test_the_mark_speaks_of_every_file_and_of_nothing_compiled(tmp_path: Path) -> None:
    with installed(tmp_path, {"kit/__init__.py": "A = 1\n", "kit/deep/nets.py": "B = 1\n", "kit/data.bin": "x"}):
        digests = [code_digest("kit")]
        (tmp_path / "kit" / "__pycache__").mkdir()
        (tmp_path / "kit" / "__pycache__" / "nets.cpython-311.pyc").write_bytes(b"\0" * 40)
        (tmp_path / "beside.py").write_text("")
        assert code_digest("kit") == digests[0]
        for name in ("__init__.py", "deep/nets.py", "data.bin"):
            (tmp_path / "kit" / name).write_text("C = 1\n")
            digests.append(code_digest("kit"))
        for name in ("new.py", "__pycache__/hidden.py", "shipped.pyc"):
            (tmp_path / "kit" / name).write_text("")
            digests.append(code_digest("kit"))
        (tmp_path / "kit" / "new.py").rename(tmp_path / "kit" / "newer.py")
        digests.append(code_digest("kit"))
        assert len(set(digests)) == len(digests) == 8
        assert mark_of("kit").version == ""


def test_the_mark_of_an_installed_distribution_has_its_version(example: Path) -> None:
    facts = example / "hospital_models-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: hospital-models\nVersion: 1.0\n")
    (facts / "top_level.txt").write_text("hospital_models\n")
    assert marks_of(a_plan(model="hospital_models:outline_net"))["hospital_models"].version == "1.0"


def test_packages_that_cannot_be_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with installed(
        tmp_path / "p", {"spaced/deep/nets.py": "", "linked/__init__.py": "", "kit/__init__.py": ""}
    ) as folder:
        with pytest.raises(PlanError, match="package absent: it is not installed here; install it at every site"):
            code_digest("absent")
        with pytest.raises(PlanError, match=r"package spaced: it is no ordinary package \(it has no __init__.py"):
            code_digest("spaced")
        (tmp_path / "elsewhere.py").write_text("")
        (folder / "linked" / "nets.py").symlink_to(tmp_path / "elsewhere.py")
        with pytest.raises(PlanError, match="nets.py: a symbolic link inside a package can lead to other code"):
            code_digest("linked")
        (folder / "linked" / "nets.py").unlink()
        (folder / "linked" / "deep").symlink_to(tmp_path, target_is_directory=True)
        with pytest.raises(PlanError, match="deep: a symbolic link inside a package"):
            code_digest("linked")
        (folder / "kit" / "__pycache__").mkdir()
        unchecked = b"\0\0\0\0" + (1).to_bytes(4, "little") + b"\0" * 8
        (folder / "kit" / "__pycache__" / "nets.cpython-311.pyc").write_bytes(unchecked)
        with pytest.raises(
            PlanError, match="compiled code that Python takes whatever its source says; delete the file"
        ):
            code_digest("kit")
        shutil.rmtree(folder / "kit" / "__pycache__")
        os.mkfifo(folder / "kit" / "pipe")
        with pytest.raises(PlanError, match="expected an ordinary file in a package"):
            code_digest("kit")
    (tmp_path / "kit.py").write_text("")
    monkeypatch.chdir(tmp_path)
    for implied in ("", str(tmp_path)):
        monkeypatch.setattr(sys, "path", [implied, *sys.path])
        with pytest.raises(PlanError, match="kit.py lies in the current folder and is not installed"):
            code_digest("kit")
    monkeypatch.setattr(sys, "path", [sys.path[0], str(tmp_path), *sys.path[1:]])
    assert code_digest("kit")


def test_a_run_with_own_code_records_it_and_goes_on_with_no_other(
    example: Path, pair: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan, out = plan_for(pair, **EXAMPLE_KEYS), tmp_path / "run"
    options = RunOptions(engine="inline", out=out, allow_code=ALLOWED)
    with caplog.at_level(logging.INFO):
        result = train(plan, pair, options)
    mark = mark_of("hospital_models")
    assert f'[code.hospital_models] version = "", sha256 = "{mark.sha256}"' in caplog.text
    assert result.plan.code == {"hospital_models": mark}
    assert RunResult.read(out / "result.json").plan.code == Job.read(out / "job.json").plan.code == result.plan.code
    assert "allow_code" not in (out / "result.json").read_text()
    assert str(example) not in (out / "result.json").read_text()
    for site in result.sites.values():
        assert all(score is not None for scores in site.scores.values() for score in scores)
    losses = [entry.loss for entry in result.rounds if entry.arm == "baseline"]
    assert losses[-1] < losses[0]  # type: ignore[operator]
    pinned = train(result.plan, pair, RunOptions(engine="inline", out=tmp_path / "again", allow_code=ALLOWED))
    assert pinned.sites == result.sites
    (example / "hospital_models.py").write_text(EXAMPLE.read_text() + "\n# another version\n")
    with pytest.raises(PlanError, match=r"code.hospital_models: installed here is no version, SHA-256"):
        train(result.plan, pair, RunOptions(engine="inline", out=tmp_path / "third", allow_code=ALLOWED))
    with pytest.raises(PlanError, match=r"its files have changed since this process imported them; start Python anew"):
        train(plan, pair, RunOptions(engine="inline", out=tmp_path / "fourth", allow_code=ALLOWED))
    del sys.modules["hospital_models"]
    with pytest.raises(PlanError, match=r"code: .* when .* was begun, now"):
        train(plan, pair, RunOptions(engine="inline", out=out, allow_code=ALLOWED, resume=True))


@pytest.mark.slow
@pytest.mark.usefixtures("example")
def test_every_algorithm_works_on_an_own_model(pair: dict[str, Path], tmp_path: Path) -> None:
    """With the head and the early layers that the plan names; and with those that are found."""
    few = ["fedavg", "fedper", "lg_fedavg", "silobn"]
    for named, names in ((True, [*CONTROLS, *PERSONALIZERS]), (False, few)):
        keys = EXAMPLE_KEYS if named else {**EXAMPLE_KEYS, "head": (), "stem": ()}
        plan, out = apart(pair, **keys, rounds=2), tmp_path / str(named)
        arms = [arm_of(plan, name, name, None) for name in names]
        result = train(plan, pair, RunOptions(engine="inline", out=out, allow_code=ALLOWED), arms=arms)
        assert all(result.arms[name].mean is not None for name in names)
        shared = {name: set(load_file(out / "checkpoints" / f"{name}-seed0.safetensors")) for name in few}
        home = {name: {key.split("/")[-1] for key in shared["fedavg"] - shared[name]} for name in few}
        before = "network." if named else ""
        assert home["fedper"] >= {f"{before}last.1.weight", f"{before}last.1.bias"}
        assert home["lg_fedavg"] >= {f"{before}early.0.weight"}
        assert (f"{before}last.0.0.weight" in home["fedper"]) is named
        assert {key.split(".")[-1] for key in home["silobn"]} == {"running_mean", "running_var", "num_batches_tracked"}


@pytest.mark.usefixtures("example")
def test_a_trial_asks_first_and_its_winner_is_pinned(pair: dict[str, Path], tmp_path: Path) -> None:
    plan = plan_for(pair, **EXAMPLE_KEYS, rounds=4)
    asked = {"strategies": ["ditto"], "rungs": 1, "engine": "inline", "output": tmp_path / "trial"}
    with pytest.raises(PlanError, match="site a: model: hospital_models:outline_net is code of the package"):
        shiftscope.trial(plan, pair, **asked)
    assert "hospital_models" not in sys.modules
    result = shiftscope.trial(plan, pair, **asked, allow_code=ALLOWED)
    mark = {"hospital_models": mark_of("hospital_models")}
    assert result.plan.code == read_plan(tmp_path / "trial" / "winner.toml").code == mark


@pytest.mark.usefixtures("example")
def test_the_command_line_allows_code(run, pair: dict[str, Path], tmp_path: Path) -> None:
    write_plan(plan_for(pair, **EXAMPLE_KEYS), tmp_path / "plan.toml")
    folders = [part for site, path in pair.items() for part in ("--data", f"{site}={path}")]
    asked = (
        "train",
        tmp_path / "plan.toml",
        *folders,
        "--engine",
        "inline",
        "-o",
        tmp_path / "run",
        "--format",
        "json",
    )
    done = run(*asked)
    assert (done.code, "--allow-code hospital_models" in " ".join(done.err.split())) == (2, True)
    done = run(*asked, "--allow-code", "hospital-models")
    assert (done.code, "'hospital-models' is no package; expected" in " ".join(done.err.split())) == (2, True)
    done = run(*asked, "--allow-code", "another", "--allow-code", "hospital_models")
    assert done.code == 0, done.err
    assert json.loads(done.out)["plan"]["code"]["hospital_models"]["sha256"] == mark_of("hospital_models").sha256


def test_the_page_shows_the_example_as_it_is() -> None:
    """Its files, whole; and lines of a plan that are keys of one."""
    page = (EXAMPLE.parents[2] / "models.md").read_text(encoding="utf-8")
    section = page[page.index("\n## Your own\n") :]
    assert f"```python\n{EXAMPLE.read_text(encoding='utf-8')}```" in section
    assert f"```toml\n{EXAMPLE.with_name('pyproject.toml').read_text(encoding='utf-8')}```" in section
    tables = [tomllib.loads(block) for block in re.findall(r"^```toml\n(.*?)^```$", section, flags=re.M | re.S)]
    lines = next(table for table in tables if "model" in table)
    assert {key: tuple(value) if isinstance(value, list) else value for key, value in lines.items()} == EXAMPLE_KEYS
    (command,) = [line for line in section.splitlines() if line.startswith("shiftscope ")]
    assert command.endswith(" --allow-code hospital_models")


@pytest.mark.slow
@pytest.mark.usefixtures("example")
def test_own_code_gives_the_same_weights_through_flower_as_in_one_process(
    pair: dict[str, Path], tmp_path: Path
) -> None:
    """To the bit; each of Flower's processes asks the site files and looks at the code itself."""
    data = {site: shutil.copytree(folder, tmp_path / "data" / site) for site, folder in pair.items()}
    for folder in data.values():
        (folder / "site.toml").write_text('allow_code = ["hospital_models"]\n', encoding="utf-8")
    plan = plan_for(pair, **EXAMPLE_KEYS, personalizer="fedbn")
    results = {}
    for engine in ("inline", "flower"):
        results[engine] = train(plan, data, RunOptions(engine=engine, out=tmp_path / engine))
    files = {engine: sorted((tmp_path / engine).rglob("*.safetensors")) for engine in results}
    assert len(files["inline"]) > 6
    for one, other in zip(files["inline"], files["flower"], strict=True):
        assert one.relative_to(tmp_path / "inline") == other.relative_to(tmp_path / "flower")
        x, y = load_file(one), load_file(other)
        assert {key: tensor.tobytes() for key, tensor in x.items()} == {
            key: tensor.tobytes() for key, tensor in y.items()
        }
    assert results["flower"].plan.code == results["inline"].plan.code == marks_of(plan)
