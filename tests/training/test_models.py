"""The networks: shapes, and where their first weights come from."""

import pickle
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from small_hospitals import plan_for
from torch import nn

from shiftscope.errors import PlanError
from shiftscope.training.arms import arms_of
from shiftscope.training.data.randomness import seeded
from shiftscope.training.models.networks import build
from shiftscope.training.plan_checks import check_plan


@pytest.mark.parametrize(("colour", "classes", "size"), [(False, (), 32), (True, ("liver", "lesion"), 40)])
def test_the_unet_gives_a_map_per_class_and_normalizes_by_batch(
    colour: bool, classes: tuple[str, ...], size: int, hospitals: dict[str, Path]
) -> None:
    model = build(plan_for(hospitals, colour=colour, classes=classes, image_size=size))
    assert model(torch.zeros(2, 3 if colour else 1, size, size)).shape == (2, 1 + max(1, len(classes)), size, size)
    assert any(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert not any(isinstance(module, nn.InstanceNorm2d) for module in model.modules())


def test_one_seed_one_initialisation(hospitals: dict[str, Path]) -> None:
    plan = plan_for(hospitals)
    models = []
    for seed in (1, 1, 2):
        with seeded(seed):
            models.append(build(plan).state_dict())
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])
    assert not all(torch.equal(models[0][name], models[2][name]) for name in models[0])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_file_of_weights_starts_all_but_the_classifier(
    channels: int, clinics: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights.safetensors"
    source = timm.create_model("test_resnet", num_classes=1000).state_dict()
    save_file(source, file)
    plan = plan_for(
        clinics,
        task="classification",
        classes=("large", "small"),
        model="test_resnet",
        colour=channels == 3,
        weights=file.name,
    )
    loaded = build(plan, file).state_dict()
    assert torch.equal(loaded["network.layer4.0.conv2.weight"], source["layer4.0.conv2.weight"])
    assert torch.equal(loaded["network.conv1.0.weight"], source["conv1.0.weight"])
    assert loaded["network.fc.weight"].shape[0] == 2
    monkeypatch.chdir(tmp_path)
    check_plan(plan, arms_of(plan))


@pytest.mark.parametrize("content", ["pickle", "text", "another network"])
def test_a_file_of_no_use_is_refused(content: str, clinics: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "weights.pth"
    if content == "another network":
        torch.save(timm.create_model("test_vit").state_dict(), file)
    else:
        file.write_bytes(pickle.dumps({"a": Path}) if content == "pickle" else b"words, words")
    plan = plan_for(clinics, task="classification", classes=("large", "small"), model="test_resnet", weights=str(file))
    with pytest.raises(PlanError, match=r"weights: .*weights.pth cannot be loaded into test_resnet: "):
        build(plan, file)


def test_a_unet_takes_no_weights(hospitals: dict[str, Path]) -> None:
    with pytest.raises(PlanError, match="the U-Net starts from random ones"):
        build(plan_for(hospitals, weights="x.pth"))
