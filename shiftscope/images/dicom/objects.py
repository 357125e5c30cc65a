"""What a DICOM file is: an image of the examination, or something that archives export beside it.

Some objects are never an image (reports, plans, dose grids, segmentations: by their SOP class). Others are images only
where nothing better lies beside them: a localizer in a CT series is none, a teaching file of scanned films is all
secondary captures. So a file has a kind, and `strays` decides which kinds are images among given files.
"""

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

import pydicom

from shiftscope.errors import Unreadable
from shiftscope.images.decoder_warnings import silence_decoders
from shiftscope.images.dicom_values.broken_dicom import refusing
from shiftscope.images.dicom_values.pixels import size_of_pixels
from shiftscope.images.file_formats import sniff

__all__ = [
    "CAPTURE",
    "IMAGE",
    "LOCALIZER",
    "MAP",
    "NOTHING",
    "SCREEN",
    "SEGMENTATION",
    "image_type_of",
    "is_raw",
    "kind_of",
    "modality_of",
    "open_dataset",
    "sop_class",
    "strays",
]

IMAGE, LOCALIZER, SCREEN, CAPTURE, MAP, NOTHING = "image", "localizer", "screen", "capture", "map", "nothing"
"""An image; a localizer or a slice that watches for contrast; a dose sheet or a rendering; an unmarked secondary
capture; a map computed from images; no image in any company."""

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"

_STANDARD = "1.2.840.10008."
"""What the UIDs of the standard's own classes start with; all others are private."""

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_NEVER = re.compile(
    r"1\.2\.840\.10008\.(?:1\.3\.10"  # DICOMDIR
    r"|5\.1\.4\.(?:34|38|39|43|44|45)\b"  # deliveries, hanging protocols, palettes, implants
    r"|5\.1\.4\.1\.1\.(?:4\.2$|8$|9\b|10$|11\b"  # spectroscopy, overlays, waveforms, LUTs, presentations
    r"|66\b|67$|68\b|78\.[1-6]$|79\.1$|80\.1$|82\.1$"  # raw data, registrations, masks, meshes, eyes
    r"|88\b|90\.1$|91\.1$|104\b|131$|200\b|201\b"  # reports, key objects, documents, protocols
    r"|481\.(?!1$|23$|24$)))"  # radiotherapy but for its images
)
_CAPTURES = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(?:7(?:\.[1-4])?|481\.(?:1|23|24))$")
_MAPS = (_STORAGE + "30",)
_RAW = tuple(_STORAGE + tail for tail in ("1.1.1.1", "1.2.1", "1.3.1", "13.1.5"))
"""Digital X-ray, mammography, intra-oral, breast projections: the classes "for processing"."""

