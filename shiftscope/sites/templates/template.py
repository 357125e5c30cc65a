"""Templates that say how files lie in folders: `{class}/{patient}/{case}.png`.

A field in braces stands for characters within one name, never for a `/`, and where it comes again the text must be the
same. `*` is anything within one name, `**/` any number of folders, also none. All else is plain text, compared without
regard to upper and lower case and to the Unicode form. `.*` at the end is any suffix of an image, or none, and so is no
suffix at all: `{class}/{case}`.

Names are matched by search from separator to separator, never by a regular expression: the steps that a name may take
are counted, so no template is slow.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from shiftscope.sites.layouts.spellings import stem_of
from shiftscope.sites.templates.name_matching import Steps, fits
from shiftscope.sites.templates.template_names import Name, folded, names_of

__all__ = ["LayoutTemplate", "Match", "Template"]


@dataclass(frozen=True, slots=True)
class Match:
    """One way in which a path fits.

    Attributes:
        fields: field -> text.
        deep: what each `**` stands for, with a slash between folders.
        name: the names of folders and file that hold fields, without the channel and the suffix.
        loose: what each `*` stands for.
    """

    fields: Mapping[str, str]
    deep: tuple[str, ...]
    name: str
    loose: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A template, ready to be matched.

    Attributes:
        text: as it was written.
        names: of folders and, last, the file.
        any_suffix: whether it ends in `.*`, or in a field or `*`: then the suffix is no part of either.
        fields: those that it holds.
    """

    text: str
    names: tuple[Name, ...]
    any_suffix: bool
    fields: frozenset[str]

    @classmethod
    def of(cls, text: str) -> "Template":
        """Read a template.

        Raises:
            ValueError: it is none; the message says why, and names the fields.
        """
        any_suffix = text.endswith(".*") and text.rpartition("/")[2] != ".*"
        names = names_of(text[:-2] if any_suffix else text)
        fields = frozenset(piece.text for name in names for piece in name if piece.kind == "field")
        return cls(text, names, any_suffix or names[-1][-1].is_open, fields)

    def match(self, parts: Sequence[str]) -> Match | None:
        """The first way in which a path fits, None where it does not."""
        return next(self.matches(parts), None)

    def matches(self, parts: Sequence[str]) -> Iterator[Match]:
        """Every way in which a path below the site's folder fits: `{case}` takes as much as it can, all else as little.

        Raises:
            Unsettled: there are so many ways to try that the template cannot mean one of them.
        """
        names = [unicodedata.normalize("NFC", part) for part in parts]
        if self.any_suffix:
            names[-1] = stem_of(names[-1])
        tail = self.names[-1][-1]
        if tail.kind == "text" and not folded(names[-1]).endswith(folded(tail.text)):
            return
        steps = Steps(self.text, "/".join(parts))
        for found in self._walk(0, names, 0, {}, steps):
            fields = {key: value for name in found for key, value in name.fields}
            deep = tuple(name.whole for name in found if name.deep)
            loose = tuple(text for name in found for text in name.loose)
            yield Match(fields, deep, self._called(found, fields), loose)

    def _walk(
        self, at: int, names: Sequence[str], used: int, bound: dict[str, str], steps: Steps
    ) -> Iterator[tuple["_Found", ...]]:
        """The names from `used` on by the template's names from `at` on."""
        if at == len(self.names):
            if used == len(names):
                yield ()
            return
        wanted = self.names[at]
        if not wanted:
            for end in range(used, len(names)):
                steps.count()
                here = _Found("/".join(names[used:end]), deep=True)
                yield from ((here, *rest) for rest in self._walk(at + 1, names, end, bound, steps))
            return
        if used == len(names):
            return
        for fields, loose in fits(wanted, names[used], bound, steps):
            here = _Found(names[used], fields, loose)
            known = bound | dict(fields)
            yield from ((here, *rest) for rest in self._walk(at + 1, names, used + 1, known, steps))

    def _called(self, found: Sequence["_Found"], fields: Mapping[str, str]) -> str:
        """The name of a match, which distinguishes it. Without `{case}` every part that is not fixed does."""
        named = "case" in self.fields
        called = []
        for place, (wanted, got) in enumerate(zip(self.names, found, strict=True)):
            whole = stem_of(got.whole) if place == len(self.names) - 1 else got.whole
            kinds = {piece.text if piece.kind == "field" else piece.kind for piece in wanted if piece.is_open}
            if got.deep:
                called.append(whole)
            elif "channel" in kinds:
                called.append(_without_channel(wanted, got, fields))
            elif kinds and (not named or kinds != {"any"}):
                called.append(whole)
        return "/".join(filter(None, called)) or found[-1].whole


@dataclass(frozen=True, slots=True)
class _Found:
    """What one name of a template stands for."""

    whole: str
    fields: tuple[tuple[str, str], ...] = ()
    loose: tuple[str, ...] = ()
    deep: bool = False


def _without_channel(wanted: Name, got: _Found, fields: Mapping[str, str]) -> str:
    """A name up to its channel, without the separators before it."""
    loose, out = list(got.loose), ""
    for piece in wanted:
        if piece.kind == "field" and piece.text == "channel":
            break
        out += piece.text if piece.kind == "text" else loose.pop(0) if piece.kind == "any" else fields[piece.text]
    return out.rstrip(" _.-")


def _is_template(text: str) -> str:
    Template.of(text)
    return text


LayoutTemplate = Annotated[str, AfterValidator(_is_template)]
"""The text of a template."""
