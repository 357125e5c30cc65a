"""Federations whose shift is known because it was planted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from zlib import crc32

import numpy as np

from shiftscope.errors import UsageError
from shiftscope.phantoms.anatomies import ANATOMIES
from shiftscope.phantoms.bad_files import break_site
from shiftscope.phantoms.dicoms import Scanner
from shiftscope.phantoms.folders import Format, Layout, write_site
from shiftscope.phantoms.phantom import Phantom
from shiftscope.phantoms.plants import PLANTS

__all__ = ["FEDERATIONS", "Hospital", "PlantedFederation", "draw_hospital", "write_federation", "write_hospitals"]


@dataclass(frozen=True, slots=True)
class Hospital:
    """How to draw one site.

    Attributes:
        patients: one image each.
        plants: (name in `PLANTS`, severity) in order; each patient's severity varies by 10 % around it.
        lesion_scale: multiple of the lesions' area, drawn with their native texture.
        labels: share of each label; the counts are exact, the order is random. None leaves the label to the anatomy.
        options: further arguments of the anatomy.
        layout, format, scanner: as in `write_site`.
        broken: whether `break_site` adds every kind of bad file.
    """

    patients: int = 40
    plants: tuple[tuple[str, float], ...] = ()
    lesion_scale: float = 1.0
    labels: Mapping[str, float] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    layout: Layout = "images+masks"
    format: Format = "png"
    scanner: Scanner | None = None
    broken: bool = False


@dataclass(frozen=True, slots=True)
class PlantedFederation:
    """Sites of one task, and what `recommend` should find.

    Attributes:
        says: what was planted, in words.
        anatomy: key of `ANATOMIES`.
        kind: the planted shift of the images.
        label: whether the labels' shares differ.
        annotation: whether the masks were drawn differently.
        hospitals: by name.
    """

    says: str
    anatomy: str
    kind: Literal["none", "appearance", "structural", "mixed"]
    hospitals: Mapping[str, Hospital]
    label: bool = False
    annotation: bool = False

    def __post_init__(self) -> None:
        for name, hospital in self.hospitals.items():
            unknown = [plant for plant, _ in hospital.plants if plant not in PLANTS]
            if unknown or self.anatomy not in ANATOMIES:
                raise ValueError(f"{name}: unknown plant or anatomy: {unknown or self.anatomy}")


_EVEN = {"benign": 0.5, "malignant": 0.5}
_ILL = {"abnormal": 1.0}
_FILMS = {"normal": 0.5, "abnormal": 0.5}
_BREAST = Hospital(labels=_EVEN)

FEDERATIONS: dict[str, PlantedFederation] = {
    "twins": PlantedFederation(
        "two draws of one distribution",
        "ultrasound",
        "none",
        {"east": _BREAST, "west": _BREAST},
    ),
    "brighter": PlantedFederation(
        "the films of one site are far brighter and flatter",
        "chest",
        "appearance",
        {
            "east": Hospital(labels=_FILMS, layout="classes"),
            "west": Hospital(labels=_FILMS, layout="classes"),
            "bright": Hospital(labels=_FILMS, layout="classes", plants=(("gamma", -0.9), ("contrast", 0.3))),
        },
    ),
    "noisier": PlantedFederation(
        "one scanner has more noise",
        "brain",
        "appearance",
        {
            "clear": Hospital(labels=_ILL, format="nifti"),
            "noisy": Hospital(labels=_ILL, format="nifti", plants=(("noise", 0.25),)),
        },
    ),
    "bigger_lesions": PlantedFederation(
        "the lesions of one site cover 2.2 times the area, on the same scanner",
        "ultrasound",
        "structural",
        {"small": _BREAST, "large": Hospital(labels=_EVEN, lesion_scale=2.2)},
    ),
    "rarer_labels": PlantedFederation(
        "half of the lesions of one site are malignant, 15 % of the other's; each class looks the same at both",
        "ultrasound",
        "none",
        {
            "referral": Hospital(68, labels=_EVEN, layout="manifest"),
            "screening": Hospital(68, labels={"benign": 0.85, "malignant": 0.15}, layout="manifest"),
        },
        label=True,
    ),
    "sloppy_masks": PlantedFederation(
        "the annotator of one site draws wide and ragged outlines around the same polyps",
        "endoscopy",
        "none",
        {
            "careful": Hospital(labels=_ILL),
            "sloppy": Hospital(labels=_ILL, plants=(("dilated_masks", 1.3), ("jagged_masks", 0.9))),
        },
        annotation=True,
    ),
    "both": PlantedFederation(
        "one scanner is dark and soft, and its patients' tumours cover 2.2 times the area",
        "brain",
        "mixed",
        {
            "early": Hospital(labels=_ILL, format="dicom"),
            "late": Hospital(labels=_ILL, format="dicom", lesion_scale=2.2, plants=(("gamma", 0.8), ("blur", 0.5))),
        },
    ),
    "broken": PlantedFederation(
        "two draws of one distribution, one in a folder with every kind of bad file",
        "ultrasound",
        "none",
        {"sound": Hospital(24, labels=_EVEN), "wreck": Hospital(24, labels=_EVEN, broken=True)},
    ),
}
"""name -> sites with a planted shift, and the verdict they deserve"""


def draw_hospital(anatomy: str, hospital: Hospital, rng: np.random.Generator, *, size: int = 64) -> list[Phantom]:
    """The phantoms of one site, in order of patient."""
    draw = ANATOMIES[anatomy]
    phantoms = []
    for label in _labels(hospital, rng):
        phantom = draw(rng, size=size, label=label, lesion_scale=hospital.lesion_scale, **hospital.options)
        for name, severity in hospital.plants:
            phantom = PLANTS[name](phantom, severity * float(rng.normal(1, 0.1)), rng)
        phantoms.append(phantom)
    return phantoms


def write_federation(name: str, folder: Path, *, seed: int = 0, size: int = 64) -> dict[str, Path]:
    """Draw and write every site of `FEDERATIONS[name]` into `folder/SITE`.

    Args:
        name: key of `FEDERATIONS`.
        folder: made where it is missing.
        seed: one seed, one set of files; sites and federations draw from streams of their own.
        size: pixels along each side.

    Returns:
        site -> its folder.

    Raises:
        UsageError: no federation has that name.
    """
    if name not in FEDERATIONS:
        raise UsageError(f"federation {name!r}: expected one of {', '.join(FEDERATIONS)}")
    return write_hospitals(name, FEDERATIONS[name], folder, seed=seed, size=size)


def write_hospitals(name: str, federation: PlantedFederation, folder: Path, *, seed: int, size: int) -> dict[str, Path]:
    """As `write_federation`, for a federation that is in no table; `name` picks its streams of random numbers."""
    written = {}
    for site, hospital in federation.hospitals.items():
        rng = np.random.default_rng([seed, crc32(f"{name}/{site}".encode())])
        phantoms = draw_hospital(federation.anatomy, hospital, rng, size=size)
        written[site] = write_site(
            phantoms, folder / site, layout=hospital.layout, format=hospital.format, scanner=hospital.scanner
        )
        if hospital.broken:
            break_site(folder / site)
    return written


def _labels(hospital: Hospital, rng: np.random.Generator) -> list[str | None]:
    if hospital.labels is None:
        return [None] * hospital.patients
    names = list(hospital.labels)
    last = np.rint(np.cumsum([hospital.labels[name] for name in names]) * hospital.patients).astype(int)
    counts = np.diff(last, prepend=0)
    return [names[index] for index in rng.permutation(np.repeat(np.arange(len(names)), counts))]
