"""One profile from the parts of a site: whose patients may be added up, and their sum."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import metadata

import numpy as np
from pydantic import ValidationError

from shiftscope.errors import NotComparable, ProfileError
from shiftscope.measures import AXES, MEASURES
from shiftscope.profiles.parts.keys import KEY_FILE
from shiftscope.profiles.parts.origins import Origin
from shiftscope.profiles.parts.part_files import Part
from shiftscope.profiles.patients.near_duplicates import COPIES
from shiftscope.profiles.profile_document import Profile
from shiftscope.profiles.sums.harmonized_sample import HarmonizedSample
from shiftscope.profiles.sums.site_accumulator import SiteAccumulator
from shiftscope.records import explain_validation
from shiftscope.sites import NOTHING_SAID, Declarations

__all__ = ["merge"]

_Named = tuple[str, Part]

_LISTED = 5

_SAME_FIT = 1e-6
"""Two machines fit the same map to rounding; of other images it differs in the third digit."""

_ADDED = frozenset({"snr"})
"""Measures that parts of schema 1 may lack, because they are older; then the whole does not hold them either."""


def merge(parts: Sequence[_Named], epsilon: float | None = None) -> Profile:
    """The profile of all patients of the parts: equal to that of one folder that holds them all, for the same map.

    Args:
        parts: each with the name that messages give it, in any order. A part without patients adds its excluded files.
        epsilon: for a profile under differential privacy, see `privacy`.

    Raises:
        ProfileError: parts of several sites, that share a patient, are not all of a folder, or without any patient.
        NotComparable: measured in different ways, or with different canonical maps.
    """
    for name, part in parts:
        _require_this_version(name, part)
    measured = [(name, part) for name, part in parts if part.tally.patients]
    _require_one_site(parts)
    for other in measured[1:]:
        _require_one_key(measured[0], other)
    _require_all_shares(parts)
    _require_other_people(parts)
    _require_no_copies(parts)
    for other in measured[1:]:
        _require_alike(measured[0], other)
    if not measured:
        raise ProfileError(f"{parts[0][0]}: no part holds a patient, so there is nothing to publish; give more parts")
    accumulator = SiteAccumulator(sample=HarmonizedSample(measured[0][1].tally.sample.limit))
    for name, part in measured:
        try:
            accumulator.merge(part.tally)
        except ValueError as problem:
            raise ProfileError(f"{name}: its sums do not fit the other parts' ({problem}); make it again") from None
    for measure in _ADDED:
        if any(measure not in part.tally.histograms for _, part in measured):  # of all patients or of none
            accumulator.histograms.pop(measure)
    try:
        return accumulator.export(_together([part.origin for _, part in parts], measured[0][1].origin), epsilon)
    except ValidationError as problem:
        names = ", ".join(name for name, _ in parts)
        raise ProfileError(
            f"{names}: their sums make no profile: {explain_validation(problem)}; make the parts again"
        ) from None


def _together(origins: Sequence[Origin], first: Origin) -> Origin:
    """The origin of all the parts; `first` is of one that holds patients."""
    reasons = sorted({reason for origin in origins for reason in origin.excluded})
    return Origin(
        site=first.site,
        layout=", ".join(sorted({origin.layout for origin in origins})),
        patient_source=first.patient_source,
        seed=first.seed,
        recipe=first.recipe,
        excluded={reason: sum(origin.excluded.get(reason, 0) for origin in origins) for reason in reasons},
        key=first.key,
        declared=_declared_by_all(origins),
        people=tuple(sorted(person for origin in origins for person in origin.people)),
        cases=tuple(sorted(case for origin in origins for case in origin.cases)),
    )


def _declared_by_all(origins: Sequence[Origin]) -> Declarations:
    """What every part declares of its images, nothing where they differ."""
    said = {(each.declared.depth, each.declared.colour, each.declared.has_masks) for each in origins}
    depth, colour, has_masks = said.pop()
    return Declarations(depth=depth, colour=colour, has_masks=has_masks) if not said else NOTHING_SAID


def _require_this_version(name: str, part: Part) -> None:
    """The export rules are this version's, so the axes and grids must be too."""
    grids = {key: (histogram.low, histogram.high) for key, histogram in part.tally.histograms.items()}
    expected = {key: MEASURES[key].range for key in SiteAccumulator().histograms if key in grids or key not in _ADDED}
    if part.origin.recipe.axes != {axis: known.version for axis, known in AXES.items()} or grids != expected:
        raise NotComparable(
            f"{name}: was measured by version {part.version}, whose axes or measures are not those of this version,"
            f" {metadata.version('shiftscope-fl')}; make the part again"
        )


def _require_one_site(parts: Sequence[_Named]) -> None:
    first, known = parts[0], dict[tuple[str, ...], _Named]()
    for b, theirs in parts:
        a, mine = first
        if mine.origin.site != theirs.origin.site:
            raise ProfileError(
                f"{a} is a part of site '{mine.origin.site}', {b} of '{theirs.origin.site}': merge takes the parts of"
                f" one site; if they are one, make {b} again with --site {shlex.quote(mine.origin.site)}"
            )
        if theirs.origin.cases not in known:
            if theirs.origin.cases or theirs.origin.excluded:
                known[theirs.origin.cases] = (b, theirs)
            continue
        a, mine = known[theirs.origin.cases]
        if not mine.origin.beside(theirs.origin):
            what = f"{a} is given twice" if a == b else f"{a} and {b} are parts of the same images"
            raise ProfileError(f"{what}: give each part once")


