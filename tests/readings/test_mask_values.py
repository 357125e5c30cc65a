"""Masks whose values follow every convention that exports have: the right labels, not only a reading."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from drawn_masks import BAR, CLASSES, CORE, DISC, NOTHING, X, Y, dice, png
from PIL import Image as Pillow
from PIL import ImageFilter

from shiftscope.errors import Unreadable
from shiftscope.images import LabelMap, read, read_mask
from shiftscope.images.oddities import ODDITIES
from shiftscope.sites import Case, load
from shiftscope.sites.readings.case_readings import MaskReading
from shiftscope.sites.readings.mask_habits import MaskHabits


def rgb(*parts: tuple[np.ndarray, tuple[int, int, int]], ground: tuple[int, int, int] = (0, 0, 0)) -> np.ndarray:
    """(60, 80, 3): colours where each part is."""
    out = np.empty((60, 80, 3), np.uint8)
    out[:] = ground
    for part, colour in parts:
        out[part] = colour
    return out


def levels(*values: int, dtype: type = np.uint8) -> np.ndarray:
    """The four classes as these grey levels."""
    return np.array(values, dtype)[CLASSES]


EXACT: dict[str, tuple[np.ndarray, np.ndarray, tuple[str, ...]]] = {
    "ids": (CLASSES, CLASSES, ()),
    "0 and 1": (DISC.astype(np.uint8), DISC, ()),
    "0 and 255": (DISC * np.uint8(255), DISC, ()),
    "0 and 128": (DISC * np.uint8(128), DISC, ("mask_one_grey",)),
    "0, 63, 126, 189": (levels(0, 63, 126, 189), levels(0, 63, 126, 189), ("mask_levels",)),
    "0, 85, 170, 255": (levels(0, 85, 170, 255), levels(0, 85, 170, 255), ("mask_levels",)),
    "0, 128, 255": (levels(0, 128, 255, 0), levels(0, 128, 255, 0), ("mask_levels",)),
    "0, 100, 110, 120": (levels(0, 100, 110, 120), levels(0, 100, 110, 120), ("mask_levels",)),
    "void 255": (np.where(X == 79, 255, CLASSES).astype(np.uint8), np.where(X == 79, 0, CLASSES), ("mask_void",)),
    "255 with a few specks of 1": (
        np.where((Y % 20 == 5) & (X % 20 == 5) & ~DISC, 1, DISC * 255).astype(np.uint8),
        DISC,
        ("mask_soft",),
    ),
    "16 bits, 65535": (DISC * np.uint16(65535), DISC, ()),
    "16 bits, 255": (DISC * np.uint16(255), DISC, ()),
    "16 bits, ids of 8 bits up": (
        levels(0, 256, 512, 768, dtype=np.uint16),
        levels(0, 256, 512, 768, dtype=np.uint16),
        ("mask_levels",),
    ),
    "instances up to 1003": (
        levels(0, 1001, 1002, 1003, dtype=np.uint16),
        levels(0, 1001, 1002, 1003, dtype=np.uint16),
        ("mask_levels",),
    ),
    "red": (rgb((DISC, (255, 0, 0))), DISC, ()),
    "red on white": (rgb((DISC, (255, 0, 0)), ground=(255, 255, 255)), DISC, ()),
    "grey as RGB": (np.repeat((DISC * np.uint8(255))[..., None], 3, axis=2), DISC, ()),
    "empty": (NOTHING, NOTHING, ("mask_empty",)),
    "1 everywhere": (NOTHING + 1, NOTHING + 1, ("mask_full",)),
    "255 everywhere": (NOTHING + 255, NOTHING + 1, ("mask_full",)),
    "no background": (CLASSES + 1, CLASSES + 1, ("mask_full",)),
    "black on white": (~DISC * np.uint8(255), ~DISC, ("mask_reversed",)),
    "black on white, at the border": (
        ~np.roll(DISC, -20, axis=1) * np.uint8(255),
        ~np.roll(DISC, -20, axis=1),
        ("mask_reversed",),
    ),
    "outline": (
        ((DISC ^ ((Y - 25) ** 2 + (X - 30) ** 2 < 196)) * np.uint8(255)),
        DISC ^ ((Y - 25) ** 2 + (X - 30) ** 2 < 196),
        ("mask_outline",),
    ),
}
"""Kind -> what the file holds, the labels that it means, and what is noted."""


@pytest.mark.parametrize("kind", EXACT)
def test_levels_and_colours_keep_what_they_mean(kind: str, tmp_path: Path) -> None:
    stored, expected, odd = EXACT[kind]
    mask = read_mask(png(stored, tmp_path / "a.png"))
    np.testing.assert_array_equal(mask.labels[0], expected)
    assert mask.odd == odd
    assert set(odd) <= set(ODDITIES)


def test_several_colours_are_a_label_each_and_the_same_in_every_mask(tmp_path: Path) -> None:
    one = read_mask(png(rgb((DISC, (255, 0, 0)), (BAR, (0, 255, 0))), tmp_path / "a.png"))
    other = read_mask(png(rgb((CORE, (0, 255, 0)), (BAR, (255, 0, 0)), (X == 79, (0, 0, 255))), tmp_path / "b.png"))
    assert len(np.unique(one.labels)) == 3
    assert len(np.unique(other.labels)) == 4
    np.testing.assert_array_equal(one.labels[0] > 0, DISC | BAR)
    assert one.labels[0][25, 30] == other.labels[0][55, 30] != one.labels[0][55, 30]
    assert one.odd == other.odd == ("mask_colours",)


def test_dark_colours_of_pascal_voc_are_foreground(tmp_path: Path) -> None:
    """(64, 0, 0) is a class there; half of white would lose it."""
    mask = read_mask(png(rgb((DISC, (64, 0, 0)), (BAR, (192, 0, 0))), tmp_path / "a.png"))
    np.testing.assert_array_equal(mask.labels[0] > 0, DISC | BAR)
    assert len(np.unique(mask.labels)) == 3


def test_colours_without_black_or_white_have_no_background(tmp_path: Path) -> None:
    mask = read_mask(png(rgb((DISC, (255, 0, 0)), ground=(0, 0, 255)), tmp_path / "a.png"))
    assert mask.odd == ("mask_no_ground", "mask_colours", "mask_full")


def _soft(path: Path) -> None:
    Pillow.fromarray(DISC * np.uint8(255)).filter(ImageFilter.GaussianBlur(1)).save(path)


def _shrunk(path: Path) -> None:
    big = np.kron(DISC, np.ones((4, 4), bool))
    Pillow.fromarray(big * np.uint8(255)).resize((80, 60), Pillow.Resampling.BILINEAR).save(path)


def _faded(path: Path) -> None:
    Pillow.fromarray(DISC * np.uint8(90)).filter(ImageFilter.GaussianBlur(1)).save(path)


def _jpeg_as_png(path: Path) -> None:
    Pillow.fromarray(DISC * np.uint8(255)).save(path.with_suffix(".jpg"), quality=75)
    Pillow.open(path.with_suffix(".jpg")).save(path)


@pytest.mark.parametrize("kind", [_soft, _shrunk, _faded, _jpeg_as_png], ids=["soft", "shrunk", "faded", "JPEG as PNG"])
def test_soft_edges_are_cut_at_half_of_white(kind: Callable[[Path], None], tmp_path: Path) -> None:
    kind(tmp_path / "a.png")
    mask = read_mask(tmp_path / "a.png")
    assert set(np.unique(mask.labels)) == {0, 1}
    assert dice(mask.labels[0] > 0, DISC) > 0.97
    assert mask.odd == ("mask_soft",)
    assert not mask.numbered


@pytest.mark.parametrize("quality", [50, 75, 95])
def test_a_jpeg_of_two_levels(quality: int, tmp_path: Path) -> None:
    mask = read_mask(png(DISC * np.uint8(255), tmp_path / "a.jpg", quality=quality))
    assert dice(mask.labels[0] > 0, DISC) > 0.97


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_a_jpeg_of_four_levels(suffix: str, tmp_path: Path) -> None:
    big = np.kron(levels(0, 85, 170, 255), np.ones((4, 4), np.uint8))
    png(big, tmp_path / "a.jpg", quality=85)
    Pillow.open(tmp_path / "a.jpg").save(tmp_path / "a.png")
    mask = read_mask(tmp_path / f"a.{suffix}")
    assert mask.odd == ("mask_noisy_levels",)
    found = mask.labels[0]
    assert len(np.unique(found)) == 4
    assert dice(found > 0, big > 0) > 0.98
    near = np.array([0, 85, 170, 255])[np.abs(found[..., None].astype(int) - [0, 85, 170, 255]).argmin(axis=-1)]
    assert (near == big).mean() > 0.97


def test_class_numbers_that_were_interpolated_are_reported(tmp_path: Path) -> None:
    """Or stored in a lossy WebP: numbers in between appear along edges."""
    big = Pillow.fromarray(np.kron(20 * DISC + 10 * CORE, np.ones((4, 4))).astype(np.uint8))
    big.resize((80, 60), Pillow.Resampling.BILINEAR).save(tmp_path / "a.png")
    mask = read_mask(tmp_path / "a.png")
    assert dice(mask.labels[0] > 10, DISC) > 0.97
    assert mask.odd == ("mask_ragged",)


def test_class_numbers_do_not_survive_jpeg(tmp_path: Path) -> None:
    mask = read_mask(png(CLASSES, tmp_path / "a.jpg", quality=90))
    assert mask.labels.max() == 0
    assert mask.odd == ("mask_faint", "mask_empty")


def test_a_jpeg_of_a_coloured_lesion(tmp_path: Path) -> None:
    for name, ground in (("a", (0, 0, 0)), ("b", (255, 255, 255))):
        path = png(rgb((DISC, (255, 0, 0)), ground=ground), tmp_path / f"{name}.jpg", quality=90)
        mask = read_mask(path)
        assert dice(mask.labels[0] > 0, DISC) > 0.95
        assert mask.odd == ("mask_soft_colours",)


def _rgba(colour: np.ndarray, opacity: np.ndarray) -> np.ndarray:
    return np.dstack([colour, opacity])


@pytest.mark.parametrize(
    ("stored", "odd"),
    [
        (_rgba(rgb(), DISC * np.uint8(255)), ()),
        (_rgba(rgb(ground=(255, 255, 255)), DISC * np.uint8(255)), ()),
        (_rgba(rgb((DISC, (0, 0, 0)), ground=(255, 255, 255)), DISC * np.uint8(255)), ()),
        (_rgba(rgb((DISC, (255, 0, 0))), DISC * np.uint8(120)), ()),
        (_rgba(rgb((DISC, (255, 255, 255))), NOTHING), ()),
        (_rgba(rgb((DISC, (255, 255, 255))), NOTHING + 255), ()),
        (_rgba(rgb((DISC, (255, 255, 255)), (BAR, (0, 0, 0))), (DISC | BAR) * np.uint8(255)), ("mask_black_opaque",)),
    ],
    ids=[
        "black drawn in alpha",
        "white drawn in alpha",
        "black on transparent white",
        "half transparent red",
        "alpha 0 everywhere",
        "alpha 255 everywhere",
        "black and white on transparent",
    ],
)
def test_masks_with_alpha(stored: np.ndarray, odd: tuple[str, ...], tmp_path: Path) -> None:
    mask = read_mask(png(stored, tmp_path / "a.png"))
    np.testing.assert_array_equal(mask.labels[0], DISC)
    assert tuple(code for code in mask.odd if code != "mask_one_grey") == odd


def _palette(indices: np.ndarray, colours: list[int], path: Path, **options: object) -> np.ndarray:
    picture = Pillow.fromarray(indices).convert("P")
    picture.putpalette(colours)
    picture.save(path, **options)
    return read_mask(path).labels[0]


def test_palettes(tmp_path: Path) -> None:
    """Pascal VOC's indices are classes; an optimised palette is in any order, and its colours count."""
    np.testing.assert_array_equal(
        _palette(CLASSES, [0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 128, 0], tmp_path / "voc.png"), CLASSES
    )
    np.testing.assert_array_equal(_palette((~DISC).astype(np.uint8), [255, 0, 0, 0, 0, 0], tmp_path / "o.png"), DISC)
    np.testing.assert_array_equal(
        _palette((~DISC).astype(np.uint8), [255, 0, 0, 9, 9, 9], tmp_path / "t.png", transparency=1), DISC
    )
    np.testing.assert_array_equal(_palette((~DISC).astype(np.uint8), [255, 0, 0, 0, 0, 0], tmp_path / "o.gif"), DISC)


