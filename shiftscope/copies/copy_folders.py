"""A folder of copies that `read_site` reads as the site it was copied from."""

import csv
import shutil
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from shiftscope.copies.mapped_cases import MappedCase
from shiftscope.images import read_mask
from shiftscope.images.writing import write_image, write_labels
from shiftscope.sites import Case, Site
from shiftscope.sites.layouts.spellings import stem_of
from shiftscope.sites.tables.manifests import COLUMNS

__all__ = ["CopyFolder"]


@dataclass(slots=True)
class CopyFolder:
    """The folder of copies under way: files, and the rows of its manifest.

    A copy has its source's place and name, so that cases without a patient of their own stay the same ones, and fall
    into the same part of a split.
    """

    folder: Path
    masks: str
    patients_known: bool
    taken: set[str] = field(default_factory=set)
    rows: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, site: Site, folder: Path) -> "CopyFolder":
        """A writer whose masks lie in a folder that no case's name leads into."""
        masks, used = "masks", {PurePosixPath(case.name).parts[0].lower() for case in site.cases}
        while masks in used:
            masks += "_"
        return cls(folder, masks, site.patient_source != "file")

    def add(self, case: Case, mapped: MappedCase) -> None:
        """Write a case, its mask as it is, or resampled where the pixels are."""
        name = self._free(case.name)
        self.patients_known = self.patients_known or name != case.name
        image = write_image(mapped.after, self.folder / name, mapped.grid)
        mask = None
        if case.masks:
            stem = self.folder / self.masks / name
            if mapped.mask_after is not None and not _fits(case, mapped):
                mask = write_labels(mapped.mask_after, stem, mapped.grid)
            else:
                mask = stem.with_name(stem.name + case.masks[0].name[len(stem_of(case.masks[0].name)) :])
                mask.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(case.masks[0], mask)
        self.rows.append(
            {
                "image": self._relative(image),
                "mask": self._relative(mask),
                "label": case.label or "",
                "patient": case.patient,
                "split": case.split or "",
                "date": case.date or "",
                "spacing_mm": "" if mapped.spacing_mm is None else " ".join(f"{step:g}" for step in mapped.spacing_mm),
            }
        )

    def close(self) -> None:
        """Write the manifest; its column of patients only where somebody said who they are."""
        columns = [column for column in (*COLUMNS, "spacing_mm") if self.patients_known or column != "patient"]
        with (self.folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.rows)

    def _free(self, name: str) -> str:
        """The case's name as a path that stays inside the folder and is nobody else's, also where case is ignored."""
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
        free = wanted = "/".join(parts).replace(":", "_") or "case"
        number = 1
        while free.lower() in self.taken:
            number += 1
            free = f"{wanted}-{number}"
        self.taken.add(free.lower())
        return free

    def _relative(self, path: Path | None) -> str:
        return "" if path is None else path.relative_to(self.folder).as_posix()


def _fits(case: Case, mapped: MappedCase) -> bool:
    """Whether the file of the mask, read alone, is the mask of the copy; one half of a pair of files never is."""
    if mapped.resampled or len(case.masks) > 1 or case.masks[0].name.lower().endswith(".hdr"):
        return False
    return mapped.mask is not None and np.array_equal(read_mask(case.masks[0]).labels, mapped.mask)
