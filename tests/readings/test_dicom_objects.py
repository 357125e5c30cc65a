"""What is no image of the examination, beside images and by itself: rows of docs/reading/dicom.md."""

from pathlib import Path

import numpy as np
import pytest
from dicom_files import CORONAL, STORAGE, levels, odd_of, picture, place, rewrite, stack, write
from PIL import Image as Pillow

from shiftscope.errors import Unreadable
from shiftscope.images import read
from shiftscope.sites import Site, read_site

COLOUR = np.stack([picture(60).astype(np.uint8), picture(90).astype(np.uint8), picture(120).astype(np.uint8)], -1)
SC = {"SOPClassUID": STORAGE + "7"}


def two_patients(root: Path, modality: str = "CT") -> None:
    """A volume each: mean 77."""
    for patient in ("p1", "p2"):
        stack(root / patient / "volume", [65, 72, 82, 89], modality, PatientID=patient)


def means(site: Site) -> list[int]:
    return [round(float(read(case.images).pixels.mean())) for case in site.cases]


NEVER = {
    "report": (STORAGE + "88.33", "SR"),
    "dose-report": (STORAGE + "88.67", "SR"),
    "key-objects": (STORAGE + "88.59", "KO"),
    "presentation-state": (STORAGE + "11.1", "PR"),
    "structure-set": (STORAGE + "481.3", "RTSTRUCT"),
    "plan": (STORAGE + "481.5", "RTPLAN"),
    "treatment-record": (STORAGE + "481.4", "RTRECORD"),
    "pdf": (STORAGE + "104.1", "DOC"),
    "waveform": (STORAGE + "9.1.1", "ECG"),
    "raw-data": (STORAGE + "66", "MR"),
    "spectroscopy": (STORAGE + "4.2", "MR"),
    "registration": (STORAGE + "66.1", "REG"),
    "surface": (STORAGE + "66.5", "SEG"),
    "real-world-values": (STORAGE + "67", "RWV"),
    "media-directory": ("1.2.840.10008.1.3.10", ""),
    "hanging-protocol": ("1.2.840.10008.5.1.4.38.1", ""),
    "private": ("1.3.12.2.1107.5.9.1", "OT"),
}


@pytest.mark.parametrize(("uid", "modality"), NEVER.values(), ids=NEVER)
def test_objects_without_a_picture_are_left_out(tmp_path: Path, uid: str, modality: str) -> None:
    """By themselves, beside images at a site, and in the folder of a series."""
    alone = write(tmp_path / "alone.dcm", None, modality, SOPClassUID=uid)
    with pytest.raises(Unreadable) as caught:
        read(alone)
    assert caught.value.reason == "beside_images"
    alone.unlink()
    two_patients(tmp_path)
    write(tmp_path / "p1" / "volume" / "object.dcm", None, modality, SOPClassUID=uid)
    site = read_site(tmp_path)
    assert {reason: len(paths) for reason, paths in site.excluded.items()} == {"beside_images": 1}
    assert means(site) == [77, 77]
    image = read(tmp_path / "p1" / "volume")
    assert levels(image.pixels) == [65, 72, 82, 89]
    assert odd_of(image) == ("beside_left_out",)


PICTURES = {
    "dose-grid": (STORAGE + "481.2", "RTDOSE"),
    "segmentation": (STORAGE + "66.4", "SEG"),
    "label-map": (STORAGE + "66.7", "SEG"),
}


@pytest.mark.parametrize(("uid", "modality"), PICTURES.values(), ids=PICTURES)
def test_pictures_that_are_no_images_are_left_out(tmp_path: Path, uid: str, modality: str) -> None:
    frames = np.stack([picture(20), picture(30)])
    alone = write(tmp_path / "alone.dcm", frames, modality, SOPClassUID=uid, NumberOfFrames=2)
    with pytest.raises(Unreadable) as caught:
        read(alone)
    assert caught.value.reason == "beside_images"
    alone.unlink()
    two_patients(tmp_path)
    write(tmp_path / "p1" / "volume" / "object.dcm", frames, modality, SOPClassUID=uid, NumberOfFrames=2)
    site = read_site(tmp_path)
    assert {reason: len(paths) for reason, paths in site.excluded.items()} == {"beside_images": 1}
    assert means(site) == [77, 77]


def test_a_missing_sop_class_is_told_by_the_modality(tmp_path: Path) -> None:
    path = rewrite(write(tmp_path / "a.dcm", None, "SR"), "SOPClassUID", "MediaStorageSOPClassUID")
    with pytest.raises(Unreadable) as caught:
        read(path)
    assert caught.value.reason == "beside_images"


