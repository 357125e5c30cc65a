"""How many weights a plan asks for, told without making them: as many as the network has that is made."""

from typing import Any

import pytest
import torch
from small_plans import planned_sites, small_plan

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.training.models.networks import build, count_parameters

OUTLINES: dict[str, Any] = {"task": "segmentation", "classes": (), "image_size": 64}
CLASSES: dict[str, Any] = {"task": "classification", "classes": ("x", "y"), "image_size": 64}


def planned(**keys: Any) -> Plan:
    return small_plan(sites=planned_sites(("a", "b"), 40), **keys)


@pytest.mark.parametrize(
    "keys",
    [
        OUTLINES | {"model": "unet"},
        OUTLINES | {"model": "SegResNet", "classes": ("liver", "spleen")},
        OUTLINES | {"model": "AttentionUnet", "patch": (16, 32, 32)},
        OUTLINES | {"model": "smp.Unet", "encoder": "test_resnet"},
        CLASSES | {"model": "test_vit", "image_size": 160},
        CLASSES | {"model": "resnet18", "colour": True},
    ],
    ids=lambda keys: keys["model"],
)
def test_it_is_what_the_network_has(keys: dict[str, Any]) -> None:
    plan = planned(**keys)
    before = torch.random.get_rng_state()
    count = count_parameters(plan)
    assert torch.equal(torch.random.get_rng_state(), before), "nothing is drawn"
    assert count == sum(parameter.numel() for parameter in build(plan).parameters())


def test_trained_weights_see_three_colours() -> None:
    plan = planned(**CLASSES, model="resnet18")
    trained = plan.model_copy(update={"weights": "gone.safetensors", "weights_sha256": "0" * 64})
    assert count_parameters(trained) - count_parameters(plan) == 2 * 7 * 7 * 64


def test_a_network_larger_than_any_memory_is_counted_at_once() -> None:
    """Its weights would take 20 GB."""
    assert count_parameters(planned(**CLASSES | {"model": "vit_giant_patch14_clip_224", "image_size": 224})) > 10**9


def test_the_public_extractor_is_the_packages_own_and_no_model_is_none() -> None:
    assert count_parameters(planned(**CLASSES, model="linear")) == 0
    with pytest.raises(PlanError, match="timm has no"):
        count_parameters(planned(**CLASSES, model="resnet-eighteen"))
