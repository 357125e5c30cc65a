"""What own models, losses and augmentations must do, and how it is said that they do not."""

import random
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from installed_code import EXAMPLE, EXAMPLE_KEYS, installed
from small_hospitals import plan_for
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.training.algorithms.local_rounds import loss_for
from shiftscope.training.arms import arms_of
from shiftscope.training.data.augmentation import augment
from shiftscope.training.data.batches import draw
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.data.randomness import seeded
from shiftscope.training.models.networks import build
from shiftscope.training.own_code.own_augmentations import try_augmentation
from shiftscope.training.own_code.own_losses import own_loss, try_loss
from shiftscope.training.own_code.own_models import own_model, require_repeatable
from shiftscope.training.own_code.permissions import admitted
from shiftscope.training.plan_checks import check_plan

ODD = """
import os, random
import numpy as np
import torch
from os.path import join
from torch import nn
from torch.nn.functional import cross_entropy

VALUE = 3

def linear(plan):
    return nn.Sequential(nn.Flatten(), nn.Linear(32 * 32, 2))

def dense(plan):
    return nn.Conv2d(1, 2, 1)

def solid(plan):
    return nn.Conv3d(1, 2, 1)

def _changed(change):
    def function(plan):
        net = nn.Conv2d(1, 2, 1)
        return change(net) or net
    return function

def _fill(net, value):
    nn.init.constant_(net.bias, value)

number = lambda plan: 7
frozen = _changed(lambda net: net.requires_grad_(False))
double = _changed(lambda net: net.double())
mask_kept = _changed(lambda net: net.register_buffer("kept", torch.ones(2, dtype=torch.bool)))
empty = _changed(lambda net: _fill(net, float("nan")))
deep = _changed(lambda net: net.register_buffer("kept", torch.zeros(1, 1, 1, 1, 1)))
wide = lambda plan: nn.Conv2d(1, 3, 1)
small = lambda plan: nn.Conv2d(1, 2, 1, stride=2)
colourful = lambda plan: nn.Conv2d(3, 2, 1)
unsteady = _changed(lambda net: _fill(net, float(np.frombuffer(os.urandom(4), np.uint32)[0])))
old_random = _changed(lambda net: _fill(net, np.random.random() + random.random()))

class Pair(nn.Module):
    def __init__(self, plan):
        super().__init__()
        self.net = nn.Conv2d(1, 2, 1)
    def forward(self, images):
        return self.net(images), 0

class Moody(nn.Module):
    def __init__(self, plan):
        super().__init__()
        self.net = nn.Conv2d(1, 2, 1)
    def forward(self, images):
        return self.net(images) + float(np.random.random())

class Sampled(nn.Module):
    def __init__(self, plan):
        super().__init__()
        self.net = nn.Conv2d(1, 2, 1)
    def forward(self, images):
        return self.net(images) + torch.rand(())

def meddles(plan):
    torch.manual_seed(0); torch.set_num_threads(3); np.random.seed(0); random.seed(0)
    torch.set_default_dtype(torch.float64); torch.set_grad_enabled(False)
    net = nn.Conv2d(1, 2, 1)
    return net.float()

loss_of = lambda function: lambda plan: function
plain = loss_of(lambda outputs, targets: cross_entropy(outputs, targets))
each = loss_of(lambda outputs, targets: cross_entropy(outputs, targets, reduction="none"))
cut = loss_of(lambda outputs, targets: cross_entropy(outputs.detach(), targets))
flat = loss_of(lambda outputs, targets: (outputs * 0).sum())
infinite = loss_of(lambda outputs, targets: outputs.sum() / 0)
as_number = loss_of(lambda outputs, targets: outputs.sum().item())
breaks = loss_of(lambda outputs, targets: outputs @ targets.float()[:, :0])

class Learned(nn.Module):
    def __init__(self, plan):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

class Weighted(nn.Module):
    def __init__(self, plan):
        super().__init__()
        self.register_buffer("weight", torch.tensor([1.0, 3.0]))
    def forward(self, outputs, targets):
        return cross_entropy(outputs, targets, weight=self.weight)

same = loss_of(lambda images, masks, rng: (images, masks))
one = loss_of(lambda images, masks, rng: images)
cropped = loss_of(lambda images, masks, rng: (images[..., :-1], masks))
halved = loss_of(lambda images, masks, rng: (images.half(), masks))
arrays = loss_of(lambda images, masks, rng: (images.numpy(), masks))
burnt = loss_of(lambda images, masks, rng: (images / 0, masks))
smooth = loss_of(lambda images, masks, rng: (images, masks * 0.5))
raised = loss_of(lambda images, masks, rng: (images, masks + 1))
lowered = loss_of(lambda images, masks, rng: (images, masks - 1))
shifted = loss_of(lambda images, masks, rng: (images.flip(-1), masks))
noisy = loss_of(lambda images, masks, rng: (images + 0.1 * torch.randn_like(images) + np.random.random(), masks))
unseeded = loss_of(lambda images, masks, rng: (images + np.random.default_rng().random(), masks))
no_mask = loss_of(lambda images, masks, rng: (images, torch.empty(0)))
doubled = loss_of(lambda images, masks, rng: (images.mul_(2), masks))

def half_shifted(plan):
    def function(images, masks, rng):
        chosen = torch.from_numpy(rng.random(len(images)) < 0.5)
        images[chosen] = images[chosen].flip(-2)
        return images, masks
    return function
"""


