"""Every real DICOM and NIfTI file is read with sane pixels, or refused for a reason that is written down here.

`docs/reading.md` advises the person who has to mend such a file: a test keeps both tables in step.
"""

import re
import zlib
from collections import Counter
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest
from pydicom.pixels import pixel_array

from shiftscope.errors import REASONS, InputError, Unreadable
from shiftscope.images import as_seen, read, read_mask
from shiftscope.images.dicom_values.jpeg_frames import GDCM
from shiftscope.sites import Declarations, fingerprint, load, read_site

pytestmark = pytest.mark.real

REFUSED: dict[str, tuple[str, str]] = {
    "dicom/ExplVR_LitEndNoMeta.dcm": ("beside_images", "a radiotherapy plan"),
    "dicom/GH1146.dcm": ("no_pixels", "an MR header whose pixel data element is empty"),
    "dicom/GH1261.dcm": ("constant", "an MR reconstruction of nothing: every pixel is 0"),
    "dicom/GH178.dcm": ("beside_images", "a CT screen shot saved without its pixel data element"),
    "dicom/GH220.dcm": ("beside_images", "a private Philips object: a few identifiers, no picture"),
    "dicom/GH626.dcm": ("no_pixels", "an MR header without pixel data element"),
    "dicom/JPEG-lossy.dcm": ("undecodable", "12-bit JPEG whose scan header breaks the standard (ends at 0, not 63)"),
    "dicom/MR_truncated.dcm": ("truncated", "62 of 8192 bytes of pixel data are missing"),
    "dicom/emri_small_jpeg_2k_lossless_too_short.dcm": ("truncated", "encapsulated frames without their end mark"),
    "dicom/liver.dcm": ("beside_images", "a DICOM segmentation: a mask, and read as one"),
    "dicom/no_meta.dcm": ("not_an_image", "one stray byte before a data set without preamble"),
    "dicom/rtplan.dcm": ("beside_images", "a radiotherapy plan"),
    "dicom/test_SR.dcm": ("beside_images", "a structured report"),
    "nifti/nibabel_misc/resampled_anat_moved.nii": ("not_finite", "NaN outside the resampled field of view"),
}
"""File -> (reason, what is wrong with it). All other files must be read."""


def files(real_data: Path) -> dict[str, Path]:
    """Every DICOM and NIfTI file by its relative path; sidecars and tables beside them are no images."""
    found = [*(real_data / "dicom").rglob("*.dcm"), *(real_data / "nifti").rglob("*.nii*")]
    return {path.relative_to(real_data).as_posix(): path for path in sorted(found)}


def test_every_file_is_read_or_refused_with_its_reason(real_data: Path) -> None:
    refused: dict[str, tuple[str, str]] = {}
    for name, path in files(real_data).items():
        try:
            image = read(path)
        except Unreadable as problem:
            refused[name] = (problem.reason, problem.detail)
            continue
        pixels = image.pixels
        assert pixels.dtype == np.float32, name
        assert pixels.ndim == 3 or pixels.shape[3:] == (3,), name
        assert min(pixels.shape[1:3]) >= 16, name
        assert np.isfinite(pixels).all(), name
        assert pixels.min() < pixels.max(), name
        low, high = image.display
        assert low < high, name
        shown = as_seen(image)
        assert 0 <= shown.min() < shown.max() <= 1, name
        assert image.spacing_mm is None or min(image.spacing_mm) > 0, name
    assert {name: reason for name, (reason, _) in refused.items()} == {n: reason for n, (reason, _) in REFUSED.items()}
    assert all(detail for _, detail in refused.values())
    assert len(files(real_data)) - len(refused) > 100


def test_the_document_names_the_same_files(real_data: Path) -> None:
    """Runs only with the data, like the rest, although it needs the document alone."""
    assert real_data.is_dir()
    text = (Path(__file__).resolve().parents[1] / "docs" / "reading.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| `([a-z_]+)` \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert {name: (reason, why.strip()) for name, reason, why, _ in rows} == REFUSED
    assert all(len(what.strip()) > 10 for *_, what in rows)
    described = dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert set(REASONS) <= set(described)


PLAIN = (
    *("693_J2KR", "CT1_J2KI", "CT_small", "D_CLUNIE_CT1_RLE_FRAGS", "IM-0001-0001-0001", "GH064", "MR2_J2KI"),
    *("MR_small", "MR_small_RLE", "MR_small_bigendian", "MR_small_implicit", "MR-SIEMENS-DICOM-WithOverlays", "mr"),
    *("GH610", "JPEG-LL", "JPEG2000", "emri_small", "emri_small_RLE", "parametric_map_float", "CT-MONO2-16-ankle"),
)


@pytest.mark.parametrize("name", PLAIN)
def test_values_are_those_of_pydicom_and_the_rescale(real_data: Path, name: str) -> None:
    data = pydicom.dcmread(real_data / "dicom" / f"{name}.dcm")
    expected = data.pixel_array * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))
    expected = expected if expected.ndim == 3 else expected[None]
    pixels = read(real_data / "dicom" / f"{name}.dcm").pixels
    patient = np.reshape(data.pixel_array != data.get("PixelPaddingValue", np.inf), expected.shape)
    np.testing.assert_allclose(pixels[patient], expected[patient], rtol=1e-6)
    assert (pixels[~patient] <= pixels[patient].min()).all()  # padding is as dark as anything