def test_an_image_whose_pixels_are_missing_is_a_fault(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", None, "MR", Rows=8, Columns=6)
    with pytest.raises(Unreadable) as caught:
        read(path)
    assert caught.value.reason == "no_pixels"


STRAYS: dict[str, tuple[np.ndarray, str, dict[str, object]]] = {
    "scout": (picture(300), "CT", place(0, CORONAL, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])),
    "scout-by-name": (picture(300), "CT", place(0, CORONAL, SeriesDescription="Topogram 0.6 T20s")),
    "axial-scout": (picture(300), "CT", place(40, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])),
    "smart-prep": (picture(300), "CT", place(40, SeriesDescription="SmartPrep Series")),
    "monitoring": (picture(300), "CT", place(40, SeriesDescription="PreMonitoring 5.0 B20f")),
    "survey": (picture(300), "MR", place(0, CORONAL, SeriesDescription="Survey_MST")),
    "3-plane": (picture(300), "MR", place(0, CORONAL, SeriesDescription="3-PLANE LOC")),
    "dose-screen": (picture(300), "CT", {**SC, "ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}),
    "dose-screen-as-ct": (picture(300), "CT", {"SeriesDescription": "Dose Report"}),
    "patient-protocol": (picture(300), "CT", {"ImageType": ["DERIVED", "SECONDARY", "OTHER", "CSA REPORT"]}),
    "slice-positions": (picture(300), "MR", place(0, CORONAL, ImageType=["DERIVED", "SECONDARY", "POSDISP"])),
    "rendering": (COLOUR, "CT", {"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 VRT"]}),
    "fused": (COLOUR, "PT", place(0, ImageType=["DERIVED", "SECONDARY"])),
    "capture": (picture(300), "CT", SC),
    "capture-colour": (COLOUR, "OT", {"SOPClassUID": STORAGE + "7.4"}),
    "portal-image": (picture(300), "RTIMAGE", {"SOPClassUID": STORAGE + "481.1"}),
    "map": (picture(300), "MR", {"SOPClassUID": STORAGE + "30"}),
}


@pytest.mark.parametrize(("pixels", "modality", "tags"), STRAYS.values(), ids=STRAYS)
def test_strays_beside_images_are_left_out(
    tmp_path: Path, pixels: np.ndarray, modality: str, tags: dict[str, object]
) -> None:
    """At a site: mean 77 as without them, not 55. In the folder of a series: not in the volume."""
    main = modality if modality in ("MR", "PT") else "CT"
    two_patients(tmp_path, main)
    write(tmp_path / "p1" / "stray.dcm", pixels, modality, **tags)
    site = read_site(tmp_path)
    assert {reason: len(paths) for reason, paths in site.excluded.items()} == {"beside_images": 1}
    assert means(site) == [77, 77]
    write(tmp_path / "p1" / "volume" / "stray.dcm", pixels, modality, **{"SeriesInstanceUID": "1.9", **tags})
    image = read(tmp_path / "p1" / "volume")
    assert levels(image.pixels) == [65, 72, 82, 89]
    assert "beside_left_out" in image.odd


@pytest.mark.parametrize(("pixels", "modality", "tags"), STRAYS.values(), ids=STRAYS)
def test_strays_are_read_and_told_where_nothing_else_is(
    tmp_path: Path, pixels: np.ndarray, modality: str, tags: dict[str, object]
) -> None:
    for patient in ("p1", "p2"):
        write(tmp_path / f"{patient}.dcm", pixels, modality, **{"PatientID": patient, **tags})
    site = read_site(tmp_path)
    assert (len(site.cases), site.excluded) == (2, {})
    assert any("for want of" in sentence or "have nothing else" in sentence for sentence in site.notes)
    image = read(site.cases[0].images)
    assert set(image.odd) & {"localizer", "screen", "capture", "computed_map"}
    expected = COLOUR / 255 if pixels is COLOUR else pixels
    np.testing.assert_allclose(image.pixels.sum(), expected.sum(), rtol=1e-5)


def test_an_unmarked_scout_stands_across_its_volume(tmp_path: Path) -> None:
    """An anonymizer took Image Type and description; a coronal picture beside twenty axial ones is the localizer."""
    stack(tmp_path / "p1" / "volume", list(range(68, 88)), PatientID="p1")
    stack(tmp_path / "p2", list(range(68, 88)), PatientID="p2")
    scout = write(tmp_path / "p1" / "scout.dcm", picture(300), **place(0, CORONAL))
    site = read_site(tmp_path)
    assert site.excluded == {"beside_images": (scout,)}
    assert [len(case.images) for case in site.cases] == [20, 20]
    scout.rename(tmp_path / "p1" / "volume" / "scout.dcm")
    image = read(tmp_path / "p1" / "volume")
    assert levels(image.pixels) == list(range(68, 88))
    assert odd_of(image) == ("beside_left_out",)