def _require_all_shares(parts: Sequence[_Named]) -> None:
    """Of a folder that was measured in n parts, each part is there once, and all are of the same images."""
    names: dict[tuple[str, int], dict[int, str]] = {}
    for name, part in parts:
        i, n = part.origin.share
        if n == 1:
            continue
        given = names.setdefault((part.origin.listing, n), {})
        if i in given:
            raise ProfileError(f"{given[i]} and {name} are both part {i}/{n} of one folder: give each part once")
        given[i] = name
    for (_, n), given in names.items():
        missing = [i for i in range(1, n + 1) if i not in given]
        if missing:
            raise ProfileError(_missing_text(missing, n, given, [each for key, each in names.items() if key[1] == n]))


def _missing_text(missing: Sequence[int], n: int, given: Mapping[int, str], alike: Sequence[Mapping[int, str]]) -> str:
    listed = ", ".join(f"{i}/{n}" for i in missing[:_LISTED]) + (" and others" if missing[_LISTED:] else "")
    other = next((each for each in alike if each is not given and any(i in each for i in missing)), None)
    if other is not None:
        return (
            f"{next(iter(given.values()))} and {next(iter(other.values()))} are not parts of the same images: what the"
            f" folder holds, or who is a patient there, has changed between them, so that {listed} of the first is"
            " missing; make the older ones again"
        )
    return (
        f"parts of a folder are missing: {listed}; make them with --part, or give their files too, for a profile"
        " without them would pass for one of the whole site"
    )


def _require_alike(one: _Named, other: _Named) -> None:
    (a, mine), (b, theirs) = one, other
    if difference := mine.origin.recipe.difference(theirs.origin.recipe):
        raise NotComparable(
            f"{a} and {b} were measured differently: {difference}; make one of them again with the same options and"
            " version"
        )
    if mine.origin.patient_source != theirs.origin.patient_source:
        raise NotComparable(
            f"{a} identifies patients by {mine.origin.patient_source}, {b} by {theirs.origin.patient_source}, so that"
            " nobody knows whether they share one; make both again in one way: with {patient} in --layout or with"
            " --patient-regex, or with tables that have a column of patients"
        )
    if mine.tally.sample.limit != theirs.tally.sample.limit:
        sizes = [part.tally.sample.limit or "all" for part in (mine, theirs)]
        raise NotComparable(
            f"{a} was measured with --harmonized-sample {sizes[0]}, {b} with {sizes[1]}; make {b} again with"
            f" --harmonized-sample {sizes[0]}"
        )
    if _differ(mine.fit, theirs.fit):
        raise NotComparable(
            f"{a} and {b} were measured with different canonical maps; make {b} again with --fit {shlex.quote(a)}"
        )


def _require_one_key(one: _Named, other: _Named) -> None:
    (a, mine), (b, theirs) = one, other
    if mine.origin.key != theirs.origin.key:
        raise NotComparable(_other_key(a, mine, b, theirs))


def _other_key(a: str, mine: Part, b: str, theirs: Part) -> str:
    """Why nobody knows whether two parts share a patient."""
    for name, part, other in ((a, mine, b), (b, theirs, a)):
        if not part.origin.key:
            return (
                f"{name} was made by version {part.version}, which marked patients without a key, {other} with one, so"
                f" that nobody knows whether they share a patient; make {name} again"
            )
    return (
        f"{a} and {b} mark patients with different keys, so that nobody knows whether they share one; make {b} again"
        f" with --key FILE, the {KEY_FILE} that {a} was made with"
    )


def _require_other_people(parts: Sequence[_Named]) -> None:
    owner: dict[str, _Named] = {}
    for name, part in parts:
        if part.tally.patients and not part.origin.people:
            raise ProfileError(f"{name}: holds no marks of patients, so that one could be counted twice; make it again")
        shared = [
            person
            for person in part.origin.people
            if person in owner and not part.origin.beside(owner[person][1].origin)  # copies, which the whole holds too
        ]
        if shared:
            first, _ = owner[shared[0]]
            number = sum(owner[person][0] == first for person in shared)
            raise ProfileError(
                f"{first} and {name} share {number} {'patient' if number == 1 else 'patients'}, whose images belong in"
                " one part; divide the images by patient, or, if these are different people, give them different"
                " identifiers"
            )
        owner |= dict.fromkeys(part.origin.people, (name, part))


def _require_no_copies(parts: Sequence[_Named]) -> None:
    """Each part has looked for copies of its own; those in two parts are seen here. What could not be read may be equal
    for that alone, such as files without a byte."""
    known = Counter(case for _, part in parts for case in {*part.origin.cases})
    measured = sum(part.tally.cases for _, part in parts)
    unread = sum(max(0, len(part.origin.cases) - part.tally.cases) for _, part in parts)
    copies = sum(known[case] > 1 for _, part in parts for case in part.origin.cases) - unread
    if copies > max(2, COPIES * measured):
        raise ProfileError(
            f"{copies} of {measured} cases are the very case of another part: one person under several identifiers, or"
            " copies; leave one of each, or correct how patients are identified, and make the parts again"
        )


def _differ(mine: dict[str, np.ndarray] | None, theirs: dict[str, np.ndarray] | None) -> bool:
    if mine is None or theirs is None:
        return mine is not theirs
    return mine.keys() != theirs.keys() or any(not np.allclose(mine[key], theirs[key], rtol=_SAME_FIT) for key in mine)
