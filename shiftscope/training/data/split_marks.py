"""Marks by which a run knows that sites divide their patients as before; nobody can tell from one who is where."""

import json
from collections.abc import Mapping
from pathlib import Path

from shiftscope.errors import EngineError
from shiftscope.files import write_text
from shiftscope.parsing import read_json

__all__ = ["require_same_splits"]

_MOST_BYTES = 1_000_000


def require_same_splits(out: Path, marks: Mapping[str, str]) -> None:
    """A resumed run goes on with the patients it learned from before; marks of sites that are new to it are kept.

    Args:
        out: the run's folder.
        marks: site -> mark of its division.

    Raises:
        EngineError: at a site patients are divided in another way than when the run began.
    """
    kept = out / "splits.json"
    before = read_json(kept, _MOST_BYTES, "marks of how patients are divided", EngineError) if kept.exists() else {}
    if not isinstance(before, dict):
        raise EngineError(f"{kept}: expected site -> mark; put the file back as it was, or start the run anew")
    for site, mark in marks.items():
        if before.get(site, mark) != mark:
            raise EngineError(
                f"site {site}: patients are divided in another way than when {out} was begun; resume with the same"
                " data, --patient-regex and split, or start anew"
            )
    write_text(kept, json.dumps({**before, **marks}, indent=1))
