"""The profiles of a series before anything is compared: whose they are, in what order, and which can be watched."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise

from shiftscope.diagnosis.verdicts import Limits
from shiftscope.errors import ProfileError
from shiftscope.profiles import Profile, require_few_classes
from shiftscope.profiles.profile_document import WITHHELD

__all__ = ["caveats_of", "date_of", "is_enough", "require_series"]


def require_series(baseline: Profile, months: Sequence[Profile], limits: Limits) -> None:
    """Check that months can be watched against a baseline; all go by their labels.

    Raises:
        ProfileError: no month, two of one label, a baseline of too few patients, or months not in order.
        NotComparable: a month that was measured in another way than the baseline.
    """
    if not months:
        raise ProfileError("got a baseline and no month to watch, expected one profile more at the least")
    names = Counter(profile.site for profile in (baseline, *months))
    if twice := next((name for name, count in names.items() if count > 1), None):
        raise ProfileError(f"two profiles are called '{twice}': months go by their file names; rename one of them")
    require_few_classes((baseline, *months))
    for month in months:
        baseline.require_comparable(month)
    if not is_enough(baseline, limits):
        raise ProfileError(
            f"baseline '{baseline.site}' has {baseline.patients} patients, a watch needs"
            f" {limits.needed(baseline.patient_source)}; profile more months of it together"
        )
    dated = [(month.site, date) for month in months if (date := date_of(month)) is not None]
    for (one, before), (other, after) in pairwise(dated):
        if after < before:
            raise ProfileError(
                f"'{one}' ({before}) is given before '{other}' ({after}): months are taken in the order given, the"
                " oldest first"
            )


def is_enough(profile: Profile, limits: Limits) -> bool:
    """Whether it has the patients that a diagnosis needs."""
    return profile.patients >= limits.needed(profile.patient_source)


def date_of(profile: Profile) -> str | None:
    """The month most of its patients were examined in, YYYY-MM; None where that is not published."""
    published = profile.acquisition.get("month", {})
    known = {
        month: count for month, count in published.items() if isinstance(count, int) and len(month) == len("YYYY-MM")
    }
    return max(known, key=lambda month: (known[month], month), default=None)


def caveats_of(baseline: Profile, months: Sequence[Profile], sites: Mapping[str, str], limits: Limits) -> list[str]:
    """What lowers the trust in a series, in sentences.

    Args:
        baseline: by its label.
        months: by theirs.
        sites: label -> the site that the profile names.
        limits: patients that are needed.
    """
    out = []
    few = [month for month in months if not is_enough(month, limits)]
    if few:
        needed = limits.needed(few[0].patient_source)
        named = ", ".join(f"'{month.site}' ({month.patients})" for month in few)
        out.append(f"not watched, fewer than {needed} patients: {named}; profile neighbouring months together")
    if len({*sites.values()}) > 1:
        named = ", ".join(f"'{site}'" for site in sorted({*sites.values()}))
        out.append(f"the profiles name the sites {named}; they are taken as months of one site")
    first_of: dict[str, str] = {}
    for profile in (baseline, *months):
        if profile.fingerprint != WITHHELD and profile.fingerprint in first_of:
            out.append(f"'{first_of[profile.fingerprint]}' and '{profile.site}' are of the same files")
        first_of.setdefault(profile.fingerprint, profile.site)
    if any(profile.patient_source == "file" for profile in (baseline, *months)):
        out.append("each file counts as a patient: several images of one person make false alarms more likely")
    if baseline.patients < limits.comfortable:
        out.append(
            f"the baseline has {baseline.patients} patients, fewer than {limits.comfortable}: only large changes show"
            " in the first months"
        )
    hidden = [month.site for month in months if any(not isinstance(count, int) for count in month.labels.values())]
    if hidden:
        out.append(
            f"counts of classes are hidden in {len(hidden)} of {len(months)} months (a class below 10 patients):"
            " class prevalence is judged by the least that it can have changed"
        )
    watched = [month for month in months if is_enough(month, limits)]
    return [*out, *_without_contrasts([_known_pairs(profile) for profile in (baseline, *watched)])]


def _known_pairs(profile: Profile) -> set[tuple[str, str]]:
    """Every two classes within which it publishes means and covariances."""
    return {*combinations(sorted(label for label, axes in profile.by_class.items() if axes), 2)}


def _without_contrasts(known: Sequence[set[tuple[str, str]]]) -> Iterator[str]:
    """In how many months it can be asked what labels mean, where that is not all; nothing where no profile says.

    Args:
        known: every two classes that the baseline knows, and then each month that is watched.
    """
    twice = {pair for pair, times in Counter(pair for pairs in known for pair in pairs).items() if times > 1}
    asked = sum(not pairs.isdisjoint(twice) for pairs in known[1:])
    needs = "a month needs 40 patients, and 10 in each of two classes, to publish them"
    if any(known) and not twice:
        yield f"what labels mean is not asked: no two profiles publish the same two classes; {needs}"
    elif twice and asked < len(known) - 1:
        yield (
            f"what labels mean is judged by {asked} of {len(known) - 1} months: the others do not publish the classes;"
            f" {needs}"
        )
