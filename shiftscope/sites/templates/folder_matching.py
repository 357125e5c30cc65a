"""A template for the files of one folder, whose own path is matched once for all of them."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from shiftscope.sites.layouts.spellings import stem_of
from shiftscope.sites.templates.name_matching import Fit, LonePiece, Steps, fits
from shiftscope.sites.templates.template_names import Name, folded

if TYPE_CHECKING:
    from shiftscope.sites.templates.template import Template

__all__ = ["Match", "TemplateInFolder"]


class Match(NamedTuple):
    """One way in which a path fits.

    Attributes:
        order: the template's fields, as they come in it.
        values: the text of each.
        deep: what each `**` stands for, with a slash between folders.
        name: the names of folders and file that hold fields, without the channel and the suffix.
        loose: what each `*` stands for.
    """

    order: tuple[str, ...]
    values: tuple[str, ...]
    deep: tuple[str, ...]
    name: str
    loose: tuple[str, ...]

    @property
    def fields(self) -> Mapping[str, str]:
        """Field -> text."""
        return dict(zip(self.order, self.values, strict=True))


class TemplateInFolder:
    """A template, ready for the files of a folder.

    Args:
        template: of files.
        folders: the folder's path below the site's, name by name; empty for that itself.

    Raises:
        Unsettled: as `Template.matches`.
    """

    def __init__(self, template: "Template", folders: Sequence[str]) -> None:
        self._template = template
        self._wanted = template.names[-1]
        self._distinguishes = _distinguishes(template.kinds[-1], template)
        self._folders = [name if name.isascii() else unicodedata.normalize("NFC", name) for name in folders]
        steps = Steps(template.text, self._folders)
        self._fits = [_FolderFit.of(template, found) for found in self._walk(0, 0, {}, steps)]
        self._steps = steps.taken

    @property
    def fits_none(self) -> bool:
        """Whether the folder's own path does not fit, and therefore no file of it does."""
        return not self._fits

    def matches(self, name: str) -> Iterator[Match]:
        """Every way in which a file of this name fits, the likeliest first.

        Raises:
            Unsettled: as `Template.matches`.
        """
        text = name if name.isascii() else unicodedata.normalize("NFC", name)
        if self._template.any_suffix:
            text = stem_of(text)
        lower, tail = folded(text), self._wanted[-1]
        if not self._fits or (tail.kind == "text" and not lower.endswith(tail.lower)):
            return iter(())
        here = self._fits[0]
        if here.lone is None or len(self._fits) > 1:
            return self._tried(text, lower)
        only = here.lone.fit(text, lower)
        return iter(() if only is None else (self._match(text, here, only),))

    def _tried(self, text: str, lower: str) -> Iterator[Match]:
        """Matches, one after the other; the steps that the folder took count for each file."""
        steps = Steps(self._template.text, [*self._folders, text], self._steps)
        for here in self._fits:
            if here.lone is None:
                for fit in fits(self._wanted, text, here.bound, steps):
                    yield self._match(text, here, fit)
            elif (only := here.lone.fit(text, lower)) is not None:
                yield self._match(text, here, only)

    def _match(self, text: str, here: "_FolderFit", fit: Fit) -> Match:
        fields, loose = fit
        if "channel" in self._template.kinds[-1]:
            last = _without_channel(self._wanted, loose, here.bound | dict(fields))
        else:
            last = stem_of(text) if self._distinguishes else ""
        called = f"{here.called}/{last}" if here.called and last else here.called or last or text
        values = here.values + tuple([value for _, value in fields])
        return Match(self._template.order, values, here.deep, called, here.loose + loose)

    def _walk(self, at: int, used: int, bound: dict[str, str], steps: Steps) -> "Iterator[tuple[_FoundName, ...]]":
        """The folder's names from `used` on by the template's from `at` on, without the file's."""
        names = self._folders
        if at == len(self._template.names) - 1:
            if used == len(names):
                yield ()
            return
        wanted = self._template.names[at]
        if not wanted:
            for end in range(used, len(names) + 1):
                steps.count()
                here = _FoundName("/".join(names[used:end]), deep=True)
                yield from ((here, *rest) for rest in self._walk(at + 1, end, bound, steps))
            return
        if used == len(names):
            return
        lone = self._template.lone[at]
        if lone is not None:
            only = lone.fit(names[used], folded(names[used]))
            found: Iterable[Fit] = () if only is None else (only,)
        else:
            found = fits(wanted, names[used], bound, steps)
        for fields, loose in found:
            here = _FoundName(names[used], fields, loose)
            known = bound | dict(fields)
            yield from ((here, *rest) for rest in self._walk(at + 1, used + 1, known, steps))


@dataclass(frozen=True, slots=True)
class _FoundName:
    """What one name of a template stands for."""

    whole: str
    fields: tuple[tuple[str, str], ...] = ()
    loose: tuple[str, ...] = ()
    deep: bool = False


@dataclass(frozen=True, slots=True)
class _FolderFit:
    """One way in which a folder fits.

    Attributes:
        bound: field -> text.
        values: these texts.
        deep, loose: what each `**` and each `*` stands for.
        called: what of the folder's names distinguishes its files.
        lone: the file's name where one piece of it is open, None where several are.
    """

    bound: dict[str, str]
    values: tuple[str, ...]
    deep: tuple[str, ...]
    loose: tuple[str, ...]
    called: str
    lone: LonePiece | None

    @classmethod
    def of(cls, template: "Template", found: Sequence[_FoundName]) -> "_FolderFit":
        bound = {key: value for name in found for key, value in name.fields}
        called = []
        for wanted, kinds, name in zip(template.names, template.kinds, found, strict=False):
            if "channel" in kinds:
                called.append(_without_channel(wanted, name.loose, bound))
            elif name.deep or _distinguishes(kinds, template):
                called.append(name.whole)
        return cls(
            bound,
            tuple(bound.values()),
            tuple(name.whole for name in found if name.deep),
            tuple(text for name in found for text in name.loose),
            "/".join(filter(None, called)),
            template.lone[-1] or LonePiece.of(template.names[-1], bound),
        )


def _distinguishes(kinds: frozenset[str], template: "Template") -> bool:
    """Whether a name with these open pieces distinguishes files."""
    return bool(kinds) and ("case" not in template.order or kinds != {"any"})


def _without_channel(wanted: Name, loose: Sequence[str], fields: Mapping[str, str]) -> str:
    """A name up to its channel, without the separators before it."""
    left, out = list(loose), ""
    for piece in wanted:
        if piece.kind == "field" and piece.text == "channel":
            break
        out += piece.text if piece.kind == "text" else left.pop(0) if piece.kind == "any" else fields[piece.text]
    return out.rstrip(" _.-")
