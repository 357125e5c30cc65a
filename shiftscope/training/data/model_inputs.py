"""A site's cases as arrays of one size."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from shiftscope.errors import InputError, Unreadable, UsageError
from shiftscope.harmonizers import NOTHING, Statistics
from shiftscope.harmonizers.resampling import resample_case
from shiftscope.images import Image, as_seen, canvas, mask_canvas
from shiftscope.plans import Plan
from shiftscope.sites import Case, Declarations, Site, load, read_site
from shiftscope.training.data.splits import divide_planned

__all__ = ["LUMA", "ReadCases", "Sample", "Samples", "channels", "load_samples", "read_cases", "read_planned", "usable"]

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True)
class Sample:
    """One case, resized.

    Attributes:
        patient: stays at the site.
        pixels: (z, c, size, size) float16 in [0, 1]: half the memory, and finer than 8 bits everywhere.
        target: (z, size, size) integers, 0 = background, for segmentation; the class index for classification.
        geometry: (2, 3), millimetres a pixel and pixels along z, y, x before resizing; None where the file is silent.
    """

    patient: str
    pixels: np.ndarray
    target: np.ndarray | int
    geometry: np.ndarray | None = None

    def with_pixels(self, pixels: np.ndarray) -> "Sample":
        """The same case with other pixels, its target untouched."""
        return replace(self, pixels=pixels.astype(np.float16))


@dataclass(frozen=True, slots=True)
class Samples:
    """A site's cases by part, and what could not be used, as reason -> count."""

    train: list[Sample]
    val: list[Sample]
    test: list[Sample]
    left_out: dict[str, int]


def read_planned(plan: Plan, name: str, folder: Path, patient_regex: str | None) -> Site:
    """A site of the plan as it was profiled: its owner's answers stand in the plan, or beside the images.

    Raises:
        InputError, UsageError: as `read_site`.
    """
    given = Declarations.from_values({"patient_regex": patient_regex}, "--patient-regex", UsageError)
    return read_site(folder, name=name, given=given, known=plan.sites[name].known)


def usable(site: Site, plan: Plan) -> list[Case]:
    """Cases that carry what the task needs.

    Raises:
        InputError: none does, or a label is not in the plan.
    """
    if plan.task == "segmentation":
        cases = [case for case in site.cases if case.masks]
        if not cases:
            raise InputError(
                f"site {site.name}: none of {len(site.cases)} cases has a mask, and the plan's task needs them"
            )
        return cases
    cases = [case for case in site.cases if case.label is not None]
    unknown = sorted({case.label for case in cases if case.label is not None} - set(plan.classes))
    if unknown:
        raise InputError(
            f"site {site.name}: class {unknown[0]!r} is not in the plan's classes {', '.join(plan.classes)}"
        )
    if not cases:
        raise InputError(
            f"site {site.name}: none of {len(site.cases)} cases has a label, and the plan's task needs them"
        )
    return cases


@dataclass(frozen=True, slots=True)
class ReadCases:
    """All usable cases of a site, read once, whatever folds they will be divided into.

    Attributes:
        site: its name.
        cases: those that carry what the task needs; the split is drawn among them, readable or not.
        samples: a case's name -> its sample; without those that could not be read.
        left_out: what could not be used, as reason -> count.
    """

    site: str
    cases: list[Case]
    samples: dict[str, Sample]
    left_out: dict[str, int]

    def fold(self, plan: Plan, number: int) -> Samples:
        """The samples by part.

        Raises:
            InputError: none is left to train or to test on, or volumes are asked for and there is none.
        """
        parts = divide_planned(self.cases, plan, self.site, number)
        read = {
            part: [self.samples[case.name] for case in cases if case.name in self.samples]
            for part, cases in parts.items()
        }
        for part in ("train", "test"):
            if not read[part]:
                reasons = ", ".join(f"{count} {reason}" for reason, count in self.left_out.items())
                raise InputError(
                    f"site {self.site}: no readable case left in '{part}' ({reasons}); mend the files or leave the"
                    " site out"
                )
        if plan.patch and all(len(sample.pixels) == 1 for sample in read["train"]):
            raise InputError(
                f"site {self.site}: none of its images has more than one slice, and the plan's patch asks for volumes;"
                " leave patch out to train on pictures"
            )
        return Samples(**read, left_out=self.left_out)

    def mapped(self, change: Callable[[Sequence[Sample]], list[Sample]]) -> "ReadCases":
        """With every sample changed, all of them together."""
        return replace(self, samples=dict(zip(self.samples, change([*self.samples.values()]), strict=True)))


