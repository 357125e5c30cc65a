"""Three hospitals as processes on the loopback, in TLS and with keys: profiles, advice, rehearsal, runs, and deaths."""

import json
import re
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from deployed_federations import DeployedFederation, deployed
from installed_code import installed
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from small_rehearsals import Clinic, clinics_of, plan_of, weights_at

import shiftscope
from shiftscope.api.federating.coordinating import register_sites
from shiftscope.api.federating.releasing import list_releases
from shiftscope.errors import EngineError
from shiftscope.plans import Plan, RehearsalResult, RunResult
from shiftscope.plans.plan_files import read_plan, write_plan
from shiftscope.progress import Progress
from shiftscope.training.runs.states import load_checkpoint

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

SITES = {"ashford": Clinic(), "bexley": Clinic(gamma=1.6), "colne": Clinic(inverted=True)}
WAIT_S = 120.0
HANG_S = 45.0
UNREADABLE = 44
HANGING = """
import os
import time
from pathlib import Path

from torch.nn.functional import cross_entropy


def loss(plan):
    def hangs(outputs, targets):
        mark = Path(os.environ["SHIFTSCOPE_HOME"]) / "hang"
        if mark.exists():
            mark.unlink()
            time.sleep(3600)
        return cross_entropy(outputs, targets)

    return hangs
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployed")


@pytest.fixture(scope="module")
def data(folder: Path) -> dict[str, Path]:
    """Classes are called as findings are, and each site's owner says who is a patient. Every file is a secret's."""
    made = clinics_of(folder / "images", SITES)
    for site, images in made.items():
        (images / "large").rename(images / "pneumonia")
        (images / "small").rename(images / "normal")
        site_file = 'one_file_per_patient = true\nallow_code = ["hanging_losses"]\n'
        (images / "site.toml").write_text(site_file, encoding="utf-8")
        for number, path in enumerate(sorted(images.rglob("*.png"))):
            beside = PngInfo()
            beside.add_text("PatientName", secret(site, "inside", number))
            with Image.open(path) as image:
                image.save(path.with_name(f"{secret(site, 'file', number)}.png"), pnginfo=beside)
            path.unlink()
        for number in range(UNREADABLE):
            hidden = secret(site, "unreadable", number)
            (images / "normal" / f"{hidden}.png").write_text(hidden, encoding="utf-8")
    return made


def secret(site: str, where: str, number: int) -> str:
    """What must never leave: a name that nothing else holds."""
    return "zq" + sha256(f"{site} {where} {number}".encode()).hexdigest()[:16]


def all_secrets() -> list[str]:
    patients = SITES["ashford"].large + SITES["ashford"].small
    counts = {"inside": patients, "file": patients, "unreadable": UNREADABLE}
    return [secret(site, where, number) for site in SITES for where, count in counts.items() for number in range(count)]


@pytest.fixture(scope="module")
def federation(folder: Path, data: dict[str, Path]) -> Iterator[DeployedFederation]:
    with (
        installed(folder / "packages", {"hanging_losses.py": HANGING}),
        deployed(folder, data) as running,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("SHIFTSCOPE_HOME", str(running.home("coordinator")))
        yield running


@pytest.fixture(scope="module")
def small(folder: Path) -> dict[str, object]:
    """What makes a plan one of seconds."""
    return {
        "model": "test_resnet",
        "encoder": None,
        "weights": str(weights_at(folder)),
        "weights_sha256": None,
        "colour": False,
        "image_size": 32,
        "rounds": 3,
        "local_steps": 2,
        "batch_size": 4,
        "seeds": (0,),
        "folds": 1,
    }


@pytest.fixture(scope="module")
def plan(data: dict[str, Path], small: dict[str, object]) -> Plan:
    """Personal layers beside FedAvg."""
    return plan_of(
        data, Path(str(small["weights"])), personalizer="fedbn", name="three", classes=("normal", "pneumonia"), rounds=3
    )


def weights_of(out: Path, arm: str) -> dict[str, np.ndarray]:
    state = load_checkpoint(out / "checkpoints" / f"{arm}-seed0.safetensors")
    assert state is not None
    return dict(state.shared)


def require_same_weights(out: Path, other: Path) -> None:
    """Of every strategy, within float tolerance."""
    kept = sorted(path.name for path in (other / "checkpoints").iterdir())
    assert sorted(path.name for path in (out / "checkpoints").iterdir()) == kept
    for arm in (name.removesuffix("-seed0.safetensors") for name in kept):
        found, expected = weights_of(out, arm), weights_of(other, arm)
        assert found.keys() == expected.keys()
        for name, tensor in expected.items():
            np.testing.assert_allclose(found[name], tensor, rtol=1e-5, atol=1e-6, err_msg=f"{arm} {name}")


def test_three_hospitals_from_nothing_as_the_document_says(
    federation: DeployedFederation, folder: Path, data: dict[str, Path], small: dict[str, object]
) -> None:
    """Profiles, advice, rehearsal and run; the same weights as in one process, since nothing was lost."""
    file = folder / "plan.toml"

    def shrink() -> None:
        write_plan(read_plan(file).model_copy(update=small), file)

    federation.carry_out("A project", {"recommend": shrink})
    runs = federation.coordinator.path / "runs"
    plan = read_plan(file)
    rehearsal = RehearsalResult.read(runs / f"{plan.name}-rehearsal" / "rehearsal.json", EngineError)
    assert (rehearsal.engine, rehearsal.strategies[0].sites.keys()) == ("deploy", SITES.keys())
    result = RunResult.read(runs / plan.name / "result.json", EngineError)
    assert result.engine == "deploy"
    assert {site for entry in result.rounds for site in entry.replies} == SITES.keys()
    assert {reply for entry in result.rounds for reply in entry.replies.values()} == {"ok"}
    shiftscope.train(plan, data, engine="inline", output=folder / "inline")
    require_same_weights(runs / plan.name, folder / "inline")
    assert not list((runs / plan.name).glob("sites/*")), "what is a site's own lies at the site"
    for site in SITES:
        assert list_releases("lung", home=federation.home(site)).whole
        assert not (federation.site(site).path / "errors.log").exists()


def test_a_killed_site_misses_its_round_and_comes_back(federation: DeployedFederation, plan: Plan) -> None:
    """It is let in again after a minute; the run goes on for as long as that takes, and is ended then."""
    out = federation.coordinator.path / "runs" / "killed"
    killed, missed = threading.Event(), threading.Event()

    def report(step: Progress) -> None:
        if step.done == 1 and not killed.is_set():
            killed.set()
            federation.kill("bexley")
            federation.start("bexley")
        if "bexley failed: " in step.line:
            missed.set()
        elif missed.is_set():
            raise KeyboardInterrupt

    longer = plan.model_copy(update={"rounds": 2000, "name": "killed", "personalizer": None})
    with pytest.raises(KeyboardInterrupt):
        shiftscope.train(longer, engine="deploy", output=out, timeout_s=WAIT_S, progress=report)
    lines = (out / "rounds.jsonl").read_text(encoding="utf-8").splitlines()
    replies = [json.loads(line)["replies"] for line in lines]
    assert killed.is_set()
    assert replies[0]["bexley"] == replies[-1]["bexley"] == "ok"
    assert any(each["bexley"].startswith("failed: ") for each in replies)
    assert {each[site] for each in replies for site in ("ashford", "colne")} == {"ok"}


def test_a_run_whose_superlink_died_is_resumed_as_a_new_one(
    federation: DeployedFederation, folder: Path, data: dict[str, Path], plan: Plan
) -> None:
    """With personal layers: the weights are those of a run that was not disturbed."""
    out = federation.coordinator.path / "runs" / "resumed"

    def report(step: Progress) -> None:
        if step.doing.startswith("adapted") and step.done >= 4:
            federation.kill("link")

    with pytest.raises(EngineError, match="--resume goes on from the last round"):
        shiftscope.train(plan, engine="deploy", output=out, timeout_s=WAIT_S, progress=report)
    federation.start("link")
    register_sites("lung", wait_s=90)
    federation.wait_for(*SITES)
    result = shiftscope.train(plan, engine="deploy", output=out, resume=True, timeout_s=WAIT_S)
    assert [entry.replies for entry in result.rounds] == [dict.fromkeys(SITES, "ok")] * 9
    assert [entry.round for entry in result.rounds] == [1, 2, 3] * 3
    assert re.search("with [4-8] rounds done before$", result.notes[0])
    shiftscope.train(plan, data, engine="inline", output=folder / "undisturbed")
    require_same_weights(out, folder / "undisturbed")


def test_own_code_that_hangs_at_one_site_costs_it_that_round(federation: DeployedFederation, plan: Plan) -> None:
    mark = federation.home("bexley") / "hang"
    mark.touch()
    own = plan.model_copy(update={"loss": "hanging_losses:loss", "personalizer": None, "name": "hangs"})
    result = shiftscope.train(own, engine="deploy", timeout_s=HANG_S, allow_code=["hanging_losses"])
    entries = [entry.replies for entry in result.rounds if entry.arm == "baseline"]
    assert not mark.exists(), "the code of the plan ran there"
    assert entries[0] == dict.fromkeys(SITES, "ok") | {"bexley": f"failed: no answer within {HANG_S:g} s"}
    assert entries[-1] == dict.fromkeys(SITES, "ok"), "its process was ended, and a new one answers"
    assert "kept here (TimeoutError)" in federation.log("bexley")


def test_a_trial_between_hospitals_is_one_in_one_process(
    federation: DeployedFederation, folder: Path, data: dict[str, Path], plan: Plan
) -> None:
    few = {"strategies": ["fedbn"], "rungs": 1, "folds": 1}
    out = federation.coordinator.path / "runs" / "trial"
    tried = shiftscope.trial(plan, engine="deploy", output=out, timeout_s=WAIT_S, **few)
    alone = shiftscope.trial(plan, data, engine="inline", output=folder / "trial-inline", **few)
    assert (tried.engine, tried.verdict, tried.ranking) == ("deploy", alone.verdict, alone.ranking)
    for name, entry in alone.rungs[0].strategies.items():
        found = tried.rungs[0].strategies[name]
        assert found.test == pytest.approx(entry.test)
        assert found.validation == pytest.approx(entry.validation)


def test_who_interrupts_the_coordinator_ends_the_run_and_leaves_no_process(
    federation: DeployedFederation, plan: Plan
) -> None:
    out = federation.coordinator.path / "runs" / "interrupted"

    def report(step: Progress) -> None:
        if step.done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shiftscope.train(plan, engine="deploy", output=out, timeout_s=WAIT_S, progress=report)
    done = (out / "rounds.jsonl").read_text(encoding="utf-8")
    time.sleep(10)
    assert (out / "rounds.jsonl").read_text(encoding="utf-8") == done, "the run goes on"
    assert not (out / "result.json").exists()
    assert "successfully stopped" in (out / "flower.log").read_text(encoding="utf-8")


def test_no_planted_name_comes_to_the_coordinator(
    federation: DeployedFederation, data: dict[str, Path], plan: Plan
) -> None:
    """After all runs and deaths of this file, and errors at all sites: in what was sent, a file there or a log."""
    others = {name: site.model_copy(update={"fingerprint": "f" * 64}) for name, site in plan.sites.items()}
    with pytest.raises(EngineError, match="no site could take part: PlanError; PlanError; PlanError"):
        shiftscope.train(plan.model_copy(update={"sites": others, "name": "refused"}), engine="deploy")
    for site, images in data.items():
        assert str(images) in (federation.site(site).path / "errors.log").read_text(encoding="utf-8")
    names = {path.stem for images in data.values() for path in images.rglob("*.png")}
    secrets = all_secrets()
    assert (len(set(secrets)), len(names & set(secrets))) == (300, 216)
    known = federation.known_to_coordinator()
    assert federation.sent.stat().st_size > 10_000_000
    assert known.count(b"one_file_per_patient") + known.count(b"ashford") > 10, "what was sent is there to be read"
    assert [name for name in secrets if name.encode() in known] == []
