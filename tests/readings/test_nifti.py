"""Odd NIfTI and MGH files, each built small: the value that the standard means, or why the file is refused."""

import gzip
import json
import struct
from collections.abc import Callable
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.errors import Unreadable
from shiftscope.images import Image, as_seen, read
from shiftscope.images.oddities import ODDITIES

LPS = np.diag([-1.0, -1.0, 1.0, 1.0])  # RAS affine of a volume whose axes run to the left, the back and the head
CT = (-1000.0, 1000.0)
SLOPE, OFFSET, DATATYPE, PIXDIM, DIM, UNITS, CODES, QUATERNION, SROW = 112, 108, 70, 76, 40, 123, 252, 256, 280
"""Bytes of the NIfTI-1 header (nifti1.h)."""


def noise(shape: tuple[int, ...] = (7, 9, 11), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 900, shape).astype(np.int16)


def body(values: np.ndarray, affine: np.ndarray | None = LPS) -> bytearray:
    return bytearray(nibabel.Nifti1Image(values, affine, dtype=values.dtype).to_bytes())


def patched(raw: bytearray, *changes: tuple[int, str, tuple[Any, ...]]) -> bytearray:
    for place, kind, values in changes:
        struct.pack_into(kind, raw, place, *values)
    return raw


def written(path: Path, raw: bytes | bytearray) -> Path:
    path.write_bytes(raw)
    return path


def shown_mean(image: Image) -> float:
    """Mean grey level as a model sees it, 0 to 255."""
    return 255 * float(as_seen(image).mean())


# Values: what is CT and what is not


def body_of_ct(seed: int = 0) -> np.ndarray:
    """A trunk in air, Hounsfield units: half air, a tenth lung, the rest fat, muscle and some bone."""
    rng = np.random.default_rng(seed)
    tissue = np.kron(rng.choice(5, (6, 6, 5), p=[0.5, 0.1, 0.15, 0.2, 0.05]), np.ones((4, 4, 4), int))
    middle, spread = np.array([-1000.0, -850, -100, 50, 500]), np.array([8.0, 40, 20, 20, 150])
    return middle[tissue] + spread[tissue] * rng.standard_normal(tissue.shape)


def padded(ct: np.ndarray, fill: float) -> np.ndarray:
    ct[:5] = fill
    return ct


def resampled(ct: np.ndarray) -> np.ndarray:
    """Trilinear at half a voxel: fractions, and partial volumes everywhere."""
    for axis in range(3):
        ct = 0.8 * ct + 0.2 * np.roll(ct, 1, axis)
    return ct


HOUNSFIELD: dict[str, Callable[[], np.ndarray]] = {
    "whole": lambda: np.rint(body_of_ct()).astype(np.int16),
    "fractions": lambda: (body_of_ct() + 0.25).astype(np.float32),
    "padding -1024": lambda: padded(body_of_ct(), -1024).astype(np.int16),
    "padding -2000": lambda: padded(body_of_ct(), -2000).astype(np.int16),
    "padding -3024": lambda: padded(body_of_ct(), -3024).astype(np.float32),
    "padding -4096": lambda: padded(body_of_ct(), -4096).astype(np.int16),
    "clipped at -1000": lambda: np.clip(body_of_ct(), -1000, 400).astype(np.float32),
    "clipped to 12 bits": lambda: np.clip(body_of_ct(), -1024, 3071).astype(np.int16),
    "float64": lambda: body_of_ct(),
    "fractions and padding": lambda: padded(resampled(body_of_ct()), -2048.5).astype(np.float32),
}
OTHER: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "bias corrected MR": lambda rng: rng.gamma(2, 150, (24, 24, 20)) - 20,
    "z-scores": lambda rng: rng.standard_normal((24, 24, 20)),
    "z-scores times 1000": lambda rng: 1000 * rng.standard_normal((24, 24, 20)),
    "difference": lambda rng: rng.laplace(0, 400, (24, 24, 20)).round(),
    "phase of 12 bits": lambda rng: rng.integers(-4096, 4096, (24, 24, 20)),
    "phase doubled": lambda rng: rng.integers(-8192, 4097, (24, 24, 20)),
    "phase of 11 bits": lambda rng: rng.integers(-1024, 1024, (24, 24, 20)),
    "phase with extremes": lambda rng: (
        rng.choice([-4096, 0, 4095], (24, 24, 20), p=[0.01, 0.98, 0.01]) + rng.integers(0, 30, (24, 24, 20))
    ),
    "milliradians": lambda rng: rng.integers(-3142, 3143, (24, 24, 20)),
    "real part": lambda rng: np.rint(rng.normal(300, 700, (24, 24, 20))),
    "PET": lambda rng: rng.gamma(1, 2000, (24, 24, 20)),
    "MR from 0 to 2000": lambda rng: np.where(rng.random((24, 24, 20)) < 0.4, 0, rng.normal(900, 300, (24, 24, 20))),
    "field map in Hz": lambda rng: rng.normal(0, 90, (24, 24, 20)),
}


