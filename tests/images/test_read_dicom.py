"""DICOM written tag by tag: what a scanner means is what `read` gives."""

import io
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image as Pillow
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from shiftscope.errors import Unreadable
from shiftscope.images import as_seen, read

WriteDicom = Callable[..., Path]
MakeDataset = Callable[..., pydicom.Dataset]


@pytest.fixture
def deep() -> np.ndarray:
    """(64, 48) uint16 of 12 bits."""
    return (np.arange(64 * 48, dtype=np.uint16).reshape(64, 48) * 5) % 4096


@pytest.fixture
def stored(deep: np.ndarray) -> np.ndarray:
    """`deep` as CT stores it: (64, 48) int16 with air at -1024 after the usual intercept."""
    return deep.astype(np.int16)


def reason_of(path: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        read(path)
    return caught.value.reason


def test_plain_grey_keeps_its_values(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    image = read(write_dicom("a.dcm", deep, BitsStored=12, HighBit=11))
    np.testing.assert_array_equal(image.pixels, deep[None])
    assert image.pixels.dtype == np.float32
    assert image.modality == "MR"
    assert image.display == pytest.approx(tuple(np.percentile(deep, (0.5, 99.5))))


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_little_endian_syntaxes(write_dicom: WriteDicom, deep: np.ndarray, syntax: str) -> None:
    np.testing.assert_array_equal(read(write_dicom("a.dcm", deep, syntax=syntax)).pixels[0], deep)


def test_big_endian(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    path = write_dicom("a.dcm", deep, syntax=ExplicitVRBigEndian, PixelData=deep.astype(">u2").tobytes())
    np.testing.assert_array_equal(read(path).pixels[0], deep)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_lossless_compression(tmp_path: Path, dataset: MakeDataset, deep: np.ndarray, syntax: str) -> None:
    data = dataset(deep)
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data.compress(syntax)
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    np.testing.assert_array_equal(read(tmp_path / "a.dcm").pixels[0], deep)


def test_jpeg_ybr_becomes_rgb(write_dicom: WriteDicom) -> None:
    flat = np.zeros((32, 32, 3), np.uint8) + np.array([200, 40, 90], np.uint8)
    flat[:16] = 10
    buffer = io.BytesIO()
    Pillow.fromarray(flat).save(buffer, "JPEG", quality=100)
    path = write_dicom(
        "a.dcm",
        flat,
        syntax=JPEGBaseline8Bit,
        Modality="ES",
        PhotometricInterpretation="YBR_FULL_422",
        PixelData=encapsulate([buffer.getvalue()]),
    )
    data = pydicom.dcmread(path)
    data["PixelData"].is_undefined_length = True
    data.save_as(path)
    image = read(path)
    assert image.pixels.shape == (1, 32, 32, 3)
    assert image.display == (0.0, 1.0)
    assert np.abs(image.pixels[0, 24, 24] * 255 - [200, 40, 90]).max() <= 4


@pytest.mark.parametrize("planar", [0, 1])
def test_rgb_in_either_plane_order(write_dicom: WriteDicom, coloured: np.ndarray, planar: int) -> None:
    body = coloured if planar == 0 else coloured.transpose(2, 0, 1)
    path = write_dicom("a.dcm", coloured, Modality="XC", PlanarConfiguration=planar, PixelData=body.tobytes())
    np.testing.assert_allclose(read(path).pixels[0], coloured / 255, atol=1e-6)


def test_ultrasound_grey_in_rgb_is_grey_over_its_full_range(write_dicom: WriteDicom, gradient: np.ndarray) -> None:
    image = read(write_dicom("a.dcm", np.stack([gradient] * 3, axis=-1), Modality="US"))
    np.testing.assert_allclose(image.pixels, gradient[None] / 255, atol=1e-6)
    assert image.display == (0.0, 1.0)


def test_palette_colour(write_dicom: WriteDicom) -> None:
    indices = np.arange(16, dtype=np.uint8).reshape(4, 4) % 4
    table = np.array([[0, 10, 20], [250, 5, 9], [8, 255, 4], [60, 70, 255]])
    tags: dict[str, object] = {}
    for channel, name in enumerate(("Red", "Green", "Blue")):
        tags[f"{name}PaletteColorLookupTableDescriptor"] = [4, 0, 16]
        tags[f"{name}PaletteColorLookupTableData"] = (table[:, channel] * 257).astype("<u2").tobytes()
    path = write_dicom("a.dcm", indices, Modality="US", PhotometricInterpretation="PALETTE COLOR", **tags)
    np.testing.assert_allclose(read(path).pixels[0], table[indices] / 255, atol=1e-6)


def test_ct_is_in_hounsfield_units_and_seen_through_one_window(write_dicom: WriteDicom, stored: np.ndarray) -> None:
    path = write_dicom(
        "a.dcm", stored, Modality="CT", RescaleSlope=1, RescaleIntercept=-1024, WindowCenter=40, WindowWidth=80
    )
    image = read(path)
    np.testing.assert_array_equal(image.pixels[0], stored.astype(np.float32) - 1024)
    assert image.display == (-1000.0, 1000.0)  # not the window the file was last looked at with


def test_ct_that_is_not_in_hounsfield_units_is_seen_by_percentiles(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    image = read(write_dicom("a.dcm", deep, Modality="CT"))
    assert image.display == pytest.approx(tuple(np.percentile(deep, (0.5, 99.5))))


def test_modality_lut(write_dicom: WriteDicom) -> None:
    indices = np.arange(64, dtype=np.uint8).reshape(8, 8) % 16
    lut = Dataset()
    lut.LUTDescriptor = [16, 0, 16]
    lut.LUTData = (np.arange(16) ** 2 * 7).astype("<u2").tobytes()
    lut.ModalityLUTType = "US"
    image = read(write_dicom("a.dcm", indices, Modality="OT", ModalityLUTSequence=Sequence([lut])))
    np.testing.assert_array_equal(image.pixels[0], (indices.astype(float) ** 2) * 7)


@pytest.mark.parametrize(("function", "low", "high"), [(None, 100, 299), ("LINEAR_EXACT", 100, 300)])
def test_projections_are_seen_through_their_window(
    write_dicom: WriteDicom, deep: np.ndarray, function: str | None, low: float, high: float
) -> None:
    tags = {"VOILUTFunction": function} if function else {}
    image = read(write_dicom("a.dcm", deep, Modality="DX", WindowCenter=200, WindowWidth=200, **tags))
    assert image.display == (low, high)


@pytest.mark.parametrize("window", [(1, 0), (50_000, 10)])
def test_a_window_that_shows_nothing_is_ignored(
    write_dicom: WriteDicom, deep: np.ndarray, window: tuple[float, float]
) -> None:
    centre, width = window
    image = read(write_dicom("a.dcm", deep, Modality="DX", WindowCenter=centre, WindowWidth=width))
    assert image.display == pytest.approx(tuple(np.percentile(deep, (0.5, 99.5))))


def test_voi_lut_of_a_projection_is_applied(write_dicom: WriteDicom) -> None:
    indices = np.arange(64, dtype=np.uint16).reshape(8, 8) % 16
    lut = Dataset()
    lut.LUTDescriptor = [16, 0, 8]
    lut.LUTData = (np.arange(16) ** 2).astype("<u2").tobytes()
    image = read(write_dicom("a.dcm", indices, Modality="CR", VOILUTSequence=Sequence([lut])))
    assert image.display == (0.0, 1.0)
    np.testing.assert_allclose(as_seen(image)[0], indices.astype(float) ** 2 / 255, atol=1e-6)
    inverted = {"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 4, "HighBit": 3}
    image = read(write_dicom("b.dcm", indices, Modality="CR", VOILUTSequence=Sequence([lut]), **inverted))
    np.testing.assert_allclose(as_seen(image)[0], 1 - indices.astype(float) ** 2 / 255, atol=1e-6)


def test_monochrome1_shows_as_its_monochrome2_twin(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    """The same film stored either way, each with its own window, is the same picture."""
    tags = {"Modality": "CR", "BitsStored": 12, "HighBit": 11, "WindowWidth": 1001}
    plain = read(write_dicom("a.dcm", deep, WindowCenter=1500, **tags))
    mirrored = write_dicom("b.dcm", 4095 - deep, PhotometricInterpretation="MONOCHROME1", WindowCenter=2595, **tags)
    other = read(mirrored)
    np.testing.assert_array_equal(other.pixels, plain.pixels)
    np.testing.assert_allclose(as_seen(other), as_seen(plain), atol=2e-3)


def test_monochrome1_after_a_rescale(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    path = write_dicom(
        *("a.dcm", deep),
        **{"PhotometricInterpretation": "MONOCHROME1", "BitsStored": 12, "HighBit": 11},
        **{"RescaleSlope": 2, "RescaleIntercept": -100},
    )
    np.testing.assert_array_equal(read(path).pixels[0], (4095 - deep.astype(np.float32)) * 2 - 100)


def test_eight_bits_are_their_full_range_unless_rescaled(write_dicom: WriteDicom, gradient: np.ndarray) -> None:
    assert read(write_dicom("a.dcm", gradient, Modality="OT")).display == (0.0, 1.0)
    image = read(write_dicom("b.dcm", gradient, Modality="PT", RescaleSlope=0.5, RescaleIntercept=0))
    np.testing.assert_allclose(image.pixels[0], gradient * 0.5)
    assert image.display[1] > 1


def test_missing_file_meta(tmp_path: Path, dataset: MakeDataset, deep: np.ndarray) -> None:
    for implicit, little in ((True, True), (False, True), (False, False)):
        data = dataset(deep if little else deep.byteswap())
        del data.file_meta
        with (tmp_path / "a.dcm").open("wb") as file:
            pydicom.dcmwrite(file, data, implicit_vr=implicit, little_endian=little)
        assert (tmp_path / "a.dcm").read_bytes()[128:132] != b"DICM"
        np.testing.assert_array_equal(read(tmp_path / "a.dcm").pixels[0], deep)


def test_missing_file_meta_with_compressed_pixels(tmp_path: Path, dataset: MakeDataset, deep: np.ndarray) -> None:
    for syntax in (RLELossless, JPEG2000Lossless):
        data = dataset(deep)
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        data.compress(syntax)
        del data.file_meta
        with (tmp_path / "a.dcm").open("wb") as file:
            pydicom.dcmwrite(file, data, implicit_vr=False, little_endian=True)
        np.testing.assert_array_equal(read(tmp_path / "a.dcm").pixels[0], deep)


def test_preamble_of_another_format(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    """Dual-personality files: the first bytes say TIFF, the mark at 128 says DICOM."""
    path = write_dicom("a.dcm", deep)
    body = path.read_bytes()
    path.write_bytes(b"II*\x00" + body[4:])
    np.testing.assert_array_equal(read(path).pixels[0], deep)


# --- series -------------------------------------------------------------------------------------------------------


def series(write_dicom: WriteDicom, volume: np.ndarray, order: list[int], **tags: object) -> list[Path]:
    """Axial slices 3 mm apart, instance numbers and file names in `order`, positions in that of the volume."""
    return [
        write_dicom(
            f"series/{name:03d}.dcm",
            volume[z],
            ImagePositionPatient=[0, 0, 3.0 * z],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[0.5, 0.75],
            InstanceNumber=name + 1,
            SliceThickness=9,
            **tags,
        )
        for name, z in enumerate(order)
    ]


def test_series_is_sorted_by_position(write_dicom: WriteDicom) -> None:
    volume = np.random.default_rng(0).integers(0, 900, (5, 16, 12)).astype(np.uint16)
    paths = series(write_dicom, volume, [3, 0, 4, 1, 2], PatientID=" p7 ")
    image = read(paths)
    np.testing.assert_array_equal(image.pixels, volume)
    assert image.spacing_mm == (3.0, 0.5, 0.75)  # the gap of the positions, not the slice thickness
    assert image.patient == "p7"
    np.testing.assert_array_equal(read(paths[::-1]).pixels, volume)
    (paths[0].parent / "DICOMDIR").touch()
    np.testing.assert_array_equal(read(paths[0].parent).pixels, volume)


def test_two_series_are_not_one_image(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    for n in range(2):
        path = write_dicom(f"both/{n}.dcm", deep, SeriesInstanceUID=f"1.{n}")
    assert read(path).pixels.shape == (1, 64, 48)
    with pytest.raises(Unreadable, match="2 series"):
        read(path.parent)


def test_series_without_positions_is_sorted_by_instance_number(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    slices = [deep + shift for shift in range(3)]
    numbers = [2, 0, 1]
    paths = [write_dicom(f"{z}.dcm", slices[z], InstanceNumber=10 + numbers[z]) for z in range(3)]
    np.testing.assert_array_equal(read(paths).pixels, np.stack([slices[1], slices[2], slices[0]]))


def test_time_series_gives_its_first_volume(write_dicom: WriteDicom) -> None:
    series4d = np.random.default_rng(0).integers(0, 900, (2, 3, 16, 12)).astype(np.uint16)
    paths = []
    for moment in range(2):
        for z in range(3):
            paths.append(
                write_dicom(
                    f"{moment}{z}.dcm",
                    series4d[moment, z],
                    ImagePositionPatient=[0, 0, 4.0 * z],
                    ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                    InstanceNumber=3 * moment + z,
                )
            )
    np.testing.assert_array_equal(read(paths[::-1]).pixels, series4d[0])


def test_rescale_is_taken_from_each_slice(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    """PET scales every slice by itself."""
    paths = [
        write_dicom(
            *(f"{z}.dcm", deep),
            **{"Modality": "PT", "RescaleSlope": slope, "RescaleIntercept": 0, "InstanceNumber": z},
        )
        for z, slope in enumerate((0.5, 2.0))
    ]
    np.testing.assert_allclose(read(paths).pixels, np.stack([deep * 0.5, deep * 2.0]), rtol=1e-6)


def test_series_of_two_sizes_names_the_slice(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    paths = [write_dicom("a.dcm", deep, InstanceNumber=1), write_dicom("b.dcm", deep[:20], InstanceNumber=2)]
    with pytest.raises(Unreadable) as caught:
        read(paths)
    assert caught.value.reason == "unsupported"
    assert caught.value.path.name == "b.dcm"


def test_a_broken_slice_is_named(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    paths = [write_dicom(f"{z}.dcm", deep, InstanceNumber=z) for z in range(3)]
    paths[1].write_bytes(paths[1].read_bytes()[:-200])
    with pytest.raises(Unreadable) as caught:
        read(paths)
    assert (caught.value.path.name, caught.value.reason) == ("1.dcm", "truncated")


def test_prone_patient_is_turned(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    path = write_dicom(
        *("a.dcm", deep),
        **{"ImagePositionPatient": [10, 10, 0], "ImageOrientationPatient": [-1, 0, 0, 0, -1, 0]},
        **{"PixelSpacing": [1, 2]},
    )
    np.testing.assert_array_equal(read(path).pixels[0], deep[::-1, ::-1])


# --- multi-frame --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("modality", ["US", "ES", "XA", "OT"])
def test_a_film_is_its_middle_frame(write_dicom: WriteDicom, gradient: np.ndarray, modality: str) -> None:
    frames = np.stack([np.roll(gradient, 5 * shift, axis=1) for shift in range(7)])
    image = read(write_dicom("a.dcm", frames, Modality=modality, NumberOfFrames=7))
    assert image.pixels.shape == (1, 40, 50)
    np.testing.assert_allclose(as_seen(image)[0], frames[3] / 255, atol=1e-6)


def test_frames_of_a_tomographic_file_are_slices(write_dicom: WriteDicom) -> None:
    frames = np.random.default_rng(0).integers(0, 900, (4, 16, 12)).astype(np.uint16)
    np.testing.assert_array_equal(read(write_dicom("a.dcm", frames, NumberOfFrames=4)).pixels, frames)


def functional_group(**items: dict[str, object]) -> Dataset:
    group = Dataset()
    for name, tags in items.items():
        inner = Dataset()
        for keyword, value in tags.items():
            setattr(inner, keyword, value)
        setattr(group, name, Sequence([inner]))
    return group


def test_enhanced_frames_are_sorted_scaled_and_taken_once(write_dicom: WriteDicom) -> None:
    """Positions out of order, a slope of their own, and a second time point that is left out."""
    frames = np.random.default_rng(0).integers(1, 900, (6, 16, 12)).astype(np.uint16)
    depths = [6.0, 0.0, 3.0, 6.0, 0.0, 3.0]
    shared = functional_group(
        PlaneOrientationSequence={"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]},
        PixelMeasuresSequence={"PixelSpacing": [2, 2], "SliceThickness": 3},
    )
    per_frame = [
        functional_group(
            PlanePositionSequence={"ImagePositionPatient": [0, 0, depth]},
            PixelValueTransformationSequence={"RescaleSlope": 1 + n, "RescaleIntercept": n},
        )
        for n, depth in enumerate(depths)
    ]
    path = write_dicom(
        "a.dcm",
        frames,
        NumberOfFrames=6,
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence(per_frame),
    )
    image = read(path)
    expected = np.stack([frames[n].astype(np.float32) * (1 + n) + n for n in (1, 2, 0)])
    np.testing.assert_allclose(image.pixels, expected)
    assert image.spacing_mm == (3.0, 2.0, 2.0)


def test_mosaic_is_cut_into_its_slices(write_dicom: WriteDicom) -> None:
    volume = np.random.default_rng(0).integers(1, 900, (5, 16, 12)).astype(np.uint16)
    sheet = np.zeros((48, 36), np.uint16)
    for n in range(5):
        row, column = divmod(n, 3)
        sheet[16 * row : 16 * row + 16, 12 * column : 12 * column + 12] = volume[n]
    tags = {"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"], "PixelSpacing": [3, 3], "SpacingBetweenSlices": 12}
    path = write_dicom("a.dcm", sheet, **tags)
    assert reason_of(path) == "unsupported"  # nothing says how many tiles are slices
    data = pydicom.dcmread(path)
    block = data.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0A, "US", 5)
    data.save_as(path)
    image = read(path)
    np.testing.assert_array_equal(image.pixels, volume)
    assert image.spacing_mm == (12.0, 3.0, 3.0)
    np.testing.assert_array_equal(read([path, path]).pixels, volume)  # a series of mosaics: the first


# --- what is published, and what is not --------------------------------------------------------------------------


def test_only_the_allowlist_is_published(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    image = read(
        write_dicom(
            "a.dcm",
            deep,
            Manufacturer="Siemens  Healthineers",
            ManufacturerModelName="Skyra",
            MagneticFieldStrength=30_000,  # gauss, as old scanners wrote it
            KVP=120,
            PixelSpacing=[0.4883, 0.4883],
            StudyDate="20180917",
            AcquisitionDate="20180918",
            PatientName="Doe^Jane",
            PatientID="1234",
            InstitutionName="General",
            StationName="MR1",
            DeviceSerialNumber="777",
        )
    )
    assert image.acquisition == {
        "manufacturer": "SIEMENS HEALTHINEERS",
        "model": "Skyra",
        "field_strength_t": "3",
        "kvp": "120",
        "bits": "16",
        "spacing_mm": "0.49",
        "month": "2018-09",
    }
    assert image.patient == "1234"


def test_ultrasound_spacing_comes_from_its_region(write_dicom: WriteDicom, gradient: np.ndarray) -> None:
    region = Dataset()
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.02, 0.03
    path = write_dicom("a.dcm", gradient, Modality="US", SequenceOfUltrasoundRegions=Sequence([region]))
    assert read(path).spacing_mm == pytest.approx((1.0, 0.3, 0.2))


@pytest.mark.parametrize("spacing", [[0, 0], [-1, 1], []])
def test_nonsense_spacing_is_no_spacing(write_dicom: WriteDicom, deep: np.ndarray, spacing: list[float]) -> None:
    assert read(write_dicom("a.dcm", deep, PixelSpacing=spacing)).spacing_mm is None


@pytest.mark.parametrize(
    ("uid", "modality"),
    [
        ("1.2.840.10008.5.1.4.1.1.88.33", "SR"),
        ("1.2.840.10008.5.1.4.1.1.9.1.1", "ECG"),
        ("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "DOC"),
        ("1.2.840.10008.1.3.10", ""),
    ],
)
def test_objects_without_pixels(tmp_path: Path, dataset: MakeDataset, uid: str, modality: str) -> None:
    data = dataset(np.ones((4, 4), np.uint16), Modality=modality)
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated"):
        delattr(data, keyword)
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = uid
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    data.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    assert reason_of(tmp_path / "a.dcm") == "beside_images"


def test_video_and_whole_slides_are_outside_the_policy(write_dicom: WriteDicom, coloured: np.ndarray) -> None:
    path = write_dicom("a.dcm", coloured, Modality="ES", syntax=MPEG2MPML, PixelData=encapsulate([b"\x00\x00\x01\xb3"]))
    data = pydicom.dcmread(path)
    data["PixelData"].is_undefined_length = True
    data.save_as(path)
    with pytest.raises(Unreadable, match="video"):
        read(path)
    assert reason_of(write_dicom("b.dcm", coloured, SOPClassUID="1.2.840.10008.5.1.4.1.1.77.1.6")) == "unsupported"


def test_pixels_cut_short_and_constant_pixels(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    assert reason_of(write_dicom("a.dcm", deep, PixelData=deep.tobytes()[:-100])) == "truncated"
    assert reason_of(write_dicom("b.dcm", np.zeros_like(deep))) == "constant"
    path = write_dicom("c.dcm", deep)
    path.write_bytes(path.read_bytes()[:300])
    assert reason_of(path) in ("no_pixels", "truncated", "undecodable")


def test_garbage_in_compressed_pixels(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    garbage = struct.pack("<16I", 2, 64, 10_000, *[0] * 13) + bytes(range(256))
    for syntax in (RLELossless, JPEG2000Lossless, JPEGBaseline8Bit):
        path = write_dicom("a.dcm", deep, syntax=syntax, PixelData=encapsulate([garbage]))
        data = pydicom.dcmread(path)
        data["PixelData"].is_undefined_length = True
        data.save_as(path)
        assert reason_of(path) == "undecodable"


def test_threads_read_what_one_thread_reads(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    """Odd and broken files from many threads: the same answers, and no warning gets out (warnings are errors here)."""
    paths = [write_dicom(f"{n}.dcm", deep + n, PatientBirthDate="19700101") for n in range(12)]
    for path in paths[::3]:
        path.write_bytes(path.read_bytes().replace(b"19700101", b"ca. 1970"))
    for path in paths[1::3]:
        path.write_bytes(path.read_bytes()[:-50])

    def answer(path: Path) -> float | str:
        try:
            return float(read(path).pixels.mean())
        except Unreadable as problem:
            return problem.reason

    alone = [answer(path) for path in paths]
    assert alone.count("truncated") == 4
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            assert list(pool.map(answer, paths)) == alone


def test_odd_values_do_not_warn(write_dicom: WriteDicom, deep: np.ndarray) -> None:
    """pytest turns warnings into errors: a file with invalid tags must be read without one."""
    path = write_dicom("a.dcm", deep, PatientBirthDate="19700101")
    path.write_bytes(path.read_bytes().replace(b"19700101", b"ca. 1970"))
    np.testing.assert_array_equal(read(path).pixels[0], deep)
