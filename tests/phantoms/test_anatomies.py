"""Every anatomy draws what it says, the same for the same seed."""

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, label

from shiftscope.phantoms import ANATOMIES, Phantom
from shiftscope.phantoms.brain import CONTRASTS

LABELS = {
    "ultrasound": ("benign", "malignant"),
    "chest": ("normal", "abnormal"),
    "brain": ("normal", "abnormal"),
    "endoscopy": ("normal", "abnormal"),
}
CASES = [(anatomy, name) for anatomy, names in LABELS.items() for name in names]


def draw(anatomy: str, seed: int, **options: object) -> Phantom:
    return ANATOMIES[anatomy](np.random.default_rng(seed), **{"size": 64, **options})


def ring(mask: np.ndarray) -> np.ndarray:
    """Pixels 2 to 5 steps outside a mask."""
    return binary_dilation(mask, iterations=5) & ~binary_dilation(mask, iterations=2)


def test_every_anatomy_is_covered() -> None:
    assert set(LABELS) == set(ANATOMIES)


@pytest.mark.parametrize(("anatomy", "name"), CASES)
@pytest.mark.parametrize("size", [48, 64, 129])
def test_pixels_and_mask_are_in_range(anatomy: str, name: str, size: int) -> None:
    for seed in range(5):
        phantom = draw(anatomy, seed, size=size, label=name)
        assert (phantom.anatomy, phantom.label) == (anatomy, name)
        assert phantom.mask.shape == (size, size)
        assert phantom.pixels.shape == ((size, size, 3) if anatomy == "endoscopy" else (size, size))
        assert phantom.pixels.dtype == np.float32
        assert phantom.pixels.min() >= 0
        assert phantom.pixels.max() <= 1
        assert phantom.pixels.std() > 0.05
        assert set(np.unique(phantom.mask)) == ({0} if name == "normal" else {0, 1})
        border = np.ones_like(phantom.mask, bool)
        border[1:-1, 1:-1] = False
        assert not phantom.mask[border].any()


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_a_seed_is_a_patient(anatomy: str) -> None:
    first, again, other = draw(anatomy, 7), draw(anatomy, 7), draw(anatomy, 8)
    assert first.label == again.label
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.mask, again.mask)
    assert np.abs(first.pixels - other.pixels).mean() > 0.01


@pytest.mark.parametrize("anatomy", ANATOMIES)
def test_labels_are_drawn_evenly(anatomy: str) -> None:
    second = LABELS[anatomy][1]
    share = np.mean([draw(anatomy, seed, size=16).label == second for seed in range(200)])
    assert 0.38 < share < 0.62  # 200 coins: beyond 3.4 standard deviations


@pytest.mark.parametrize(
    ("anatomy", "name"),
    [("ultrasound", "benign"), ("ultrasound", "malignant"), ("brain", "abnormal"), ("endoscopy", "abnormal")],
)
def test_lesion_scale_multiplies_the_area(anatomy: str, name: str) -> None:
    ratios = []
    for seed in range(20):
        plain, large = (draw(anatomy, seed, label=name, size=128, lesion_scale=scale) for scale in (1.0, 2.0))
        ratios.append(large.mask.sum() / plain.mask.sum())
    assert np.median(ratios) == pytest.approx(2.0, abs=0.06)


def test_chest_opacities_grow_until_the_lung_ends() -> None:
    ratios = []
    for seed in range(30):
        plain, large = (draw("chest", seed, label="abnormal", size=128, lesion_scale=scale) for scale in (1.0, 2.0))
        ratios.append(large.mask.sum() / plain.mask.sum())
    assert 1.5 < np.median(ratios) <= 2.1


def test_a_breast_lesion_is_darker_than_what_surrounds_it() -> None:
    for name in LABELS["ultrasound"]:
        for seed in range(10):
            phantom = draw("ultrasound", seed, label=name, size=128)
            mask = phantom.mask > 0
            assert phantom.pixels[mask].mean() < phantom.pixels[ring(mask)].mean() - 0.05


def test_benign_lesions_enhance_and_malignant_ones_shadow() -> None:
    def below(phantom: Phantom) -> float:
        """How much brighter the strip under the lesion is than the strips to its sides."""
        rows, columns = np.nonzero(phantom.mask)
        strip = phantom.pixels[rows.max() + 3 : rows.max() + 14]
        middle, half = int(columns.mean()), max(int(np.ptp(columns) * 0.3), 2)
        beside = np.r_[0 : max(middle - 4 * half, 1), min(middle + 4 * half, 127) : 128]
        return float(strip[:, middle - half : middle + half].mean() - strip[:, beside].mean())

    benign, malignant = (
        np.mean([below(draw("ultrasound", seed, label=name, size=128)) for seed in range(25)])
        for name in LABELS["ultrasound"]
    )
    assert benign > 0.03
    assert malignant < -0.05


