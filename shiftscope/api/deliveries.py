"""What `check` is given: a profile, or a folder that is profiled first in the way of its baselines."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from shiftscope.api.measuring import Measuring, extractor_of
from shiftscope.api.profiling import caution_files, measure_profile
from shiftscope.api.site_listing import OwnerOptions, declarations
from shiftscope.devices import find_device
from shiftscope.errors import (
    InputError,
    NotComparable,
    ProfileError,
    TableError,
    TooManyFailures,
    Unreadable,
    Unsettled,
)
from shiftscope.profiles import Profile
from shiftscope.profiles.parts.origins import recipe_of
from shiftscope.progress import Report
from shiftscope.sites import NOTHING_SAID, Declarations, Site, SiteReading
from shiftscope.sites import read_site as list_site

__all__ = ["DELIVERY", "is_site", "read_delivery", "shown"]

_LOGGER = logging.getLogger(__name__)

_MANIFESTS = (".csv", ".tsv")

DELIVERY = "delivery"
"""What a folder is called in answers: its own name can be a person's."""

_TABLE = (
    "the manifest or table of the new delivery cannot be used; `shiftscope profile --dry-run` of it, at the site, says"
    " why, for the reason quotes cells"
)

_TOO_MANY = "more unreadable files than --max-failures allows; --name-files says which was the last"

_FOLDER = (
    "the folder of the new delivery cannot be used as it is, or as its site.toml or the options say; `shiftscope"
    " profile --dry-run` of it, at the site, or --name-files says why, for the reason can name files and people"
)


def shown(path: Path) -> str:
    """A path as a CI job knows it: from the working folder, where it lies in it."""
    here, whole = Path.cwd(), path.absolute()
    return str(whole.relative_to(here)) if whole.is_relative_to(here) else str(path)


def is_site(path: Path) -> bool:
    """Whether a path is a folder of images or a manifest, and not a profile."""
    return path.is_dir() or (path.is_file() and path.suffix.lower() in _MANIFESTS)


def read_delivery(
    delivery: Path | Site,
    baselines: Sequence[Profile],
    *,
    name: str | None,
    owner: OwnerOptions,
    weights: Path | None,
    device: str,
    jobs: int | None,
    max_failures: int | float | None,
    name_files: bool,
    progress: Report,
) -> tuple[Profile, list[Unreadable]]:
    """Read a profile, or profile a folder with the baselines' extractor and seed.

    Args:
        delivery: a profile, a folder, a manifest, or a site that was read already.
        baselines: what it will be held against.
        name: of its site; None for that of a single baseline, else the folder's.
        owner: what the options say of it.
        weights, device, jobs, max_failures: as `profile` takes them.
        name_files: whether messages may name files; names of files can be names of people, and others read a job's log.
        progress: called after every case.

    Raises:
        ProfileError: a profile that cannot be read.
        NotComparable: these images cannot be measured as the baselines were; nothing is read.
        InputError: nothing can be read, or too few files.
    """
    if isinstance(delivery, Path) and not is_site(delivery):
        return Profile.read(delivery, ProfileError), []
    name = name or (baselines[0].site if len(baselines) == 1 else None)
    if isinstance(delivery, Site):
        found, known = delivery if name is None else replace(delivery, name=name), NOTHING_SAID
    else:
        known = _known(baselines, name or delivery.resolve().name)
        found = _listed(delivery, name, known, owner, name_files=name_files)
    how = Measuring(
        features=baselines[0].recipe.extractor,
        weights=weights,
        device=find_device(device),
        jobs=jobs,
        seed=baselines[0].seed,
        max_failures=max_failures,
    )
    extractor = extractor_of(how, how.device)
    recipe = recipe_of(extractor)
    for baseline in baselines:
        if difference := recipe.difference(baseline.recipe):
            raise NotComparable(
                f"'{found.name}' ({found.root}) and the baseline '{baseline.site}' cannot be compared: {difference};"
                " profile the baseline again with this version, or give the --weights it was made with"
            )
    _say_what_is_known(known)
    reading = SiteReading(found)
    try:
        made, failures = measure_profile(found, how, extractor=extractor, reading=reading, progress=progress)
    except Unsettled as question:
        raise question if name_files else InputError(_nameless(found.name, question)) from None
    except TooManyFailures as problem:
        raise problem if name_files else TooManyFailures(f"{found.name}: {_TOO_MANY}") from None
    except InputError as problem:
        raise problem if name_files else InputError(f"{found.name}: {_FOLDER}") from None
    caution_files(made.patient_source)
    for sentence in reading.oddities(named=name_files):
        _LOGGER.warning("odd: %s", sentence)
    if failures and not name_files:
        reasons = Counter(failure.reason for failure in failures)
        listed = ", ".join(f"{count} x {reason}" for reason, count in sorted(reasons.items()))
        more = "s" * (len(failures) > 1)
        _LOGGER.warning("%d file%s left out (%s); --name-files names them", len(failures), more, listed)
    return made, [Unreadable(shown(item.path), item.reason, item.detail) for item in failures]


def _listed(path: Path, name: str | None, known: Declarations, owner: OwnerOptions, *, name_files: bool) -> Site:
    """The cases of a folder; where the log may name nothing, neither may an error."""
    file = owner.get("site_file")
    try:
        return list_site(
            path,
            name=name,
            given=declarations(owner),
            known=known,
            site_file=None if file is None else Path(file),
        )
    except TableError as problem:
        raise problem if name_files else InputError(_TABLE) from None
    except Unsettled as question:
        raise question if name_files else InputError(_nameless(name or DELIVERY, question)) from None
    except InputError as problem:
        raise problem if name_files else InputError(f"{name or DELIVERY}: {_FOLDER}") from None


def _say_what_is_known(known: Declarations) -> None:
    """A baseline speaks for the owner, and the log shows what it said."""
    if known.one_file_per_patient:
        _LOGGER.info("as in the baseline, each file counts as another patient")
    if known.classes:
        _LOGGER.info("names of classes as in the baseline: %s", ", ".join(known.classes))


def _nameless(site: str, question: Unsettled) -> str:
    return (
        f"{site}: {question.nameless}; `shiftscope profile` of this folder, at the site, shows them and asks, and the"
        " answer goes into site.toml beside the images"
    )


def _known(baselines: Sequence[Profile], name: str) -> Declarations:
    """What the site's own baseline says of it; of other sites' only the names of classes hold here too."""
    own = [baseline for baseline in baselines if baseline.site == name]
    if own:
        return own[0].declared
    names = sorted({name for baseline in baselines for name in baseline.labels})
    return Declarations(classes=tuple(names) or None)
