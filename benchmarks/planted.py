"""Base data sets, and what was planted in them: patients measured once, for calibration and comparison.

    python benchmarks/planted.py DATA CACHE [--jobs 2] [--only BASE ...]

A base is one site (or several scanners pooled, where one is too small) whose patients are alike but for chance. Half of
its patients are measured as they are and once more under every planted change, the other half as they are: sites of a
federation are drawn from both halves, so that no patient is at two sites. Populations (lesion size, class ratio) are
planted later by dividing patients (`phantoms.partition`). Writes CACHE/BASE.pickle; takes half an hour on two cores.
"""

import argparse
import csv
import pickle
import re
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from shiftscope import images, sites
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import ANATOMIES, ANNOTATION, APPEARANCE, PLANTS, SIGNED, Phantom
from shiftscope.profiles import Patient
from shiftscope.profiles.patients.prepared_cases import CANVAS, PreparedCase, prepare_pixels
from shiftscope.profiles.site_blocks.patient_stream import patients_as_they_are
from shiftscope.sites import Declarations, read_site

__all__ = ["BASES", "SEVERITIES", "Base", "Change", "as_phantom", "load", "persons_of", "planted", "variants"]

SEED = 3
LONGEST = 400  # pixels: larger pictures are thinned by a whole number before planting
SEVERITIES = (0.3, 0.6, 1.0)
GEOMETRY = ("zoom", "field_of_view")

Change = tuple[tuple[str, float], ...]
"""Plants with their severities, in the order they are applied; empty for none."""


@dataclass(frozen=True, slots=True)
class Base:
    """Patients that are alike but for chance.

    Attributes:
        family: bases that share a hospital or a source are one family.
        sources: folders of the real data, or the name of an anatomy.
        most: patients used at the most.
        regex: how file names hold the patient.
        persons: how the original names in the group's MANIFEST.csv do, where the files were renamed.
        masks: whether its masks are used.
    """

    family: str
    sources: tuple[str, ...]
    most: int
    regex: str | None = None
    masks: bool = False
    persons: str | None = None


BASES: dict[str, Base] = {
    "phantom_ultrasound": Base("phantom_ultrasound", ("ultrasound",), 400, masks=True),
    "phantom_chest": Base("phantom_chest", ("chest",), 200),
    "phantom_brain": Base("phantom_brain", ("brain",), 200, masks=True),
    "phantom_endoscopy": Base("phantom_endoscopy", ("endoscopy",), 160, masks=True),
    "busbra": Base(
        "busbra",
        ("breast_us/busbra_logiq5", "breast_us/busbra_logiq7", "breast_us/busbra_aplio300"),
        276,
        r"bus_(\d+)",
        True,
    ),
    "polyp": Base("polyp", ("polyp/kvasir_seg", "polyp/cvc_clinicdb"), 240, None, True),
    "guangzhou": Base("guangzhou", ("cxr_cls/guangzhou_pediatric",), 200, persons=r"(person\d+|IM-\d+|NORMAL2-IM-\d+)"),
    "nih": Base("nih", ("cxr_cls/nih_cxr14",), 200, persons=r"(\d{8})_"),
    "pakistan": Base("pakistan", ("cxr_cls/pakistan_tb",), 200),
    "br35h": Base("brain_web", ("brain_cls/br35h",), 200),
    "cairo": Base("cairo", ("breast_cls/busi_cairo",), 200),
}
"""name -> base; the pooled ones are busbra (three scanners of one hospital) and polyp (two collections)"""


def variants(base: Base, colour: bool) -> list[Change]:
    """Every change that is drawn into half of a base's patients."""
    appearance = [name for name in APPEARANCE if name != "colour_cast" or colour]
    out: list[Change] = []
    for place, name in enumerate([*appearance, *GEOMETRY]):
        for step, severity in enumerate(SEVERITIES if name != "inversion" else (1.0,)):
            sign = -1 if name in SIGNED and (place + step) % 2 else 1
            out.append(((name, sign * severity),))
    for geometry, plant in zip(GEOMETRY * 2, ("gamma", "noise", "blur", "contrast"), strict=True):
        out.extend(((geometry, s), (plant, s)) for s in (0.5, 0.8))
    if base.masks:
        for name in ANNOTATION:
            for step, severity in enumerate(SEVERITIES):
                out.append(((name, -severity if name in SIGNED and step % 2 else severity),))
        out.append((("dilated_masks", -0.6),))
        for plant in ("gamma", "speckle", "blur", "brightness"):
            out.append(((plant, 0.6), ("dilated_masks", 0.6)))
    return out


