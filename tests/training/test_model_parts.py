"""Heads and early layers of every kind of network, found or named, and what each algorithm keeps of them."""

from collections.abc import Mapping

import pytest
import torch
from small_plans import planned_sites, small_plan
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS, find_algorithm
from shiftscope.training.models import layers
from shiftscope.training.models.model_parts import as_planned
from shiftscope.training.models.networks import build

LITE0 = "tf_efficientnet_lite0"


def plan(**keys: object) -> Plan:
    return small_plan(**{"sites": planned_sites("ab", 5), "image_size": 64, **keys})


def two_classes(**keys: object) -> Plan:
    return plan(task="classification", classes=("x", "y"), **keys)


PLANS: Mapping[str, tuple[Plan, tuple[str, ...], tuple[str, ...]]] = {
    "unet": (plan(), ("model.2.",), ("model.0.",)),
    "UNet": (plan(model="UNet"), ("model.2.",), ("model.0.",)),
    "AttentionUnet": (
        plan(model="AttentionUnet"),
        ("model.1.attention.", "model.1.upconv.", "model.1.merge.", "model.2."),
        ("model.0.",),
    ),
    "DynUNet": (plan(model="DynUNet"), ("skip_layers.upsample.", "output_block."), ("skip_layers.downsample.",)),
    "SegResNet": (plan(model="SegResNet"), ("up_layers.2.", "conv_final."), ("convInit.", "down_layers.0.")),
    "DynUNet in 3-D": (
        plan(model="DynUNet", patch=(8, 32, 32)),
        ("skip_layers.upsample.", "output_block."),
        ("skip_layers.downsample.",),
    ),
    "smp.Unet": (
        plan(model="smp.Unet", encoder="test_resnet"),
        ("decoder.blocks.4.", "segmentation_head."),
        ("encoder.model.conv1.", "encoder.model.bn1.", "encoder.model.layer1."),
    ),
    "smp.Unet, trained": (
        plan(model="smp.Unet", encoder=LITE0, weights="imagenet"),
        ("network.decoder.blocks.4.", "network.segmentation_head."),
        tuple(f"network.encoder.model.{part}." for part in ("conv_stem", "bn1", "blocks.0", "blocks.1")),
    ),
    "smp.DeepLabV3Plus": (
        plan(model="smp.DeepLabV3Plus", encoder="test_resnet"),
        ("decoder.block2.", "segmentation_head."),
        ("encoder.model.conv1.", "encoder.model.bn1.", "encoder.model.layer1."),
    ),
    "resnet18": (two_classes(model="resnet18"), ("fc.",), ("conv1.", "bn1.", "layer1.")),
    "a trained classifier": (
        two_classes(model=LITE0, weights="imagenet"),
        ("network.classifier.",),
        ("network.conv_stem.", "network.bn1.", "network.blocks.0.", "network.blocks.1."),
    ),
    "linear": (two_classes(model="linear"), ("2.",), ("0.",)),
    "resnet10 in 3-D": (two_classes(model="resnet10", patch=(32, 32, 32)), ("fc.",), ("conv1.", "bn1.", "layer1.")),
    "names in the plan": (
        plan(head=("model.2.1",), stem=("model.0.conv.unit0", "model.0.residual")),
        ("network.model.2.1.",),
        ("network.model.0.conv.unit0.", "network.model.0.residual."),
    ),
}


def built(wanted: Plan) -> nn.Module:
    return build(wanted, PACKAGED[LITE0].path if wanted.weights else None)


def under(state: Mapping[str, object], prefixes: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for name in state if name.startswith(prefixes))


@pytest.mark.parametrize("kind", PLANS)
def test_every_algorithm_works_on_every_kind_of_network(kind: str) -> None:
    wanted, head, stem = PLANS[kind]
    model = built(wanted)
    state = model.state_dict()
    parts = {"head": under(state, head), "stem": under(state, stem)}
    assert layers.head(model) == parts["head"]
    assert layers.stem(model) == parts["stem"]
    assert not parts["head"] & parts["stem"]
    for name in (*CONTROLS, *PERSONALIZERS):
        home = find_algorithm(name).stays_home(model)
        assert home <= state.keys()
        if find_algorithm(name).stays_home is not layers.nothing and name != "local":
            assert 0 < len(home) < len(state), name