def test_compressed_twins_are_equal(real_data: Path) -> None:
    folder = real_data / "dicom"
    plain = read(folder / "MR_small.dcm").pixels
    for twin in ("MR_small_RLE", "MR_small_bigendian", "MR_small_implicit"):
        np.testing.assert_array_equal(read(folder / f"{twin}.dcm").pixels, plain)
    np.testing.assert_array_equal(read(folder / "emri_small.dcm").pixels, read(folder / "emri_small_RLE.dcm").pixels)


LOSSLESS = {
    **{"CR-ModalitySequenceLUT": 3557471654, "GH1261": 1579121749, "GH364": 4265991171, "GH610": 3565787883},
    **{"IM-0001-0001-0001": 2740055471, "JPEG-LL": 2561811782},
}
"""CRC-32 of the stored values as little-endian int32, as libjpeg (Thomas Richter's) decodes them."""


def test_lossless_jpeg_is_what_another_decoder_makes_of_it(real_data: Path) -> None:
    found = {}
    for name in LOSSLESS:
        stored = pixel_array(pydicom.dcmread(real_data / "dicom" / f"{name}.dcm"), decoding_plugin=GDCM)
        found[name] = zlib.crc32(stored.astype("<i4").tobytes())
    assert found == LOSSLESS


@pytest.mark.filterwarnings("ignore:The .0028,0004. 'Photometric Interpretation' value is 'RGB' however")
@pytest.mark.parametrize("name", ["GH195", "GH538-jpeg1", "JPEGwithIcon", "examples_ybr_color"])
def test_lossy_jpeg_is_close_to_what_pillow_makes_of_it(real_data: Path, name: str) -> None:
    """Decoders round as they like; libjpeg is up to 7 levels from both."""
    data = pydicom.dcmread(real_data / "dicom" / f"{name}.dcm")
    ours, pillow = (pixel_array(data, decoding_plugin=plugin).astype(int) for plugin in (GDCM, "pillow"))
    assert np.abs(ours - pillow).max() <= 8
    assert ours.std() > 10


def test_films_stored_inverted_are_upright(real_data: Path) -> None:
    folder = real_data / "dicom"
    data = pydicom.dcmread(folder / "RG3_J2KI.dcm")
    np.testing.assert_array_equal(read(folder / "RG3_J2KI.dcm").pixels[0], 1023 - data.pixel_array.astype(float))
    chest = as_seen(read(folder / "CR-MONO1-10-chest.dcm"))[0]
    lungs, spine = chest[150:250, 100:150].mean(), chest[150:250, 205:235].mean()
    assert lungs < spine  # air is dark, bone is bright


def test_colour_files_are_rgb_between_zero_and_one(real_data: Path) -> None:
    """Test cards of known colours: the first row of each is a pure one."""
    folder = real_data / "dicom"
    np.testing.assert_allclose(read(folder / "SC_ybr_full_uncompressed.dcm").pixels[0, 5, 50], [1, 0, 0], atol=0.01)
    np.testing.assert_allclose(read(folder / "SC_rgb_rle_2frame.dcm").pixels[0, 5, 50], [0, 1, 1], atol=0.01)
    film = pydicom.dcmread(folder / "examples_ybr_color.dcm")
    middle = pydicom.pixels.pixel_array(film, index=15)
    np.testing.assert_allclose(read(folder / "examples_ybr_color.dcm").pixels[0], middle / 255, atol=1e-6)


def test_one_scan_as_mosaic_and_as_nifti_is_one_image(real_data: Path) -> None:
    """The NIfTI was made from these very files by an independent converter."""
    for direction, number in (("ap", 3), ("pa", 4)):
        name = f"{2 * (number - 3):03d}_epi_pe_{direction}-00001.dcm"
        dicom = read(real_data / "dicom" / "sites" / "siemens_mr_epi_nih" / name)
        nifti = read(real_data / "nifti" / "siemens_epi_nih" / f"EPI_PE={direction.upper()}_{number}.nii")
        np.testing.assert_array_equal(dicom.pixels, nifti.pixels)
        assert dicom.spacing_mm == nifti.spacing_mm
        assert dicom.display == nifti.display
        assert dicom.acquisition["manufacturer"] == nifti.acquisition["manufacturer"]


def test_slices_of_a_time_series_are_those_of_its_nifti(real_data: Path) -> None:
    series = nibabel.load(real_data / "nifti" / "ge_epi_nih" / "DCM2NIIX_regression_test_4.nii").get_fdata()
    checked = 0
    for path in sorted((real_data / "dicom" / "sites" / "ge_mr_epi_nih").glob("*interleaved*")):
        moment, z = divmod(int(path.stem[-5:]) - 1, 15)
        # Stored to the left, the front and the head; a DICOM slice runs to the left and the back.
        np.testing.assert_array_equal(read(path).pixels[0], series[:, ::-1, z, moment].T)
        checked += 1
    assert checked == 9