@pytest.fixture(scope="module", autouse=True)
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A package of everything that can be wrong, and the one of the documentation."""
    folder = tmp_path_factory.mktemp("installed")
    with installed(folder, {"odd/__init__.py": "", "odd/parts.py": ODD, "hospital_models.py": EXAMPLE}):
        yield


def planned(**changes: object) -> Plan:
    sites = {"a": {"fingerprint": "", "patients": 9, "cases": 9}}
    return admitted(plan_for({}, sites=sites, **changes), {"a": ["odd", "hospital_models"]})


CLASSES = {"task": "classification", "classes": ("x", "y")}


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("odd.parts:absent", {}, "is not there, or cannot be called; expected a function absent"),
        ("odd.parts:VALUE", {}, "is not there, or cannot be called"),
        ("odd.parts:join", {}, "is defined in posixpath; expected a function that the package odd defines"),
        ("odd.nowhere:net", {}, "raised ModuleNotFoundError: No module named 'odd.nowhere'"),
        ("odd.parts:number", {}, "gives int; expected a torch.nn.Module"),
        ("odd.parts:frozen", {}, "gives Conv2d without a weight to learn"),
        ("odd.parts:double", {}, "keeps weight as torch.float64; expected torch.float32"),
        ("odd.parts:mask_kept", {}, "keeps kept as torch.bool"),
        ("odd.parts:empty", {}, "gives bias with values that are not finite"),
        ("odd.parts:deep", {}, "keeps kept with 5 dimensions; expected 4 where the plan has no patch"),
        ("odd.parts:dense", {"patch": (16, 16, 16)}, "keeps weight with 4 dimensions; expected 5 where .* has a patch"),
        (
            "odd.parts:wide",
            {},
            r"answers a batch of .* torch.float32 of \(2, 3, 32, 32\); expected torch.float32 of \(2, 2, 32, 32\)",
        ),
        ("odd.parts:small", {}, r"answers a batch of \(2, 1, 32, 32\) with torch.float32 of \(2, 2, 16, 16\)"),
        (
            "odd.parts:dense",
            CLASSES,
            r"answers .* of \(2, 2, 32, 32\); expected torch.float32 of \(2, 2\), a value for each class",
        ),
        ("odd.parts:Pair", {}, "answers a batch of .* with tuple; expected a tensor"),
        ("odd.parts:colourful", {}, "raised RuntimeError: Given groups=1, weight of size"),
    ],
)
def test_a_model_that_does_not_fit(name: str, changes: dict[str, object], said: str) -> None:
    with pytest.raises(PlanError, match=f"^model: {name} {said}"):
        build(planned(model=name, **changes))


def test_a_model_that_judges_by_chance_of_its_own_is_refused() -> None:
    """Torch's chance follows from seed and site; numpy's would judge another way in every process."""
    require_repeatable(planned(model="odd.parts:Sampled"))
    with pytest.raises(PlanError, match="^model: odd.parts:Moody answers the same batch in another way each time"):
        require_repeatable(planned(model="odd.parts:Moody"))


def test_models_that_fit() -> None:
    assert isinstance(build(planned(model="odd.parts:linear", **CLASSES)), nn.Sequential)
    assert isinstance(build(planned(model="odd.parts:dense")), nn.Conv2d)
    assert isinstance(build(planned(model="odd.parts:solid", patch=(16, 16, 16))), nn.Conv3d)
    with pytest.raises(PlanError, match="weights: x.pth given, but odd.parts:dense is your own model"):
        build(planned(model="odd.parts:dense", weights="x.pth"))


def global_state() -> tuple[object, ...]:
    """What own code could change for all others."""
    drawn = np.random.get_state()[1].tolist()  # noqa: NPY002 - what own code may use
    return (torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled(), random.getstate(), drawn)


def test_one_seed_gives_one_model_whatever_the_code_does_to_global_state() -> None:
    """And it leaves that state as it was."""
    for name in ("meddles", "old_random", "dense"):
        plan = planned(model=f"odd.parts:{name}")
        require_repeatable(plan)
        before = global_state()
        states = []
        for seed in (1, 1, 2):
            with seeded(seed):
                states.append(own_model(plan).state_dict())
                after = torch.rand(())
        assert global_state() == before
        with seeded(2):
            torch.randint(2**63 - 1, ())
            assert torch.equal(torch.rand(()), after)
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
        if name != "meddles":  # which sets one seed of its own
            assert not torch.equal(states[0]["bias"], states[2]["bias"])
    with pytest.raises(PlanError, match=r"unsteady gives other weights each time \(bias\) from the same random state"):
        check_plan(planned(model="odd.parts:unsteady"), [])


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("VALUE", "is not there, or cannot be called"),
        ("number", r"gives int; expected a function of \(outputs, targets\)"),
        ("each", r"answers with torch.float32 of \(3,\); expected one floating-point number"),
        ("as_number", "answers with float; expected one floating-point number"),
        ("cut", "answers with a number that has no gradient"),
        ("flat", "has no gradient, or none that is finite"),
        ("infinite", "answers with -?inf; expected a finite number"),
        ("breaks", "raised (RuntimeError|IndexError): "),
        ("Learned", "gives a loss with weights to learn, which nothing trains"),
    ],
)
def test_a_loss_that_does_not_fit(name: str, said: str) -> None:
    plan = planned(loss=f"odd.parts:{name}", **{**CLASSES, "classes": ("x", "y", "z"), "model": "test_resnet"})
    with pytest.raises(PlanError, match=f"^loss: odd.parts:{name} {said}"):
        try_loss(plan)


def test_a_loss_is_used_as_it_is() -> None:
    outputs, targets = torch.randn(5, 2, requires_grad=True), torch.tensor([0, 1, 1, 0, 1])
    weighted = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 3.0]))
    for name, expected in (("plain", nn.CrossEntropyLoss()), ("Weighted", weighted)):
        plan = planned(loss=f"odd.parts:{name}", model="test_resnet", **CLASSES)
        try_loss(plan)
        assert torch.equal(loss_for(plan)(outputs, targets), expected(outputs, targets))
        assert torch.equal(own_loss(plan)(outputs.detach(), targets), expected(outputs, targets))
    for patch in ((), (8, 16, 16)):
        plan = planned(loss="odd.parts:plain", patch=patch)
        with pytest.raises(PlanError, match="raised RuntimeError"):  # masks have a dimension for the one channel
            try_loss(plan)
    try_loss(planned(loss=EXAMPLE_KEYS["loss"]))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("number", r"gives int; expected a function of \(images, masks, generator\)"),
        ("one", "answers with Tensor; expected a tuple of images and masks"),
        ("cropped", r"gives images as torch.float32 of \(32, 1, 32, 31\) .*; expected images as they came, .* 32\)"),
        ("halved", "gives images as torch.float16"),
        ("arrays", "gives images as ndarray"),
        ("burnt", "gives images with values that are not finite"),
        ("smooth", "gives masks as torch.float32"),
        ("raised", "gives masks with values from 1 to 2; expected 0 to 1, as they came"),
        ("lowered", "gives masks with values from -1 to 0"),
        ("shifted", "moves images without their masks"),
        ("half_shifted", "moves images without their masks"),
        ("unseeded", "gives another answer each time from the same generator"),
    ],
)
def test_an_augmentation_that_does_not_fit(name: str, said: str) -> None:
    with pytest.raises(PlanError, match=f"^augment: odd.parts:{name} {said}"):
        check_plan(planned(augment=f"odd.parts:{name}"), [])


@pytest.mark.parametrize("patch", [(), (8, 16, 16)])
def test_augmentations_that_fit(patch: tuple[int, ...]) -> None:
    for name in ("same", "noisy", "doubled"):
        try_augmentation(planned(augment=f"odd.parts:{name}", patch=patch))
    try_augmentation(planned(augment="odd.parts:shifted", model="test_resnet", **CLASSES))
    try_augmentation(planned(augment=EXAMPLE_KEYS["augment"], colour=True))
    with pytest.raises(PlanError, match="answers with masks where there are none; expected None beside the images"):
        try_augmentation(planned(augment="odd.parts:no_mask", model="test_resnet", **CLASSES))
    with pytest.raises(PlanError, match="augment: odd.parts:same given, and the linear model sees features"):
        check_plan(planned(augment="odd.parts:same", model="linear", **CLASSES), [])


def test_turning_scaling_and_mirroring_images_with_their_masks_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As our own augmentation does it: the probe of alignment refuses nothing sound."""
    plan = planned(augment="odd.parts:same", classes=("x", "y"))
    monkeypatch.setattr(sys.modules["odd.parts"], "same", placed(augment))
    for _ in range(3):
        try_augmentation(plan)
    monkeypatch.setattr(sys.modules["odd.parts"], "same", placed(lambda x, y, rng: (augment(x, y, rng)[0], y)))
    with pytest.raises(PlanError, match="moves images without their masks"):
        try_augmentation(plan)


