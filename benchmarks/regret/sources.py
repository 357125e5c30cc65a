"""Patients of each source: real ones that are read, phantoms that are drawn. Nothing is printed.

Real images are read from DATA as `planted.py` reads them, one image of each patient; phantoms are drawn. Lesions of
three anatomies are smaller than the phantoms' own, or every strategy would be right about everybody; of outlines, which
are scored by how well they are drawn, they are as they are, and everybody has one.
"""

import csv
import re
import sys
import zlib
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from shiftscope.images import canvas
from shiftscope.phantoms import ANATOMIES, Phantom
from shiftscope.sites import Case, Declarations, read_site
from shiftscope.training.data.model_inputs import channels

sys.path.append(str(Path(__file__).resolve().parents[1]))

from planted import Base, Change, as_phantom, persons_of, planted

__all__ = ["OUTLINED_PIXELS", "PIXELS", "SEED", "SOURCES", "Cohort", "Source", "canvases_of", "cohort_of"]

SEED = 15
PIXELS = 128
"""Side of what the encoder sees."""

OUTLINED_PIXELS = 96
"""The same, where each pixel is a case of its own: what a plan of outlines proposes."""

DRAWN = 400
"""Phantoms of an anatomy: three sites of 60 are other patients in every draw, but for chance."""

LESION = "lesion"
"""What everybody has where outlines are drawn."""


@dataclass(frozen=True, slots=True)
class Source:
    """Patients who are alike but for chance.

    Attributes:
        folders: of the real data; of one hospital where there are several.
        persons: how original names in the group's MANIFEST.csv hold the patient, where one has several images.
        findings: how original names hold the two findings that one class joins: the first, and the other.
        anatomy: of phantoms; then there are no folders.
        lesion_scale: of phantoms.
        outlined: lesions are outlined, and classes are not asked for.
        patients: of outlined ones, how file names hold the patient.
    """

    folders: tuple[str, ...] = ()
    persons: str | None = None
    findings: tuple[str, str] | None = None
    anatomy: str = ""
    lesion_scale: float = 1.0
    outlined: bool = False
    patients: str | None = None


def _outlined(*folders: str) -> Source:
    return Source(tuple(f"breast_us/{folder}" for folder in folders), outlined=True, patients=r"(bus_\d+|busi_\w+_\d+)")


SOURCES: dict[str, Source] = {
    "guangzhou": Source(
        ("cxr_cls/guangzhou_pediatric",), r"(person\d+|IM-\d+|NORMAL2-IM-\d+)", ("_bacteria_", "_virus_")
    ),
    "nih": Source(("cxr_cls/nih_cxr14",), r"(\d{8})_"),
    "pakistan": Source(("cxr_cls/pakistan_tb",)),
    "br35h": Source(("brain_cls/br35h",)),
    "chakrabarty": Source(("brain_cls/chakrabarty",)),
    "sartaj": Source(("brain_cls/sartaj_residual",), findings=("/(glioma|pituitary)_tumor/", "/meningioma_tumor/")),
    "cairo": Source(("breast_cls/busi_cairo",)),
    "logiq5": Source(("breast_cls/busbra_logiq5",), r"bus_(\d+)"),
    "logiq7": Source(("breast_cls/busbra_logiq7",), r"bus_(\d+)"),
    "busbra": Source(("breast_cls/busbra_logiq5", "breast_cls/busbra_logiq7"), r"bus_(\d+)"),
    "phantom_ultrasound": Source(anatomy="ultrasound", lesion_scale=0.3),
    "phantom_chest": Source(anatomy="chest"),
    "phantom_brain": Source(anatomy="brain", lesion_scale=0.5),
    "phantom_endoscopy": Source(anatomy="endoscopy", lesion_scale=0.5),
    "busi_outlines": _outlined("busi"),
    "aplio300_outlines": _outlined("busbra_aplio300"),
    "logiq5_outlines": _outlined("busbra_logiq5"),
    "logiq7_outlines": _outlined("busbra_logiq7"),
    "busbra_outlines": _outlined("busbra_aplio300", "busbra_logiq5", "busbra_logiq7"),
    **{f"phantom_{anatomy}_outlines": Source(anatomy=anatomy, outlined=True) for anatomy in ANATOMIES},
}


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """A source's patients, one image each.

    Attributes:
        phantoms: as they are.
        patients: identifiers.
        findings: (n,) 0 or 1 where a patient has one of the two, else -1.
        areas: (n,) of the lesion, share of the image; 0 where nothing is drawn.
        outlined: as the source is.
    """

    phantoms: tuple[Phantom, ...]
    patients: tuple[str, ...]
    findings: np.ndarray
    areas: np.ndarray
    outlined: bool

    @property
    def labels(self) -> np.ndarray:
        """(n,) names of classes."""
        return np.array([phantom.label for phantom in self.phantoms])

    @property
    def positive(self) -> str:
        """The class of the disease; one sorts first in one group, last in another."""
        return next(name for name in ("abnormal", "malignant", "tumor") if name in set(self.labels))

    @property
    def negative(self) -> str:
        """The other class."""
        return next(str(name) for name in sorted(set(self.labels)) if name != self.positive)

    def planted(self, row: int, change: Change, rng: np.random.Generator) -> Phantom:
        """One patient's image after a change."""
        return planted(self.phantoms[row], change, rng)

    @property
    def colour(self) -> bool:
        """Whether images have colour."""
        return self.phantoms[0].is_colour

    @property
    def pixels(self) -> int:
        """Side of what the encoder sees."""
        return OUTLINED_PIXELS if self.outlined else PIXELS