@pytest.mark.parametrize("made", HOUNSFIELD)
def test_hounsfield_units_are_known(tmp_path: Path, made: str) -> None:
    values = HOUNSFIELD[made]()
    image = read(written(tmp_path / "a.nii", body(values)))
    assert image.display == CT
    assert image.odd == ()
    expected = 255 * float(np.clip((values.astype(float) + 1000) / 2000, 0, 1).mean())
    assert shown_mean(image) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("made", OTHER)
def test_other_values_are_not_taken_for_hounsfield_units(tmp_path: Path, made: str) -> None:
    values = OTHER[made](np.random.default_rng(0)).astype(np.float32)
    image = read(written(tmp_path / "a.nii", body(values)))
    assert image.display == pytest.approx(tuple(np.percentile(values, (0.5, 99.5))), rel=1e-4)
    assert "counted_from_zero" not in image.odd


def test_fractions_do_not_change_how_a_ct_is_seen(tmp_path: Path) -> None:
    """The row of the issue: 98 where 77 was right, once values were resampled."""
    whole = read(written(tmp_path / "a.nii", body(np.rint(body_of_ct()).astype(np.int16))))
    fractions = read(written(tmp_path / "b.nii", body(body_of_ct().astype(np.float32))))
    assert shown_mean(whole) == pytest.approx(shown_mean(fractions), abs=0.1)


@pytest.mark.parametrize("added", [1000, 1024])
def test_a_ct_that_counts_from_zero_is_reported(tmp_path: Path, added: int) -> None:
    values = np.clip(np.rint(body_of_ct() + added), 0, 4095).astype(np.uint16)
    image = read(written(tmp_path / "a.nii", body(values)))
    assert image.odd == ("counted_from_zero",)
    assert image.display == pytest.approx(tuple(np.percentile(values, (0.5, 99.5))))
    assert image.pixels.mean() == pytest.approx(values.mean(), rel=1e-5)


def test_negative_values_without_air_are_told_and_a_sidecar_settles_it(tmp_path: Path) -> None:
    liver = np.random.default_rng(0).normal(60, 60, (20, 20, 20)).clip(-160, 240).round().astype(np.int16)
    path = written(tmp_path / "a.nii", body(liver))
    assert read(path).odd == ("far_below_zero",)
    assert read(path).display == pytest.approx(tuple(np.percentile(liver, (0.5, 99.5))))
    (tmp_path / "a.json").write_text('{"Modality": "CT"}')
    assert (read(path).odd, read(path).display) == ((), CT)
    (tmp_path / "a.json").write_text('{"Modality": "MR"}')
    assert (read(path).odd, read(path).display[0]) == ((), pytest.approx(np.percentile(liver, 0.5)))


def test_a_sidecar_outranks_the_values(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii", body(np.rint(body_of_ct()).astype(np.int16)))
    for sidecar, display in (('{"Modality": "PT"}', None), ('{"Units": "HU"}', CT), ('{"Units": "ppm"}', None)):
        (tmp_path / "a.json").write_text(sidecar)
        assert (read(path).display == CT) == (display == CT), sidecar


def test_a_normalised_ct_is_not_seen_through_its_window(tmp_path: Path) -> None:
    scores = ((body_of_ct() + 500) / 500).astype(np.float32)
    path = written(tmp_path / "a.nii", body(scores))
    (tmp_path / "a.json").write_text('{"Modality": "CT"}')
    assert read(path).odd == ("counted_from_zero",)
    assert read(path).display == pytest.approx(tuple(np.percentile(scores, (0.5, 99.5))), rel=1e-4)


@pytest.mark.parametrize("key", ["channel_names", "modality"])
def test_a_dataset_json_tells_the_modality_of_its_channel(tmp_path: Path, key: str) -> None:
    liver = np.random.default_rng(0).normal(60, 60, (20, 20, 20)).clip(-160, 240).round().astype(np.int16)
    (tmp_path / "imagesTr").mkdir()
    (tmp_path / "dataset.json").write_text(json.dumps({key: {"0": "CT", "1": "PET"}}))
    first, second = (written(tmp_path / "imagesTr" / f"case.v2_000{n}.nii", body(liver)) for n in (0, 1))
    assert (read(first).modality, read(first).display) == ("CT", CT)
    assert (read(second).modality, read(second).display == CT) == ("PT", False)
    (tmp_path / "dataset.json").write_text(json.dumps({key: {"0": "FLAIR"}}) + " ")
    assert read(first).modality is None


# Values: scaling, types, fills


@pytest.mark.parametrize(
    ("slope", "inter", "gain", "offset", "odd"),
    [
        pytest.param(0.0, 0.0, 1, 0, (), id="slope 0"),
        pytest.param(np.nan, np.nan, 1, 0, (), id="NaN"),
        pytest.param(np.inf, 0.0, 1, 0, ("broken_scaling",), id="infinite"),
        pytest.param(0.0, -24.0, 1, 0, ("broken_scaling",), id="intercept alone"),
        pytest.param(0.5, 10.0, 0.5, 10, (), id="slope and intercept"),
        pytest.param(-1.0, 0.0, -1, 0, (), id="negative"),
        pytest.param(1e-30, 0.0, 1e-30, 0, (), id="tiny"),
        pytest.param(1e-41, 0.0, 1e-41, 0, (), id="denormal"),
    ],
)
def test_scaling(tmp_path: Path, slope: float, inter: float, gain: float, offset: float, odd: tuple[str, ...]) -> None:
    values = noise()
    image = read(written(tmp_path / "a.nii", patched(body(values), (SLOPE, "<ff", (slope, inter)))))
    np.testing.assert_allclose(image.pixels, values.T * gain + offset, rtol=1e-6 if gain > 1e-38 or gain < 0 else 1e-3)
    assert 0 <= as_seen(image).min() < as_seen(image).max() <= 1
    assert [code for code in image.odd if code != "far_below_zero"] == [*odd]


def test_a_slope_without_a_number_beside_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="intercept nan") as caught:
        read(written(tmp_path / "a.nii", patched(body(noise()), (SLOPE, "<ff", (2.0, np.nan)))))
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize("dtype", ["u1", "i1", "<u2", "<i4", "<u4", "<i8", "<u8", "<f4", "<f8", ">i2", ">f4"])
def test_every_type_of_voxel(tmp_path: Path, dtype: str) -> None:
    values = (noise() % 100).astype(dtype)
    header = nibabel.Nifti1Header(endianness=">" if dtype[0] == ">" else "<")
    raw = nibabel.Nifti1Image(values, LPS, header, dtype=np.dtype(dtype)).to_bytes()
    image = read(written(tmp_path / "a.nii", raw))
    np.testing.assert_array_equal(image.pixels, values.T.astype(np.float32))
    assert image.acquisition["bits"] == str(8 * np.dtype(dtype).itemsize)


