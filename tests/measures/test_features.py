"""Extractors, the canonical map and the public basis."""

from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from shiftscope.errors import UsageError
from shiftscope.measures import AXES
from shiftscope.measures.basis import feature_basis, fit_basis, load_basis
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.features.extractors import DEFAULT, load_extractor
from shiftscope.phantoms import PLANTS, sample


@pytest.fixture(scope="module")
def grey() -> torch.Tensor:
    phantoms = [p for p in sample(np.random.default_rng(3), 40, size=96) if p.pixels.ndim == 2]
    return torch.stack([torch.from_numpy(p.pixels) for p in phantoms])


def test_the_default_extractor_is_the_same_everywhere() -> None:
    one, two = load_extractor(), load_extractor()
    assert one.name == DEFAULT
    assert one.sha256 == two.sha256 == "ef5208220011bb9e1052ee3eedec82d9c93d207c269a235a31a37da131f3144d"
    image = torch.linspace(0, 1, 64 * 64).view(1, 1, 64, 64)
    for a, b in zip(one.compute(image), two.compute(image), strict=True):
        assert torch.equal(a, b)
        assert torch.isfinite(a).all()


def test_features_do_not_depend_on_the_batch(grey: torch.Tensor) -> None:
    extractor = load_extractor()
    whole = extractor.compute(grey[:6, None])
    alone = [extractor.compute(image[None, None]) for image in grey[:6]]
    for layer in (0, 1):
        torch.testing.assert_close(whole[layer], torch.cat([row[layer] for row in alone]), atol=1e-4, rtol=1e-4)


def test_patterns_and_layout_ignore_monotone_changes(grey: torch.Tensor) -> None:
    """Local binary patterns and ranks do not see gamma; the filters do."""
    extractor = load_extractor()
    shallow, deep = extractor.compute(grey[:, None])
    other_shallow, other_deep = extractor.compute(grey[:, None].clamp(min=1e-4).pow(0.6))
    torch.testing.assert_close(other_shallow[:, -20:], shallow[:, -20:], atol=0.02, rtol=0)
    assert (other_deep[:, -160:] - deep[:, -160:]).abs().mean() < 0.02
    assert (other_shallow[:, :72] - shallow[:, :72]).abs().mean() > 0.05


def test_a_timm_model_loads_weights_from_a_file(tmp_path: Path) -> None:
    model = timm.create_model("resnet10t", pretrained=False)
    torch.save(model.state_dict(), tmp_path / "weights.pth")
    extractor = load_extractor("resnet10t", tmp_path / "weights.pth")
    shallow, deep = extractor.compute(torch.rand(2, 1, 64, 64))
    assert shallow.shape[0] == deep.shape[0] == 2
    with torch.no_grad():
        model.conv1[0].weight += 1
    torch.save(model.state_dict(), tmp_path / "other.pth")
    assert load_extractor("resnet10t", tmp_path / "other.pth").sha256 != extractor.sha256
    basis = feature_basis("features_deep", "resnet10t", deep.shape[1], AXES["features_deep"].width)
    assert basis.project(deep.numpy()).shape == (2, AXES["features_deep"].width)


@pytest.mark.parametrize(
    ("name", "weights", "says"),
    [
        ("resnet999", None, "not a timm model"),
        ("resnet10t", "absent.pth", "no such file"),
        ("resnet10t", "text.pth", "no usable weights in"),
        (DEFAULT, "text.pth", "has fixed filters"),
    ],
)
def test_unusable_extractors_are_reported(tmp_path: Path, name: str, weights: str | None, says: str) -> None:
    (tmp_path / "text.pth").write_text("not a checkpoint")
    with pytest.raises(UsageError, match=says) as caught:
        load_extractor(name, tmp_path / weights if weights else None)
    assert "\n" not in str(caught.value)


def test_weights_that_are_nowhere_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(UsageError, match=r"no usable weights in the hub's cache .* --weights"):
        load_extractor("resnet10t")


def test_the_public_look_undoes_a_gamma_and_keeps_the_anatomy(grey: torch.Tensor) -> None:
    dark = grey.clamp(min=0).pow(1.8)
    before, after = Canonical.fit([grey]).apply(grey), Canonical.fit([dark]).apply(dark)
    assert (after - before).abs().mean() < 0.25 * (dark - grey).abs().mean()
    zoomed = torch.stack(
        [
            torch.from_numpy(PLANTS["zoom"](p, 1.0, np.random.default_rng(0)).pixels)
            for p in sample(np.random.default_rng(3), 40, size=96)
            if p.pixels.ndim == 2
        ]
    )
    moved = Canonical.fit([zoomed]).apply(zoomed)
    assert (moved - before).abs().mean() > (after - before).abs().mean()


def test_the_stored_basis_fits_its_axes() -> None:
    bases, digest = load_basis()
    assert len(digest) == 64
    for axis, meta in AXES.items():
        if meta.question != "features" or axis.startswith("features_"):  # harmonized features share theirs
            directions = bases[axis].directions
            assert directions.shape[1] <= max(meta.width, directions.shape[0])
            np.testing.assert_allclose(directions.T @ directions, np.eye(directions.shape[1]), atol=1e-5)


def test_fitted_directions_are_principal_and_nested() -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((500, 6)) @ rng.standard_normal((6, 6))
    wide, narrow = fit_basis(rows, 5), fit_basis(rows, 3)
    np.testing.assert_allclose(wide.directions[:, :3], narrow.directions, atol=1e-12)
    variances = wide.project(rows).var(axis=0)
    assert np.all(np.diff(variances) <= 1e-9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no GPU that torch can use")
def test_features_are_the_same_on_a_gpu(grey: torch.Tensor) -> None:
    there = load_extractor(device="cuda").compute(grey[:8, None].cuda())
    for here, other in zip(load_extractor().compute(grey[:8, None]), there, strict=True):
        torch.testing.assert_close(other.cpu(), here, atol=2e-3, rtol=0)