_NEVER_MODALITIES = frozenset(
    {"SR", "PR", "KO", "SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "RTRECORD", "REG", "FID", "DOC", "ECG", "PLAN", "RWV"}
)
"""Believed where no SOP class is stated."""

_MODALITIES = {
    **dict.fromkeys((_STORAGE + "2", _STORAGE + "2.1", _STORAGE + "2.2"), "CT"),
    **dict.fromkeys((_STORAGE + "4", _STORAGE + "4.1", _STORAGE + "4.4"), "MR"),
    **dict.fromkeys((_STORAGE + "128", _STORAGE + "128.1", _STORAGE + "130"), "PT"),
    **dict.fromkeys((_STORAGE + "1.1", _STORAGE + "1.1.1"), "DX"),
    **dict.fromkeys((_STORAGE + "1.2", _STORAGE + "1.2.1"), "MG"),
    **dict.fromkeys((_STORAGE + "6.1", _STORAGE + "3.1", _STORAGE + "6.2"), "US"),
    **{_STORAGE + "1": "CR", _STORAGE + "20": "NM"},
}
"""SOP class -> the modality that the standard demands of it, for files whose own was taken away."""

_VOLUMES = ("CT", "MR", "PT", "NM")
_SCREEN_TYPES = frozenset(
    {"SCREEN SAVE", "SCREENSAVE", "CSA REPORT", "PROTOCOL", "DOSE REPORT", "DOSE INFO", "DOSE_INFO", "DOSE", "POSDISP"}
)
_SCREEN = re.compile(
    r"dose[ _-]*(?:report|record|info|sheet|summary|page)|rapport (?:de )?dose|patient protocol"
    r"|exam(?:ination)? (?:summary|protocol)|screen[ _-]*(?:save|shot|capture)",
    re.IGNORECASE,
)
_LOCALIZER = re.compile(
    r"(?<![a-z])(?:scouts?|topogram(?:m|ma|me)?s?|scanogram(?:m|ma|me)?s?|surview|locali[sz]ers?"
    r"|locali[sz]adore?s?|localisateurs?|localizzatore|lokali[sz](?:er|ator)|rep[ée]rage)(?![a-z])"
    r"|^(?:wip[ _]*)?survey(?![a-z])|^loc(?=$|[ _\d-])|[ _-]loc[ _\d-]*$"
    r"|smart[ _-]?prep|^(?:pre[ _-]?)?monitoring(?![a-z])"
    r"|bolus[ _-]?(?:track|timing)|(?:test|care|timing)[ _-]?bolus",
    re.IGNORECASE,
)
"""How scanners call localizers, and the single slices that watch for contrast; read in volumes' descriptions only."""

_LEVELS = ((IMAGE,), (IMAGE, CAPTURE, MAP))


def sop_class(data: pydicom.Dataset) -> str:
    """The SOP class UID, from the file meta where the data set has none; "" where neither has."""
    meta = getattr(data, "file_meta", None)
    return str(data.get("SOPClassUID") or (meta.get("MediaStorageSOPClassUID") if meta else None) or "")


def modality_of(data: pydicom.Dataset) -> str:
    """The modality, from the SOP class where the file does not say; "" where neither does."""
    return str(data.get("Modality") or "").strip() or _MODALITIES.get(sop_class(data), "")


def image_type_of(data: pydicom.Dataset) -> tuple[str, ...]:
    """The values of Image Type in capitals; a single string with blanks is one value."""
    value = data.get("ImageType") or ()
    values = [value] if isinstance(value, str) else value
    return tuple(str(each).strip().upper() for each in values)


def kind_of(data: pydicom.Dataset, *, pictureless: bool = False) -> str:
    """What a file is by its header alone: one of the names above.

    The values of Image Type, the SOP class and the samples of a pixel are decisive; the description of a series is
    believed only where it says, in a volume's modality, what scanners themselves write.

    Args:
        data: its data set, or the header alone.
        pictureless: whether it holds no picture: a private class, or the modality of reports, then makes it no image.
    """
    uid, modality, image_type = sop_class(data), modality_of(data), image_type_of(data)
    private = bool(uid) and not uid.startswith(_STANDARD)
    if _NEVER.match(uid) or (modality in _NEVER_MODALITIES and (pictureless or not uid)) or (pictureless and private):
        return NOTHING
    description = str(data.get("SeriesDescription") or "")
    volume = modality in _VOLUMES
    if _SCREEN_TYPES.intersection(image_type) or (_SCREEN.search(description) and (volume or _CAPTURES.match(uid))):
        return SCREEN
    if "LOCALIZER" in image_type or (modality in ("CT", "MR") and _LOCALIZER.search(description)):
        return LOCALIZER
    if volume and data.get("SamplesPerPixel") == 3:
        return SCREEN
    if _CAPTURES.match(uid):
        return CAPTURE
    return MAP if uid in _MAPS else IMAGE


def is_raw(data: pydicom.Dataset) -> bool:
    """Whether a film is the detector's own, "for processing": not what anybody looks at."""
    return data.get("PresentationIntentType") == "FOR PROCESSING" or sop_class(data) in _RAW


def strays(kinds: Sequence[str], owners: Sequence[Hashable]) -> set[int]:
    """Which of some files that hold pictures are no images of their examinations.

    Most owners (patients) decide what the images are here: images proper; where most have none, captures and maps too;
    where most have nothing else, localizers and screens. Localizers and screens outside of that are strays everywhere,
    and always beside something better of their owner; captures and maps only where their owner has an image.

    Args:
        kinds: of each file, none of them NOTHING.
        owners: of each file.
    """
    having: dict[str, set[Hashable]] = defaultdict(set)
    for kind, owner in zip(kinds, owners, strict=True):
        having[kind].add(owner)
    owners_all = len(set(owners))
    images, pictures = (set().union(*(having[kind] for kind in level)) for level in _LEVELS)
    if 2 * len(images) >= owners_all:
        out = {LOCALIZER: set(owners), SCREEN: set(owners), CAPTURE: images, MAP: images}
    elif 2 * len(pictures) >= owners_all:
        out = {LOCALIZER: set(owners), SCREEN: set(owners)}
    else:
        out = {LOCALIZER: pictures, SCREEN: pictures}
    return {n for n, (kind, owner) in enumerate(zip(kinds, owners, strict=True)) if owner in out.get(kind, ())}


def open_dataset(path: Path) -> pydicom.Dataset:
    """Read a whole data set that holds a picture.

    Raises:
        Unreadable: not DICOM, broken, cut off, without pixels, or an object that is no image ("beside_images").
    """
    silence_decoders()
    if sniff(path) != "dicom":
        raise Unreadable(path, "not_an_image", "expected a DICOM file")
    data = pydicom.dcmread(path, force=True)
    size = data.get("Rows"), data.get("Columns")
    kind = data.get("SOPClassUID")
    named = f"a {kind.name}" if kind else "no SOP class"
    if not size_of_pixels(data):
        if not len(data) and path.stat().st_size > 1024:
            raise Unreadable(path, "truncated", "the pixel data end before their last frame")
        if kind_of(data, pictureless=size == (None, None)) in (NOTHING, SCREEN):
            raise Unreadable(path, "beside_images", f"{named} without pixel data: no image of the examination")
        raise Unreadable(path, "no_pixels", f"{named} without pixel data")
    if size[0] is None or size[1] is None:
        raise Unreadable(path, "undecodable", f"{named} with pixel data but without Rows and Columns")
    if 0 in size:
        raise Unreadable(path, "zero_size", f"{size[0]} rows, {size[1]} columns")
    with refusing(path, "the number of frames"):
        frames = int(data.get("NumberOfFrames") or 1)
    if frames > 8 * size_of_pixels(data):
        raise Unreadable(path, "truncated", f"{frames} frames, as NumberOfFrames says, do not lie in so few bytes")
    if not data.get("Modality") and (modality := modality_of(data)):
        data.Modality = modality
    return data
