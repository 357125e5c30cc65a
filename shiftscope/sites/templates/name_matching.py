"""How one name of a folder or file fits a name of a template: search from separator to separator.

No regular expression is made of a template: the steps that a name may take are counted, so no template is slow.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shiftscope.errors import Unsettled
from shiftscope.printable_text import shown
from shiftscope.sites.layouts.spellings import SPLITS
from shiftscope.sites.templates.template_names import Name, Piece, folded, month_of

__all__ = ["Steps", "fits"]

_STEPS = 2000
"""Ends that are tried for the fields of one path; a path of ordinary separators takes twenty."""


@dataclass(slots=True)
class Steps:
    """Counts what is tried for one path."""

    template: str
    path: str
    taken: int = 0

    def count(self) -> None:
        """Count one more.

        Raises:
            Unsettled: there were too many.
        """
        self.taken += 1
        if self.taken > _STEPS:
            raise Unsettled(
                f"the template {self.template} fits {shown(self.path)} in too many ways; put more plain text between"
                " its fields, or fewer * and **",
                "the template of its layout fits a name in too many ways",
            )


def fits(
    wanted: Name, text: str, bound: Mapping[str, str], steps: Steps
) -> Iterator[tuple[tuple[tuple[str, str], ...], tuple[str, ...]]]:
    """The ways in which one name fits: new fields, and what each `*` stands for.

    Where a piece cannot begin at a place, it is not tried there again: a field comes once in a name, so what follows
    does not depend on how the place was reached.
    """
    lower = folded(text)
    dead: set[tuple[int, int]] = set()

    def fit(at: int, start: int) -> Iterator[tuple[tuple[tuple[str, str], ...], tuple[str, ...]]]:
        if (at, start) in dead:
            return
        if at == len(wanted):
            if start == len(text):
                yield (), ()
            return
        steps.count()
        piece, fitted = wanted[at], False
        for end in _ends(wanted, at, start, text, lower, bound):
            for fields, loose in fit(at + 1, end):
                fitted = True
                if piece.kind == "any":
                    yield fields, (text[start:end], *loose)
                elif piece.kind == "field" and piece.text not in bound:
                    yield ((piece.text, text[start:end]), *fields), loose
                else:
                    yield fields, loose
        if not fitted:
            dead.add((at, start))

    yield from fit(0, 0)


def _ends(wanted: Name, at: int, start: int, text: str, lower: str, bound: Mapping[str, str]) -> Iterator[int]:
    """Where a piece that begins at `start` can end, the likeliest first."""
    fixed = _fixed(wanted[at], bound)
    if fixed is not None:
        if lower.startswith(fixed, start):
            yield start + len(fixed)
        return
    piece = wanted[at]
    least = start + (piece.kind == "field")
    following = _fixed(wanted[at + 1], bound) if at + 1 < len(wanted) else None
    if following is None:
        places = [len(text)] if least <= len(text) else []
    else:
        places = [place for place in range(least, len(text) + 1) if lower.startswith(following, place)]
    before = wanted[at - 1].text[-1:] if at and wanted[at - 1].kind == "text" else ""
    for place in reversed(places) if piece.text == "case" else places:
        if piece.kind == "any" or _may_be(piece.text, text[start:place], before):
            yield place


def _fixed(piece: Piece, bound: Mapping[str, str]) -> str | None:
    """The text that a piece must be, folded; None where it is open."""
    if piece.kind == "text":
        return folded(piece.text)
    return folded(bound[piece.text]) if piece.text in bound else None


def _may_be(field: str, text: str, before: str) -> bool:
    """Whether a field can have this text; `before` is the sign in front of it."""
    if field == "split":
        return text.lower() in SPLITS
    if field == "date":
        return month_of(text) is not None
    return field != "channel" or not before or before not in text
