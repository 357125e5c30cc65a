"""A site's cases as the model sees them under each harmonizer of a run."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from shiftscope.errors import InputError
from shiftscope.harmonizers import HARMONIZERS, NOTHING, Harmonizer, Statistics, share
from shiftscope.training.data.batches import Mix
from shiftscope.training.data.case_features import featured
from shiftscope.training.data.model_inputs import ReadCases, Sample, Samples, read_cases, read_planned
from shiftscope.training.models.frozen_encoders import Features, feature_function
from shiftscope.training.models.networks import LINEAR
from shiftscope.training.runs.array_files import load_arrays, save_arrays
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.kept_references import in_fold, own_statistics

__all__ = ["SiteData"]


@dataclass(slots=True)
class _SiteMemory:
    """What all folds of a site have in common: files decoded once, and the newest harmonization, or all of features.

    Attributes:
        unshared: cases behind harmonizers that share nothing, alike in all folds.
    """

    read: ReadCases | None = None
    featured: ReadCases | None = None
    features: Features | None = None
    unshared: dict[str, ReadCases] = field(default_factory=dict)
    harmonized: dict[str, Samples] = field(default_factory=dict)
    folds: dict[int, "SiteData"] = field(default_factory=dict)


class SiteData:
    """One fold of a site. The site is read once per process; of all folds' harmonizations the newest is kept.

    The site's own statistics stay in its folder between exchanges: a simulation's processes serve any site at any time.
    """

    def __init__(self, job: Job, site: str, fold: int = 0, kept: _SiteMemory | None = None) -> None:
        self.job = job
        self.site = site
        self.fold = fold
        self._kept = _SiteMemory() if kept is None else kept
        self._kept.folds[fold] = self

    def in_fold(self, fold: int) -> "SiteData":
        """The same site, divided as in that fold."""
        return self._kept.folds.get(fold) or SiteData(self.job, self.site, fold, self._kept)

    @cached_property
    def plain(self) -> Samples:
        """The cases as they are, without any harmonizer."""
        if self.job.plan.model != LINEAR:
            return self.loaded
        if self._kept.featured is None:
            self._kept.featured = self._cases.mapped(self._featured)
        return self._kept.featured.fold(self.job.plan, self.fold)

    @cached_property
    def loaded(self) -> Samples:
        """The cases as they were read, whatever the model sees of them."""
        return self._cases.fold(self.job.plan, self.fold)

    @property
    def _cases(self) -> ReadCases:
        if self._kept.read is None:
            self._kept.read = self._read(NOTHING)
        return self._kept.read

    def _featured(self, samples: Sequence[Sample]) -> list[Sample]:
        """Seen by the frozen network once, whatever process, fold or harmonizer they come from; kept at the site."""
        if not samples:
            return []
        mark = hashlib.sha256(self.job.model_mark.encode())
        for sample in samples:
            mark.update(np.ascontiguousarray(sample.pixels).tobytes())
        path = self.job.home(self.site) / "features" / f"{mark.hexdigest()[:32]}.safetensors"
        if path.exists():
            kept = load_arrays(path)["features"]
            return [sample.with_pixels(row[None, :, None, None]) for sample, row in zip(samples, kept, strict=True)]
        found = self._computed(samples)
        save_arrays(path, {"features": np.stack([sample.pixels[0, :, 0, 0] for sample in found])})
        return found

    def _computed(self, samples: Sequence[Sample]) -> list[Sample]:
        if self._kept.features is None:
            self._kept.features = feature_function(self.job.plan, self.job.weights, self.job.device)
        return featured(samples, self._kept.features)

    def _read(self, frame: Statistics) -> ReadCases:
        folder = Path(self.job.data[self.site])
        site = read_planned(self.job.plan, self.site, folder, self.job.patient_regex)
        return read_cases(site, self.job.plan, frame)

    def share(self, harmonizer: str, number: int, reference: Statistics) -> Statistics:
        """What exchange `number` adds to what the site knows of itself; empty with too few training patients."""
        chosen, before = HARMONIZERS[harmonizer], self._own(harmonizer, number)
        patients = self._patients(chosen)
        own = share(chosen, number, patients, before, reference)
        save_arrays(self._path(harmonizer, number + 1), dict(own))
        added = {name: array for name, array in own.items() if array is not before.get(name)}
        contributing = sum(any(chosen.contributes(case) for case in cases) for cases in patients)
        return added if contributing >= chosen.min_patients else {}

    def harmonized(self, harmonizer: str | None, reference: Statistics) -> Samples:
        """The cases as the model sees them, in training and evaluation alike."""
        if harmonizer is None:
            return self.plain
        marks = (f"{name}{array.tobytes().hex()}" for name, array in sorted(reference.items()))
        key = f"{self.fold}{harmonizer}{''.join(marks)}"
        if key not in self._kept.harmonized:
            if self.job.plan.model != LINEAR:  # pictures are large, features are not
                self._kept.harmonized.clear()
            self._kept.harmonized[key] = self._harmonized(harmonizer, reference)
        return self._kept.harmonized[key]

    def mix(self, harmonizer: str | None, reference: Statistics) -> Mix | None:
        """What the harmonizer does to a batch while training, where it does anything."""
        if harmonizer is None or (mix := HARMONIZERS[harmonizer].mix) is None:
            return None
        own = self._whole(harmonizer, reference)
        return lambda images, rng: mix(images, own, reference, rng)

    def _harmonized(self, name: str, reference: Statistics) -> Samples:
        chosen = HARMONIZERS[name]
        if chosen.on == "geometry":
            return self._read(reference).fold(self.job.plan, self.fold)
        own, before = self._whole(name, reference), self._cases_for(chosen)
        feed = self.job.plan.model == LINEAR and chosen.on != "features"

        def mapped(samples: Sequence[Sample]) -> list[Sample]:
            after = [
                _with_case(sample, chosen, chosen.apply(_as_case(sample, chosen), own, reference)) for sample in samples
            ]
            return self._featured(after) if feed else after

        if not chosen.shares and chosen.on != "features":  # the same in every fold
            if name not in self._kept.unshared:
                if not feed:
                    self._kept.unshared.clear()
                self._kept.unshared[name] = self._cases.mapped(mapped)
            return self._kept.unshared[name].fold(self.job.plan, self.fold)
        train, val, test = (mapped(part) for part in (before.train, before.val, before.test))
        return Samples(train, val, test, before.left_out)

    def _cases_for(self, chosen: Harmonizer) -> Samples:
        """What the harmonizer works on: pixels come before features."""
        samples = self.plain if chosen.on == "features" else self.loaded
        every = (*samples.train, *samples.val, *samples.test)
        if chosen.on == "geometry" and any(sample.geometry is None for sample in every):
            raise InputError(
                f"site {self.site}: its images do not say how large a pixel is, and the plan resamples to a common"
                " spacing; choose another harmonizer, or give DICOM or NIfTI files"
            )
        return samples

    def _patients(self, chosen: Harmonizer) -> list[list[np.ndarray]]:
        """The training cases, by patient."""
        patients: dict[str, list[np.ndarray]] = {}
        for sample in self._cases_for(chosen).train:
            patients.setdefault(sample.patient, []).append(_as_case(sample, chosen))
        return list(patients.values())

    def _whole(self, harmonizer: str, reference: Statistics) -> Statistics:
        """The site's own statistics after all exchanges; made now at a site that was absent when they took place."""
        chosen = HARMONIZERS[harmonizer]
        kept = self._path(harmonizer, len(chosen.exchanges))
        if not chosen.exchanges or kept.exists():
            return self._own(harmonizer, len(chosen.exchanges))
        own = own_statistics(chosen, self._patients(chosen), reference, f"the reference of {harmonizer}")
        save_arrays(kept, dict(own))
        return own

    def _own(self, harmonizer: str, exchanges: int) -> Statistics:
        """As it was after so many exchanges."""
        return load_arrays(self._path(harmonizer, exchanges)) if exchanges else NOTHING

    def _path(self, harmonizer: str, exchanges: int) -> Path:
        name = in_fold(harmonizer, self.fold, self.job.plan.folds)
        return self.job.home(self.site) / "harmonizers" / f"{name}-{exchanges}.safetensors"


def _as_case(sample: Sample, chosen: Harmonizer) -> np.ndarray:
    if chosen.on == "geometry" and sample.geometry is not None:
        return sample.geometry
    return sample.pixels[0, :, 0, 0].astype(np.float64) if chosen.on == "features" else sample.pixels.astype(np.float32)


def _with_case(sample: Sample, chosen: Harmonizer, case: np.ndarray) -> Sample:
    return sample.with_pixels(case.reshape(sample.pixels.shape) if chosen.on == "features" else case)
