"""Rows of docs/reading/: one of four outcomes each, a test that exists, and true counts in docs/reading.md."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "reading").glob("*.md"))
OUTCOMES = {"right", "refused", "noted", "open"}
CELL = re.compile(r"(?<!\\)\|")


def rows(page: Path) -> list[list[str]]:
    """Cells of each row of the page's tables, without their heads."""
    found = []
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith(("| what is found |", "| report |")):
            found.append([cell.strip() for cell in CELL.split(line)[1:-1]])
    return found


def names_of_tests() -> dict[str, str]:
    """Path of a test file below tests/ -> its text."""
    return {
        path.relative_to(ROOT / "tests").as_posix(): path.read_text(encoding="utf-8")
        for path in (ROOT / "tests").rglob("test_*.py")
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_member_has_an_outcome_and_a_test(page: Path) -> None:
    """The last cell is `file::test` or `file::test[id]`; only what is open may do without."""
    files = names_of_tests()
    for row in rows(page):
        assert len(row) == 4, row
        outcome, test = row[2], row[3].strip("`")
        assert outcome in OUTCOMES, row
        if not test:
            assert outcome == "open", row
            continue
        file, _, name = test.partition("::")
        function, _, case = name.partition("[")
        assert file in files, row
        assert f"def {function}(" in files[file], row
        assert not case or case.rstrip("]") in files[file], row


def test_the_counts_are_true() -> None:
    text = (ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    for page in PAGES:
        counts = Counter(row[2] for row in rows(page))
        line = "| ".join(f"{counts[outcome]} " for outcome in ("right", "noted", "refused", "open"))
        assert f"| [{page.stem}](reading/{page.name}) | {sum(counts.values())} | {line}|" in text
