"""Templates that say how files lie in folders: `{class}/{patient}/{case}.png`.

A field in braces stands for characters within one name, never for a `/`, and where it comes again the text must be the
same. `*` is anything within one name, `**/` any number of folders, also none. All else is plain text, compared without
regard to upper and lower case and to the Unicode form. `.*` at the end is any suffix of an image, or none, and so is no
suffix at all: `{class}/{case}`.

Names are matched by search from separator to separator, never by a regular expression: the steps that a name may take
are counted, so no template is slow.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator

from shiftscope.sites.templates.folder_matching import Match, TemplateInFolder
from shiftscope.sites.templates.name_matching import LonePiece
from shiftscope.sites.templates.template_names import Name, names_of

__all__ = ["LayoutTemplate", "Template"]


@dataclass(frozen=True, slots=True)
class Template:
    """A template, ready to be matched.

    Attributes:
        text: as it was written.
        names: of folders and, last, the file.
        any_suffix: whether it ends in `.*`, or in a field or `*`: then the suffix is no part of either.
        order: the fields that it holds, as they come.
        lone: of each name whose fields all are new in it, where one piece of it is open; else None.
        kinds: of each name the fields, and "any" where it has a `*`.
    """

    text: str
    names: tuple[Name, ...]
    any_suffix: bool
    order: tuple[str, ...]
    lone: tuple[LonePiece | None, ...]
    kinds: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, text: str) -> "Template":
        """Read a template.

        Raises:
            ValueError: it is none; the message says why, and names the fields.
        """
        any_suffix = text.endswith(".*") and text.rpartition("/")[2] != ".*"
        names = names_of(text[:-2] if any_suffix else text)
        kinds = [frozenset(p.text if p.kind == "field" else p.kind for p in name if p.is_open) for name in names]
        order: dict[str, None] = {}
        lone = []
        for name, its in zip(names, kinds, strict=True):
            lone.append(LonePiece.of(name, {}) if name and its.isdisjoint(order) else None)
            order |= dict.fromkeys(piece.text for piece in name if piece.kind == "field")
        return cls(text, names, any_suffix or names[-1][-1].is_open, tuple(order), tuple(lone), tuple(kinds))

    @property
    def fields(self) -> frozenset[str]:
        """Those that it holds."""
        return frozenset(self.order)

    def match(self, parts: Sequence[str]) -> Match | None:
        """The first way in which a path fits, None where it does not."""
        return next(self.matches(parts), None)

    def matches(self, parts: Sequence[str]) -> Iterator[Match]:
        """Every way in which a path below the site's folder fits: `{case}` takes as much as it can, all else as little.

        Raises:
            Unsettled: there are so many ways to try that the template cannot mean one of them.
        """
        return TemplateInFolder(self, parts[:-1]).matches(parts[-1])


def _is_template(text: str) -> str:
    Template.of(text)
    return text


LayoutTemplate = Annotated[str, AfterValidator(_is_template)]
"""The text of a template."""