def read_cases(site: Site, plan: Plan, frame: Statistics = NOTHING) -> ReadCases:
    """Read every usable case; those that cannot be read are counted by reason.

    Args:
        frame: the reference of a harmonizer on geometry: the common spacing and field of view.
    """
    left_out: Counter[str] = Counter({reason: len(paths) for reason, paths in site.excluded.items()})
    cases, samples = usable(site, plan), {}
    for case in cases:
        try:
            sample = _read(case, plan, frame)
        except Unreadable as problem:
            left_out[problem.reason] += 1
            continue
        if sample is not None:
            samples[case.name] = sample
    return ReadCases(site.name, cases, samples, dict(sorted(left_out.items())))


def load_samples(site: Site, plan: Plan, frame: Statistics = NOTHING, fold: int = 0) -> Samples:
    """A site's samples in one fold, as `read_cases` reads and `ReadCases.fold` divides them."""
    return read_cases(site, plan, frame).fold(plan, fold)


def _read(case: Case, plan: Plan, frame: Statistics) -> Sample | None:
    """One case; None where it turns out to lack what the task needs."""
    image, drawn = load(case)
    mask = None if drawn is None else drawn.labels
    pixels, where = as_seen(image), _geometry(image)
    if frame and image.spacing_mm is not None:
        planes, mask = resample_case(
            pixels[:, None] if pixels.ndim == 3 else np.moveaxis(pixels, -1, 1),
            mask,
            image.spacing_mm,
            frame["spacing_mm"],
            frame["field_mm"],
            depth=bool(plan.patch),
        )
        pixels = planes[:, 0] if pixels.ndim == 3 else np.moveaxis(planes, 1, -1)
        step = [frame["spacing_mm"][0] if plan.patch else image.spacing_mm[0], *frame["spacing_mm"][1:]]
        where = np.array([step, pixels.shape[:3]], dtype=np.float64)
    pixels = channels(canvas(pixels, plan.image_size), plan.colour).astype(np.float16)
    if mask is not None and plan.task == "segmentation":
        return Sample(case.patient, pixels, _labels(mask_canvas(mask, plan.image_size), plan, case), where)
    if case.label is not None:
        return Sample(case.patient, pixels, plan.classes.index(case.label), where)
    return None


def _geometry(image: Image) -> np.ndarray | None:
    """(2, 3): millimetres a pixel and pixels along z, y, x."""
    return None if image.spacing_mm is None else np.array([image.spacing_mm, image.pixels.shape[:3]], dtype=np.float64)


def channels(pixels: np.ndarray, colour: bool) -> np.ndarray:
    """(z, 1 or 3, y, x) -> three channels or one: grey is repeated, colour weighted by luminance."""
    if colour:
        return np.repeat(pixels, 3, axis=1) if pixels.shape[1] == 1 else pixels
    return pixels if pixels.shape[1] == 1 else np.einsum("zcyx,c->zyx", pixels, LUMA)[:, None]


def _labels(mask: np.ndarray, plan: Plan, case: Case) -> np.ndarray:
    """Any value is the one foreground where the plan names no classes; else value k is the k-th class."""
    if not plan.classes:
        return (mask > 0).astype(np.uint8)
    if mask.max() > len(plan.classes):
        raise InputError(
            f"{(*case.masks, case.name)[0]}: mask value {int(mask.max())}, expected 0 to {len(plan.classes)}"
            f" for the plan's classes {', '.join(plan.classes)}; write the number of its class in each pixel"
        )
    return mask.astype(np.uint8)
