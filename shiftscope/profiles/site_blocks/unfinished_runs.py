"""A run that measures a site, kept on disk every minute, so that one that was killed goes on.

The file holds raw sums and names of files: it stays at the site, is readable by its owner alone, and is gone when the
run has ended. It is an archive of arrays from which nothing is unpickled; two of them are texts.
"""

import ast
import hashlib
import io
import logging
import struct
import time
import tokenize
import zipfile
import zlib
from dataclasses import dataclass, fields
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from shiftscope.errors import ProfileError, ShiftscopeError, Unreadable
from shiftscope.files import open_file, write_bytes
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.parts.keys import Key
from shiftscope.profiles.parts.origins import recipe_of
from shiftscope.profiles.profile_options import Options
from shiftscope.profiles.site_blocks.gathered_sums import GatheredSums
from shiftscope.profiles.sums.site_accumulator import SiteAccumulator
from shiftscope.sites import Site, case_digest, restore_reading, state_of_reading

__all__ = ["RunInputs", "UnfinishedRun"]

_LOGGER = logging.getLogger(__name__)

EVERY_S = 60.0
"""Seconds between two states on disk."""

_DAMAGED = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError, RuntimeError, SyntaxError),
    *(TypeError, ValueError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What an archive of arrays raises in which single bytes are others: encrypted, patched, huge, or no archive."""

_SUMS = TypeAdapter(SiteAccumulator)
_MARK, _PLAIN, _TALLY, _FIT, _READING, _ALIKE = "mark", "plain", "sums", "fit.", "reading.", "thumbnails"


@dataclass(frozen=True, slots=True)
class RunInputs:
    """What a run's numbers depend on, beside the images.

    Attributes:
        extractor: on `options.device`.
        options: how.
        key: puts the patients in order.
        seed: of the fit of the map.
        canonical: the site's map, where it is given; None to fit one.
    """

    extractor: Extractor
    options: Options
    key: Key | None
    seed: int
    canonical: Canonical | None


class UnfinishedRun:
    """Where a run keeps its state.

    Args:
        path: of the file.
        resume: whether to go on from what is there, which is asked for by the user.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self.path, self.resume = path, resume
        self.mark = ""
        self._saved = time.monotonic()

    def begin(self, gathered: GatheredSums, how: RunInputs) -> tuple[int, Canonical | None]:
        """Take up what is there, if that is wanted.

        Files are looked at here, before one is measured, so that a state never holds more than it was marked for.

        Returns:
            The number of the first block that is left to be measured, and the site's map; 0 and None to begin anew.

        Raises:
            ProfileError: the file is of other images or options, or is none.
        """
        self.mark = _mark(gathered.site, how)
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
        except _DAMAGED as problem:
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
            try:
                write_bytes(self.path, out.getvalue(), private=True)
            except ShiftscopeError as problem:  # hours of measuring are not given up for it
                _LOGGER.warning("%s; the run goes on, and --resume would begin from an earlier state", problem)
        self._saved = time.monotonic()

    def end(self) -> None:
        """The run has ended: nothing of it is left."""
        self.path.unlink(missing_ok=True)


def _mark(site: Site, run: RunInputs) -> str:
    """Looks at the size and time of every file, and reads none."""
    import torch

    options = run.options
    how = (run.seed, options.sample, options.share, options.device, recipe_of(run.extractor).model_dump_json())
    curves = [] if run.canonical is None else [curve.tobytes() for curve in _curves(run.canonical).values()]
    made_by = (metadata.version("shiftscope-fl"), torch.__version__, np.__version__)
    whose = (run.key and run.key.name, site.name, site.patient_source, sorted(site.excluded.items()))
    digest = hashlib.sha256(repr((made_by, how, curves, whose)).encode())
    for case in site.cases:
        states = [_file(path) for path in (*case.images, *case.masks)] if case.held is None else case_digest(case)
        digest.update(repr((case.name, case.label, case.patient, states)).encode())
    return digest.hexdigest()


def _curves(canonical: Canonical) -> dict[str, np.ndarray]:
    return {field.name: getattr(canonical, field.name) for field in fields(canonical)}


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
    fit = {} if canonical is None else _curves(canonical)
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