LOCALIZERS = (
    "AAHead_Scout",
    "Topogramm",
    "Surview",
    "WIP Survey",
    "loc",
    "t2_haste_loc",
    "Localizador",
    "Monitoring 10",
)


@pytest.mark.parametrize("name", LOCALIZERS)
def test_names_that_scanners_give_to_localizers(tmp_path: Path, name: str) -> None:
    two_patients(tmp_path, "MR")
    stray = write(tmp_path / "p1" / "stray.dcm", picture(300), "MR", **place(40, SeriesDescription=name))
    assert read_site(tmp_path).excluded == {"beside_images": (stray,)}


def test_a_scout_beside_its_volume_is_left_out_where_most_patients_have_scouts_alone(tmp_path: Path) -> None:
    scout = {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}
    stack(tmp_path / "p1", [65, 72, 82, 89], PatientID="p1")
    for patient in ("p1", "p2", "p3"):
        write(tmp_path / patient / "scout.dcm", picture(300), PatientID=patient, **place(40, CORONAL, **scout))
    site = read_site(tmp_path)
    assert site.excluded == {"beside_images": (tmp_path / "p1" / "scout.dcm",)}
    assert means(site) == [77, 300, 300]


def test_a_capture_is_the_only_thing_of_a_patient(tmp_path: Path) -> None:
    two_patients(tmp_path)
    write(tmp_path / "p3" / "film.dcm", picture(70), "CT", PatientID="p3", **SC)
    site = read_site(tmp_path)
    assert means(site) == [77, 77, 70]
    assert any("1 of 3 images are secondary captures" in sentence for sentence in site.notes)


def test_a_scout_is_the_only_thing_of_a_patient(tmp_path: Path) -> None:
    """Its volume was lost on the way; the scout does not stand for it."""
    two_patients(tmp_path)
    scout = write(
        tmp_path / "p3" / "scout.dcm", picture(300), PatientID="p3", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]
    )
    site = read_site(tmp_path)
    assert site.excluded == {"beside_images": (scout,)}
    assert means(site) == [77, 77]


def test_an_archive_of_captures_keeps_them_all(tmp_path: Path) -> None:
    """Ultrasound of old archives: one patient in three came as an ultrasound image."""
    for n, uid in enumerate((STORAGE + "6.1", STORAGE + "7", STORAGE + "7")):
        for k in range(2):
            more = {"SOPClassUID": STORAGE + "7"} if k else {"SOPClassUID": uid}
            path = tmp_path / f"p{n}" / f"{k}.dcm"
            write(path, picture(90 + n).astype(np.uint8), "US", PatientID=f"p{n}", **more)
    site = read_site(tmp_path)
    assert (len(site.cases), site.excluded) == (6, {})


RAW = {
    "told-by-intent": {"PresentationIntentType": "FOR PROCESSING"},
    "told-by-class": {"SOPClassUID": STORAGE + "1.2.1"},
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW)
def test_raw_films_beside_processed_ones(tmp_path: Path, raw: dict[str, object]) -> None:
    """The raw film of a view is left out where the processed one is there; of the other breast it is all there is."""
    films = {
        "left": {"ImageLaterality": "L", "ViewPosition": "CC"},
        "right": {"ImageLaterality": "R", "ViewPosition": "CC"},
    }
    write(tmp_path / "processed.dcm", picture(100), "MG", PresentationIntentType="FOR PRESENTATION", **films["left"])
    beside = write(tmp_path / "raw.dcm", picture(500), "MG", **films["left"], **raw)
    write(tmp_path / "alone.dcm", picture(400), "MG", **films["right"], **raw)
    site = read_site(tmp_path)
    assert site.excluded == {"beside_images": (beside,)}
    found = {case.name: read(case.images) for case in site.cases}
    assert {name: round(float(image.pixels.mean())) for name, image in found.items()} == {
        "processed": 100,
        "alone": 400,
    }
    assert {name: image.odd for name, image in found.items()} == {"processed": (), "alone": ("raw_film",)}


def test_ordinary_names_are_no_localizers(tmp_path: Path) -> None:
    for n, name in enumerate(
        ("Local recurrence", "BLOCK 3", "skeletal survey", "Location T2", "Dose escalation", "therapy monitoring")
    ):
        modality = "DX" if "survey" in name else "MR"
        write(tmp_path / f"{n}.dcm", picture(80), modality, SeriesDescription=name, SeriesInstanceUID=f"1.{n}")
    site = read_site(tmp_path)
    assert (len(site.cases), site.excluded) == (6, {})


def test_derived_slices_are_images(tmp_path: Path) -> None:
    """Anonymizers and compression write DERIVED, SECONDARY: neither says that a slice is a capture."""
    two_patients(tmp_path)
    stack(
        tmp_path / "p3",
        [65, 72, 82, 89],
        PatientID="p3",
        ImageType=["DERIVED", "SECONDARY", "AXIAL"],
    )
    site = read_site(tmp_path)
    assert (means(site), site.excluded) == ([77, 77, 77], {})


