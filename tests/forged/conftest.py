"""The account of what became of forged documents."""

import os
import platform
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from honest_documents import SEED


@pytest.fixture(scope="session")
def account() -> Iterator[Callable[[str, str, int], None]]:
    """Counts (document, command, exit code); written where SHIFTSCOPE_EVIDENCE says."""
    counts: Counter[tuple[str, str, int]] = Counter()

    def note(document: str, command: str, code: int) -> None:
        counts[document, command, code] += 1

    yield note
    if "SHIFTSCOPE_EVIDENCE" in os.environ:
        _write(Path(os.environ["SHIFTSCOPE_EVIDENCE"]), counts)


def _write(path: Path, counts: Counter[tuple[str, str, int]]) -> None:
    codes = sorted({code for *_, code in counts})
    rows = sorted({(document, command) for document, command, _ in counts})
    lines = [
        "# Forged documents",
        "",
        "Valid documents, each changed in one to four places (`tests/forged/mutations.py`), given to the commands that",
        f"read them. `make evidence`, {date.today().isoformat()}, seed {SEED}, Python {platform.python_version()},"
        f" {platform.machine()}, {os.cpu_count()} cores.",
        "",
        "| document | command | " + " | ".join(f"exit {code}" for code in codes) + " |",
        "|---|---|" + "---:|" * len(codes),
        *(
            f"| {document} | {command} | " + " | ".join(str(counts[document, command, code]) for code in codes) + " |"
            for document, command in rows
        ),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
