"""How one name of a folder or file fits a name of a template: search from separator to separator.

No regular expression is made of a template: the steps that a name may take are counted, so no template is slow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shiftscope.errors import Unsettled
from shiftscope.printable_text import shown
from shiftscope.sites.layouts.spellings import SPLITS
from shiftscope.sites.templates.template_names import Name, Piece, folded, month_of

__all__ = ["Fit", "LonePiece", "Steps", "fits"]

_STEPS = 2000
"""Ends that are tried for the fields of one path; a path of ordinary separators takes twenty."""

Fit = tuple[tuple[tuple[str, str], ...], tuple[str, ...]]
"""A way in which a name fits: new fields, each with its text, and what each `*` stands for."""


@dataclass(slots=True)
class Steps:
    """Counts what is tried for one path."""

    template: str
    path: Sequence[str]
    taken: int = 0

    def count(self) -> None:
        """Count one more.

        Raises:
            Unsettled: there were too many.
        """
        self.taken += 1
        if self.taken > _STEPS:
            raise Unsettled(
                f"the template {self.template} fits {shown('/'.join(self.path))} in too many ways; put more plain text"
                " between its fields, or fewer * and **",
                "the template of its layout fits a name in too many ways",
            )


@dataclass(frozen=True, slots=True)
class LonePiece:
    """A name of which one piece at the most is open, and which a text therefore fits in one way or in none.

    Attributes:
        opening, closing: what stands before and after it, folded.
        piece: the open one, None where all is fixed.
        before: the sign in front of it.
    """

    opening: str
    closing: str
    piece: Piece | None
    before: str

    @classmethod
    def of(cls, wanted: Name, bound: Mapping[str, str]) -> "LonePiece | None":
        """From a template's name, given what fields are already; None where several pieces are open."""
        fixed = [_fixed(piece, bound) for piece in wanted]
        places = [at for at, text in enumerate(fixed) if text is None]
        if len(places) > 1:
            return None
        at = places[0] if places else len(wanted)
        before = wanted[at - 1].text[-1:] if places and at and wanted[at - 1].kind == "text" else ""
        opening, closing = ("".join(filter(None, part)) for part in (fixed[:at], fixed[at + 1 :]))
        return cls(opening, closing, wanted[at] if places else None, before)

    def fit(self, text: str, lower: str) -> Fit | None:
        """The way in which a text fits, which is also given folded; None where it does not."""
        if self.piece is None:
            return ((), ()) if lower == self.opening else None
        end = len(text) - len(self.closing)
        if end < len(self.opening) or not (lower.startswith(self.opening) and lower.endswith(self.closing)):
            return None
        found = text[len(self.opening) : end]
        if self.piece.kind == "any":
            return (), (found,)
        return (((self.piece.text, found),), ()) if found and _may_be(self.piece.text, found, self.before) else None


def fits(wanted: Name, text: str, bound: Mapping[str, str], steps: Steps) -> Iterator[Fit]:
    """The ways in which one name fits.

    Where a piece cannot begin at a place, it is not tried there again: a field comes once in a name, so what follows
    does not depend on how the place was reached.
    """
    lower = folded(text)
    dead: set[tuple[int, int]] = set()

    def fit(at: int, start: int) -> Iterator[Fit]:
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
    places = ([len(text)] if least <= len(text) else []) if following is None else _places(lower, following, least)
    before = wanted[at - 1].text[-1:] if at and wanted[at - 1].kind == "text" else ""
    for place in reversed(places) if piece.text == "case" else places:
        if piece.kind == "any" or _may_be(piece.text, text[start:place], before):
            yield place


def _places(text: str, wanted: str, start: int) -> list[int]:
    """Where a text holds another, from `start` on."""
    places = []
    place = text.find(wanted, start)
    while place >= 0:
        places.append(place)
        place = text.find(wanted, place + 1)
    return places


def _fixed(piece: Piece, bound: Mapping[str, str]) -> str | None:
    """The text that a piece must be, folded; None where it is open."""
    if piece.kind == "text":
        return piece.lower
    return folded(bound[piece.text]) if piece.text in bound else None


def _may_be(field: str, text: str, before: str) -> bool:
    """Whether a field can have this text; `before` is the sign in front of it."""
    if field == "split":
        return text.lower() in SPLITS
    if field == "date":
        return month_of(text) is not None
    return field != "channel" or not before or before not in text