@pytest.mark.parametrize(("code", "what"), [(1, "single bits"), (0, "unknown"), (16384, "half precision")])
def test_types_that_are_not_read(tmp_path: Path, code: int, what: str) -> None:
    with pytest.raises(Unreadable, match="write the voxels as") as caught:
        read(written(tmp_path / "a.nii", patched(body(noise()), (DATATYPE, "<h", (code,)))))
    assert caught.value.reason == "unsupported", what


def test_complex_values_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="expected real numbers") as caught:
        read(written(tmp_path / "a.nii", body(noise().astype(np.complex64))))
    assert caught.value.reason == "unsupported"


def colours(names: str) -> np.ndarray:
    packed = np.zeros((7, 9, 11), [(name, "u1") for name in names])
    for place, name in enumerate(names):
        packed[name] = (noise(seed=place) % 255).astype(np.uint8)
    return packed


def test_a_slope_does_not_scale_colours(tmp_path: Path) -> None:
    packed = colours("RGB")
    image = read(written(tmp_path / "a.nii", patched(body(packed), (SLOPE, "<ff", (2.0, 1.0)))))
    np.testing.assert_allclose(image.pixels[..., 0], packed["R"].T / 255, atol=1e-6)
    assert image.display == (0.0, 1.0)


def test_transparency_is_left_out(tmp_path: Path) -> None:
    packed = colours("RGBA")
    image = read(written(tmp_path / "a.nii", body(packed)))
    np.testing.assert_allclose(image.pixels[..., 2], packed["B"].T / 255, atol=1e-6)
    assert image.odd == ("alpha_left_out",)
    packed["A"] = 255
    assert read(written(tmp_path / "b.nii", body(packed))).odd == ()


@pytest.mark.parametrize("fill", [-32768.0, -9999.0, -99999.0])
def test_a_fill_value_gives_way_to_the_lowest_measured_one(tmp_path: Path, fill: float) -> None:
    values = noise().astype(np.float32)
    clean = np.where(np.arange(11) < 3, values.min(where=np.arange(11) >= 3, initial=1e9), values)
    values[..., :3] = fill
    image = read(written(tmp_path / "a.nii", body(values)))
    assert image.odd == ("fill_value",)
    np.testing.assert_array_equal(image.pixels, clean.T)
    assert image.display == pytest.approx(tuple(np.percentile(clean, (0.5, 99.5))), rel=1e-4)


def test_a_ct_padded_with_the_least_integer_is_a_ct(tmp_path: Path) -> None:
    values = padded(np.rint(body_of_ct()), -32768).astype(np.int16)
    image = read(written(tmp_path / "a.nii", body(values)))
    assert (image.display, image.odd) == (CT, ("fill_value",))
    assert image.pixels.min() > -1100