def placed(function: Callable[..., object]) -> Callable[[Plan], object]:
    """As a function that the package defines."""

    def made(_plan: Plan) -> object:
        return function

    made.__module__ = "odd.parts"
    return made


def samples(count: int, depth: int = 1) -> list[Sample]:
    rng = np.random.default_rng(0)
    shape = (depth, 32, 32)
    drawn = [rng.random(shape).astype(np.float16) for _ in range(count)]
    return [Sample(f"p{k}", pixels[:, None], (pixels > 0.5).astype(np.uint8)) for k, pixels in enumerate(drawn)]


def test_batches_go_through_the_own_augmentation() -> None:
    plain = planned(augment="odd.parts:same")
    images, masks = next(draw(samples(5), plain, np.random.default_rng(3)))
    assert torch.equal(masks, (images > 0.5).long())
    assert images.is_contiguous(memory_format=torch.channels_last)
    doubled = planned(augment="odd.parts:doubled")
    assert torch.equal(next(draw(samples(5), doubled, np.random.default_rng(3)))[0], images * 2)
    first, again = (
        torch.cat(
            [x for x, _ in islice(draw(samples(5), planned(augment="odd.parts:noisy"), np.random.default_rng(3)), 3)]
        )
        for _ in range(2)
    )
    assert torch.equal(first, again)


def test_blocks_go_through_the_own_augmentation_whole() -> None:
    """Wider than the patch, and cut afterwards; also where a harmonizer has mixed them."""
    plan = planned(augment="odd.parts:same", patch=(8, 16, 16))
    for mix in (None, lambda batch, _rng: batch):
        images, masks = next(draw(samples(5, depth=10), plan, np.random.default_rng(3), mix))
        assert (tuple(images.shape), tuple(masks.shape)) == ((4, 1, 8, 16, 16), (4, 1, 8, 16, 16))
        assert torch.equal(masks, (images > 0.5).long())


@pytest.mark.parametrize("method", ["fedbn", "silobn"])
def test_a_method_whose_layer_the_own_model_lacks_is_refused(method: str) -> None:
    plan = planned(model="odd.parts:dense", personalizer=method)
    with pytest.raises(PlanError, match=r"BatchNorm.* at home, and the model Conv2d has none"):
        check_plan(plan, arms_of(plan))


def test_a_good_plan_is_checked_whole(hospitals: dict[str, Path]) -> None:
    plan = admitted(plan_for(hospitals, **EXAMPLE_KEYS, personalizer="fedper"), {"a": ["hospital_models"]})
    check_plan(plan, arms_of(plan))