def cases_of(base: Base, data: Path) -> list[Phantom]:
    """Patients of a base in a seeded order, one image each, as phantoms that can be planted in; an empty mask where
    there is none."""
    rng = np.random.default_rng(SEED)
    if base.sources[0] in ANATOMIES:
        draw = ANATOMIES[base.sources[0]]
        return [draw(rng, size=2 * CANVAS) for _ in range(base.most)]
    found: dict[str, sites.Case] = {}
    for source in base.sources:
        site = read_site(data / source, given=Declarations(patient_regex=base.regex))
        persons = persons_of(data / Path(source).parts[0], base.persons) if base.persons else {}
        for case in site.cases:
            found.setdefault(persons.get(case.images[0].name, f"{source}/{case.patient}"), case)
    order = rng.permutation(len(found))[: base.most]
    cases = list(found.values())
    return [as_phantom(cases[index], base) for index in order]


def persons_of(group: Path, pattern: str) -> dict[str, str]:
    """File name -> person, from the names that the files had before they were renamed."""
    with (group / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
        rows = [(Path(row["file"]).name, re.search(pattern, row["source_file"])) for row in csv.DictReader(file)]
    return {name: match.group(1) for name, match in rows if match}


def as_phantom(case: sites.Case, base: Base) -> Phantom:
    """A case's image, thinned where it is large, with its mask where the base uses masks."""
    image, labels = sites.load(case)
    shown = images.as_seen(image)[0]
    pixels = shown[..., 0] if shown.ndim == 3 and shown.shape[-1] == 1 else shown
    step = -(-max(pixels.shape[:2]) // LONGEST)
    height, width = (length // step * step for length in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // step, step, width // step, step, *pixels.shape[2:])
    small = np.ascontiguousarray(blocks.mean(axis=(1, 3)), dtype=np.float32)
    drawn = np.zeros(small.shape[:2], np.uint8)
    if labels is not None and base.masks:
        drawn = (labels.labels[0, :height, :width][::step, ::step] > 0).astype(np.uint8)
    return Phantom(small, drawn, case.label or "", base.family, (1.0, 1.0))


def planted(phantom: Phantom, change: Change, rng: np.random.Generator) -> Phantom:
    """The phantom after a change, stored as eight bits as a file would be."""
    for name, severity in change:
        phantom = PLANTS[name](phantom, severity * float(rng.normal(1, 0.1)), rng)
    return phantom.with_pixels(np.round(phantom.pixels * 255) / 255)


def prepared(phantoms: list[Phantom], base: Base) -> Iterator[PreparedCase]:
    """Phantoms as decoded cases."""
    for index, phantom in enumerate(phantoms):
        mask = phantom.mask[None] if base.masks and phantom.mask.any() else None
        yield prepare_pixels(phantom.pixels[None], mask, CANVAS, f"p{index:04d}", phantom.label or None)


def measure(name: str, data: Path, most: int | None = None) -> dict[Change, list[Patient]]:
    """A base's patients as they are (all) and under every change (the second half)."""
    torch.set_num_threads(1)
    base, extractor = BASES[name], load_extractor()
    phantoms = cases_of(base, data)[:most]
    half = phantoms[len(phantoms) // 2 :]
    out: dict[Change, list[Patient]] = {}
    for change in [(), *variants(base, phantoms[0].is_colour)]:
        rng = np.random.default_rng([SEED, zlib.crc32(repr((name, change)).encode())])
        changed = [planted(phantom, change, rng) for phantom in (half if change else phantoms)]
        out[change] = list(patients_as_they_are(prepared(changed, base), extractor))
    return out


def load(cache: Path, name: str) -> dict[Change, list[Patient]]:
    """What `measure` found, from the cache."""
    with (cache / f"{name}.pickle").open("rb") as file:
        found: dict[Change, list[Patient]] = pickle.load(file)
    return found


def _store(name: str, data: Path, cache: Path, most: int | None) -> str:
    start = time.perf_counter()
    found = measure(name, data, most)
    with (cache / f"{name}.pickle").open("wb") as file:
        pickle.dump(found, file)
    return f"{name}: {len(found[()])} patients, {len(found)} variants, {time.perf_counter() - start:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--most", type=int, help="patients of a base at the most: a smaller suite")
    parser.add_argument("--only", nargs="*", default=list(BASES))
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(options.jobs) as pool:
        work = partial(_store, data=options.data, cache=options.cache, most=options.most)
        for line in pool.map(work, options.only):
            print(line, flush=True)


if __name__ == "__main__":
    main()
