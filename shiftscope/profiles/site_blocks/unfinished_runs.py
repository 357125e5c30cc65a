"""A run that measures a site, kept on disk every minute, so that one that was killed goes on.

The file holds raw sums and names of files: it stays at the site, is readable by its owner alone, and is gone when the
run has ended. It is an archive of arrays from which nothing is unpickled; two of them are texts.
"""

import ast
import hashlib
import io
import time
import zipfile
from dataclasses import fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from shiftscope.errors import ProfileError, Unreadable
from shiftscope.files import open_file, write_bytes
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.parts.keys import Key
from shiftscope.profiles.parts.origins import recipe_of
from shiftscope.profiles.profile_options import Options
from shiftscope.profiles.site_blocks.gathered_sums import GatheredSums
from shiftscope.profiles.sums.site_accumulator import SiteAccumulator
from shiftscope.sites import Site, restore_reading, state_of_reading

__all__ = ["UnfinishedRun"]

EVERY_S = 60.0
"""Seconds between two states on disk."""

_SUMS = TypeAdapter(SiteAccumulator)
_MARK, _PLAIN, _TALLY, _FIT, _READING, _ALIKE = "mark", "plain", "sums", "fit.", "reading.", "thumbnails"


class UnfinishedRun:
    """Where a run keeps its state.

    Args:
        path: of the file.
        resume: whether to go on from what is there, which is asked for by the user.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path, self.resume = path, resume
        self._mark = ""
        self._saved = time.monotonic()

    def begin(
        self, gathered: GatheredSums, extractor: Extractor, options: Options, key: Key | None
    ) -> tuple[int, Canonical | None]:
        """Take up what is there, if that is wanted.

        Returns:
            The number of the first block that is left to be measured, and the site's map; 0 and None to begin anew.

        Raises:
            ProfileError: the file is of other images or options, or is none.
        """
        self._run = (gathered.site, extractor, options, key)
        if not self.resume or not self.path.exists():
            return 0, None
        try:
            with open_file(self.path) as file, np.load(file, allow_pickle=False) as found:
                state = {name: found[name] for name in found.files}
            if _text(state[_MARK]) != self.mark:
                raise ProfileError(
                    f"{self.path}: is of a run over other images, with other options or by another version; begin anew"
                    " without --resume"
                )
            return _restored(gathered, state)
        except (OSError, EOFError, ValueError, TypeError, KeyError, SyntaxError, zipfile.BadZipFile) as problem:
            raise ProfileError(
                f"{self.path}: cannot be read as the state of a run ({type(problem).__name__}); begin anew without"
                " --resume"
            ) from None

    def save_if_due(self, gathered: GatheredSums, following: int, canonical: Canonical | None) -> None:
        """Write the state, where the last one is a minute old.

        Args:
            gathered: what was measured so far.
            following: number of the first block that was not.
            canonical: the site's map.
        """
        if time.monotonic() - self._saved < EVERY_S:
            return
        arrays = _state(gathered, following, canonical)
        with io.BytesIO() as out:
            np.savez(out, **arrays, **{_MARK: _bytes(self.mark)})  # type: ignore[arg-type]  # a newer stub's flag
            write_bytes(self.path, out.getvalue(), private=True)
        self._saved = time.monotonic()

    def end(self) -> None:
        """The run has ended: nothing of it is left."""
        self.path.unlink(missing_ok=True)

    @property
    def mark(self) -> str:
        """SHA-256 of what is measured and how: a state of another run is never taken up."""
        self._mark = self._mark or _mark(*self._run)
        return self._mark


def _mark(site: Site, extractor: Extractor, options: Options, key: Key | None) -> str:
    """Looks at the size and time of every file, and reads none."""
    import torch

    how = (options.seed, options.sample, options.share, options.device, recipe_of(extractor).model_dump_json())
    made_by = (metadata.version("shiftscope-fl"), torch.__version__, np.__version__)
    digest = hashlib.sha256(repr((made_by, how, key and key.name, site.name, site.patient_source)).encode())
    for case in site.cases:
        states = [_file(path) for path in (*case.images, *case.masks)]
        digest.update(repr((case.name, case.label, case.patient, case.held is None, states)).encode())
    return digest.hexdigest()


def _file(path: Path) -> tuple[str, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), found.st_size, found.st_mtime_ns


def _state(gathered: GatheredSums, following: int, canonical: Canonical | None) -> dict[str, np.ndarray]:
    counted, arrays = state_of_reading(gathered.reading)
    failures = [(str(failure.path), failure.reason, failure.detail) for failure in gathered.failures]
    plain = {"following": following, "done": gathered.done, "failures": failures, "reading": counted}
    fit = {} if canonical is None else {field.name: getattr(canonical, field.name) for field in fields(canonical)}
    compared = sorted(gathered.alike.thumbnails)
    return {
        _PLAIN: _bytes(repr(plain)),
        _TALLY: _bytes(_SUMS.dump_json(gathered.sums).decode()),
        "digests": gathered.digests,
        "listed": gathered.listed,
        "marks": gathered.copies.marks,
        "known": gathered.copies.known,
        "compared": np.array(compared, dtype=np.int64),
        _ALIKE: np.stack([gathered.alike.thumbnails[place] for place in compared]) if compared else np.zeros((0, 0)),
        **{f"{_FIT}{name}": curve for name, curve in fit.items()},
        **{f"{_READING}{name}": values for name, values in arrays.items()},
    }


def _restored(gathered: GatheredSums, state: dict[str, np.ndarray]) -> tuple[int, Canonical | None]:
    plain: dict[str, Any] = ast.literal_eval(_text(state[_PLAIN]))
    gathered.sums = _SUMS.validate_json(_text(state[_TALLY]))
    for name, owner in (
        ("digests", gathered),
        ("listed", gathered),
        ("marks", gathered.copies),
        ("known", gathered.copies),
    ):
        if state[name].shape != getattr(owner, name).shape or state[name].dtype != getattr(owner, name).dtype:
            raise ValueError(name)
        setattr(owner, name, state[name])
    gathered.alike.thumbnails = dict(zip(state["compared"].tolist(), state[_ALIKE], strict=True))
    gathered.failures = [Unreadable(*failure) for failure in plain["failures"]]
    gathered.done = plain["done"]
    own = {name.removeprefix(_READING): values for name, values in state.items() if name.startswith(_READING)}
    restore_reading(gathered.reading, plain["reading"], own)
    fit = {name.removeprefix(_FIT): curve for name, curve in state.items() if name.startswith(_FIT)}
    return int(plain["following"]), Canonical(**fit) if fit else None


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _text(array: np.ndarray) -> str:
    return array.tobytes().decode()
