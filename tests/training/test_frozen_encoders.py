"""The linear model on features of a frozen network of the plan."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from small_hospitals import plan_for

from shiftscope.errors import PlanError
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.plans import Split
from shiftscope.training.data.case_features import featured
from shiftscope.training.data.model_inputs import Sample, load_samples, read_planned
from shiftscope.training.data.randomness import seeded
from shiftscope.training.federation.site_data import SiteData
from shiftscope.training.launch import train
from shiftscope.training.models import frozen_encoders
from shiftscope.training.models.frozen_encoders import count_features, feature_function
from shiftscope.training.models.networks import build
from shiftscope.training.run_options import RunOptions
from shiftscope.training.runs.jobs import Job

CLASSES = {"task": "classification", "classes": ("large", "small"), "model": "linear"}


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    with seeded(4):
        save_file(timm.create_model("test_resnet").state_dict(), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


def test_features_are_what_timm_hands_to_its_classifier(clinics: dict[str, Path], weights: Path) -> None:
    plan = plan_for(clinics, **CLASSES, encoder="test_resnet", weights=str(weights))
    compute = feature_function(plan, weights)
    images = np.random.default_rng(0).uniform(size=(3, 1, 32, 32)).astype(np.float32)
    with seeded(4):
        network = timm.create_model("test_resnet").eval()
    with torch.no_grad():
        scaled = (torch.from_numpy(images).repeat(1, 3, 1, 1) - 0.5) / 0.5
        expected = network.forward_head(network.forward_features(scaled), pre_logits=True).numpy()
    np.testing.assert_allclose(compute(images), expected, rtol=1e-4, atol=1e-5)
    assert count_features(plan, weights) == expected.shape[1]
    model = build(plan, weights)
    assert model(torch.from_numpy(expected)[:, :, None, None]).shape == (3, 2)
    assert not any(parameter.requires_grad for parameter in frozen_encoders._encoder_of(plan, weights).parameters())


def test_the_encoder_draws_no_number_from_the_seed(clinics: dict[str, Path], weights: Path) -> None:
    plan = plan_for(clinics, **CLASSES, encoder="test_resnet", weights=str(weights))
    frozen_encoders._frozen.cache_clear()
    states = []
    for _ in range(2):
        with seeded(1):
            states.append(build(plan, weights).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_a_case_is_the_mean_of_its_slices_however_many() -> None:
    rng = np.random.default_rng(0)
    volume = Sample("p", rng.uniform(size=(70, 1, 4, 4)).astype(np.float16), 0)
    sizes: list[int] = []

    def total(images: np.ndarray) -> np.ndarray:
        sizes.append(len(images))
        return images.sum(axis=(2, 3))

    (after,) = featured([volume], total)
    expected = volume.pixels.astype(np.float64).sum(axis=(2, 3)).mean(axis=0)
    np.testing.assert_allclose(after.pixels.ravel(), expected, rtol=2e-3)
    assert after.pixels.shape == (1, 1, 1, 1)
    assert max(sizes) <= 32
    assert sum(sizes) == 70


def test_without_an_encoder_it_is_the_public_extractor(clinics: dict[str, Path]) -> None:
    plan = plan_for(clinics, **CLASSES)
    site = read_planned(plan, "north", clinics["north"], None)
    sample = load_samples(site, plan).train[0]
    with torch.no_grad():
        parts = load_extractor().compute(torch.from_numpy(sample.pixels.astype(np.float32)))
    expected = torch.cat(parts, dim=1).numpy()
    np.testing.assert_array_equal(feature_function(plan, None)(sample.pixels.astype(np.float32)), expected)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"encoder": "test_resnet"}, "weights: none given for test_resnet, and features of a random network"),
        ({"encoder": "resnet81"}, "encoder: timm has no 'resnet81'"),
        ({"weights": "x.pth"}, "weights: x.pth given, and the linear model without an encoder"),
    ],
)
def test_what_cannot_be(keys: dict[str, object], said: str, clinics: dict[str, Path]) -> None:
    with pytest.raises(PlanError, match=said):
        build(plan_for(clinics, **CLASSES, **keys))


def test_a_size_the_encoder_does_not_take(clinics: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "vit.safetensors"
    save_file(timm.create_model("vit_tiny_patch16_224").state_dict(), file)
    plan = plan_for(clinics, **CLASSES, encoder="vit_tiny_patch16_224", weights=str(file))
    with pytest.raises(PlanError, match="image_size: vit_tiny_patch16_224 does not take 32 px"):
        build(plan, file)


def test_harmonized_pixels_reach_the_encoder(clinics: dict[str, Path], weights: Path, tmp_path: Path) -> None:
    plan = plan_for(clinics, **CLASSES, encoder="test_resnet", weights=str(weights), harmonizer="zscore", rounds=1)
    result = train(plan, clinics, RunOptions(engine="inline", out=tmp_path / "run"))
    assert result.sites["north"].changed
    assert result.plan.weights_sha256 is not None


def test_features_are_computed_once_at_a_site_with_an_empty_part_too(
    clinics: dict[str, Path], weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second process finds what the first one kept, where no case validates as well."""
    counts: list[int] = []
    compute = SiteData._computed

    def counted(self: SiteData, samples: Sequence[Sample]) -> list[Sample]:
        counts.append(len(samples))
        return compute(self, samples)

    monkeypatch.setattr(SiteData, "_computed", counted)
    split = Split(train=0.7, val=0.0, test=0.3)
    plan = plan_for(clinics, **CLASSES, encoder="test_resnet", weights=str(weights), split=split)
    data = {site: str(path) for site, path in clinics.items()}
    job = Job(plan=plan, arms=(), data=data, patient_regex=None, out=tmp_path / "run", timeout_s=1, device="cpu")
    job = job.model_copy(update={"weights": weights})
    reference = {"quantiles": np.linspace(0, 1, 199)[None]}
    one, other = (SiteData(job, min(clinics)).harmonized("quantile_map", reference) for _ in range(2))
    assert other.val == []
    assert sum(counts) == len(one.train) + len(one.test)
    for before, after in zip((*one.train, *one.test), (*other.train, *other.test), strict=True):
        np.testing.assert_array_equal(before.pixels, after.pixels)
