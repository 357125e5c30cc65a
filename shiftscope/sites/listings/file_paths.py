"""Paths of files as text: a site has hundreds of thousands of them, and a `Path` takes four times the room."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

__all__ = ["FilePaths", "below", "folder_of", "in_order", "name_of", "opening_of", "texts_of"]

_BETWEEN = "\0"  # no name of a file can hold it


class FilePaths(Sequence[Path]):
    """Files of an image or of its masks: a `Path` is made when one is asked for. Equal to a tuple of the same paths.

    Args:
        texts: each file's path, as `str` of it gives.
    """

    __slots__ = ("_text",)

    def __init__(self, texts: Iterable[str]) -> None:
        self._text = _BETWEEN.join(texts)

    @property
    def texts(self) -> tuple[str, ...]:
        """The paths as text."""
        if _BETWEEN in self._text:
            return tuple(self._text.split(_BETWEEN))
        return (self._text,) if self._text else ()

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Path, ...]: ...

    def __getitem__(self, index: int | slice) -> Path | tuple[Path, ...]:
        found = self.texts[index]
        return Path(found) if isinstance(found, str) else tuple(map(Path, found))

    def __iter__(self) -> Iterator[Path]:
        return map(Path, self.texts)

    def __len__(self) -> int:
        return self._text.count(_BETWEEN) + bool(self._text)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, FilePaths):
            return self._text == other._text
        return tuple(self) == other if isinstance(other, tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def texts_of(paths: Sequence[Path]) -> tuple[str, ...]:
    """Paths as text."""
    return paths.texts if isinstance(paths, FilePaths) else tuple(map(str, paths))


def name_of(path: str | Path) -> str:
    """The last name of a path."""
    text = str(path)
    return text[text.rfind(os.sep) + 1 :]


def folder_of(path: str) -> str:
    """What a path begins with, without its last name and what parts it."""
    return path[: max(path.rfind(os.sep), 0)]


def in_order(path: str) -> str:
    """What paths are sorted by: name by name, as a `Path` is, so that what lies in a folder stays together."""
    return path.replace(os.sep, _BETWEEN)


def opening_of(folder: Path) -> str:
    """What paths of a folder's files begin with."""
    return str(folder / "_")[:-1]


def below(path: str, opening: str) -> str:
    """A path relative to the folder whose files' paths begin with `opening`, with forward slashes."""
    return path[len(opening) :].replace(os.sep, "/")