def test_series_folder_is_one_sorted_volume(real_data: Path) -> None:
    folder = real_data / "dicom" / "sites" / "ge_ct_torchio"
    paths = sorted(folder.glob("*.dcm"))
    image = read(paths[::-1])
    assert image.pixels.shape == (16, 128, 88)
    assert image.spacing_mm == (2.0, 2.0, 2.0)
    for z, path in enumerate(paths):  # prone by its tags: turned half round
        np.testing.assert_array_equal(image.pixels[z], pydicom.dcmread(path).pixel_array[::-1, ::-1])
    assert image.display[1] < 600  # tagged CT, but nothing lies below zero: not Hounsfield units


def test_volumes_are_those_of_nibabel(real_data: Path) -> None:
    checked = 0
    for name, path in files(real_data).items():
        if not name.startswith("nifti/") or name in REFUSED:
            continue
        plain = nibabel.as_closest_canonical(nibabel.load(path))
        first = plain.get_fdata()[(..., *[0] * (len(plain.shape) - 3))]
        expected = first.T[:, ::-1, ::-1]  # to the right and the front -> to the left and the back
        np.testing.assert_allclose(read(path).pixels, expected, rtol=1e-5, err_msg=name)
        checked += 1
    assert checked >= 35


def test_masks_are_labels_of_their_images(real_data: Path) -> None:
    site = read_site(real_data / "nifti" / "sct_spinalcord")
    pairs = {case.name: load(case) for case in site.cases if case.masks}
    assert set(pairs) == {"mt_mt1", "t1_t1w", "t2_t2", "t2s_t2s", "t2s_t2s_uncropped"}
    for name, (image, mask) in pairs.items():
        assert mask is not None
        assert mask.labels.shape == image.pixels.shape[:3], name
        assert set(np.unique(mask.labels)) == {0, 1}, name
        assert 0.0003 < mask.labels.mean() < 0.1, name
    label = read_mask(real_data / "nifti" / "monai_anat" / "anatomical_label.nii.gz").labels
    assert label.mean() == pytest.approx(0.009756, rel=1e-3)
    liver = read_mask(real_data / "dicom" / "liver.dcm").labels
    assert liver.shape == (3, 512, 512)
    assert set(np.unique(liver)) == {0, 1}


def test_site_folders(real_data: Path) -> None:
    """Layout, cases and patients as the descriptions of the data give them."""
    expected = {
        "breast_us/busbra_logiq5": ("images+masks", 120),
        "breast_us/busbra_aplio300": ("images+masks", 69),
        "breast_us/busi": ("images+masks", 21),
        "polyp/kvasir_seg": ("images+masks", 120),
        "polyp/cvc_colondb": ("images+masks", 19),
        "cxr_cls/pakistan_tb": ("classes", 200),
        "brain_cls/chakrabarty": ("classes", 140),
        "breast_cls/busbra_logiq7": ("classes", 174),
        "dicom/sites/ge_ct_torchio": ("dicom", 1),
        "dicom/sites/ge_mr_epi_nih": ("dicom", 2),
        "dicom/sites/siemens_mr_epi_nih": ("dicom", 4),
        "dicom/sites/philips_mr_dti_vanderbilt": ("dicom", 1),
        "nifti/monai_anat": ("images+masks", 1),
    }
    sites = {name: read_site(real_data / name) for name in expected}
    assert {name: (site.layout, len(site.cases)) for name, site in sites.items()} == expected
    assert all(not site.excluded for site in sites.values())
    assert sites["cxr_cls/pakistan_tb"].classes == ("abnormal", "normal")
    assert len({fingerprint(site) for site in sites.values()}) == len(sites)
    aplio = read_site(real_data / "breast_us" / "busbra_aplio300", given=Declarations(patient_regex=r"bus_(\d+)"))
    assert len({case.patient for case in aplio.cases}) == 36
    with pytest.raises(InputError, match="5 folders that each look like a site"):
        read_site(real_data / "breast_us")
    with pytest.raises(InputError, match="12 x mask_without_image"):
        read_site(real_data / "nifti" / "spinegeneric_masks")


def test_pictures_of_every_group_are_read_with_their_masks(real_data: Path) -> None:
    shapes: Counter[tuple[str, int]] = Counter()
    for group in ("breast_us", "polyp", "cxr_cls", "brain_cls", "breast_cls"):
        for folder in sorted(path for path in (real_data / group).iterdir() if path.is_dir()):
            for case in read_site(folder).cases[::5]:
                image, mask = load(case)
                shapes[group, image.pixels.ndim] += 1
                assert as_seen(image).std() > 0.01, case.name
                assert mask is None or 0 < mask.labels.mean() < 0.9, case.name
    assert shapes["polyp", 4] == 24 + 24 + 4  # endoscopy is coloured
    assert shapes["breast_us", 3] == 24 + 24 + 14 + 3 + 5  # ultrasound is grey
