"""`profile`: at a site, images in, one small file of aggregates out."""

import logging
from pathlib import Path
from typing import Unpack

from shiftscope.api.documents import AnyPath
from shiftscope.api.measuring import Measuring, ready_to_measure
from shiftscope.api.site_listing import OwnerOptions, read_site
from shiftscope.errors import Unreadable, UsageError
from shiftscope.measures.features.extractors import Extractor
from shiftscope.option_values import as_flag
from shiftscope.profiles import (
    KEY_FILE,
    SAMPLE,
    Key,
    Part,
    Profile,
    UnfinishedRun,
    calibrated,
    part_of_site,
    profile_site,
    require_declared,
    share_of,
    share_of_task,
    texts_of,
)
from shiftscope.progress import Report, silent
from shiftscope.sites import Site, SiteReading

__all__ = [
    "KEY_FILE",
    "Measuring",
    "SiteReading",
    "UnfinishedRun",
    "caution_files",
    "caution_profile",
    "measure_part",
    "measure_profile",
    "profile",
    "require_measuring",
    "share_of",
    "share_of_task",
    "texts_of",
    "unfinished_run",
]

_LOGGER = logging.getLogger(__name__)

_FEW, _ENOUGH = 10, 20  # patients: below the first only counts are exported, below the second nothing is diagnosed


def profile(
    source: AnyPath | Site,
    *,
    output: AnyPath | None = None,
    name: str | None = None,
    features: str | None = None,
    weights: AnyPath | None = None,
    device: str = "auto",
    jobs: int | None = None,
    seed: int = 0,
    epsilon: float | None = None,
    fit: AnyPath | None = None,
    max_failures: int | float | None = None,
    harmonized_sample: int | str = SAMPLE,
    key: AnyPath | None = None,
    resume: bool = False,
    progress: Report = silent,
    **owner: Unpack[OwnerOptions],
) -> Profile:
    """Measure a site. The profile is all that may leave it: aggregates over patients, and counts.

    Args:
        source: a folder of images, a manifest, or a `Site` that was read or made of arrays.
        output: the profile is written here too.
        name, owner: as `read_site` takes them; not beside a `Site`.
        features, weights, device, jobs, seed, epsilon, fit, max_failures, harmonized_sample: see `Measuring`.
        key: file of the secret of a site's parts, which draws the same patients for harmonizers as there.
        resume: with `output`, go on from where a run that was stopped was, which it left beside the output.
        progress: called after every case, or after every few dozens where several processes measure.

    Raises:
        InputError: nothing can be read, or only the owner can say who is a patient or what is a class (`Unsettled`).
        TooManyFailures: more unreadable files than allowed.
        UsageError: options that contradict each other.
    """
    how = Measuring(
        features=features,
        weights=weights,
        device=device,
        jobs=jobs,
        seed=seed,
        epsilon=epsilon,
        fit=fit,
        max_failures=max_failures,
        harmonized_sample=harmonized_sample,
    )
    if isinstance(source, Site):
        if name is not None or owner:
            given = [*(["name"] if name is not None else []), *owner]
            raise UsageError(f"{', '.join(given)}: belongs to read_site, and the site was read already")
        site = source
    else:
        site = read_site(source, name=name, **owner)
    require_measuring(site, how)
    if as_flag("resume", resume) and output is None:
        raise UsageError("resume: a state is kept beside the output; give output as well")
    kept = None if output is None else unfinished_run(Path(output), resume=resume)
    made, failures = measure_profile(site, how, key=key, unfinished=kept, progress=progress)
    if failures:
        _LOGGER.warning("%d file%s left out", len(failures), "s" * (len(failures) > 1))
    if output is not None and kept is not None:
        made.write(Path(output))
        kept.end()
    caution_profile(made)
    return made


def require_measuring(site: Site, how: Measuring) -> None:
    """See, before anything is decoded, that a profile can be made as wished.

    Raises:
        UsageError: no noise fits this epsilon, or what it promises needs the owner's word; or parts are wanted, and
            nobody said who is a patient.
    """
    if share_of(how.share)[1] > 1 and site.patient_source == "file":
        raise UsageError(
            f"--part {how.share}: nobody said who is a patient, and whether files show one person cannot be seen in"
            " parts; give --patient-regex, a manifest with a patient column, or --one-file-per-patient where that is so"
        )
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
    key: AnyPath | None = None,
    unfinished: UnfinishedRun | None = None,
    progress: Report = silent,
) -> tuple[Profile, list[Unreadable]]:
    """The profile of a site, and the files that could not be used, which are for its own eyes.

    Args:
        extractor: as `extractor_of` makes it, where that was done already.
        reading: filled with what reading the cases gave, for the site's eyes.
        key: file of the site's secret, None without one.
        unfinished: where the state is kept.

    Raises:
        UsageError: there is no such key.
    """
    options, ready, first = ready_to_measure(site, how, extractor)
    if key is not None and not Path(key).exists():
        raise UsageError(f"--key {key}: there is no such file; the first part of a site makes it")
    secret = None if key is None else Key.at(Path(key))
    return profile_site(site, ready, options, progress, first, how.epsilon, reading, secret, unfinished)


def measure_part(
    site: Site,
    how: Measuring,
    key: AnyPath,
    *,
    reading: SiteReading | None = None,
    unfinished: UnfinishedRun | None = None,
    progress: Report = silent,
) -> tuple[Part, list[Unreadable]]:
    """The same up to the export rules: raw sums of a part of a site, which stay there.

    Args:
        key: file of the secret that marks patients; made where there is none.
    """
    options, extractor, first = ready_to_measure(site, how, None)
    return part_of_site(site, extractor, options, progress, first, Key.at(Path(key)), reading, unfinished)


def unfinished_run(target: Path, *, resume: bool) -> UnfinishedRun:
    """Where a run keeps its state until `target` is written: a file beside it, which stays at the site."""
    return UnfinishedRun(target.with_name(f"{target.name}.unfinished"), resume=resume)


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