@pytest.mark.parametrize("kind", PLANS)
def test_no_tensor_has_two_names(kind: str) -> None:
    """It would be sent twice, and averaged under both."""
    tensors = built(PLANS[kind][0]).state_dict(keep_vars=True)
    assert len({id(tensor) for tensor in tensors.values()}) == len(tensors)


class Own(nn.Module):
    """Nothing that is known: parts without order of their own, one without parameters at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.features = nn.ModuleDict({"first": nn.Conv2d(1, 4, 3, padding=1), "second": nn.Conv2d(4, 4, 1)})
        self.last = nn.Conv2d(4, 2, 1)
        self.end = nn.Identity()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.end(self.last(self.features["second"](self.features["first"](images)) * self.scale))


def test_of_an_unknown_network_the_first_and_last_modules_with_parameters() -> None:
    assert layers.head(Own()) == {"last.weight", "last.bias"}
    assert layers.stem(Own()) == {"features.first.weight", "features.first.bias"}
    named = as_planned(Own(), plan(head=("features.second", "last"), stem=("features.first",)))
    assert layers.head(named) == under(named.state_dict(), ("network.features.second.", "network.last."))
    half = as_planned(Own(), plan(head=("features.second",)))
    assert layers.stem(half) == {"network.features.first.weight", "network.features.first.bias"}
    images = torch.rand(1, 1, 8, 8)
    assert torch.equal(named(images), named.network(images))


def test_a_network_of_smp_with_an_encoder_of_its_own() -> None:
    """As an operator's function may return it; its encoder says nothing of stages."""
    import segmentation_models_pytorch as smp

    network = smp.Unet("resnet18", encoder_weights=None)
    state = network.state_dict()
    assert layers.head(network) == under(state, ("decoder.blocks.4.", "segmentation_head."))
    assert layers.stem(network) == under(state, ("encoder.conv1.",))


def test_a_network_without_tensors_has_no_parts() -> None:
    for empty in (nn.Sequential(), nn.Identity(), nn.Sequential(nn.ReLU())):
        for part in (layers.head, layers.stem):
            with pytest.raises(PlanError, match="at home, and the model .* has none"):
                part(empty)


@pytest.mark.parametrize("name", ["fedbn", "silobn"])
@pytest.mark.parametrize("parts", [(), ("last",)])
def test_what_a_network_lacks_is_named(name: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(PlanError, match=r"BatchNorm.* at home, and the model Own has none"):
        find_algorithm(name).stays_home(as_planned(Own(), plan(head=parts)))


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"head": ("lastt",)}, r"head: Own has no module 'lastt'; expected .*named_modules\(\), such as last"),
        ({"stem": ("nothing.like.it",)}, "stem: Own has no module .*such as features, last, end"),
        ({"head": ("end",)}, "head: module 'end' of Own holds no tensors"),
    ],
)
def test_names_that_do_not_fit(keys: dict[str, object], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        as_planned(Own(), plan(**keys))


def test_a_plan_without_parts_and_weights_leaves_the_network_as_it_is() -> None:
    own = Own()
    assert as_planned(own, plan()) is own


def test_harmonized_images_reach_the_network_as_its_weights_expect_them() -> None:
    wanted, _, _ = PLANS["a trained classifier"]
    model = built(wanted)
    received: list[torch.Tensor] = []
    model.network.register_forward_pre_hook(lambda _module, inputs: received.append(inputs[0]))
    grey = torch.rand(2, 1, 64, 64)
    with torch.no_grad():
        model.eval()(grey)
    torch.testing.assert_close(received[0], torch.cat([grey] * 3, dim=1) * 2 - 1)
