"""`profile`: at a site, images in, one small file of aggregates out."""

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from shiftscope.api.documents import AnyPath
from shiftscope.api.site_listing import OwnerOptions, read_site
from shiftscope.devices import find_device
from shiftscope.errors import Unreadable, UsageError
from shiftscope.measures.features.extractors import DEFAULT, Extractor, load_extractor
from shiftscope.option_values import as_number, as_whole_number
from shiftscope.profiles import (
    KEY_FILE,
    Key,
    Options,
    Part,
    Profile,
    calibrated,
    part_of_site,
    profile_site,
    read_fit,
    require_declared,
    texts_of,
)
from shiftscope.progress import Report, silent
from shiftscope.sites import Site, SiteReading

__all__ = [
    "KEY_FILE",
    "Measuring",
    "SiteReading",
    "allowed",
    "caution_files",
    "caution_profile",
    "extractor_of",
    "measure_part",
    "measure_profile",
    "profile",
    "require_measuring",
    "texts_of",
]

_LOGGER = logging.getLogger(__name__)

_ROUNDING = 1e-9  # 29 % of 100 files are 29
_FEW, _ENOUGH = 10, 20  # patients: below the first only counts are exported, below the second nothing is diagnosed


@dataclass(frozen=True, slots=True, kw_only=True)
class Measuring:
    """How a site is measured.

    Attributes:
        features: a timm model; None for a fixed network that needs no weights.
        weights: its weights: safetensors, or plain tensors.
        device: "auto", "cpu" or "cuda".
        workers: decoding threads; half of the cores unless given.
        seed: draws the sample that the canonical map is fitted on.
        epsilon: for a profile under differential privacy: 1 is strong, 8 weak; see docs/privacy.md.
        fit: a part of the same site whose canonical map is used.
        max_failures: unreadable files that are allowed: a count such as 10, or a share such as 0.05; None for any.
    """

    features: str | None = None
    weights: AnyPath | None = None
    device: str = "auto"
    workers: int | None = None
    seed: int = 0
    epsilon: float | None = None
    fit: AnyPath | None = None
    max_failures: int | float | None = None

    def __post_init__(self) -> None:
        """See that values are what they seem, before anything is decoded.

        Raises:
            UsageError: one is not.
        """
        object.__setattr__(self, "seed", as_whole_number("seed", self.seed, 0, 2**63 - 1))
        if self.workers is not None:
            object.__setattr__(self, "workers", as_whole_number("workers", self.workers, 1))
        if self.epsilon is not None:
            as_number("epsilon", self.epsilon, 0)
        allowed(self.max_failures, 1)


def profile(
    source: AnyPath | Site,
    *,
    output: AnyPath | None = None,
    name: str | None = None,
    features: str | None = None,
    weights: AnyPath | None = None,
    device: str = "auto",
    workers: int | None = None,
    seed: int = 0,
    epsilon: float | None = None,
    fit: AnyPath | None = None,
    max_failures: int | float | None = None,
    progress: Report = silent,
    **owner: Unpack[OwnerOptions],
) -> Profile:
    """Measure a site. The profile is all that may leave it: aggregates over patients, and counts.

    Args:
        source: a folder of images, a manifest, or a `Site` that was read or made of arrays.
        output: the profile is written here too.
        name, owner: as `read_site` takes them; not beside a `Site`.
        features, weights, device, workers, seed, epsilon, fit, max_failures: see `Measuring`.
        progress: called after every case.

    Raises:
        InputError: nothing can be read, or only the owner can say who is a patient or what is a class (`Unsettled`).
        TooManyFailures: more unreadable files than allowed.
        UsageError: options that contradict each other.
    """
    how = Measuring(
        features=features,
        weights=weights,
        device=device,
        workers=workers,
        seed=seed,
        epsilon=epsilon,
        fit=fit,
        max_failures=max_failures,
    )
    if isinstance(source, Site):
        if name is not None or owner:
            given = [*(["name"] if name is not None else []), *owner]
            raise UsageError(f"{', '.join(given)}: belongs to read_site, and the site was read already")
        site = source
    else:
        site = read_site(source, name=name, **owner)
    require_measuring(site, how)
    made, failures = measure_profile(site, how, progress=progress)
    if failures:
        _LOGGER.warning("%d file%s left out", len(failures), "s" * (len(failures) > 1))
    if output is not None:
        made.write(Path(output))
    caution_profile(made)
    return made


def require_measuring(site: Site, how: Measuring) -> None:
    """See, before anything is decoded, that a profile can be made as wished.

    Raises:
        UsageError: no noise fits this epsilon, or what it promises needs the owner's word.
    """
    if how.epsilon is not None:
        if any(case.held is not None for case in site.cases):
            raise UsageError("epsilon: its promise needs what an owner writes into site.toml; arrays lie beside none")
        calibrated(how.epsilon)
        require_declared(site)


def measure_profile(
    site: Site,
    how: Measuring,
    *,
    extractor: Extractor | None = None,
    reading: SiteReading | None = None,
    progress: Report = silent,
) -> tuple[Profile, list[Unreadable]]:
    """The profile of a site, and the files that could not be used, which are for its own eyes.

    Args:
        extractor: as `extractor_of` makes it, where that was done already.
        reading: filled with what reading the cases gave, for the site's eyes.
    """
    options, ready, first = _ready(site, how, extractor)
    return profile_site(site, ready, options, progress, first, how.epsilon, reading)


def measure_part(
    site: Site, how: Measuring, key: Path, *, reading: SiteReading | None = None, progress: Report = silent
) -> tuple[Part, list[Unreadable]]:
    """The same up to the export rules: raw sums of a part of a site, which stay there.

    Args:
        key: file of the secret that marks patients; made where there is none.
    """
    options, extractor, first = _ready(site, how, None)
    return part_of_site(site, extractor, options, progress, first, Key.at(key), reading)


def _ready(site: Site, how: Measuring, extractor: Extractor | None) -> tuple[Options, Extractor, Part | None]:
    import torch

    workers = how.workers or max(1, (os.cpu_count() or 2) // 2)
    torch.set_num_threads(max(1, (os.cpu_count() or 1) - workers))  # leaves the decoding threads their cores
    device = find_device(how.device)
    extractor = extractor or extractor_of(how, device)
    options = Options(how.seed, workers, device, allowed(how.max_failures, len(site.cases)))
    first = None if how.fit is None else read_fit(Path(how.fit), site.name, extractor)
    return options, extractor, first


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


def caution_files(patient_source: str) -> None:
    """Say what it costs that nothing but the file tells patients apart."""
    if patient_source == "file":
        _LOGGER.warning(
            "each file counts as a patient, because nobody said who is one: classes are not described, and if one"
            " person has several images the intervals come out too narrow; give --patient-regex, a manifest with a"
            " patient column, or --one-file-per-patient where that is so"
        )


def caution_profile(made: Profile) -> None:
    """Say what lowers the worth of a profile."""
    caution_files(made.patient_source)
    if made.several_classes and made.privacy is None:
        count = "fewer than 10" if made.several_classes == "<10" else made.several_classes
        _LOGGER.warning("images of one patient differ in class, for %s patients: they are counted in no class", count)
    if made.patients < _FEW:
        _LOGGER.warning(
            "fewer than %d patients (%d): only counts are exported, and the site is not diagnosed", _FEW, made.patients
        )
    elif made.patients < _ENOUGH:
        _LOGGER.warning("fewer than %d patients (%d): the site will not be diagnosed", _ENOUGH, made.patients)
