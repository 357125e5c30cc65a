"""Files that the cells of a manifest name, where they are spelled otherwise than on the disk."""

import re
from functools import cached_property
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from shiftscope.errors import TableError
from shiftscope.printable_text import shown
from shiftscope.sites.layouts.spellings import stem_of
from shiftscope.sites.tables.cells import named_alike

__all__ = ["Shelf"]

_ELSEWHERE = re.compile(r"^(?:file:/{0,2}(?:localhost)?(?=/)|[A-Za-z]:(?=/)|/(?=/))", re.IGNORECASE)
"""What a path of another machine begins with: a scheme, a drive, a server."""


class Shelf:
    """A folder in which files are looked for by what cells say; listings are kept, for tables are long."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._listings: dict[Path, _Listing] = {}

    def find(self, text: str, where: str) -> tuple[Path, bool]:
        """The file or folder that a cell names, and whether it is written as on the disk.

        To the letter first; then with the slashes of Windows, without `file://` and %20, in any case and Unicode form,
        and without the suffix of an image; at last, where the path is absolute or begins with the folder's own name,
        what follows is looked for in the folder. A path that is nowhere is returned as it is written.

        Raises:
            TableError: several files are meant.
        """
        if (self.root / text).exists():
            return self.root / text, True
        spelled = text.replace("\\", "/")
        if (self.root / spelled).exists():
            return self.root / spelled, True
        for each in dict.fromkeys((spelled, unquote(spelled))):
            for parts in self._readings(each):
                found = self._walked(parts, where)
                if found is not None:
                    return found, False
        return self.root / spelled, True

    def _readings(self, spelled: str) -> list[tuple[str, ...]]:
        """Ways to read a path as one below the folder, the plainest first."""
        bare = _ELSEWHERE.sub("", spelled)
        parts = tuple(part for part in PurePosixPath(bare).parts if part not in ("/", "."))
        if bare.startswith("/"):
            return [parts[start:] for start in range(len(parts))]
        own = self.root.resolve().name
        return [parts, *([parts[1:]] if len(parts) > 1 and named_alike(parts[0]) == named_alike(own) else [])]

    def _walked(self, parts: tuple[str, ...], where: str) -> Path | None:
        path = self.root
        for at, part in enumerate(parts):
            if part == "..":
                path = path / part
                continue
            names = self._listing(path).called(part, last=at == len(parts) - 1)
            if len(names) > 1:
                raise TableError(
                    f"{where}: {shown('/'.join(parts))} is not there to the letter, and {len(names)} names in {path}"
                    f" are like it ({', '.join(map(shown, sorted(names)[:3]))}); write the one that is meant"
                )
            if not names:
                return None
            path = path / names[0]
        return path if parts and path.exists() else None

    def _listing(self, folder: Path) -> "_Listing":
        if folder not in self._listings:
            self._listings[folder] = _Listing(folder)
        return self._listings[folder]


class _Listing:
    """Names in one folder, by how they are compared."""

    def __init__(self, folder: Path) -> None:
        self._names = [path.name for path in folder.iterdir()] if folder.is_dir() else []

    def called(self, name: str, *, last: bool) -> list[str]:
        """Names to the letter, else alike, else, of the last part, alike but for the suffix of an image."""
        if name in self._by_letter:
            return [name]
        return self._alike.get(named_alike(name), []) or (self._stems.get(named_alike(name), []) if last else [])

    @cached_property
    def _by_letter(self) -> frozenset[str]:
        return frozenset(self._names)

    @cached_property
    def _alike(self) -> dict[str, list[str]]:
        return _grouped([(named_alike(name), name) for name in self._names])

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        return _grouped([(named_alike(stem_of(name)), name) for name in self._names])


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, name in pairs:
        groups.setdefault(key, []).append(name)
    return groups
