"""What CONTRIBUTING says can be done: its three steps run, and what it names is there."""

import re
from pathlib import Path
from typing import Any

import pytest

from shiftscope.harmonizers import HARMONIZERS
from shiftscope.measures import MEASURES
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = {part.splitlines()[0]: part for part in TEXT.split("\n## ")[1:]}
STEPS = [title for title in SECTIONS if title.endswith("in three steps")]


def blocks(text: str, language: str) -> list[str]:
    """Fenced blocks, without the indentation of the list they stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", text, flags=re.M | re.S)
    return ["".join(line.removeprefix(indent) for line in block.splitlines(True)) for indent, block in found]


def test_each_family_has_its_three_steps() -> None:
    assert [f"{member} in three steps" for member in ("A harmonizer", "An algorithm", "A measure")] == STEPS
    for title in STEPS:
        assert re.findall(r"^(\d)\. ", SECTIONS[title], flags=re.M) == ["1", "2", "3"]
        assert len(blocks(SECTIONS[title], "python")) == 3


@pytest.mark.parametrize("title", STEPS)
def test_the_three_steps_run(title: str) -> None:
    names: dict[str, Any] = {"__name__": "contributed"}
    for block in blocks(SECTIONS[title], "python"):
        exec(compile(block, f"CONTRIBUTING.md, {title}", "exec"), names)
    members = [HARMONIZERS, {**CONTROLS}, MEASURES][STEPS.index(title)]
    fresh = names["family"].keys() - members.keys()
    assert len(fresh) == 1, "one new member"
    assert not fresh & {*HARMONIZERS, *CONTROLS, *PERSONALIZERS, *MEASURES}, "families themselves are left alone"
    assert "check_" in blocks(SECTIONS[title], "python")[2]


def test_the_commands_are_targets() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.M))
    named = re.findall(r"^make ([a-z]+)", "\n".join(blocks(TEXT, "bash")), flags=re.M)
    assert named == ["fast", "test", "check"]
    assert set(named) <= targets


def test_what_it_names_is_there() -> None:
    paths = re.findall(r"`((?:shiftscope|tests|docs)/[\w./]+)`", TEXT) + re.findall(r"\]\((?!https?:)([^)#]+)", TEXT)
    assert len(paths) > 12
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_it_is_short() -> None:
    assert len(TEXT.splitlines()) <= 180