def test_mixtures_are_reported(tmp_path: Path) -> None:
    """Two modalities, two parts of the body, two series a patient: read, and said where nobody else reads it."""
    for patient in ("p1", "p2"):
        for n, (modality, body, name) in enumerate(
            (("MR", "HEAD", "t1 ax"), ("MR", "HEAD", "t2 ax"), ("CT", "CHEST", "thorax"))
        ):
            tags = {
                "PatientID": patient,
                "SeriesInstanceUID": f"{patient}.{n}".replace("p", ""),
            }
            stack(
                tmp_path / patient / str(n), [70, 80], modality, BodyPartExamined=body, SeriesDescription=name, **tags
            )
    site = read_site(tmp_path)
    notes = "\n".join(site.notes)
    assert "several modalities: MR 4, CT 2" in notes
    assert "several parts of the body: HEAD 4, CHEST 2" in notes
    assert "2 of 2 patients have several series (6 in all)" in notes
    assert "t1 ax 2, t2 ax 2, thorax 2" in notes
    assert "manifest.csv" in notes


def test_views_of_films_are_reported(tmp_path: Path) -> None:
    for n, view in enumerate(("PA", "PA", "LL")):
        write(tmp_path / f"{n}.dcm", picture(80), "DX", PatientID=f"p{n}", ViewPosition=view)
    assert any("several views: PA 2, LL 1" in sentence for sentence in read_site(tmp_path).notes)


def test_one_kind_of_series_is_nothing_to_tell(tmp_path: Path) -> None:
    two_patients(tmp_path)
    assert read_site(tmp_path).notes == ()


def test_a_folder_of_a_manifest_leaves_its_strays_out(tmp_path: Path) -> None:
    two_patients(tmp_path)
    write(tmp_path / "p1" / "volume" / "sr.dcm", None, "SR", SOPClassUID=STORAGE + "88.33")
    write(tmp_path / "p1" / "volume" / "scout.dcm", picture(300), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    (tmp_path / "manifest.csv").write_text("image,patient\np1/volume,a\np2/volume,b\n")
    assert means(read_site(tmp_path)) == [77, 77]


def test_slices_beside_their_masks_in_folders_of_patients(tmp_path: Path) -> None:
    """A folder a patient with as many drawings as slices: no tree of DICOM, and yet the patients are no classes."""
    for patient in "12":
        stack(tmp_path / patient / "DICOM", [70, 77, 84, 80], PatientID=f"p{patient}")
        (tmp_path / patient / "Ground").mkdir()
        for z in range(4):
            Pillow.fromarray(np.full((8, 6), 255, np.uint8)).save(tmp_path / patient / "Ground" / f"liver_GT_{z}.png")
    site = read_site(tmp_path)
    assert site.classes == ()
    assert any("folders are taken for patients" in sentence for sentence in site.notes)


def test_segmentations_and_copies_of_another_format_in_a_tree_are_reported(tmp_path: Path) -> None:
    """An export of images with what was drawn on them, and with converted copies: neither is read, both are noted."""
    stack(tmp_path / "p1", [70, 77, 84])
    write(tmp_path / "p1" / "seg.dcm", np.ones((8, 6), np.uint8), "SEG", SOPClassUID=STORAGE + "66.4")
    Pillow.fromarray(np.full((8, 6), 255, np.uint8)).save(tmp_path / "p1" / "copy.png")
    site = read_site(tmp_path)
    assert {reason: len(paths) for reason, paths in site.excluded.items()} == {"beside_images": 1}
    notes = " ".join(site.notes)
    assert "1 DICOM segmentations lie among the images, for example p1/seg.dcm" in notes
    assert "1 file is not read, for the layout has no place for them; the first is p1/copy.png" in notes.replace(
        f"{tmp_path}/", ""
    )
    (tmp_path / "manifest.csv").write_text("image,mask\np1,p1/seg.dcm\n")
    assert read_site(tmp_path).cases[0].masks == (tmp_path / "p1" / "seg.dcm",)


def test_series_that_lie_in_folders_called_after_masks_are_reported(tmp_path: Path) -> None:
    stack(tmp_path / "p1" / "PATIENT_DICOM", [70, 77, 84], SeriesInstanceUID="1.2.3.1")
    stack(tmp_path / "p1" / "MASKS_DICOM" / "liver", [1, 0, 1], SeriesInstanceUID="1.2.3.2")
    notes = " ".join(read_site(tmp_path).notes)
    assert (
        "1 of 2 images are called as masks are, for example p1/MASKS_DICOM/liver/000; where they are, move them"
        in notes
    )