def test_malignant_outlines_are_rougher() -> None:
    def compactness(phantom: Phantom) -> float:
        mask = phantom.mask > 0
        return float((binary_dilation(mask) & ~mask).sum() ** 2 / mask.sum())

    benign, malignant = (
        [compactness(draw("ultrasound", seed, label=name, size=128)) for seed in range(20)]
        for name in LABELS["ultrasound"]
    )
    assert np.median(malignant) > 1.15 * np.median(benign)


def test_speckle_is_multiplicative() -> None:
    """In linear units the noise follows the signal: the log-compressed image varies as much in fat as in gland."""
    phantom = draw("ultrasound", 3, size=128)
    local = phantom.pixels[20:100]
    fine = local - (np.roll(local, 1, 0) + np.roll(local, -1, 0)) / 2
    bright = local > np.median(local)
    assert fine[bright].std() == pytest.approx(fine[~bright].std(), rel=0.15)
    assert fine.std() > 0.02


def test_lungs_are_dark_beside_the_spine() -> None:
    for seed in range(8):
        phantom = draw("chest", seed, label="normal", size=128)
        lungs = np.r_[phantom.pixels[45:65, 26:40].ravel(), phantom.pixels[45:65, 90:102].ravel()]
        spine = phantom.pixels[45:65, 60:68]
        assert lungs.mean() < 0.65 * spine.mean()


def test_opacities_whiten_the_lung() -> None:
    gains = []
    for seed in range(20):
        phantom = draw("chest", seed, label="abnormal", size=128)
        mask = phantom.mask > 0
        gains.append(phantom.pixels[mask].mean() - phantom.pixels[ring(mask)].mean())
    assert np.mean(gains) > 0.06


def test_a_head_has_black_air_around_it_and_one_tumour() -> None:
    for seed in range(8):
        phantom = draw("brain", seed, label="abnormal", size=128)
        corners = [
            phantom.pixels[rows, columns]
            for rows in (slice(0, 12), slice(-12, None))
            for columns in (slice(0, 12), slice(-12, None))
        ]
        assert np.mean(corners) < 0.08
        assert label(phantom.mask)[1] == 1


def test_contrasts_turn_the_ventricles_round() -> None:
    plain, watery = (draw("brain", 5, label="normal", size=128, contrast=name) for name in ("t1", "t2"))
    middle = np.s_[58:70, 58:62]
    assert plain.pixels[middle].mean() < plain.pixels[40:90, 40:90].mean()
    assert watery.pixels[middle].mean() > watery.pixels[40:90, 40:90].mean()
    assert set(CONTRASTS) == {"t1", "t2", "flair"}


def test_a_volume_of_the_brain() -> None:
    volume = draw("brain", 2, label="abnormal", depth=9)
    assert volume.pixels.shape == volume.mask.shape == (9, 64, 64)
    assert volume.spacing_mm == pytest.approx((100 / 9, 220 / 64, 220 / 64))
    assert label(volume.mask)[1] == 1
    assert not volume.mask[[0, -1]].any()
    doubled = [
        draw("brain", seed, label="abnormal", depth=24, lesion_scale=2.0).mask.sum()
        / draw("brain", seed, label="abnormal", depth=24).mask.sum()
        for seed in range(8)
    ]
    assert np.median(doubled) == pytest.approx(2.0, abs=0.15)


def test_endoscopy_is_red_in_a_black_frame() -> None:
    frame = draw("endoscopy", 4, size=128)
    red, green, blue = frame.pixels[40:90, 40:90].reshape(-1, 3).mean(axis=0)
    assert red > green > blue
    assert frame.pixels[:4, :4].max() < 0.05


def test_a_phantom_that_does_not_fit_its_mask_is_refused() -> None:
    phantom = draw("ultrasound", 0)
    with pytest.raises(ValueError, match="does not cover"):
        Phantom(phantom.pixels, phantom.mask[1:], "benign", "ultrasound", (1.0, 1.0))
    with pytest.raises(ValueError, match="float32"):
        Phantom(phantom.pixels.astype(float), phantom.mask, "benign", "ultrasound", (1.0, 1.0))
    with pytest.raises(ValueError, match="spacings"):
        Phantom(phantom.pixels, phantom.mask, "benign", "ultrasound", (1.0,))
