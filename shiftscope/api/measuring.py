"""How a site is measured: what was asked for, and what this machine makes of it."""

import logging
import multiprocessing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from shiftscope.api.documents import AnyPath
from shiftscope.devices import find_device, free_memory_bytes, usable_cores
from shiftscope.measures.features.extractors import DEFAULT, Extractor, load_extractor
from shiftscope.option_values import as_number, as_whole_number
from shiftscope.profiles import SAMPLE, Options, Part, expected_canvases, read_fit, share_of
from shiftscope.sites import Site

__all__ = ["Measuring", "allowed", "extractor_of", "ready_to_measure", "sample_of"]

_LOGGER = logging.getLogger(__name__)

_ROUNDING = 1e-9  # 29 % of 100 files are 29
_LEAST_SAMPLE = 160  # patients that sixteen coordinates take: features are compared as they are and harmonized
_MOST_SAMPLE = 10_000  # their canvases wait for the map in memory, 64 KiB each and up to fifteen of a patient
_BYTES_A_JOB = 2**30  # a process that measures needs a half of it, with a large volume more
_CANVASES_A_JOB = 250  # what a process measures while the next one starts


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """How a site is measured.

    Attributes:
        features: a timm model; None for a fixed network that needs no weights.
        weights: its weights: safetensors, or plain tensors.
        device: "auto", "cpu" or "cuda".
        jobs: processes that measure; None for as many as cores, memory and the number of images allow.
        seed: draws, of the patients on whom harmonizers are measured, the images that the canonical map is fitted on.
        epsilon: for a profile under differential privacy: 1 is strong, 8 weak; see docs/privacy.md.
        fit: a part of the same site whose canonical map is used.
        max_failures: unreadable files that are allowed: a count such as 10, or a share such as 0.05; None for any.
        harmonized_sample: most patients on whom it is measured what harmonizers leave, 160 to 10,000, or "all".
        share: "i/n" for the i-th of n parts of the site, from "1/1" on.
    """

    features: str | None = None
    weights: AnyPath | None = None
    device: str = "auto"
    jobs: int | None = None
    seed: int = 0
    epsilon: float | None = None
    fit: AnyPath | None = None
    max_failures: int | float | None = None
    harmonized_sample: int | str = SAMPLE
    share: str = "1/1"

    def __post_init__(self) -> None:
        """See that values are what they seem, before anything is decoded.

        Raises:
            UsageError: one is not.
        """
        object.__setattr__(self, "seed", as_whole_number("seed", self.seed, 0, 2**63 - 1))
        if self.jobs is not None:
            object.__setattr__(self, "jobs", as_whole_number("jobs", self.jobs, 1))
        if self.epsilon is not None:
            as_number("epsilon", self.epsilon, 0)
        allowed(self.max_failures, 1)
        sample_of(self.harmonized_sample)
        share_of(self.share)


def ready_to_measure(site: Site, how: Measuring, extractor: Extractor | None) -> tuple[Options, Extractor, Part | None]:
    """What measures, how, and the part whose map is used.

    Args:
        site: what is measured.
        how: as asked for.
        extractor: as `extractor_of` makes it, None to make it here.
    """
    device = find_device(how.device)
    extractor = extractor or extractor_of(how, device)
    options = Options(
        how.seed,
        how.jobs or _jobs_for(site),
        device,
        allowed(how.max_failures, len(site.cases)),
        sample_of(how.harmonized_sample),
        share_of(how.share),
    )
    first = None if how.fit is None else read_fit(Path(how.fit), site.name, extractor)
    return options, extractor, first


def _jobs_for(site: Site) -> int:
    """As many as there are cores, but no more than memory and the images are worth; one where processes of this one may
    have none of their own."""
    if multiprocessing.current_process().daemon:
        return 1
    memory, cores = free_memory_bytes(), usable_cores()
    fitting = cores if memory is None else memory // _BYTES_A_JOB
    first = islice(site.cases, cores * _CANVASES_A_JOB)
    return max(1, min(cores, fitting, sum(map(expected_canvases, first)) // _CANVASES_A_JOB))


def sample_of(given: int | str) -> int | None:
    """The most patients on whom harmonizers are measured, None for all.

    Raises:
        UsageError: fewer than features are published of in full, or more than memory should hold.
    """
    if given == "all":
        return None
    return as_whole_number("harmonized_sample", given, _LEAST_SAMPLE, _MOST_SAMPLE)


def extractor_of(how: Measuring, device: str) -> Extractor:
    """The network that features are taken from, on "cpu" or "cuda"."""
    weights = None if how.weights is None else Path(how.weights)
    extractor = load_extractor(how.features or DEFAULT, weights, device)
    if extractor.licence is None:
        _LOGGER.warning("%s does not say under which licence its weights are", extractor.name)
    return extractor


def allowed(limit: int | float | None, files: int) -> int | None:
    """The number of unreadable files that a count, or a share of `files`, allows; None for any.

    Raises:
        UsageError: a negative number, or a share above 1.
    """
    if limit is None:
        return None
    if isinstance(limit, float):
        return int(files * as_number("max_failures", limit, 0, 1) + _ROUNDING)
    return as_whole_number("max_failures", limit, 0)
