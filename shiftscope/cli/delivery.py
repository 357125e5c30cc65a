"""What `check` is given: a profile, or a folder that is profiled first in the way of its baselines."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shiftscope.cli.console import choose_device, counting, list_failures, say, warn
from shiftscope.cli.options import Device, allowed_failures
from shiftscope.cli.publishing import caution_files
from shiftscope.errors import (
    InputError,
    NotComparable,
    ProfileError,
    TableError,
    TooManyFailures,
    Unreadable,
    Unsettled,
)

if TYPE_CHECKING:
    from shiftscope.profiles import Profile
    from shiftscope.sites import Declarations

__all__ = ["DELIVERY", "is_site", "read_delivery", "shown"]

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
    path: Path,
    baselines: "Sequence[Profile]",
    *,
    site: str | None,
    given: "Declarations",
    site_file: Path | None,
    weights: Path | None,
    device: Device,
    workers: int,
    max_failures: str | None,
    name_files: bool,
) -> "tuple[Profile, list[Unreadable]]":
    """Read a profile, or profile a folder with the baselines' extractor and seed and name its bad files here.

    Args:
        path: a profile, a folder or a manifest.
        baselines: what it will be held against.
        site: its name; None for that of a single baseline, else the folder's.
        given: what the options say of it.
        site_file, weights, device, workers, max_failures: as `shiftscope profile` takes them.
        name_files: whether the log may name files; names of files can be names of people, and others read a job's log.

    Raises:
        ProfileError: a profile that cannot be read.
        NotComparable: these images cannot be measured as the baselines were; nothing is read.
        InputError: nothing can be read, or too few files.
    """
    from shiftscope.measures.features.extractors import load_extractor
    from shiftscope.profiles import Options, Profile, profile_site
    from shiftscope.profiles.parts.origins import recipe_of
    from shiftscope.sites import SiteReading, read_site

    if not is_site(path):
        return Profile.read(path, ProfileError), []
    name = site or (baselines[0].site if len(baselines) == 1 else None)
    known = _known(baselines, name or path.resolve().name)
    try:
        found = read_site(path, name=name, given=given, known=known, site_file=site_file)
    except TableError as problem:
        raise problem if name_files else InputError(_TABLE) from None
    except Unsettled as question:
        raise question if name_files else InputError(_nameless(name or DELIVERY, question)) from None
    except InputError as problem:
        raise problem if name_files else InputError(f"{name or DELIVERY}: {_FOLDER}") from None
    chosen = choose_device(device, workers)
    extractor = load_extractor(baselines[0].recipe.extractor, weights, chosen)
    for baseline in baselines:
        if difference := recipe_of(extractor).difference(baseline.recipe):
            raise NotComparable(
                f"'{found.name}' ({path}) and the baseline '{baseline.site}' cannot be compared: {difference}; profile"
                " the baseline again with this version, or give the --weights it was made with"
            )
    options = Options(baselines[0].seed, workers, chosen, allowed_failures(max_failures, len(found.cases)))
    _say_what_is_known(known)
    reading = SiteReading(found)
    with counting(f"profiling {found.name}") as progress:
        try:
            made, failures = profile_site(
                found, extractor, options, lambda step: progress(step.done, step.total or 0), reading=reading
            )
        except Unsettled as question:
            raise question if name_files else InputError(_nameless(found.name, question)) from None
        except TooManyFailures as problem:
            raise problem if name_files else TooManyFailures(f"{found.name}: {_TOO_MANY}") from None
        except InputError as problem:
            raise problem if name_files else InputError(f"{found.name}: {_FOLDER}") from None
    caution_files(made.patient_source)
    for sentence in reading.oddities(named=name_files):
        warn(f"odd: {sentence}")
    if name_files:
        list_failures(failures)
    elif failures:
        reasons = Counter(failure.reason for failure in failures)
        listed = ", ".join(f"{count} x {reason}" for reason, count in sorted(reasons.items()))
        warn(f"{len(failures)} file{'s' * (len(failures) > 1)} left out ({listed}); --name-files names them")
    return made, [Unreadable(shown(item.path), item.reason, item.detail) for item in failures]


def _say_what_is_known(known: "Declarations") -> None:
    """A baseline speaks for the owner, and the log shows what it said."""
    if known.one_file_per_patient:
        say("as in the baseline, each file counts as another patient")
    if known.classes:
        say(f"names of classes as in the baseline: {', '.join(known.classes)}")


def _nameless(site: str, question: Unsettled) -> str:
    return (
        f"{site}: {question.nameless}; `shiftscope profile` of this folder, at the site, shows them and asks, and the"
        " answer goes into site.toml beside the images"
    )


def _known(baselines: "Sequence[Profile]", name: str) -> "Declarations":
    """What the site's own baseline says of it; of other sites' only the names of classes hold here too."""
    from shiftscope.sites import Declarations

    own = [baseline for baseline in baselines if baseline.site == name]
    if own:
        return own[0].declared
    names = sorted({name for baseline in baselines for name in baseline.labels})
    return Declarations(classes=tuple(names) or None)
