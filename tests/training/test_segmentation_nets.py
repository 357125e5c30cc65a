"""Decoders and MONAI's networks for outlines: what they give, and which sizes and encoders they refuse."""

import math

import pytest
import torch
from small_plans import planned_sites, small_plan
from torch import nn

from shiftscope.errors import PlanError, UsageError
from shiftscope.plans import Plan
from shiftscope.training import plan_checks
from shiftscope.training.models.decoder_nets import smp_network
from shiftscope.training.models.networks import build
from shiftscope.training.models.segmentation_nets import SEGMENTERS

DECODERS = ("Unet", "UnetPlusPlus", "MAnet", "Linknet", "FPN", "PSPNet", "PAN", "DeepLabV3", "DeepLabV3Plus", "UPerNet")


def plan(**keys: object) -> Plan:
    return small_plan(**{"sites": planned_sites("ab", 5), **keys})


def shape_of(wanted: Plan) -> tuple[int, ...]:
    model = build(wanted)
    channels = 3 if wanted.colour else 1
    with torch.no_grad():
        return tuple(model(torch.rand(2, channels, *(wanted.patch or (wanted.image_size,) * 2))).shape)


@pytest.mark.parametrize("name", [*DECODERS, "Segformer"])
def test_every_decoder_gives_a_map_per_class_at_the_images_size(name: str) -> None:
    wanted = plan(model=f"smp.{name}", encoder="test_resnet", image_size=128, classes=("liver", "lesion"))
    assert shape_of(wanted) == (2, 3, 128, 128)
    model = build(wanted)
    assert any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert sum(parameter.requires_grad for parameter in model.parameters()) == len(list(model.parameters()))


def test_a_decoder_for_transformers_takes_one() -> None:
    assert shape_of(plan(model="smp.DPT", encoder="test_vit", image_size=160, colour=True)) == (2, 2, 160, 160)


@pytest.mark.parametrize("name", SEGMENTERS)
@pytest.mark.parametrize(("size", "patch"), [(32, ()), (16, ()), (48, ()), (32, (8, 32, 16)), (64, (16, 16, 32))])
def test_monais_networks_in_two_and_three_dimensions(name: str, size: int, patch: tuple[int, ...]) -> None:
    wanted = plan(model=name, image_size=size, patch=patch, colour=bool(patch), classes=("liver", "lesion"))
    assert shape_of(wanted) == (2, 3, *(patch or (size, size)))
    norms = [module for module in build(wanted).modules() if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d)]
    others = [module for module in build(wanted).modules() if isinstance(module, nn.GroupNorm | nn.LayerNorm)]
    assert norms
    assert not others


@pytest.mark.parametrize("name", SEGMENTERS)
def test_one_seed_one_start_and_a_gradient_everywhere(name: str) -> None:
    wanted = plan(model=name)
    models = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        models.append(build(wanted))
    one, other, third = (model.state_dict() for model in models)
    assert all(torch.equal(one[key], other[key]) for key in one)
    assert not all(torch.equal(one[key], third[key]) for key in one)
    models[0](torch.rand(2, 1, 32, 32)).square().mean().backward()
    for called, parameter in models[0].named_parameters():
        assert parameter.grad is not None, called
        assert math.isfinite(parameter.grad.abs().sum()), called


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"model": "UNet", "image_size": 36}, "image_size: 36 pixels do not fit UNet, which halves them 3 times; .* 8"),
        ({"model": "DynUNet", "patch": (9, 32, 32)}, "patch: 9 voxels along z do not fit DynUNet.*multiple of 2"),
        ({"model": "SegResNet", "patch": (8, 31, 32)}, "patch: 31 voxels do not fit SegResNet.*multiples of 2"),
        ({"model": "SegResNet", "patch": (8, 64, 64)}, r"patch: 8 x 64 x 64 \(z, y, x\) is larger than the canvas"),
        ({"model": "SegResNet", "weights": "x.pth"}, "weights: x.pth given, but SegResNet starts from random ones"),
        ({"model": "SegResNet", "encoder": "resnet18"}, "encoder: resnet18 given, and SegResNet is a whole network"),
        ({"model": "smp.Unett", "encoder": "resnet18"}, "model: no decoder 'smp.Unett'; expected smp.Unet, .*smp.DPT"),
        ({"model": "smp.Unet"}, "encoder: smp.Unet stands on one; name a timm model"),
        ({"model": "smp.Unet", "encoder": "resnet81"}, "encoder: timm has no 'resnet81'; .* such as resnet18"),
        ({"model": "smp.Unet", "encoder": "test_vit"}, "encoder: smp.Unet does not take test_vit: Unsupported model"),
        ({"model": "smp.Unet", "encoder": "test_resnet", "patch": (8, 32, 32)}, "patch: smp.Unet sees slices"),
        (
            {"model": "smp.FPN", "encoder": "test_resnet", "image_size": 40},
            "image_size: smp.FPN on .*40 px.*; 64 px fit",
        ),
        ({"model": "smp.PAN", "encoder": "test_resnet"}, "image_size: smp.PAN on test_resnet .* 128 px fit"),
        (
            {"model": "package.module:function"},
            "code: the plan does not say which code of the package 'package' is meant",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_what_does(keys: dict[str, object], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        build(plan(**keys))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = plan_checks.importlib.util.find_spec
    monkeypatch.setattr(
        plan_checks.importlib.util, "find_spec", lambda name: None if name.startswith("segm") else real(name)
    )
    plan_checks.require_extra(plan())
    with pytest.raises(UsageError, match=r"segmentation_models_pytorch; run: pip install 'shiftscope-fl\[train\]'"):
        plan_checks.require_extra(plan(model="smp.Unet", encoder="resnet18"))


def test_without_weights_the_encoder_sees_grey_as_it_is() -> None:
    network = smp_network(plan(model="smp.Unet", encoder="test_resnet"), None, 1, 2)
    assert next(network.parameters()).shape[1] == 1
