"""docs/flows.md tells five flows in ten lines each, by names that exist and that the glossary or the literature has."""

import ast
import re
from pathlib import Path

import pytest

import shiftscope

DOCS = Path(__file__).resolve().parents[1] / "docs"
FLOWS = (DOCS / "flows.md").read_text(encoding="utf-8")
GLOSSARY = (DOCS / "glossary.md").read_text(encoding="utf-8")

WANTED = ("profile", "recommend", "train", "check", "report")
MOST_LINES = 10

DEFINED = {
    node.name
    for path in Path(shiftscope.__file__).parent.rglob("*.py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.FunctionDef | ast.ClassDef)
}


def flows() -> dict[str, list[str]]:
    """Command -> its lines."""
    chapters = re.split(r"^## `(\w+)`.*$", FLOWS, flags=re.M)[1:]
    return {
        name: [line for line in text.splitlines() if re.match(r"\d+\. ", line)]
        for name, text in zip(chapters[::2], chapters[1::2], strict=True)
    }


def named(line: str) -> list[str]:
    return re.findall(r"`([^`]+)`", line)


def terms() -> list[list[str]]:
    """The rows of the glossary's table: term, meaning, source."""
    chapter = GLOSSARY.split("\n## Terms\n", maxsplit=1)[1]
    rows = [line.strip("|").split("|") for line in chapter.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in row] for row in rows]


def test_five_flows_are_told_in_ten_lines_each() -> None:
    assert tuple(flows()) == WANTED
    for name, lines in flows().items():
        assert 0 < len(lines) <= MOST_LINES, name
        assert [int(line.split(".")[0]) for line in lines] == list(range(1, len(lines) + 1)), name


@pytest.mark.parametrize("flow", WANTED)
def test_every_step_names_what_does_it(flow: str) -> None:
    for line in flows()[flow]:
        assert named(line), line
        assert set(named(line)) <= DEFINED, sorted(set(named(line)) - DEFINED)


@pytest.mark.parametrize("flow", WANTED)
def test_every_class_in_a_flow_is_in_the_glossary(flow: str) -> None:
    explained = {name for term, *_ in terms() for name in named(term)}
    classes = {name for line in flows()[flow] for name in named(line) if name[0].isupper()}
    assert classes <= explained, sorted(classes - explained)


def test_the_glossary_is_in_order_and_says_each_term_once() -> None:
    heads = [re.sub(r"[`_]", " ", row[0]).strip().lower() for row in terms()]
    assert heads == sorted(heads)
    assert len(heads) == len(set(heads))


def test_every_entry_of_the_glossary_is_whole() -> None:
    for term, meaning, _ in terms():
        assert meaning.endswith("."), term
        assert len(re.findall(r"[.;] [A-Z]", meaning)) <= 2, f"{term}: one to three sentences"


def test_classes_that_the_glossary_names_exist() -> None:
    for term, *_ in terms():
        for name in named(term):
            if name[0].isupper() and not name.isupper():
                assert name in DEFINED, name


def test_the_questions_stand_beside_their_names_in_the_literature() -> None:
    from shiftscope.reports.questions import QUESTIONS, SOURCE

    for question in QUESTIONS.values():
        assert question.name in GLOSSARY
        for part in question.literature.split(" or "):
            assert f"{part} shift" in GLOSSARY, question.name
    for identifier in (SOURCE.split()[-1], "doi:10.1016/j.patcog.2011.06.019"):
        assert identifier in GLOSSARY