def canvases_of(phantoms: tuple[Phantom, ...], colour: bool, pixels: int) -> np.ndarray:
    """(n, c, pixels, pixels) float16."""
    planes = [channels(canvas(phantom.pixels[None], pixels), colour) for phantom in phantoms]
    return np.concatenate(planes).astype(np.float16)


@lru_cache(maxsize=len(SOURCES))
def cohort_of(source: str, data: Path) -> Cohort:
    """All patients of a source, in a fixed order, as eight bits."""
    chosen = SOURCES[source]
    read = _read_outlined if chosen.outlined else _read
    found = _drawn(chosen) if chosen.anatomy else read(chosen, data)
    still = np.random.default_rng(0)
    phantoms = tuple(planted(phantom, (), still) for phantom, _, _ in found)
    areas = np.array([phantom.mask.mean() for phantom in phantoms])
    kinds = np.array([kind for _, _, kind in found])
    return Cohort(phantoms, tuple(name for _, name, _ in found), kinds, areas, chosen.outlined)


def _drawn(source: Source) -> list[tuple[Phantom, str, int]]:
    stream = f"{source.anatomy} outlines" if source.outlined else source.anatomy
    rng = np.random.default_rng([SEED, zlib.crc32(stream.encode())])
    draw = ANATOMIES[source.anatomy]
    found: list[Phantom] = []
    while len(found) < DRAWN:
        phantom = draw(rng, size=2 * PIXELS, lesion_scale=source.lesion_scale)
        if not source.outlined:
            found.append(phantom)
        elif phantom.mask.any():
            found.append(replace(phantom, label=LESION))
    return [(phantom, f"p{number:03d}", -1) for number, phantom in enumerate(found)]


def _read(source: Source, data: Path) -> list[tuple[Phantom, str, int]]:
    group = data / Path(source.folders[0]).parts[0]
    persons = persons_of(group, source.persons) if source.persons else {}
    original = _original_names(group)
    base = Base(source.folders[0], source.folders, 0)
    cases: dict[str, Case] = {}
    for folder in source.folders:
        for case in read_site(data / folder, given=Declarations(one_file_per_patient=True)).cases:
            cases.setdefault(persons.get(case.images[0].name, f"{folder}/{case.name}"), case)
    return [
        (_grey(as_phantom(case, base)), person, _finding(original[case.images[0].name], source))
        for person, case in sorted(cases.items())
    ]


def _read_outlined(source: Source, data: Path) -> list[tuple[Phantom, str, int]]:
    """Those with a lesion that somebody outlined, the first image of each patient."""
    base = Base(source.folders[0], source.folders, 0, masks=True)
    cases: dict[str, Case] = {}
    for folder in source.folders:
        for case in read_site(data / folder, given=Declarations(patient_regex=source.patients)).cases:
            if case.masks:
                cases.setdefault(case.patient, case)
    found = [(replace(_grey(as_phantom(case, base)), label=LESION), person) for person, case in sorted(cases.items())]
    return [(phantom, person, -1) for phantom, person in found if phantom.mask.any()]


def _original_names(group: Path) -> dict[str, str]:
    """File name -> what the file was called before."""
    with (group / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        return {Path(row["file"]).name: row["source_file"] for row in csv.DictReader(file)}


def _finding(name: str, source: Source) -> int:
    return next((kind for kind, form in enumerate(source.findings or ()) if re.search(form, name)), -1)


def _grey(phantom: Phantom) -> Phantom:
    """The real groups are grey; a few of their files are not."""
    if not phantom.is_colour:
        return phantom
    grey = channels(np.moveaxis(phantom.pixels, -1, 0)[None], False)[0, 0]
    return Phantom(grey.astype(np.float32), phantom.mask, phantom.label, phantom.anatomy, phantom.spacing_mm)
