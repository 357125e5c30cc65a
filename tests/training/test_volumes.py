"""Three-dimensional networks: what they are, how they judge a volume, and that they learn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_erosion, distance_transform_edt
from small_hospitals import plan_for
from torch import nn
from volumes_on_disk import ball_sample, classified_volumes, segmented_volumes

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.sites import read_site
from shiftscope.training.arms import arm_of
from shiftscope.training.data.model_inputs import Sample, load_samples
from shiftscope.training.data.patches import padded
from shiftscope.training.data.randomness import seeded
from shiftscope.training.evaluation.inference import probabilities
from shiftscope.training.evaluation.scores import judge, surface_distance
from shiftscope.training.launch import train
from shiftscope.training.models.layers import head, normalization, stem
from shiftscope.training.models.networks import build, memory_format
from shiftscope.training.models.volume_nets import halvings, strides_of
from shiftscope.training.run_options import RunOptions

CLASSES = ("large", "small")


@pytest.fixture
def planned(hospitals: dict[str, Path]) -> Callable[..., Plan]:
    def make(**changes: object) -> Plan:
        return plan_for(hospitals, **{"image_size": 32, "patch": (8, 16, 16), **changes})

    return make


@pytest.mark.parametrize(("patch", "classes", "colour"), [((8, 16, 32), (), False), ((16, 32, 8), ("a", "b"), True)])
def test_the_unet_gives_a_map_per_class_and_normalizes_by_batch(
    patch: tuple[int, ...], classes: tuple[str, ...], colour: bool, planned: Callable[..., Plan]
) -> None:
    plan = planned(patch=patch, classes=classes, colour=colour)
    model = build(plan).to(memory_format=memory_format(plan))
    assert model(torch.zeros(2, 3 if colour else 1, *patch)).shape == (2, 1 + max(1, len(classes)), *patch)
    assert any(isinstance(module, nn.BatchNorm3d) for module in model.modules())
    assert not any(isinstance(module, nn.BatchNorm2d | nn.InstanceNorm3d) for module in model.modules())


def test_no_side_is_halved_below_four() -> None:
    assert [halvings(size, 3) for size in (8, 15, 16, 32, 64)] == [1, 1, 2, 3, 3]
    assert strides_of((8, 32, 16), 3) == ((2, 2, 2), (1, 2, 2), (1, 2, 1))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"patch": (9, 16, 16)}, "patch: 9 voxels along z do not fit the U-Net, which halves them 1 times"),
        ({"patch": (8, 16, 18)}, "18 voxels along x .* halves them 2 times; choose a multiple of 4"),
        ({"patch": (8, 64, 32)}, "8 x 64 x 32 .* larger than the canvas of 32 pixels"),
        ({"task": "classification", "classes": CLASSES, "model": "vit_tiny"}, "expected densenet121, resnet10"),
        ({"task": "classification", "classes": CLASSES, "model": "linear"}, "no three-dimensional 'linear'"),
        ({"task": "classification", "classes": CLASSES, "model": "densenet121"}, "not take 8 x 16 x 16 voxels"),
        ({"task": "classification", "classes": CLASSES, "model": "resnet10", "weights": "w.pth"}, "leave it empty"),
    ],
)
def test_what_does_not_fit_is_reported(changes: dict[str, object], message: str, planned: Callable[..., Plan]) -> None:
    with pytest.raises(PlanError, match=message):
        build(planned(**changes))


@pytest.mark.parametrize(
    ("model", "patch", "top", "early"),
    [
        ("resnet10", (8, 16, 16), {"fc.weight", "fc.bias"}, ("conv1.", "bn1.", "layer1.")),
        (
            "densenet121",
            (32, 32, 32),
            {"class_layers.out.weight", "class_layers.out.bias"},
            ("features.conv0.", "features.norm0.", "features.denseblock1."),
        ),
    ],
)
def test_parts_that_stay_home_are_found_in_classifiers(
    model: str, patch: tuple[int, ...], top: set[str], early: tuple[str, ...], planned: Callable[..., Plan]
) -> None:
    net = build(planned(task="classification", classes=CLASSES, model=model, patch=patch))
    assert head(net) == top
    found = stem(net)
    assert found
    assert all(name.startswith(early) for name in found)
    assert all(name in found for name in net.state_dict() if name.startswith(early))
    assert {name for name in net.state_dict() if name.endswith("running_mean")} < normalization(net)


def test_parts_that_stay_home_are_found_in_the_unet(planned: Callable[..., Plan]) -> None:
    net = build(planned())
    names = list(net.state_dict())
    assert {names[0]} < stem(net) < set(names)
    assert {names[-1]} < head(net) < set(names)
    assert not stem(net) & head(net)


class Threshold(nn.Module):
    """Foreground where the image is bright, voxel by voxel: it does not matter how a volume is cut."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.cat([0.5 - images[:, :1], images[:, :1] - 0.5], dim=1) * 50