def test_values_down_to_the_least_integer_are_no_fill(tmp_path: Path) -> None:
    values = np.linspace(-32768, 32767, 7 * 9 * 11).round().reshape(7, 9, 11).astype(np.int16)
    image = read(written(tmp_path / "a.nii", body(values)))
    np.testing.assert_array_equal(image.pixels, values.T)
    assert "fill_value" not in image.odd


@pytest.mark.parametrize("fill", [1e20, -1e20, float(np.finfo(np.float32).max)])
def test_huge_fills_are_refused(tmp_path: Path, fill: float) -> None:
    values = noise().astype(np.float32)
    values[:2] = fill
    with pytest.raises(Unreadable, match="write the background's value there") as caught:
        read(written(tmp_path / "a.nii", body(values)))
    assert caught.value.reason == "unsupported"


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e200])
def test_what_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    values = noise().astype(np.float64)
    values[0] = value
    with pytest.raises(Unreadable) as caught:
        read(written(tmp_path / "a.nii", body(values)))
    assert caught.value.reason == "not_finite"


def test_a_ct_whose_sign_was_lost_gets_it_back(tmp_path: Path) -> None:
    ct = np.rint(body_of_ct()).astype(np.int16)
    image = read(written(tmp_path / "a.nii", body(ct.view(np.uint16))))
    np.testing.assert_array_equal(image.pixels, ct.T)
    assert (image.display, image.odd) == (CT, ("wrapped_values",))


def test_saturated_and_wide_unsigned_values_keep_theirs(tmp_path: Path) -> None:
    values = noise().astype(np.uint16)
    values[0] = 65535
    image = read(written(tmp_path / "a.nii", body(values)))
    np.testing.assert_array_equal(image.pixels, values.T)
    values[0] = np.linspace(0, 65535, 99).reshape(9, 11)
    assert read(written(tmp_path / "b.nii", body(values))).pixels.max() == 65535
    spots = noise((40, 40, 20)).astype(np.uint16)
    spots[20, 20, 10:13] = 60000, 61000, 65000
    assert read(written(tmp_path / "c.nii", body(spots))).pixels.max() == 65000


def test_display_fields_of_others_are_not_used(tmp_path: Path) -> None:
    values = noise()
    image = read(written(tmp_path / "a.nii", patched(body(values), (124, "<ff", (300.0, 100.0)))))
    assert image.display == pytest.approx(tuple(np.percentile(values, (0.5, 99.5))))


# Which volume


def test_the_first_of_several_is_reported(tmp_path: Path) -> None:
    """A time series, or the channels of one file as the Medical Segmentation Decathlon stores them."""
    series = np.stack([noise(seed=seed) for seed in range(4)], axis=-1)
    for name, values in (("a", series), ("b", series[..., None, :]), ("c", series[..., None, None, :])):
        image = read(written(tmp_path / f"{name}.nii", body(values)))
        np.testing.assert_array_equal(image.pixels, series[..., 0].T)
        assert image.odd == ("first_of_several",)
    assert read(written(tmp_path / "d.nii", body(series[..., :1]))).odd == ()
    nibabel.save(nibabel.MGHImage(series.astype(np.float32), LPS), tmp_path / "e.mgz")
    assert read(tmp_path / "e.mgz").odd == ("first_of_several",)
    np.testing.assert_array_equal(read(tmp_path / "e.mgz").pixels, series[..., 0].T)


@pytest.mark.parametrize(
    ("bvals", "chosen"),
    [
        pytest.param("0 1000 1000", 0, id="first"),
        pytest.param("1000 1000 0", 2, id="last"),
        pytest.param("1000\n5\n1000", 1, id="nearly 0"),
        pytest.param("1000 0", 0, id="too few"),
        pytest.param("b b b", 0, id="no numbers"),
        pytest.param("1000 nan 0", 0, id="NaN"),
    ],
)
def test_the_unweighted_volume_is_the_one(tmp_path: Path, bvals: str, chosen: int) -> None:
    series = np.stack([noise(seed=seed) for seed in range(3)], axis=-1)
    path = written(tmp_path / "sub-1_dwi.nii.gz", gzip.compress(body(series)))
    (tmp_path / "sub-1_dwi.bval").write_text(bvals)
    image = read(path)
    np.testing.assert_array_equal(image.pixels, series[..., chosen].T)
    assert ("unweighted_not_first" in image.odd) == (chosen > 0)


def test_a_film_in_two_dimensions_is_its_first_frame(tmp_path: Path) -> None:
    film = noise((20, 24, 1, 6))
    image = read(written(tmp_path / "a.nii", body(film)))
    np.testing.assert_array_equal(image.pixels, film[..., 0].T)
    assert image.odd == ("first_of_several",)


# Containers and headers


def test_gzip_is_told_by_content(tmp_path: Path) -> None:
    values = noise()
    for name, raw in (("a.nii", gzip.compress(body(values))), ("b.nii.gz", body(values))):
        np.testing.assert_array_equal(read(written(tmp_path / name, raw)).pixels, values.T)


