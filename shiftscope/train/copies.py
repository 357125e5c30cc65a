"""Harmonized copies of a site's images, as training would see them, at their own size."""

import csv
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from shiftscope.errors import InputError, PlanError, TooManyFailures, Unreadable, UsageError
from shiftscope.harmonize import HARMONIZERS, Statistics
from shiftscope.harmonize.resampling import resampled
from shiftscope.images import Image, as_seen, canvas
from shiftscope.images.grids import Grid, grid_of
from shiftscope.images.writing import write_labels, write_seen
from shiftscope.plans import Plan
from shiftscope.sites import Case, Site, load
from shiftscope.sites.manifests import COLUMNS
from shiftscope.sites.spellings import stem_of
from shiftscope.train.loading import channels, usable
from shiftscope.train.references import own_statistics
from shiftscope.train.splits import divide

__all__ = ["LEAST_CHANGE", "Fitted", "Viewed", "check_copies", "fit_site", "view", "write_copies"]

LEAST_CHANGE = 1e-4
"""Mean change of a pixel in [0, 1], a fortieth of an 8-bit grey level: less is no change, as in training."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A harmonizer ready for one site.

    Attributes:
        harmonizer: a key of `HARMONIZERS`.
        plan: whose canvas and colour it was fitted on.
        own: what the site knows of itself.
        reference: what the federation agreed on.
        cases: how many cases `own` comes from.
        told: which cases these are, for people.
    """

    harmonizer: str
    plan: Plan
    own: Statistics = field(default_factory=dict)
    reference: Statistics = field(default_factory=dict)
    cases: int = 0
    told: str = "nothing is fitted"


@dataclass(frozen=True, slots=True)
class Viewed:
    """One case before and after.

    Attributes:
        before, after: (z, c, y, x) float32 in [0, 1], at the image's own size; sizes differ where pixels are resampled.
        mask: (z, y, x) labels on the grid of `before`, or None.
        mask_after: on the grid of `after`; the same array where pixels are not resampled.
        before_mm, spacing_mm: (z, y, x) millimetres of `before` and `after`, None where the file is silent.
        grid: of `after`, None for pictures.
        moved: whether pixels were resampled.
    """

    before: np.ndarray
    after: np.ndarray
    mask: np.ndarray | None
    mask_after: np.ndarray | None
    before_mm: tuple[float, ...] | None
    spacing_mm: tuple[float, ...] | None
    grid: Grid | None
    moved: bool = False

    @property
    def change(self) -> float | None:
        """Mean absolute change of a pixel; None where pixels were resampled, and have no counterpart."""
        return None if self.moved else float(np.abs(self.after - self.before).mean())


def check_copies(plan: Plan) -> str:
    """The plan's harmonizer, where it makes pictures of pictures.

    Raises:
        PlanError: there is none, or there is nothing to write for it.
    """
    name = plan.harmonizer
    if name is None:
        raise PlanError('harmonizer: "": the plan leaves images as they are, there is nothing to write; name one')
    if name not in HARMONIZERS:
        raise PlanError(f"harmonizer: no {name!r}; expected {', '.join(HARMONIZERS)}")
    if HARMONIZERS[name].mix is not None:
        raise PlanError(f"harmonizer: {name} acts on batches while training only; no image is changed for good")
    if HARMONIZERS[name].on == "features":
        raise PlanError(f"harmonizer: {name} works on features, never on pixels; there is no picture to write")
    if HARMONIZERS[name].on == "colour" and not plan.colour:
        raise PlanError(f"harmonizer: {name} works on colour, and the plan's images are grey; choose another one")
    return name


