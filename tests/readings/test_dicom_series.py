"""Which slices make a volume, in what order, and where they lie: rows of docs/reading/dicom.md."""

import struct
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from dicom_files import (
    AXIAL,
    CORONAL,
    SAGITTAL,
    STORAGE,
    at,
    enhanced,
    levels,
    odd_of,
    picture,
    place,
    rewrite,
    stack,
    write,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import RLELossless

from shiftscope.errors import Unreadable
from shiftscope.images import read
from shiftscope.images.grids import grid_of
from shiftscope.sites import read_site

ARTERIAL, VENOUS = [200, 201, 202, 203], [40, 41, 42, 43]


def phases(folder: Path, first: dict[str, object], second: dict[str, object], **both: object) -> list[Path]:
    """Two volumes in one place and one series, equally numbered; file names alternate between them."""
    return [
        write(
            folder / f"{z}{'ba'[which] if z % 2 else 'ab'[which]}.dcm",
            picture((ARTERIAL, VENOUS)[which][z]),
            both.get("modality", "CT"),  # type: ignore[arg-type]
            **{**place(3.0 * z), "InstanceNumber": z + 1, **(first, second)[which]},
        )
        for z in range(4)
        for which in range(2)
    ]


def refused(paths: Path | list[Path], *words: str) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read(paths)
    assert caught.value.reason == "unsupported"
    for part in words:
        assert part in str(caught.value)
    return caught.value


MARKS: dict[str, tuple[dict[str, object], dict[str, object]]] = {
    "acquisition": ({"AcquisitionNumber": 1}, {"AcquisitionNumber": 2}),
    "acquisition-time": ({"AcquisitionTime": "101500.25"}, {"AcquisitionTime": "101530.5"}),
    "date-and-time": (
        {"AcquisitionDate": "20200131", "AcquisitionTime": "235950"},
        {"AcquisitionDate": "20200201", "AcquisitionTime": "000010"},
    ),
    "moment": ({"AcquisitionDateTime": "20200131235950+0100"}, {"AcquisitionDateTime": "20200201000010+0100"}),
    "content-time": ({"ContentTime": "101500"}, {"ContentTime": "101530"}),
    "temporal-position": ({"TemporalPositionIdentifier": 1}, {"TemporalPositionIdentifier": 2}),
    "echo": ({"EchoTime": 10}, {"EchoTime": 80}),
    "b-value": ({"DiffusionBValue": 0}, {"DiffusionBValue": 1000}),
    "inversion": ({"InversionTime": 100}, {"InversionTime": 2500}),
    "cardiac-phase": ({"NominalPercentageOfCardiacPhase": 40}, {"NominalPercentageOfCardiacPhase": 75}),
    "trigger": ({"TriggerTime": 0}, {"TriggerTime": 350}),
    "pet-frame": ({"FrameReferenceTime": 5000}, {"FrameReferenceTime": 15000}),
    "kernel": ({"ConvolutionKernel": "B30f"}, {"ConvolutionKernel": "B70f"}),
    "magnitude-and-phase": (
        {"ImageType": ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"]},
        {"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP", "P", "FFE"], "AcquisitionNumber": 1},
    ),
}


@pytest.mark.parametrize(("first", "second"), MARKS.values(), ids=MARKS)
def test_two_volumes_with_equal_numbers_are_told_apart(
    tmp_path: Path, first: dict[str, object], second: dict[str, object]
) -> None:
    """200 to 203, and not 200, 41, 42, 203."""
    image = read(phases(tmp_path, first, second))
    assert levels(image.pixels) == ARTERIAL
    assert odd_of(image) == ("first_of_several",)
    assert image.spacing_mm == (3.0, 2.0, 1.0)


def test_two_volumes_that_nothing_tells_apart_are_refused(tmp_path: Path) -> None:
    refused(phases(tmp_path, {}, {}), "8 slices in 4 places", "folder of its own")


def test_each_slice_has_an_acquisition_of_its_own(tmp_path: Path) -> None:
    """Step and shoot: acquisitions 1 to 4, then 5 to 8 for the second phase."""
    paths = phases(tmp_path, {}, {})
    for path in paths:
        level = float(read(path).pixels.mean())
        rewrite(path, AcquisitionNumber=int(level - 199) if level > 100 else int(level - 35))
    assert levels(read(paths).pixels) == ARTERIAL


def test_a_volume_in_two_acquisitions_stays_one(tmp_path: Path) -> None:
    """Odd slices first, then the even ones: two acquisitions of one evenly spaced volume."""
    for n, path in enumerate(stack(tmp_path, list(range(60, 70)), "MR")):
        rewrite(path, AcquisitionNumber=1 + n % 2, AcquisitionTime=f"10150{n % 2}")
    image = read(tmp_path)
    assert levels(image.pixels) == list(range(60, 70))
    assert odd_of(image) == ()


def test_echoes_of_time_points(tmp_path: Path) -> None:
    """No mark alone parts the slices of a place; both together do."""
    for time in range(2):
        for echo in range(2):
            tags = {"TemporalPositionIdentifier": time + 1, "EchoTime": 10 + 70 * echo, "InstanceNumber": 1}
            stack(tmp_path / f"{time}{echo}", [100 * time + 50 * echo + z + 30 for z in range(3)], "MR", **tags)
    assert levels(read(sorted(tmp_path.rglob("*.dcm"))).pixels) == [30, 31, 32]


@pytest.mark.parametrize("in_one_file", [False, True], ids=["files", "frames"])
def test_a_diffusion_series_gives_its_unweighted_volume(tmp_path: Path, in_one_file: bool) -> None:
    """Two gradients share a b-value, and one of them comes before the unweighted volume, as it may in NIfTI."""
    weights, first = (1000.0, 0.0, 1000.0), (500, 100, 600)
    if in_one_file:
        levels_ = [level + z for level in first for z in range(4)]
        groups = [at(3.0 * z, MRDiffusionSequence={"DiffusionBValue": b}) for b in weights for z in range(4)]
        image = read(enhanced(tmp_path / "a.dcm", levels_, groups))
    else:
        for n, (b, level) in enumerate(zip(weights, first, strict=True)):
            paths = stack(tmp_path / str(n), [level + z for z in range(4)], "MR", DiffusionBValue=b)
            for z, path in enumerate(paths):
                rewrite(path, InstanceNumber=4 * n + z + 1)
        image = read(sorted(tmp_path.rglob("*.dcm")))
    assert levels(image.pixels) == [100, 101, 102, 103]
    assert odd_of(image) == ("first_of_several",)


def test_a_series_that_was_broken_off(tmp_path: Path) -> None:
    """The second of two time points lacks its last slice; instance numbers run on."""
    stack(tmp_path / "a", [50, 51, 52, 53], "MR")
    for n, path in enumerate(stack(tmp_path / "b", [80, 81, 82], "MR")):
        rewrite(path, InstanceNumber=5 + n)
    assert levels(read(sorted(tmp_path.rglob("*.dcm"))).pixels) == [50, 51, 52, 53]


def test_the_whole_volume_stands_where_the_first_lacks_a_slice(tmp_path: Path) -> None:
    stack(tmp_path / "a", [50, 51, 52, 53], "CT", AcquisitionNumber=1)[2].unlink()
    stack(tmp_path / "b", [80, 81, 82, 83], "CT", AcquisitionNumber=2)
    image = read(sorted(tmp_path.rglob("*.dcm")))
    assert levels(image.pixels) == [80, 81, 82, 83]
    assert odd_of(image) == ("first_of_several",)


def test_two_kernels_half_a_step_apart(tmp_path: Path) -> None:
    """Together they are evenly spaced; a volume has one kernel all the same."""
    stack(tmp_path / "a", [50, 51, 52, 53], ConvolutionKernel="B30f")
    for n, path in enumerate(stack(tmp_path / "b", [80, 81, 82, 83], ConvolutionKernel="B70f")):
        rewrite(path, ImagePositionPatient=[0, 0, 3 * n + 1.5])
    image = read(sorted(tmp_path.rglob("*.dcm")))
    assert levels(image.pixels) == [50, 51, 52, 53]
    assert image.spacing_mm == (3.0, 2.0, 1.0)


def test_two_phases_a_little_apart(tmp_path: Path) -> None:
    """The patient breathed in between: positions differ by 0.4 mm, and every second step would be 0.4."""
    stack(tmp_path / "a", [50, 51, 52, 53], AcquisitionNumber=1)
    for n, path in enumerate(stack(tmp_path / "b", [80, 81, 82, 83], AcquisitionNumber=2)):
        rewrite(path, ImagePositionPatient=[0, 0, 3 * n + 0.4])
    assert levels(read(sorted(tmp_path.rglob("*.dcm"))).pixels) == [50, 51, 52, 53]


def test_a_film_of_one_slice_is_its_first_moment(tmp_path: Path) -> None:
    """Every file lies in one place: no volume, whose slices would have no distance."""
    paths = stack(tmp_path, [50, 60, 70], "MR", step=0)
    for n, path in enumerate(paths):
        rewrite(path, TriggerTime=40.0 * n, ImagePositionPatient=[5, 5, 5])
    image = read(paths)
    assert levels(image.pixels) == [50]
    assert odd_of(image) == ("first_of_several",)


def test_slices_that_fan_are_reported(tmp_path: Path) -> None:
    """Slices along the discs of a spine, 3 degrees apart: no regular grid, so no place for a mask to be laid by."""
    for n, path in enumerate(stack(tmp_path, [50, 51, 52, 53], "MR")):
        turn = np.radians(3 * (n // 2))
        rewrite(path, ImageOrientationPatient=[1, 0, 0, 0, f"{np.cos(turn):.9f}", f"{np.sin(turn):.9f}"])
    image = read(tmp_path)
    assert levels(image.pixels) == [50, 51, 52, 53]
    assert odd_of(image) == ("fanned_slices",)
    assert image.affine is None


# --- copies ---------------------------------------------------------------------------------------------------------


def test_files_that_are_there_twice(tmp_path: Path) -> None:
    for n, path in enumerate(stack(tmp_path, [50, 51, 52, 53])):
        if n % 2:
            (tmp_path / f"copy of {path.name}").write_bytes(path.read_bytes())
    image = read(tmp_path)
    assert levels(image.pixels) == [50, 51, 52, 53]
    assert odd_of(image) == ("duplicate_slices",)


def test_a_copy_in_another_encoding(tmp_path: Path) -> None:
    paths = stack(tmp_path, [50, 51, 52])
    rewrite(paths[1])

    data = pydicom.dcmread(paths[1])
    data.compress(RLELossless, generate_instance_uid=False)
    data.save_as(tmp_path / "rle.dcm")
    image = read(tmp_path)
    assert levels(image.pixels) == [50, 51, 52]
    assert odd_of(image) == ("duplicate_slices",)


def test_a_copy_under_another_uid(tmp_path: Path) -> None:
    """Anonymized twice: the same slices, equally numbered and placed, under two UIDs each."""
    stack(tmp_path / "a", [50, 51, 52])
    stack(tmp_path / "b", [50, 51, 52])
    image = read(sorted(tmp_path.rglob("*.dcm")))
    assert levels(image.pixels) == [50, 51, 52]
    assert odd_of(image) == ("duplicate_slices",)


def test_one_uid_for_all_is_no_copy(tmp_path: Path) -> None:
    """An anonymizer gave every slice the same UID, and two slices of air have the same pixels."""
    image = read(stack(tmp_path, [50, 50, 51, 52], SOPInstanceUID="1.2.3.9"))
    assert levels(image.pixels) == [50, 50, 51, 52]
    assert odd_of(image) == ()


# --- distances ------------------------------------------------------------------------------------------------------


def test_missing_slices_are_reported(tmp_path: Path) -> None:
    paths = stack(tmp_path, list(range(60, 80)))
    paths[11].unlink()
    image = read(tmp_path)
    assert image.pixels.shape == (19, 8, 6)
    assert image.spacing_mm == (3.0, 2.0, 1.0)
    assert odd_of(image) == ("missing_slices",)
    assert image.affine is None  # slices past the gap lie a whole step from where a regular grid has them


def test_two_parts_of_the_body_in_one_series_are_reported(tmp_path: Path) -> None:
    for n, path in enumerate(stack(tmp_path, list(range(60, 72)))):
        rewrite(path, ImagePositionPatient=[0, 0, 3 * n + 80 * (n > 5)])
    image = read(tmp_path)
    assert odd_of(image) == ("missing_slices",)
    assert image.affine is None


def test_uneven_slices_are_reported(tmp_path: Path) -> None:
    for n, path in enumerate(stack(tmp_path, list(range(60, 68)))):
        rewrite(path, ImagePositionPatient=[0, 0, 3 * n + 0.6 * (n % 2)])
    assert odd_of(read(tmp_path)) == ("uneven_slices",)


def test_rounded_positions_are_even(tmp_path: Path) -> None:
    for n, path in enumerate(stack(tmp_path, list(range(60, 80)))):
        rewrite(path, ImagePositionPatient=[0, 0, round(0.6 * n, 1)])
    image = read(tmp_path)
    assert odd_of(image) == ()
    assert image.affine is not None


def test_overlapping_slices_have_the_distance_of_their_positions(tmp_path: Path) -> None:
    """0.8 mm thick, 0.6 mm apart."""
    image = read(stack(tmp_path, [50, 51, 52], step=0.6, SliceThickness=0.8, PixelSpacing=[0.5, 0.5]))
    assert image.spacing_mm == (0.6, 0.5, 0.5)
    assert image.affine is not None
    np.testing.assert_allclose(image.affine[:3, 0], [0, 0, 0.6])


def test_a_tilted_gantry_is_reported(tmp_path: Path) -> None:
    """Slices 3 mm apart along their normal, each shifted by 1 mm: spacing is 3, and the affine is sheared."""
    for n, path in enumerate(stack(tmp_path, [50, 51, 52, 53])):
        rewrite(path, ImagePositionPatient=[0, float(n), 3.0 * n])
    image = read(tmp_path)
    assert levels(image.pixels) == [50, 51, 52, 53]
    assert image.spacing_mm == (3.0, 2.0, 1.0)
    assert odd_of(image) == ("tilted_gantry",)
    assert image.affine is not None
    np.testing.assert_allclose(image.affine @ [3, 0, 0, 1], [0, 3, 9, 1], atol=1e-9)


# --- what positions do not say --------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", [None, [0, 0, 0], [5, 5, 5]], ids=["missing", "zero", "constant"])
def test_slice_location_stands_for_positions(tmp_path: Path, position: list[int] | None) -> None:
    for n, path in enumerate(stack(tmp_path, [52, 50, 51], InstanceNumber=1)):
        rewrite(path, "ImagePositionPatient", SliceLocation=[6.5, 0.5, 3.5][n])
        if position is not None:
            rewrite(path, ImagePositionPatient=position)
    image = read(tmp_path)
    assert levels(image.pixels) == [50, 51, 52]
    assert odd_of(image) == ("slices_by_location",)
    assert image.affine is None


@pytest.mark.parametrize("position", [None, [0, 0, 0]], ids=["missing", "zero"])
def test_instance_numbers_stand_for_positions(tmp_path: Path, position: list[int] | None) -> None:
    for n, path in enumerate(stack(tmp_path, [52, 50, 51])):
        rewrite(path, "ImagePositionPatient", InstanceNumber=[12, 2, 11][n])
        if position is not None:
            rewrite(path, ImagePositionPatient=position)
    image = read(tmp_path)
    assert levels(image.pixels) == [50, 51, 52]
    assert odd_of(image) == ("slices_by_number",)


def test_names_stand_for_numbers(tmp_path: Path) -> None:
    """IM9 comes before IM10."""
    for level, name in ((50, "IM8"), (51, "IM9"), (52, "IM10"), (53, "IM11")):
        write(tmp_path / name, picture(level), InstanceNumber=None)
    image = read(tmp_path)
    assert levels(image.pixels) == [50, 51, 52, 53]
    assert odd_of(image) == ("slices_by_name",)


def test_positions_alone_order_slices(tmp_path: Path) -> None:
    """Neither instance numbers nor slice locations."""
    for path in stack(tmp_path, [50, 51, 52]):
        rewrite(path, "InstanceNumber")
    image = read(tmp_path)
    assert levels(image.pixels) == [50, 51, 52]
    assert odd_of(image) == ()


def test_numbers_run_against_positions(tmp_path: Path) -> None:
    for n, path in enumerate(stack(tmp_path, [50, 51, 52])):
        rewrite(path, InstanceNumber=3 - n)
    assert levels(read(tmp_path).pixels) == [50, 51, 52]


def test_two_phases_without_positions(tmp_path: Path) -> None:
    paths = phases(tmp_path, {"AcquisitionNumber": 1}, {"AcquisitionNumber": 2})
    for path in paths:
        rewrite(path, "ImagePositionPatient", "ImageOrientationPatient")
    image = read(paths)
    assert levels(image.pixels) == ARTERIAL
    assert odd_of(image) == ("slices_by_number", "first_of_several")


# --- files that are no single volume --------------------------------------------------------------------------------


def test_two_pixel_spacings_are_refused(tmp_path: Path) -> None:
    paths = stack(tmp_path, [50, 51, 52])
    rewrite(paths[2], PixelSpacing=[4, 2])
    assert refused(paths, "4 x 2 mm", "2 x 1 mm").path == paths[2]


def test_three_orientations_are_refused_as_one_image(tmp_path: Path) -> None:
    """And are three cases at a site."""
    for n, cosines in enumerate((AXIAL, CORONAL, SAGITTAL)):
        for z in range(3):
            tags = place(3.0 * z, cosines, InstanceNumber=3 * n + z)
            write(tmp_path / f"{n}{z}.dcm", picture(50 + n), "MR", **tags)
    refused(tmp_path, "3 orientations", "one orientation at a time")
    assert [len(case.images) for case in read_site(tmp_path).cases] == [3, 3, 3]


def test_a_missing_modality_is_told_by_the_class(tmp_path: Path) -> None:
    """An anonymizer took the modality; CT Image Storage is CT, and its files are slices."""
    for path in stack(tmp_path, [-900, 40, 60]):
        rewrite(path, "Modality")
    site = read_site(tmp_path)
    assert [len(case.images) for case in site.cases] == [3]
    image = read(site.cases[0].images)
    assert (levels(image.pixels), image.modality, image.display) == ([-900, 40, 60], "CT", (-1000.0, 1000.0))


def test_rounding_does_not_split_a_series(tmp_path: Path) -> None:
    """Cosines of 0.0049 and 0.0051 are one orientation."""
    for n, path in enumerate(stack(tmp_path, [50, 51, 52, 53])):
        rewrite(path, ImageOrientationPatient=[1, 0.0049 + 0.0002 * (n % 2), 0, -0.0049, 1, 0])
    site = read_site(tmp_path)
    assert [len(case.images) for case in site.cases] == [4]
    assert levels(read(site.cases[0].images).pixels) == [50, 51, 52, 53]


def test_films_are_no_slices(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{n}.dcm", picture(50 + n), "DX", InstanceNumber=n) for n in range(2)]
    refused(paths, "2 films (DX) are views")


def test_parts_of_a_multi_frame_file_are_refused(tmp_path: Path) -> None:
    for n in range(2):
        path = tmp_path / f"{n}.dcm"
        enhanced(
            path, [50, 51], [at(6.0 * n), at(6.0 * n + 3)], InConcatenationNumber=n + 1, InConcatenationTotalNumber=2
        )
    refused(tmp_path, "concatenation")


def test_slices_beside_a_multi_frame_file_are_refused(tmp_path: Path) -> None:
    stack(tmp_path, [50, 51], "MR")
    enhanced(tmp_path / "all.dcm", [50, 51], [at(0), at(3)])
    refused(tmp_path, "single slices and multi-frame files")


def test_a_series_of_volumes_is_its_first(tmp_path: Path) -> None:
    for n in range(2):
        enhanced(tmp_path / f"{n}.dcm", [90 - 40 * n, 91 - 40 * n], [at(0), at(3)], InstanceNumber=2 - n)
    image = read(tmp_path)
    assert levels(image.pixels) == [50, 51]
    assert odd_of(image) == ("first_of_several",)


def test_sizes_of_one_series_are_reported(tmp_path: Path) -> None:
    stack(tmp_path, [50, 51, 52])
    write(tmp_path / "wide.dcm", picture(50, 12, 12), **place(9.0), InstanceNumber=4)
    site = read_site(tmp_path)
    assert [len(case.images) for case in site.cases] == [3, 1]
    assert any("1 of 1 series hold slices of several sizes" in sentence for sentence in site.notes)


# --- frames ---------------------------------------------------------------------------------------------------------


def content(**tags: object) -> dict[str, dict[str, object]]:
    return {"FrameContentSequence": tags}


FRAMES = {
    "temporal-position": [content(TemporalPositionIndex=2), content(TemporalPositionIndex=1)],
    "acquisition": [content(FrameAcquisitionNumber=2), content(FrameAcquisitionNumber=1)],
    "echo": [{"MREchoSequence": {"EffectiveEchoTime": 80.0}}, {"MREchoSequence": {"EffectiveEchoTime": 10.0}}],
    "b-value": [{"MRDiffusionSequence": {"DiffusionBValue": 900.0}}, {"MRDiffusionSequence": {"DiffusionBValue": 0.0}}],
    "time": [
        content(FrameAcquisitionDateTime="20200131101530"),
        content(FrameAcquisitionDateTime="20200131101500"),
    ],
}


@pytest.mark.parametrize(("first", "second"), FRAMES.values(), ids=FRAMES)
def test_frames_of_two_volumes(tmp_path: Path, first: dict[str, dict[str, object]], second: dict) -> None:  # type: ignore[type-arg]
    """Stored place by place, the later volume first."""
    frames = [level for pair in zip(VENOUS, ARTERIAL, strict=True) for level in pair]
    per_frame = [at(3.0 * z, **which) for z in range(4) for which in (first, second)]
    image = read(enhanced(tmp_path / "a.dcm", frames, per_frame))
    assert levels(image.pixels) == ARTERIAL
    assert odd_of(image) == ("first_of_several",)


def test_frames_in_random_order(tmp_path: Path) -> None:
    """Neither the order of frames nor stack positions count, but where each frame lies."""
    order = [2, 0, 3, 1]
    per_frame = [at(3.0 * z, **content(InStackPositionNumber=n + 1)) for n, z in enumerate(order)]
    image = read(enhanced(tmp_path / "a.dcm", [50 + z for z in order], per_frame))
    assert levels(image.pixels) == [50, 51, 52, 53]
    assert odd_of(image) == ()
    assert image.affine is not None
    np.testing.assert_allclose(image.affine @ [3, 1, 2, 1], [2, 2, 9, 1])


def test_frames_of_two_stacks(tmp_path: Path) -> None:
    """Two stacks of one file, one above the other: the first is the volume."""
    per_frame = [at(3.0 * z + 40 * s, **content(StackID=str(s + 1))) for s in range(2) for z in range(3)]
    image = read(enhanced(tmp_path / "a.dcm", [50, 51, 52, 80, 81, 82], per_frame))
    assert levels(image.pixels) == [50, 51, 52]
    assert odd_of(image) == ("first_of_several",)


def test_frames_of_one_place_are_a_film_of_it(tmp_path: Path) -> None:
    per_frame = [at(0.0, **content(TemporalPositionIndex=n + 1)) for n in range(3)]
    image = read(enhanced(tmp_path / "a.dcm", [50, 51, 52], per_frame))
    assert levels(image.pixels) == [50]
    assert odd_of(image) == ("first_of_several",)


def test_frames_that_do_not_say_where_they_lie(tmp_path: Path) -> None:
    """A cone-beam CT as a plain CT image of many frames: in stored order, with the distance that the header states."""
    frames = np.stack([picture(50 + n) for n in range(3)])
    image = read(write(tmp_path / "a.dcm", frames, NumberOfFrames=3, PixelSpacing=[0.3, 0.3], SpacingBetweenSlices=0.4))
    assert levels(image.pixels) == [50, 51, 52]
    assert image.spacing_mm == (0.4, 0.3, 0.3)
    assert image.affine is None


# --- mosaics --------------------------------------------------------------------------------------------------------


def csa(normal: tuple[float, float, float]) -> bytes:
    """Siemens' private header with the one entry that is looked for."""
    entry = b"SliceNormalVector".ljust(64, b"\0") + struct.pack("<i4sii i", 3, b"FD\0\0", 3, 6, 77)
    for number in normal:
        text = f"{number:.8f}".encode() + b"\0"
        entry += struct.pack("<4i", len(text), len(text), 77, len(text)) + text.ljust(-(-len(text) // 4) * 4, b"\0")
    return b"SV10\4\3\2\1" + struct.pack("<II", 1, 77) + entry


@pytest.mark.parametrize(("normal", "expected"), [((0, 0, 1), [50, 51, 52]), ((0, 0, -1), [52, 51, 50])])
def test_mosaics_lie_where_their_slices_are(
    tmp_path: Path, normal: tuple[float, float, float], expected: list[int]
) -> None:
    """A sheet of 2 x 2 tiles is placed around the centre of its slices, which may run from head to foot."""
    sheet = np.zeros((16, 12), np.int16)
    for n in range(3):
        row, column = divmod(n, 2)
        sheet[8 * row : 8 * row + 8, 6 * column : 6 * column + 6] = picture(50 + n)
    tags = place(0, ImageType=["ORIGINAL", "PRIMARY", "M", "MOSAIC"], SpacingBetweenSlices=3.0)
    path = write(tmp_path / "a.dcm", sheet, "MR", **{**tags, "ImagePositionPatient": [-6, -16, 9]})

    data = pydicom.dcmread(path)
    data.private_block(0x0019, "SIEMENS MR HEADER", create=True).add_new(0x0A, "US", 3)
    data.private_block(0x0029, "SIEMENS CSA HEADER", create=True).add_new(0x10, "OB", csa(normal))
    data.save_as(path)
    image = read(path)
    assert levels(image.pixels) == expected
    assert image.affine is not None
    corner = [
        -6 + 3,
        -16 + 8,
        9 if normal[2] > 0 else 3,
    ]  # half of what the sheet is larger than a tile, in millimetres
    np.testing.assert_allclose(image.affine @ [0, 0, 0, 1], [*corner, 1])
    np.testing.assert_allclose(image.affine @ [2, 0, 0, 1], [*corner[:2], corner[2] + 6, 1])


# --- places in space ------------------------------------------------------------------------------------------------

COSINES = {
    "axial": AXIAL,
    "coronal": CORONAL,
    "sagittal": SAGITTAL,
    "prone": [-1, 0, 0, 0, -1, 0],
    "feet-first": [-1, 0, 0, 0, 1, 0],
    "oblique": [0.96, 0.28, 0, -0.28, 0.96, 0],
    "tipped": [1, 0, 0, 0, 0.8, -0.6],
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(COSINES)),
    slices=st.integers(1, 5),
    step=st.sampled_from([0.6, 2.5, 8.0]),
    spacing=st.sampled_from([(0.5, 0.5), (2.0, 1.0), (0.7, 3.0)]),
    origin=st.tuples(*[st.integers(-200, 200)] * 3),
    shift=st.sampled_from([(0.0, 0.0), (0.0, 0.5)]),
)
def test_the_affine_says_where_each_voxel_lies(
    tmp_path: Path,
    name: str,
    slices: int,
    step: float,
    spacing: tuple[float, float],
    origin: tuple[int, int, int],
    shift: tuple[float, float],
) -> None:
    """PS3.3 C.7.6.2.1.1: position + across * column * its spacing + down * row * its spacing, for every voxel.

    A NIfTI written from the same geometry is the same array at the same place, but for its own precision.
    """
    cosines = np.array(COSINES[name], float)
    across, down = cosines[:3], cosines[3:]
    normal = np.cross(across, down)
    volume = np.arange(slices * 8 * 6, dtype=np.int16).reshape(slices, 8, 6)
    between_slices = normal * step + across * shift[0] + down * shift[1] * (slices > 1)
    paths = []
    for n in range(slices):
        position = np.array(origin) + n * between_slices
        tags = {"ImagePositionPatient": [float(f"{each:.8g}") for each in position], "PixelSpacing": list(spacing)}
        tags |= {"ImageOrientationPatient": COSINES[name], "SpacingBetweenSlices": step, "InstanceNumber": n}
        paths.append(write(tmp_path / f"{n}.dcm", volume[n], "MR", **tags))
    image = read(paths)
    assert image.affine is not None
    where = {}  # voxel value -> place, from the standard's own formula
    for n, row, column in np.ndindex(volume.shape):
        where[int(volume[n, row, column])] = (
            np.array(origin) + n * between_slices + across * column * spacing[1] + down * row * spacing[0]
        )
    for index in np.ndindex(image.pixels.shape):
        place_ = image.affine @ [*index, 1]
        np.testing.assert_allclose(place_[:3], where[int(image.pixels[index])], atol=1e-4)
    if image.spacing_mm is not None and not any(shift):
        np.testing.assert_allclose(np.linalg.norm(image.affine[:3, :3], axis=0), image.spacing_mm, rtol=1e-4)
    affine = np.eye(4)
    affine[:3] = np.column_stack([across * spacing[1], down * spacing[0], between_slices, origin])
    nibabel.save(
        nibabel.Nifti1Image(volume.transpose(2, 1, 0), np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine), tmp_path / "a.nii"
    )
    np.testing.assert_array_equal(read(tmp_path / "a.nii").pixels, image.pixels)
    grid = grid_of(paths)
    assert (grid is None) == (slices == 1)
    if grid is not None:
        np.testing.assert_allclose(grid.affine, np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine, atol=1e-4)
        np.testing.assert_array_equal(grid.stored(image.pixels), volume.transpose(2, 1, 0))


def test_slices_without_a_pixel_size_have_no_place(tmp_path: Path) -> None:
    for path in stack(tmp_path, [50, 51]):
        rewrite(path, "PixelSpacing")
    image = read(tmp_path)
    assert image.affine is None
    assert image.spacing_mm is None


def test_a_capture_without_positions_has_no_place(tmp_path: Path) -> None:
    image = read(write(tmp_path / "a.dcm", picture(50), "CR", PixelSpacing=[1, 1]))
    assert image.affine is None


def test_a_slice_of_its_own_has_the_place_of_its_slab(tmp_path: Path) -> None:
    image = read(write(tmp_path / "a.dcm", picture(50), "CT", SOPClassUID=STORAGE + "2", **place(30.0)))
    assert image.affine is not None
    np.testing.assert_allclose(image.affine, [[0, 0, 1, 0], [0, 2, 0, 0], [3, 0, 0, 30], [0, 0, 0, 1]], atol=1e-9)


# --- public reports -------------------------------------------------------------------------------------------------


def test_equal_numbers_and_times_are_no_copies(tmp_path: Path) -> None:
    """rordenlab/dcm2niix#168: slices of a Philips scan share time, acquisition and even pixels, and lie 3 mm apart."""
    tags = {"AcquisitionNumber": 1, "AcquisitionTime": "101500", "InstanceNumber": 1}
    image = read(stack(tmp_path, [50, 50, 50, 51], "MR", **tags))
    assert levels(image.pixels) == [50, 50, 50, 51]
    assert odd_of(image) == ()


def test_exposure_varies_along_the_body(tmp_path: Path) -> None:
    """rordenlab/dcm2niix#468, #396: dose modulation is no reason to cut a volume into pieces."""
    for n, path in enumerate(stack(tmp_path, list(range(60, 70)))):
        rewrite(path, Exposure=14 + n % 2, XRayTubeCurrent=100 + n)
    image = read(tmp_path)
    assert levels(image.pixels) == list(range(60, 70))
    assert odd_of(image) == ()


def test_an_icon_has_a_size_of_its_own(tmp_path: Path) -> None:
    """rordenlab/dcm2niix#239: a thumbnail of another size inside one slice."""
    paths = stack(tmp_path, [50, 51, 52])
    icon = pydicom.dcmread(write(tmp_path / "icon", picture(20, 4, 4)))
    item = pydicom.Dataset()
    for name in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "PixelData"):
        setattr(item, name, icon[name].value)
    item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
    (tmp_path / "icon").unlink()
    rewrite(paths[1], IconImageSequence=pydicom.Sequence([item]))
    assert levels(read(tmp_path).pixels) == [50, 51, 52]


def test_one_slice_in_another_direction(tmp_path: Path) -> None:
    """DIAGNijmegen/rse-panimg#126: an axial capture among coronal slices turned the whole scan; it is left out."""
    for n in range(12):
        write(tmp_path / f"{n:02d}.dcm", picture(60 + n), **place(3.0 * n, CORONAL), InstanceNumber=n + 2)
    expected = read(tmp_path)
    write(tmp_path / "first.dcm", picture(300), **place(0, AXIAL), InstanceNumber=1)
    image = read(tmp_path)
    np.testing.assert_array_equal(image.pixels, expected.pixels)
    assert odd_of(image) == ("beside_left_out",)


def test_rounded_positions_of_an_oblique_scan(tmp_path: Path) -> None:
    """icometrix/dicom2nifti#31: coordinates rounded to a tenth wander, and the scan was cut into pieces."""
    positions = [
        *([-107.980637, -86.787643, -64.592575], [-107.980637, -87.787643, -58.192574]),
        *([-108.080635, -88.887642, -51.792572], [-108.080635, -89.98764, -45.39257]),
        *([-108.180634, -91.087646, -38.992569], [-108.180634, -92.187637, -32.592571]),
    ]
    steps = np.diff(positions, axis=0).mean(axis=0)
    down = np.array([0.0, steps[2], -steps[1]]) / np.hypot(steps[1], steps[2])
    for n, path in enumerate(stack(tmp_path, list(range(60, 66)), "MR")):
        rewrite(path, ImagePositionPatient=positions[n], ImageOrientationPatient=[1, 0, 0, *map(float, down.round(6))])
    image = read(tmp_path)
    assert levels(image.pixels) == list(range(60, 66))
    assert image.spacing_mm is not None
    assert image.spacing_mm[0] == pytest.approx(6.49, abs=0.02)
    assert odd_of(image) == ()


def test_one_step_of_two(tmp_path: Path) -> None:
    """moloney/dcmstack#55: 1.6 mm apart, but for one step of 3.2."""
    for n, path in enumerate(stack(tmp_path, list(range(60, 70)))):
        rewrite(path, ImagePositionPatient=[0, 0, 1.6 * (n + (n > 6))], PixelSpacing=[1, 1])
    image = read(tmp_path)
    assert image.spacing_mm == (1.6, 1.0, 1.0)
    assert odd_of(image) == ("missing_slices",)


def test_several_volumes_that_only_numbers_tell_apart(tmp_path: Path) -> None:
    """innolitics/dicom-numpy#33: diffusion volumes of a public collection, no mark but running instance numbers."""
    for volume in range(3):
        for n, path in enumerate(stack(tmp_path / str(volume), [50 + 10 * volume + z for z in range(4)], "MR")):
            rewrite(path, InstanceNumber=1 + 4 * volume + n)
    image = read(sorted(tmp_path.rglob("*.dcm"), reverse=True))
    assert levels(image.pixels) == [50, 51, 52, 53]
    assert image.spacing_mm == (3.0, 2.0, 1.0)


@pytest.mark.parametrize("modality", ["MR", "US"])
def test_more_frames_than_the_file_has_bytes_for(tmp_path: Path, modality: str) -> None:
    """A broken number must not be counted to, nor room be made for it."""
    path = write(tmp_path / "a.dcm", picture(50), modality, NumberOfFrames=2_000_000_000)
    with pytest.raises(Unreadable, match="2000000000 frames") as caught:
        read(path)
    assert caught.value.reason == "truncated"
