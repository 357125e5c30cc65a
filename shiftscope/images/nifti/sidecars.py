"""What stands beside a NIfTI file: BIDS sidecars, by the inheritance principle, and the dataset.json of a challenge.

A sidecar holds for every file below it whose name has its suffix and all of its entities: `task-rest_bold.json` at the
root for `sub-01/func/sub-01_task-rest_run-1_bold.nii.gz`. What is nearer to the file wins
(bids-specification.readthedocs.io, "The inheritance principle").
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

from shiftscope.errors import InputError
from shiftscope.parsing import read_json

__all__ = ["Sidecar", "sidecar_of", "stem_of"]

_KEYS = {
    "manufacturer": "Manufacturer",
    "model": "ManufacturersModelName",
    "field_strength_t": "MagneticFieldStrength",
    "month": "AcquisitionDateTime",
}
_CODES = frozenset(
    {"CR", "CT", "DX", "IO", "MG", "MR", "NM", "OCT", "OP", "OPT", "PT", "PX", "RF", "RG", "SM", "US", "XA"}
)
_OTHERWISE = {"MRI": "MR", "PET": "PT"}
_HOUNSFIELD = frozenset({"HU", "HOUNSFIELD", "HOUNSFIELD UNIT", "HOUNSFIELD UNITS"})
_MOST_BYTES = 4_000_000
_MOST_ENTITIES = 5  # beside the subject's: 32 names a folder to look for
_MOST_LEVELS = 6


@dataclass(frozen=True, slots=True)
class Sidecar:
    """What is stated beside a file.

    Attributes:
        modality: DICOM's code, None where nothing says it.
        hounsfield: what is said of the unit: True for Hounsfield units, False for another, None where nothing is said.
        tags: raw values by the names of `acquisition.ALLOWED`.
        broken: whether a sidecar was there that could not be read.
    """

    modality: str | None = None
    hounsfield: bool | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    broken: bool = False


def sidecar_of(path: Path) -> Sidecar:
    """What the sidecars of a volume state; only listed keys are looked at."""
    stated: dict[str, Any] = {}
    broken = False
    for place in _places(path):
        if not place.is_file():
            continue
        try:
            found = read_json(place, _MOST_BYTES, "a sidecar", InputError)
        except InputError:
            broken = True
            continue
        if isinstance(found, dict):
            stated |= found
        else:
            broken = True
    units = _text(stated.get("Units"))
    return Sidecar(
        modality=_modality(_text(stated.get("Modality"))) or _modality(_text(_of_dataset(path))),
        hounsfield=units.upper() in _HOUNSFIELD if units else None,
        tags={name: text for name, key in _KEYS.items() if (text := _without_unit(_text(stated.get(key)), name))},
        broken=broken,
    )


def stem_of(path: Path) -> str:
    """The name of a volume without its suffix, by which files beside it are called."""
    return path.name[: -len(".nii.gz")] if path.name.lower().endswith(".nii.gz") else path.stem


def _places(path: Path) -> Iterator[Path]:
    """Names of sidecars that hold for a file, the farthest and least specific first."""
    name = stem_of(path)
    *entities, suffix = name.split("_")
    for folder in _levels(path):
        near = folder == path.parent
        if entities and all("-" in entity for entity in entities) and len(entities) <= _MOST_ENTITIES + 1:
            for count in range(len(entities) + (not near)):
                for some in combinations(entities, count):
                    yield folder / f"{'_'.join((*some, suffix))}.json"
        if near:
            yield folder / f"{name}.json"


def _levels(path: Path) -> list[Path]:
    """Folders from a BIDS root down to the file's own; that alone where no folder above is a subject's."""
    above = [path.parent, *list(path.parent.parents)[:_MOST_LEVELS]]
    subjects = [place for place, folder in enumerate(above[:-1]) if folder.name.startswith("sub-")]
    return above[: subjects[-1] + 2][::-1] if subjects else above[:1]


def _of_dataset(path: Path) -> Any:
    """The modality that the dataset.json of nnU-Net or of the Medical Segmentation Decathlon gives the first channel,
    or the channel that the name ends in."""
    if not path.parent.name.lower().startswith("images"):
        return None
    place = path.parent.parent / "dataset.json"
    try:
        channels = _channels(place, place.stat().st_mtime_ns)
    except OSError:
        return None
    end = stem_of(path).rpartition("_")[2]
    return channels.get(str(int(end)) if len(end) == 4 and end.isascii() and end.isdigit() else "0")


@lru_cache(maxsize=4)
def _channels(place: Path, _: int) -> Mapping[str, Any]:
    """Channels by number, read once for all images of a folder as long as the file stays as it is."""
    try:
        stated = read_json(place, _MOST_BYTES, "a dataset.json", InputError)
    except InputError:
        return {}
    found = stated.get("channel_names", stated.get("modality")) if isinstance(stated, dict) else None
    return found if isinstance(found, dict) else {}


def _modality(text: str) -> str | None:
    """A DICOM modality code, None for all else: channels are called by their sequence too."""
    code = _OTHERWISE.get(text.upper(), text.upper())
    return code if code in _CODES else None


def _without_unit(text: str, name: str) -> str:
    """ "3T" and "1.5 Tesla" as numbers: BIDS has a number, people write the unit."""
    return re.sub(r"\s*t(esla)?$", "", text, flags=re.IGNORECASE) if name == "field_strength_t" else text


def _text(value: Any) -> str:
    """Text or a number as text; the one element of a list; nothing of anything else."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()