def fit_site(site: Site, plan: Plan, reference: Statistics, where: str, progress: Progress) -> Fitted:
    """What the harmonizer needs to know of the site, from canvases of the plan's size, as in training.

    Of a site in the plan the training cases count, by the plan's split. A site that joins later, or that holds only
    cases to test on, is fitted on all cases; neither masks nor labels take part in the fit.

    Args:
        where: the reference's file, for errors.

    Raises:
        PlanError: see `check_copies`.
        InputError: the reference does not fit, or no image could be read.
    """
    name = check_copies(plan)
    chosen = HARMONIZERS[name]
    if not chosen.passes:
        return Fitted(name, plan)
    cases, told = _learnt_from(site, plan)
    patients: dict[str, list[np.ndarray]] = defaultdict(list)
    read = 0
    for done, case in enumerate(cases, start=1):
        try:
            image, _ = load(case)
        except Unreadable:
            continue  # counted, and named, where copies are written
        finally:
            progress(done, len(cases))
        if chosen.on == "geometry":
            if image.spacing_mm is None:
                raise InputError(
                    f"site {site.name}: {case.images[0]} does not say how large a pixel is, and {name} needs that;"
                    " choose another harmonizer, or give DICOM or NIfTI files"
                )
            patients[case.patient].append(np.array([image.spacing_mm, image.pixels.shape[:3]], dtype=np.float64))
        else:
            seen = channels(canvas(as_seen(image), plan.image_size), plan.colour)
            patients[case.patient].append(seen.astype(np.float16).astype(np.float32))  # rounded as samples are kept
        read += 1
    if not read:
        raise InputError(f"site {site.name}: none of its {len(cases)} cases could be read; mend the files")
    own = own_statistics(chosen, list(patients.values()), reference, where)
    return Fitted(name, plan, own, reference, read, told)


def view(case: Case, fitted: Fitted) -> Viewed:
    """A case before and after, at its own size.

    Raises:
        Unreadable: the image or its mask cannot be used.
    """
    image, mask = load(case)
    grid = grid_of(case.images)
    chosen = HARMONIZERS[fitted.harmonizer]
    before = _planes(image, fitted.plan.colour)
    if chosen.on != "geometry":
        after = chosen.apply(before, fitted.own, fitted.reference).astype(np.float32)
        return Viewed(before, after, mask, mask, image.spacing_mm, image.spacing_mm, grid)
    if image.spacing_mm is None:
        return Viewed(before, before, mask, mask, None, None, grid)
    to_mm = tuple(map(float, fitted.reference["spacing_mm"]))
    depth = bool(fitted.plan.patch)
    after, moved = resampled(before, mask, image.spacing_mm, to_mm, fitted.reference["field_mm"], depth=depth)
    spacing = to_mm if depth else (image.spacing_mm[0], *to_mm[1:])
    return Viewed(
        before,
        after,
        mask,
        moved,
        image.spacing_mm,
        spacing,
        None if grid is None else grid.resampled((after.shape[0], *after.shape[2:]), spacing),
        moved=after.shape != before.shape or not np.array_equal(after, before),
    )