def test_pages_of_a_picture_are_its_classes(tmp_path: Path) -> None:
    photograph = np.random.default_rng(0).integers(0, 255, (60, 80), np.uint8)
    png(photograph, tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "m.tif", np.stack([DISC & ~CORE, CORE, BAR]) * np.uint8(255), photometric="minisblack")
    _, mask = load(Case("a", (tmp_path / "a.png",), (tmp_path / "m.tif",)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels[0], CLASSES)
    assert mask.odd == ("mask_layers",)


def test_several_masks_of_one_image_are_one(tmp_path: Path) -> None:
    """BUSI: benign (4)_mask.png and benign (4)_mask_1.png, one of them with opacity."""
    paths = [png(CORE * np.uint8(255), tmp_path / "m.png")]
    paths.append(png(_rgba(rgb((BAR, (255, 255, 255))), NOTHING + 255), tmp_path / "m_1.png"))
    mask = read_mask(paths)
    np.testing.assert_array_equal(mask.labels[0], CORE | BAR)
    assert mask.odd == ()


def test_several_masks_of_class_numbers_keep_them(tmp_path: Path) -> None:
    paths = [png(2 * DISC.astype(np.uint8), tmp_path / "a.png"), png(3 * BAR.astype(np.uint8), tmp_path / "b.png")]
    np.testing.assert_array_equal(read_mask(paths).labels[0], 2 * DISC + 3 * BAR)
    paths.append(png(CORE * np.uint8(5), tmp_path / "c.png"))
    mask = read_mask(paths)
    np.testing.assert_array_equal(mask.labels[0], np.where(CORE, 5, 2 * DISC + 3 * BAR))
    assert mask.odd == ("mask_overlap",)
    paths.append(png(BAR * np.uint8(255), tmp_path / "d.png"))
    assert "mask_mixed" in read_mask(paths).odd
    with pytest.raises(Unreadable) as caught:
        read_mask([*paths, png(DISC[1:] * np.uint8(255), tmp_path / "e.png")])
    assert (caught.value.reason, caught.value.path.name) == ("mask_size", "e.png")


def _photograph(path: Path) -> np.ndarray:
    """(60, 80, 3) smooth and coloured, saved."""
    waves = 120 + 80 * np.sin(Y / 9) * np.cos(X / 11)
    photograph = np.stack([waves, waves[::-1], waves[:, ::-1]], axis=-1).astype(np.uint8)
    png(photograph, path)
    return photograph


@pytest.mark.parametrize("kind", ["overlay", "cut out", "grey copy", "copy as JPEG"])
def test_a_picture_of_the_image_is_no_mask(kind: str, tmp_path: Path) -> None:
    photograph = _photograph(tmp_path / "a.png")
    drawn = photograph.copy()
    path = tmp_path / "m.png"
    if kind == "overlay":
        drawn[DISC] = (255, 0, 0)
    elif kind == "cut out":
        drawn[~DISC] = 0
    elif kind == "grey copy":
        drawn = np.asarray(Pillow.fromarray(photograph).convert("L"))
    else:
        path = tmp_path / "m.jpg"
    png(drawn, path)
    with pytest.raises(Unreadable, match="export what is drawn alone") as caught:
        load(Case("a", (tmp_path / "a.png",), (path,)))
    assert caught.value.reason == "unsupported"


def test_a_probability_map_is_a_mask(tmp_path: Path) -> None:
    _photograph(tmp_path / "a.png")
    ramp = np.clip(255 - 5 * np.hypot(Y - 25, X - 30), 0, 255).astype(np.uint8)
    _, mask = load(Case("a", (tmp_path / "a.png",), (png(ramp, tmp_path / "m.png"),)))
    assert mask is not None
    np.testing.assert_array_equal(mask.labels[0], ramp >= 127.5)
    assert mask.odd == ("mask_soft",)


def _label_map(drawn: np.ndarray, *, numbered: bool = False) -> LabelMap:
    return LabelMap(drawn[None].astype(np.uint8), numbered=numbered)


FIELD = (Y - 30) ** 2 + (X - 40) ** 2 < 28**2
SITES: dict[str, tuple[list[LabelMap], str]] = {
    "all empty": ([_label_map(NOTHING)] * 6, "all 6 masks are empty"),
    "nearly full": ([_label_map(NOTHING + 1)] * 6, "masks cover 100% of their images"),
    "field of view": ([_label_map(np.roll(FIELD, n % 2, axis=1)) for n in range(6)], "field of view, not annotations"),
    "two conventions": (
        [_label_map(CLASSES, numbered=True), _label_map(DISC)],
        "1 masks hold class numbers, and 1 a foreground",
    ),
}


@pytest.mark.parametrize("kind", SITES)
def test_what_all_masks_of_a_site_share_is_reported(kind: str) -> None:
    masks, said = SITES[kind]
    habits = MaskHabits()
    for mask in masks:
        habits.add(MaskReading.of(mask))
    (sentence,) = habits.notes()
    assert said in sentence


def test_masks_that_look_like_annotations_are_no_news() -> None:
    habits = MaskHabits()
    assert habits.notes() == []
    for shift in range(8):
        habits.add(MaskReading.of(_label_map(np.roll(DISC, 6 * shift, axis=1))))
        habits.add(MaskReading.of(_label_map(NOTHING)))
    assert habits.notes() == []


def test_copies_of_the_same_lesion_are_read_without_their_image(tmp_path: Path) -> None:
    """Without an image nothing is compared: the mask alone says what it is."""
    assert read(png(_photograph(tmp_path / "a.png"), tmp_path / "b.png")).pixels.shape == (1, 60, 80, 3)
    assert read_mask(tmp_path / "b.png").labels.shape == (1, 60, 80)