def test_extensions_and_odd_offsets(tmp_path: Path) -> None:
    values = noise()
    raw = body(values)
    extended = raw[:352] + struct.pack("<ii", 32, 4) + b"x" * 24 + raw[352:]
    extended = patched(extended, (OFFSET, "<f", (384.0,)), (348, "<B", (1,)))
    odd = patched(raw[:352] + b"\0" * 5 + raw[352:], (OFFSET, "<f", (357.0,)))
    for name, made in (("a.nii", extended), ("b.nii", odd)):
        np.testing.assert_array_equal(read(written(tmp_path / name, made)).pixels, values.T)


@pytest.mark.parametrize("offset", [0.0, 348.0, np.nan])
def test_pixels_that_would_begin_inside_the_header(tmp_path: Path, offset: float) -> None:
    with pytest.raises(Unreadable, match="vox_offset") as caught:
        read(written(tmp_path / "a.nii", patched(body(noise()), (OFFSET, "<f", (offset,)))))
    assert caught.value.reason == "undecodable"


def test_more_bytes_than_the_header_counts(tmp_path: Path) -> None:
    values = noise()
    image = read(written(tmp_path / "a.nii", body(values) + b"end\n"))
    assert image.odd == ()
    image = read(written(tmp_path / "b.nii", patched(body(values), (DIM, "<h", (2,)))))
    assert image.odd[-1] == "more_than_counted"
    np.testing.assert_array_equal(image.pixels[0], values[..., 0].T)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param((DIM, "<h", (0,)), "zero_size", id="no dimensions"),
        pytest.param((DIM + 2, "<h", (-7,)), "zero_size", id="negative side"),
        pytest.param((DIM, "<hhhhh", (4, 7, 9, 11, 0)), "zero_size", id="no volumes"),
        pytest.param((DIM, "<h", (9,)), "undecodable", id="nine dimensions"),
        pytest.param((DIM + 2, "<h", (900,)), "truncated", id="longer than the file"),
        pytest.param((DIM + 2, "<hhh", (693, 1, 1)), "unsupported", id="a line"),
    ],
)
def test_dimensions_that_cannot_be(tmp_path: Path, change: tuple[int, str, tuple[int, ...]], reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read(written(tmp_path / "a.nii", patched(body(noise()), change)))
    assert caught.value.reason == reason


def test_analyze_headers_are_refused_for_their_sides(tmp_path: Path) -> None:
    nibabel.save(nibabel.Spm2AnalyzeImage(noise(), LPS), tmp_path / "a.img")
    with pytest.raises(Unreadable, match="right from left") as caught:
        read(tmp_path / "a.hdr")
    assert caught.value.reason == "unsupported"


def test_a_pair_without_its_pixels_is_missing(tmp_path: Path) -> None:
    nibabel.save(nibabel.Nifti1Pair(noise(), LPS), tmp_path / "a.img")
    np.testing.assert_array_equal(read(tmp_path / "a.hdr").pixels, noise().T)
    (tmp_path / "a.img").unlink()
    with pytest.raises(Unreadable, match=r"a\.img") as caught:
        read(tmp_path / "a.hdr")
    assert caught.value.reason == "missing"


def test_pixels_written_right_behind_the_header_are_short_of_four_bytes(tmp_path: Path) -> None:
    raw = body(noise())
    with pytest.raises(Unreadable) as caught:
        read(written(tmp_path / "a.nii", raw[:348] + raw[352:]))
    assert caught.value.reason == "truncated"


def test_files_cut_short(tmp_path: Path) -> None:
    """As far as a copy went, zipped or not."""
    raw = body(noise((40, 40, 20)))
    for name, cut in (("a.nii", raw[:-1]), ("b.nii.gz", gzip.compress(raw)[:-4000]), ("c.nii", raw[:400])):
        with pytest.raises(Unreadable) as caught:
            read(written(tmp_path / name, cut))
        assert caught.value.reason == "truncated", name


# Geometry


def marked(shape: tuple[int, int, int], at: tuple[int, int, int]) -> np.ndarray:
    values = noise(shape)
    values[at] = 5000
    return values


def bright(image: Image) -> np.ndarray:
    """Millimetres to the left, the back and the head of the brightest voxel, by the image's affine."""
    assert image.affine is not None
    return (image.affine @ [*np.unravel_index(image.pixels.argmax(), image.pixels.shape), 1])[:3]


@pytest.mark.parametrize("order", list(permutations(range(3))))
@pytest.mark.parametrize("flips", list(product((1, -1), repeat=3)))
def test_a_voxel_keeps_its_place(tmp_path: Path, order: tuple[int, ...], flips: tuple[int, ...]) -> None:
    """For all 48 ways to store a volume: where nibabel's affine puts a voxel, with x and y to the left and the back."""
    affine = np.eye(4)
    affine[:3, :3] = np.eye(3)[:, order] * flips * [0.75, 1.5, 2.0]
    affine[:3, 3] = [-30, 12, 7]
    at = (5, 2, 9)
    path = written(tmp_path / "a.nii", body(marked((7, 9, 11), at), affine))
    right, front, head = (affine @ [*at, 1])[:3]
    np.testing.assert_allclose(bright(read(path)), [-right, -front, head], atol=1e-4)


@given(
    st.tuples(*[st.floats(0.3, 6)] * 3),
    st.tuples(*[st.floats(-3, 3)] * 3),
    st.tuples(*[st.integers(0, 5)] * 3),
    st.sampled_from([(6, 7, 8), (1, 7, 8), (6, 1, 8), (6, 7, 1)]),
)
@settings(max_examples=60, deadline=None)
def test_a_voxel_keeps_its_place_however_oblique(
    tmp_path_factory: pytest.TempPathFactory,
    steps: tuple[float, ...],
    angles: tuple[float, ...],
    at: tuple[int, int, int],
    shape: tuple[int, int, int],
) -> None:
    at = tuple(min(index, size - 1) for index, size in zip(at, shape, strict=True))  # type: ignore[assignment]
    affine = np.eye(4)
    affine[:3, :3] = nibabel.eulerangles.euler2mat(*angles) * steps
    affine[:3, 3] = [10, -20, 30]
    path = written(tmp_path_factory.mktemp("o") / "a.nii", body(marked(shape, at), affine))
    right, front, head = (affine @ [*at, 1])[:3]
    image = read(path)
    np.testing.assert_allclose(bright(image), [-right, -front, head], atol=1e-3)
    assert image.affine is not None
    assert np.linalg.norm(image.affine[:3, :3], axis=0) == pytest.approx(image.spacing_mm, rel=1e-4)


@pytest.mark.parametrize("stored", ["radiological", "neurological"])
def test_the_right_of_the_patient_is_on_the_left(tmp_path: Path, stored: str) -> None:
    affine = LPS.copy() if stored == "radiological" else np.diag([1.0, -1.0, 1.0, 1.0])
    values = noise((8, 9, 10))
    right = 0 if stored == "radiological" else 7  # x runs to the left, or to the right
    values[right] = 4000
    shown = as_seen(read(written(tmp_path / "a.nii", body(values, affine))))
    assert shown[..., 0].min() == 1
    assert shown[..., 1:].max() < 1


def two_forms(sform_code: int, qform_code: int, q: np.ndarray, s: np.ndarray, values: np.ndarray) -> bytearray:
    image = nibabel.Nifti1Image(values, s)
    image.header.set_qform(q, 1)
    return patched(bytearray(image.to_bytes()), (CODES, "<hh", (qform_code, sform_code)))


def test_the_sform_wins_and_a_disagreement_is_reported(tmp_path: Path) -> None:
    values, flipped = marked((7, 9, 11), (1, 2, 3)), np.diag([1.0, -1.0, 1.0, 1.0])
    image = read(written(tmp_path / "a.nii", two_forms(1, 1, flipped, LPS, values)))
    assert image.odd == ("two_places",)
    np.testing.assert_allclose(bright(image), [1, 2, 3])
    moved = LPS.copy()
    moved[:3, 3] = [0, 0, 3]
    assert read(written(tmp_path / "b.nii", two_forms(1, 1, moved, LPS, values))).odd == ("two_places",)
    moved[:3, 3] = [0, 0, 0.4]
    assert read(written(tmp_path / "c.nii", two_forms(1, 1, moved, LPS, values))).odd == ()
    one = read(written(tmp_path / "d.nii", two_forms(0, 1, flipped, LPS, values)))
    assert one.odd == ()
    np.testing.assert_allclose(bright(one), [-1, 2, 3])


def test_without_codes_no_place_is_known(tmp_path: Path) -> None:
    """nibabel's usual order, x to the left; a mask of the same kind is turned alike."""
    values = marked((7, 9, 11), (1, 2, 3))
    raw = patched(body(values, np.diag([-1.5, 1.0, 1.0, 1.0])), (CODES, "<hh", (0, 0)))
    image = read(written(tmp_path / "a.nii", raw))
    assert (image.affine, image.odd, image.spacing_mm) == (None, ("no_orientation",), (1.0, 1.0, 1.5))
    np.testing.assert_array_equal(image.pixels, values.T[:, ::-1])


def test_an_sform_of_zeros_gives_way_to_the_qform(tmp_path: Path) -> None:
    values = marked((7, 9, 11), (1, 2, 3))
    both = two_forms(1, 1, np.diag([1.0, 2.0, 1.0, 1.0]), LPS, values)
    image = read(written(tmp_path / "a.nii", patched(both, (SROW, "<12f", (0.0,) * 12))))
    assert image.odd == ("broken_sform",)
    np.testing.assert_allclose(bright(image), [-1, -4, 3])
    image = read(written(tmp_path / "b.nii", patched(body(values), (SROW, "<12f", (0.0,) * 12))))
    assert (image.affine, image.spacing_mm, image.odd) == (None, None, ("no_orientation",))


@pytest.mark.parametrize(("qfac", "z"), [(1.0, 1), (-1.0, -1), (0.0, 1)])
def test_qfac(tmp_path: Path, qfac: float, z: int) -> None:
    """Anything but -1 is 1 (nifti1.h, "METHOD 2")."""
    raw = two_forms(0, 1, np.eye(4), np.eye(4), marked((7, 9, 11), (1, 2, 3)))
    image = read(written(tmp_path / "a.nii", patched(raw, (PIXDIM, "<f", (qfac,)))))
    np.testing.assert_allclose(bright(image), [-1, -2, 3 * z], atol=1e-6)


def test_voxel_sizes_that_are_none(tmp_path: Path) -> None:
    qform = two_forms(0, 1, np.eye(4), np.eye(4), noise())
    image = read(written(tmp_path / "a.nii", patched(qform, (PIXDIM + 4, "<fff", (0.0, 0.0, 0.0)))))
    assert (image.spacing_mm, image.affine, image.odd) == (None, None, ("no_spacing",))
    qform = two_forms(0, 1, np.eye(4), np.eye(4), noise())
    assert read(written(tmp_path / "b.nii", patched(qform, (PIXDIM + 4, "<f", (-1.5,))))).spacing_mm == (1.0, 1.0, 1.5)
    for name, size in (("c", 0.0), ("d", np.nan)):  # an sform needs none
        image = read(written(tmp_path / f"{name}.nii", patched(body(noise()), (PIXDIM + 4, "<f", (size,)))))
        assert (image.spacing_mm, image.odd) == ((1.0, 1.0, 1.0), ())
    image = read(written(tmp_path / "e.nii", patched(body(noise()), (PIXDIM + 4, "<f", (2.0,)))))
    assert (image.spacing_mm, image.odd) == ((1.0, 1.0, 1.0), ("two_spacings",))


def test_one_slice_keeps_its_thickness(tmp_path: Path) -> None:
    raw = body(noise((20, 24, 1)), LPS @ np.diag([2, 2, 2.03125, 1]))
    assert read(written(tmp_path / "a.nii", raw)).spacing_mm == (2.03125, 2.0, 2.0)
    flat = read(written(tmp_path / "b.nii", patched(raw, (DIM, "<h", (2,)))))
    assert (flat.spacing_mm, flat.pixels.shape) == ((2.03125, 2.0, 2.0), (1, 24, 20))


def test_sheared_axes_are_reported(tmp_path: Path) -> None:
    tilted = LPS.copy()
    tilted[1, 2] = np.tan(np.deg2rad(15))
    at = (3, 4, 9)
    image = read(written(tmp_path / "a.nii", body(marked((7, 9, 11), at), tilted)))
    assert image.odd == ("sheared",)
    right, front, head = (tilted @ [*at, 1])[:3]
    np.testing.assert_allclose(bright(image), [-right, -front, head], atol=1e-5)


@pytest.mark.parametrize(
    ("units", "size", "spacing", "odd"),
    [
        pytest.param(2, 1.0, 1.0, (), id="millimetres"),
        pytest.param(1, 0.002, 2.0, (), id="metres"),
        pytest.param(3, 500.0, 0.5, (), id="micrometres"),
        pytest.param(0, 1.5, 1.5, (), id="unknown"),
        pytest.param(7, 1.5, 1.5, (), id="no unit"),
        pytest.param(0, 0.002, 0.002, ("odd_spacing",), id="metres untold"),
        pytest.param(1, 1.0, 1000.0, ("odd_spacing",), id="metres meant as millimetres"),
    ],
)
def test_units_of_length(tmp_path: Path, units: int, size: float, spacing: float, odd: tuple[str, ...]) -> None:
    raw = body(marked((7, 9, 11), (0, 0, 4)), LPS @ np.diag([size, size, size, 1]))
    image = read(written(tmp_path / "a.nii", patched(raw, (UNITS, "<B", (units,)))))
    assert image.spacing_mm == pytest.approx((spacing,) * 3)
    assert image.odd == odd
    np.testing.assert_allclose(bright(image), [0, 0, 4 * spacing], rtol=1e-5)


@pytest.mark.parametrize(
    ("shape", "steps", "sizes"),
    [
        pytest.param((7, 9, 11), (4, 1, 1), (4, 1, 1), id="thick sagittal"),
        pytest.param((1, 9, 11), (1, 1, 1), (1, 1, 1), id="one sagittal slice"),
        pytest.param((7, 9, 11), (2, 1, 2), (2, 1, 2), id="a tie is axial"),
        pytest.param((7, 9, 11), (1.9, 1, 1), (1, 1, 1.9), id="not thick enough"),
        pytest.param((7, 9, 11), (2.0001, 1, 1.00004), (2.0001, 1.00004, 1), id="thick within rounding"),
    ],
)
def test_slices_stay_slices_and_places_hold(
    tmp_path: Path, shape: tuple[int, int, int], steps: tuple[float, ...], sizes: tuple[float, ...]
) -> None:
    at = tuple(size // 3 for size in shape)
    image = read(written(tmp_path / "a.nii", body(marked(shape, at), LPS @ np.diag([*steps, 1]))))  # type: ignore[arg-type]
    assert image.spacing_mm == pytest.approx(sizes, rel=1e-4)
    np.testing.assert_allclose(bright(image), np.multiply(at, steps), rtol=1e-5)


def test_mgh_without_an_orientation(tmp_path: Path) -> None:
    values = marked((7, 9, 11), (1, 2, 3)).astype(np.float32)
    nibabel.save(nibabel.MGHImage(values, LPS), tmp_path / "a.mgh")
    np.testing.assert_allclose(bright(read(tmp_path / "a.mgh")), [1, 2, 3], atol=1e-5)
    raw = patched(bytearray((tmp_path / "a.mgh").read_bytes()), (28, ">h", (0,)))  # goodRASFlag
    image = read(written(tmp_path / "b.mgh", raw))
    assert (image.affine, image.spacing_mm, image.odd) == (None, None, ("no_orientation",))


# Sidecars


def test_what_is_nearer_wins(tmp_path: Path) -> None:
    """The inheritance principle of BIDS, from the root of the data set down to the file."""
    folder = tmp_path / "sub-01" / "ses-2" / "func"
    folder.mkdir(parents=True)
    path = written(folder / "sub-01_ses-2_task-rest_run-1_bold.nii", body(noise()))
    sidecars = {
        tmp_path / "bold.json": {"Manufacturer": "GE", "MagneticFieldStrength": "1.5", "Modality": "MRI"},
        tmp_path / "task-rest_bold.json": {"MagneticFieldStrength": [3]},
        tmp_path / "task-other_bold.json": {"Manufacturer": "Philips"},
        tmp_path.parent / "bold.json": {"Manufacturer": "nobody"},
        tmp_path / "sub-01" / "sub-01_bold.json": {"ManufacturersModelName": "Signa"},
        folder / "sub-01_ses-2_task-rest_run-1_bold.json": {"AcquisitionDateTime": "2020-03-05T11:00:00"},
    }
    for place, keys in sidecars.items():
        place.write_text(json.dumps(keys))
    image = read(path)
    assert image.modality == "MR"
    expected = {"manufacturer": "GE", "model": "Signa", "field_strength_t": "3", "month": "2020-03"}
    assert {name: image.acquisition.get(name) for name in expected} == expected
    (folder / "bold.json").write_text('{"Manufacturer": "Siemens"}')
    assert read(path).acquisition["manufacturer"] == "SIEMENS"
    (tmp_path.parent / "bold.json").unlink()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"Manufacturer": "Siemens"', id="cut"),
        pytest.param('["Siemens"]', id="a list"),
        pytest.param('{"FrameDuration": [1200,]}', id="trailing comma"),
        pytest.param('{"InstitutionAddress": "200\nRochester"}', id="line break"),
        pytest.param("[" * 100_000, id="deep"),
        pytest.param('{"x": "' + "a" * 5_000_000 + '"}', id="huge"),
    ],
)
def test_a_broken_sidecar_is_reported(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "a.nii", body(noise()))
    (tmp_path / "a.json").write_text(text)
    image = read(path)
    assert (image.odd, image.modality, set(image.acquisition)) == (("broken_sidecar",), None, {"bits", "spacing_mm"})