@dataclass(slots=True)
class _Writer:
    """The folder of copies under way: files, and the rows of its manifest.

    A copy has its source's place and name, so that cases without a patient of their own stay the same ones, and fall
    into the same part of a split.
    """

    folder: Path
    masks: str
    known: bool
    taken: set[str] = field(default_factory=set)
    rows: list[dict[str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, site: Site, folder: Path) -> "_Writer":
        """A writer whose masks lie in a folder that no case's name leads into."""
        masks, used = "masks", {PurePosixPath(case.name).parts[0].lower() for case in site.cases}
        while masks in used:
            masks += "_"
        return cls(folder, masks, site.patient_source != "file")

    def add(self, case: Case, seen: Viewed) -> None:
        """Write a case, its mask as it is, or resampled where the pixels are."""
        name = self._free(case.name)
        self.known = self.known or name != case.name
        image = write_seen(seen.after, self.folder / name, seen.grid)
        mask = None
        if case.mask is not None:
            stem = self.folder / self.masks / name
            pair = case.mask.name.lower().endswith(".hdr")  # half of a NIfTI file; its pixels lie in another
            if (seen.moved or pair) and seen.mask_after is not None:
                mask = write_labels(seen.mask_after, stem, seen.grid)
            else:
                mask = stem.with_name(stem.name + case.mask.name[len(stem_of(case.mask.name)) :])
                mask.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(case.mask, mask)
        self.rows.append(
            {
                "image": self._told(image),
                "mask": self._told(mask),
                "label": case.label or "",
                "patient": case.patient,
                "split": case.split or "",
                "date": case.date or "",
                "spacing_mm": "" if seen.spacing_mm is None else " ".join(f"{step:g}" for step in seen.spacing_mm),
            }
        )

    def close(self) -> None:
        """Write the manifest; its column of patients only where somebody said who they are."""
        columns = [column for column in (*COLUMNS, "spacing_mm") if self.known or column != "patient"]
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

    def _told(self, path: Path | None) -> str:
        return "" if path is None else path.relative_to(self.folder).as_posix()


def write_copies(
    site: Site,
    fitted: Fitted,
    out: Path,
    look: Callable[[Case, Viewed], None],
    *,
    max_failures: int | None = None,
    progress: Progress,
) -> list[Unreadable]:
    """Write every readable case of `site`, harmonized, with its mask and a manifest.

    The folder appears when it is whole.

    Args:
        out: must not exist or be empty, and lie outside the site's own folder.
        look: shown every case that was written.
        max_failures: how many unreadable files are allowed; None for any number.

    Returns:
        The files that could not be used, for the site's eyes only.

    Raises:
        UsageError: `out` cannot be used.
        TooManyFailures: more unreadable files than `max_failures`.
        InputError: nothing could be read, or a harmonizer that looks at each case alone changed no pixel.
    """
    part = _claimed(site, out)
    failures = [Unreadable(path, reason) for reason, paths in site.excluded.items() for path in paths]
    writer, most = _Writer.of(site, part), 0.0
    try:
        _check(failures, max_failures)
        for case, seen in _views(site.cases, fitted, failures, progress):
            if isinstance(seen, Unreadable):
                _check(failures, max_failures)
                continue
            writer.add(case, seen)
            most = max(most, 1.0 if seen.change is None else seen.change)
            look(case, seen)
        if not writer.rows:
            raise InputError(f"{site.root}: none of {len(site.cases)} cases could be read; the first: {failures[0]}")
        if most < LEAST_CHANGE and not HARMONIZERS[fitted.harmonizer].passes:
            raise InputError(
                f"harmonizer {fitted.harmonizer}: it changed no pixel of {len(writer.rows)} cases, so no copy is kept;"
                " choose another one in the plan"
            )
        writer.close()
        part.replace(out)
    except BaseException:  # half a folder of patients' images must not be left behind, whatever happened
        shutil.rmtree(part, ignore_errors=True)
        raise
    failures.sort(key=lambda failure: str(failure.path))
    return failures


def _views(
    cases: Iterable[Case], fitted: Fitted, failures: list[Unreadable], progress: Progress
) -> Iterator[tuple[Case, Viewed | Unreadable]]:
    listed = list(cases)
    for done, case in enumerate(listed, start=1):
        outcome: Viewed | Unreadable
        try:
            outcome = view(case, fitted)
        except Unreadable as problem:
            failures.append(problem)
            outcome = problem
        yield case, outcome
        progress(done, len(listed))


def _learnt_from(site: Site, plan: Plan) -> tuple[list[Case], str]:
    """The cases a site's statistics come from, and why these."""
    everything = list(site.cases)
    if site.name not in plan.sites:
        return everything, f"all {len(everything)} cases: the plan has no site {site.name!r}"
    with_target = [case for case in everything if (case.mask if plan.task == "segmentation" else case.label)]
    if not with_target:
        return everything, f"all {len(everything)} cases: none has what the plan trains on"
    brought = {case.split for case in with_target} - {None}
    if brought and "train" not in brought:
        return everything, f"all {len(everything)} cases: none of them is for training"
    if len({case.patient for case in with_target}) < 2:
        return everything, f"all {len(everything)} cases: there is one patient, and no split"
    parts = divide(usable(site, plan), plan.split, site.name)
    return parts["train"], f"{len(parts['train'])} training cases, as the plan splits them"


def _planes(image: Image, colour: bool) -> np.ndarray:
    """(z, c, y, x) as a model sees the image, at its own size."""
    seen = as_seen(image)
    planes = channels(seen[:, None] if seen.ndim == 3 else np.moveaxis(seen, -1, 1), colour)
    return np.ascontiguousarray(planes, dtype=np.float32)


def _claimed(site: Site, out: Path) -> Path:
    """The folder that becomes `out` when it is whole."""
    target, source = out.resolve(), site.root.resolve()
    if target.is_relative_to(source):
        raise UsageError(f"-o {out}: lies in {site.root}, where copies would be taken for new cases; choose another")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"-o {out}: is not an empty folder; choose another, or empty it first")
    part = target.with_name(target.name + ".part")
    if part.exists():
        raise UsageError(f"{part}: an interrupted run left it; delete it first")
    part.mkdir(parents=True)
    return part


def _check(failures: list[Unreadable], limit: int | None) -> None:
    if limit is not None and len(failures) > limit:
        raise TooManyFailures(
            f"{len(failures)} unreadable files, --max-failures allows {limit}; the last: {failures[-1]}"
        )