@pytest.mark.parametrize("depth", [3, 8, 21])
def test_dice_of_a_volume_is_the_same_by_slices_and_by_blocks(depth: int, planned: Callable[..., Plan]) -> None:
    samples = [ball_sample(seed, (depth, 32, 32)) for seed in range(3)]
    blocks = judge(Threshold(), samples, planned(batch_size=3))["dice"]
    slices = judge(Threshold(), samples, planned(patch=()))["dice"]
    assert (blocks > 0.8).all()
    np.testing.assert_allclose(blocks, slices, rtol=0, atol=1e-12)


def test_a_volume_is_never_seen_in_larger_batches_than_planned(planned: Callable[..., Plan]) -> None:
    shapes = []

    class Watch(Threshold):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            shapes.append(images.shape)
            return super().forward(images)

    judge(Watch(), [ball_sample(0, (30, 32, 32))], planned(batch_size=2))
    assert len(shapes) > 10
    assert {shape[1:] for shape in shapes} == {(1, 8, 16, 16)}
    assert max(shape[0] for shape in shapes) == 2


def test_the_surface_of_a_volume_is_three_dimensional_and_knows_thick_slices() -> None:
    truth = ball_sample(0, (16, 32, 32), radius=8.0).target > 0
    moved = np.roll(truth, (2, 1), axis=(0, 1))
    steps = (3.0, 1.0, 1.0)

    def edge(mask: np.ndarray) -> np.ndarray:
        return mask & ~binary_erosion(mask)

    one, other = edge(moved), edge(truth)
    distances = np.concatenate(
        [distance_transform_edt(~to, sampling=steps)[outline] for outline, to in ((one, other), (other, one))]
    )
    assert surface_distance(moved, truth, steps) == pytest.approx(distances.mean(), rel=0.02)
    assert surface_distance(moved, truth, steps) > surface_distance(moved, truth, (1.0, 1.0, 1.0))
    assert np.isnan(surface_distance(moved, np.zeros_like(truth), steps))


def test_voxels_are_as_long_as_the_file_says(planned: Callable[..., Plan]) -> None:
    sample = ball_sample(0, (16, 32, 32), radius=8.0)
    moved = Sample("p", np.roll(sample.pixels, 2, axis=0), sample.target)
    lengths = [None, *(np.array([[thick, 1.0, 1.0], [16, 32, 32]]) for thick in (1.0, 4.0))]
    cube, same, thick = (
        judge(Threshold(), [Sample("p", moved.pixels, moved.target, geometry)], planned())["surface_px"][0]
        for geometry in lengths
    )
    assert cube == same
    assert thick > 1.5 * cube


