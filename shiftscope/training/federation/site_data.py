"""A site's cases as the model sees them under each harmonizer of a run."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from shiftscope.errors import InputError
from shiftscope.harmonizers import HARMONIZERS, NOTHING, Harmonizer, Statistics, share
from shiftscope.training.data.batches import Mix
from shiftscope.training.data.case_features import with_features
from shiftscope.training.data.model_inputs import Sample, Samples, load_samples, read_planned
from shiftscope.training.models.frozen_encoders import Features, feature_function
from shiftscope.training.models.networks import LINEAR
from shiftscope.training.runs.array_files import load_arrays, save_arrays
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.kept_references import own_statistics

__all__ = ["SiteData"]


class SiteData:
    """Reads a site once per process; the newest harmonization is kept beside the cases as they are.

    The site's own statistics stay in its folder between exchanges: a simulation's processes serve any site at any time.
    """

    def __init__(self, job: Job, site: str) -> None:
        self.job = job
        self.site = site
        self._newest: tuple[str, Samples] | None = None

    @cached_property
    def plain(self) -> Samples:
        """The cases as they are, without any harmonizer."""
        samples = self._loaded
        return with_features(samples, self._features) if self.job.plan.model == LINEAR else samples

    @cached_property
    def _features(self) -> Features:
        return feature_function(self.job.plan, self.job.weights, self.job.device)

    @cached_property
    def _loaded(self) -> Samples:
        return self._load(NOTHING)

    def _load(self, frame: Statistics) -> Samples:
        folder = Path(self.job.data[self.site])
        site = read_planned(self.job.plan, self.site, folder, self.job.patient_regex)
        return load_samples(site, self.job.plan, frame)

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
        key = harmonizer + "".join(f"{name}{array.tobytes().hex()}" for name, array in sorted(reference.items()))
        if self._newest is None or self._newest[0] != key:
            self._newest = (key, self._harmonized(harmonizer, reference))
        return self._newest[1]

    def mix(self, harmonizer: str | None, reference: Statistics) -> Mix | None:
        """What the harmonizer does to a batch while training, where it does anything."""
        if harmonizer is None or (mix := HARMONIZERS[harmonizer].mix) is None:
            return None
        own = self._whole(harmonizer, reference)
        return lambda images, rng: mix(images, own, reference, rng)

    def _harmonized(self, name: str, reference: Statistics) -> Samples:
        chosen = HARMONIZERS[name]
        if chosen.on == "geometry":
            return self._load(reference)
        own, before = self._whole(name, reference), self._cases_for(chosen)

        def mapped(samples: Sequence[Sample]) -> list[Sample]:
            return [_with_case(s, chosen, chosen.apply(_as_case(s, chosen), own, reference)) for s in samples]

        after = Samples(mapped(before.train), mapped(before.val), mapped(before.test), before.left_out)
        feed = self.job.plan.model == LINEAR and chosen.on != "features"
        return with_features(after, self._features) if feed else after

    def _cases_for(self, chosen: Harmonizer) -> Samples:
        """What the harmonizer works on: pixels come before features."""
        samples = self.plain if chosen.on == "features" else self._loaded
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
        return self.job.home(self.site) / "harmonizers" / f"{harmonizer}-{exchanges}.safetensors"


def _as_case(sample: Sample, chosen: Harmonizer) -> np.ndarray:
    if chosen.on == "geometry" and sample.geometry is not None:
        return sample.geometry
    return sample.pixels[0, :, 0, 0].astype(np.float64) if chosen.on == "features" else sample.pixels.astype(np.float32)


def _with_case(sample: Sample, chosen: Harmonizer, case: np.ndarray) -> Sample:
    return sample.with_pixels(case.reshape(sample.pixels.shape) if chosen.on == "features" else case)