def test_a_sidecar_in_another_encoding_is_reported(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii", body(noise()))
    (tmp_path / "a.json").write_bytes('{"Manufacturer": "Siemens", "InstitutionName": "Köln"}'.encode("latin-1"))
    assert read(path).odd == ("broken_sidecar",)
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf" + b'{"Manufacturer": "Siemens"}')
    assert (read(path).odd, read(path).acquisition["manufacturer"]) == ((), "SIEMENS")


def test_wrong_types_in_a_sidecar_are_left_out(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nii", body(noise()))
    sidecar = {
        "Modality": ["MR", "CT"],
        "Manufacturer": {"a": 1},
        "MagneticFieldStrength": True,
        "AcquisitionDateTime": 7,
    }
    (tmp_path / "a.json").write_text(json.dumps({**sidecar, "PatientName": "Doe", "ManufacturersModelName": None}))
    image = read(path)
    assert (image.modality, set(image.acquisition), image.odd) == (None, {"bits", "spacing_mm"}, ())
    (tmp_path / "a.json").write_text('{"MagneticFieldStrength": "3T", "Modality": "patient Doe"}')
    assert (read(path).acquisition["field_strength_t"], read(path).modality) == ("3", None)


def test_every_oddity_ends_a_sentence() -> None:
    for code, text in ODDITIES.items():
        assert code.isidentifier()
        assert text
        assert not text.endswith(".")
