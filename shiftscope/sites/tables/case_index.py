"""Cases by what a table may call them: a file's path or name, a folder on the way to it, its patient."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from shiftscope.sites.layouts.spellings import ROLES, SPLITS, stem_of
from shiftscope.sites.site import Case
from shiftscope.sites.tables.cells import named_alike

__all__ = ["CaseIndex"]

_Place = tuple[int, tuple[str, ...]]


class CaseIndex:
    """Numbers of cases, found by cells. Names are compared without case and in one Unicode form.

    Args:
        cases: of a folder.
        root: the folder, to which paths are relative.
    """

    def __init__(self, cases: Sequence[Case], root: Path) -> None:
        self._whole: dict[str, list[_Place]] = defaultdict(list)
        self._stems: dict[str, list[_Place]] = defaultdict(list)
        self._groups: dict[str, set[int]] = defaultdict(set)
        for number, case in enumerate(cases):
            for parts in _paths(case, root):
                self._whole[parts[-1]].append((number, parts))
                self._stems[named_alike(stem_of(parts[-1]))].append((number, parts))
                for folder in parts[:-1]:
                    if folder not in ROLES and folder not in SPLITS:
                        self._groups[folder].add(number)
            if case.patient:
                self._groups[named_alike(case.patient)].add(number)

    def file(self, cell: str, *, alone: bool) -> set[int]:
        """Cases of which a file is called so: one, none, or several where it is not certain which is meant.

        A cell and a file's path are compared from their ends: those with most parts in common are meant. Where they
        differ before, as paths on two machines do, the name alone decides.

        Args:
            alone: whether no other cell ends in this name; only then does the name alone decide.
        """
        return self._file(_parts(cell), alone) or self._file(_parts(unquote(cell)), alone)

    def _file(self, parts: tuple[str, ...], alone: bool) -> set[int]:
        if not parts:
            return set()
        places = self._whole.get(parts[-1]) or self._stems.get(named_alike(stem_of(parts[-1])), [])
        common = {place: 1 + _common(parts[-2::-1], place[1][-2::-1]) for place in places}
        most = max(common.values(), default=0)
        best = [place for place, length in common.items() if length == most]
        differ = all(most < min(len(parts), len(path)) for _, path in best)
        return set() if differ and not (alone and len({number for number, _ in best}) == 1) else {n for n, _ in best}

    def group(self, cell: str) -> set[int]:
        """Cases in a folder of this name, or of this patient."""
        spellings = (_parts(cell), _parts(unquote(cell)))
        return next((self._groups[parts[-1]] for parts in spellings if parts and parts[-1] in self._groups), set())


def last_of(cell: str) -> str:
    """The name at the end of a cell's path, as it is compared."""
    parts = _parts(cell)
    return named_alike(stem_of(parts[-1])) if parts else ""


def _paths(case: Case, root: Path) -> set[tuple[str, ...]]:
    """The ways a case may be called by path: its files', its name's, and the folder's of a series."""
    out = {_folded(case.name.split("/"))}
    for path in case.images:
        parts = path.relative_to(root).parts if path.is_relative_to(root) else path.parts
        out.add(_folded(parts))
        if len(case.images) > 1 and len(parts) > 1:
            out.add(_folded(parts[:-1]))
    return out


def _parts(cell: str) -> tuple[str, ...]:
    return _folded([part for part in cell.replace("\\", "/").split("/") if part not in ("", ".", "..")])


def _folded(parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(map(named_alike, parts))


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts agree, from the first on."""
    length = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        length += 1
    return length
