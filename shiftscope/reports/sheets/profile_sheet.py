"""One site's profile, and what was found before profiling, as sheets."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shiftscope.measures import AXES
from shiftscope.measures.plain_names import plain_name
from shiftscope.profiles import Profile
from shiftscope.reports.first_screen import LINE, first_that_fits, labelled, more
from shiftscope.reports.questions import QUESTIONS
from shiftscope.reports.sheet import Grid, Lines, Sheet
from shiftscope.reports.wrapping import shortened

__all__ = ["SOURCES", "profile_sheet", "reading_sheet", "site_sheet"]

SOURCES = {
    "dicom": "told apart by DICOM PatientID",
    "manifest": "told apart by the manifest or table",
    "regex": "told apart by names of files or folders",
    "one_file_per_patient": "told apart by file: each is another's, says the owner",
    "file": "not told apart: each file counts as one",
}

_MOST_ODD = 3
_FACTS = LINE - 16  # cells of a fact beside its name


def profile_sheet(profile: Profile, where: str, *, verbose: bool = False) -> Sheet:
    """What was measured, what was left out, and what the file holds.

    Args:
        profile: of a site.
        where: where the file lies, in a sentence.
        verbose: a row for every axis; if not, one screen of 24 lines.
    """
    blocks: list[Lines | Grid] = [_summary(profile, where)]
    sketches = {axis: sketch for axis, sketch in profile.sketches.items() if sketch is not None}
    counts = Counter(profile.excluded)
    if not verbose:
        left_out = ", ".join(f"{reason} {count}" for reason, count in counts.most_common()) or "nothing"
        asked = [*_by_question([*sketches])]
        return [
            *blocks,
            labelled(
                [
                    *(("measured" * (place == 0), text, 2) for place, text in enumerate(asked)),
                    ("left out", f"{left_out}", 2),
                    ("next", "send this file, and no image, to the coordinator; --show prints all that is in it", 2),
                    ("", "--verbose shows every axis", 1),
                ]
            ),
        ]
    rows = [(plain_name(axis), axis, str(sketch.n), str(len(sketch.mean))) for axis, sketch in sketches.items()]
    if rows:
        title = "axes measured (shiftscope explain KEY says what each is)"
        blocks.append(Grid(title, ("axis", "key", "patients#", "coordinates#"), rows))
    if counts:
        blocks.append(Grid("left out", ("reason", "files#"), [(key, str(n)) for key, n in counts.most_common()]))
    return blocks


def _summary(profile: Profile, where: str) -> Lines:
    classes = ", ".join(f"{label} {count}" for label, count in profile.labels.items()) or "none"
    return Lines(
        f"site {profile.site}",
        [
            f"{profile.cases} {'case' if profile.cases == 1 else 'cases'} of {profile.patients}"
            f" {'patient' if profile.patients == 1 else 'patients'}, {profile.masks} with a mask, {profile.depth},"
            f" {'colour' if profile.colour else 'grey'}, layout {profile.layout}",
            f"patients {SOURCES[profile.patient_source]}",
            f"classes: {classes}",
            f"features: {profile.recipe.extractor}",
            where,
        ],
    )


def _by_question(axes: Sequence[str]) -> Iterator[str]:
    """A line for each question that the axes answer, and for those that serve it."""
    for key, question in QUESTIONS.items():
        names = [plain_name(axis) for axis in axes if AXES[axis].question == key]
        if names:
            yield f"{question.name}: {', '.join(names)}"
    others = sum(AXES[axis].question not in QUESTIONS for axis in axes)
    if others:
        yield f"{others} axes of features and layout, which show what harmonizers would remove"


def site_sheet(found: Mapping[str, Any], *, verbose: bool = False) -> Sheet:
    """The layout found before anything is measured, from `sites.readings.overview`.

    Args:
        found: what was found.
        verbose: some cases too; if not, one screen of 24 lines, with the first of them.
    """

    def counts(key: str, otherwise: str) -> str:
        return ", ".join(f"{name} {n}" for name, n in found[key].items()) or otherwise

    rows = [
        ("layout", str(found["layout"])),
        ("as a template", _template(found)),
        ("cases", str(found["cases"])),
        ("patients", f"{found['patients']}, {SOURCES[found['patient_source']]}"),
        ("masks", str(found["masks"])),
        ("classes", counts("labels", "none")),
        ("split", counts("splits", "none: patients will be divided by the plan")),
        ("left out", _left_out(found)),
    ]
    title = f"site {found['site']}, nothing measured yet"
    if verbose:
        some = [Grid("some cases", ("case", "found"), list(found["first"].items()))] if found["first"] else []
        return [Grid(title, ("what", "found"), rows), *some, *reading_sheet(found["reading"], verbose=True)]
    return first_that_fits(_site_screens(title, rows, found))


def _site_screens(title: str, rows: Sequence[tuple[str, str]], found: Mapping[str, Any]) -> Iterator[Sheet]:
    first = [("first case", f"{name}: {says}") for name, says in list(found["first"].items())[:1]]
    kept = {"layout", "as a template", "cases", "patients", "masks", "classes", "left out"}
    for most_odd, facts in ((_MOST_ODD, True), (2, True), (1, True), (_MOST_ODD, False), (1, False)):
        shown = [*(row for row in rows if facts or row[0] in kept), *(first if facts else [])]
        reading = found["reading"]
        read = {key: text for key, text in reading["found"].items() if key not in ("cases", "patients", "left out")}
        yield [
            Grid(title, ("", ""), _cut(shown)),
            *_odd(reading["odd"], most_odd),
            Grid("what was read" if facts else "", ("", ""), _cut(list(read.items())) if facts else []),
            Lines("", [_LAST]),
        ]


_LAST = "--verbose shows some cases, and all that looks odd"


def reading_sheet(reading: Mapping[str, Any], *, verbose: bool = False) -> Sheet:
    """What reading the cases gave, from `sites.SiteReading`; what looks odd comes first.

    Args:
        reading: what was read.
        verbose: all that looks odd; if not, one screen of 24 lines.
    """
    rows = list(reading["found"].items())
    if verbose:
        return [*_odd(reading["odd"], len(reading["odd"])), Grid("what was read", ("what", "found"), rows)]
    return first_that_fits(
        [*_odd(reading["odd"], most), Grid("what was read", ("", ""), _cut(rows))] for most in (4, 3, 2, 1)
    )


def _odd(odd: Sequence[str], most: int) -> list[Grid]:
    """What looks odd, the most suspicious first."""
    if not odd:
        return []
    rows = [(str(place), shortened(says, 3, LINE - 4)) for place, says in enumerate(odd[:most], start=1)]
    return [Grid(f"what looks odd, most suspicious first{more(len(odd) - most, 'sentence')}", ("", ""), rows)]


def _cut(rows: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Facts of two lines at the most; a command is never cut."""
    return [(key, text if text.startswith("--") else shortened(text, 2, _FACTS)) for key, text in rows]


def _left_out(found: Mapping[str, Any]) -> str:
    """How many files by reason, and the first of each."""
    firsts = found["first_excluded"]
    return "; ".join(f"{reason} {n}, first {firsts[reason]}" for reason, n in found["excluded"].items()) or (
        "nothing so far"
    )


def _template(found: Mapping[str, Any]) -> str:
    """The options that say what was recognised."""
    if found["template"] is None:
        return "none says the same"
    mask = f" --mask {shlex.quote(found['mask_template'])}" if found["mask_template"] else ""
    return f"--layout {shlex.quote(found['template'])}{mask}"