def test_a_volume_has_the_mean_of_its_blocks_probabilities(planned: Callable[..., Plan]) -> None:
    class Brightness(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            p = images.mean(dim=(1, 2, 3, 4)).clamp(1e-6, 1 - 1e-6)
            return torch.stack([torch.log(1 - p), torch.log(p)], dim=1)

    pixels = np.zeros((16, 1, 32, 32), np.float16)
    pixels[:8] = 0.5
    plan = planned(task="classification", classes=CLASSES, model="resnet10", patch=(8, 32, 32), batch_size=2)
    found = judge(Brightness(), [Sample("p", pixels, 1)], plan)
    assert found["probabilities"][0, 1] == pytest.approx((0.5 + 0.125 + 0) / 3, abs=1e-3)  # slices 0-7, 6-13, 8-15
    thin = judge(Brightness(), [Sample("p", pixels[:2], 1)], plan)
    assert thin["probabilities"][0, 1] == pytest.approx(0.5, abs=1e-3)  # its ends are repeated


def test_a_common_spacing_holds_along_z_too(tmp_path: Path) -> None:
    data = segmented_volumes(tmp_path, {"a": 6}, cases=3)
    frame = {"spacing_mm": np.array([2.0, 1.0, 1.0]), "field_mm": np.array([32.0, 24.0, 24.0])}
    plan = plan_for(data, image_size=24, patch=(8, 16, 16))
    site = read_site(data["a"], name="a")
    sample = load_samples(site, plan, frame).train[0]
    assert sample.pixels.shape == (16, 1, 24, 24)
    assert sample.target.shape == (16, 24, 24)
    np.testing.assert_array_equal(sample.geometry, [[2.0, 1.0, 1.0], [16, 24, 24]])
    flat = load_samples(site, plan.model_copy(update={"patch": ()}), frame).train[0]
    assert flat.pixels.shape == (6, 1, 24, 24)
    np.testing.assert_array_equal(flat.geometry, [[4.0, 1.0, 1.0], [6, 24, 24]])


def test_classifiers_are_trained_on_volumes(tmp_path: Path) -> None:
    data = classified_volumes(tmp_path / "data", ["east", "west"], cases=2)
    plan = plan_for(
        data,
        task="classification",
        classes=CLASSES,
        model="resnet10",
        image_size=16,
        patch=(8, 8, 8),
        rounds=1,
        local_steps=2,
        batch_size=2,
    )
    arms = [arm_of(plan, "own", "fedbn", "zscore")]
    result = train(plan, data, RunOptions(engine="inline", out=tmp_path / "run"), arms=arms)
    for site in result.sites.values():
        assert site.cases == 2
        assert site.scores["own"][0] in (0.0, 0.5, 1.0)  # one case of each class: they are in order, tied, or not


@pytest.mark.slow
def test_segmentation_of_volumes_repeats_to_the_bit_and_learns(tmp_path: Path) -> None:
    data = segmented_volumes(tmp_path / "data", {"thin": 10, "thick": 5}, cases=4)
    plan = plan_for(data, image_size=24, patch=(8, 16, 16), rounds=2, local_steps=12, batch_size=2)
    arms = [arm_of(plan, "own", "fedper", None)]
    first, again = (
        train(plan, data, RunOptions(engine="inline", out=tmp_path / run), arms=arms) for run in ("one", "two")
    )
    assert [site.scores for site in first.sites.values()] == [site.scores for site in again.sites.values()]
    assert np.mean([site.scores["own"][0] for site in first.sites.values()]) > 0.3


def test_a_volume_thinner_than_the_block_is_judged_as_it_was_learned_from(planned: Callable[..., Plan]) -> None:
    """Its ends are repeated, as where blocks are drawn: filled up with zeros it would be another kind of image."""
    plan = planned()
    with seeded(0):
        model = build(plan).eval()
    thin = np.random.default_rng(0).uniform(0.1, 1, (3, 1, plan.image_size, plan.image_size)).astype(np.float16)
    found = probabilities(model, thin, plan)
    assert found.shape == (3, 2, plan.image_size, plan.image_size)
    whole = probabilities(model, padded(thin, plan.patch[0]), plan)
    before = (plan.patch[0] - 3) // 2
    np.testing.assert_allclose(found, whole[before : before + 3], atol=1e-6)
