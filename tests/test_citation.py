"""CITATION.cff is what tools that read it expect, and says what the package says of itself."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def project() -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


@pytest.fixture
def citation() -> dict[str, object]:
    """Versions stay text: a loader that makes numbers of them would read 1.10 as 1.1."""
    found: dict[str, object] = yaml.load((ROOT / "CITATION.cff").read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    return found


KEYS = {
    *("cff-version", "message", "type", "title", "abstract", "authors", "version", "license", "keywords", "references"),
    *("date-released", "doi", "identifiers", "repository-code", "url", "contact", "commit", "license-url"),
    *("preferred-citation", "repository", "repository-artifact"),
}
"""All that the Citation File Format 1.2.0 allows at the top."""


def test_it_has_what_the_format_requires_and_nothing_else(citation: dict[str, object]) -> None:
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert {"authors", "cff-version", "message", "title"} <= citation.keys() <= KEYS
    assert citation["authors"] == [{"name": "The shiftscope developers"}]


def test_it_agrees_with_the_package(citation: dict[str, object], project: dict[str, object]) -> None:
    assert citation["title"] == "shiftscope"
    for key in ("version", "license", "keywords"):
        assert citation[key] == project[key], key


def test_the_study_is_cited_as_far_as_it_is_known(citation: dict[str, object]) -> None:
    (study,) = citation["references"]  # type: ignore[misc]
    assert {"type", "title", "authors"} <= study.keys()
    assert study["identifiers"][0].keys() >= {"type", "value"}
    number = study["identifiers"][0]["value"]
    assert number == "arXiv:2605.00892"
    assert number in (ROOT / "README.md").read_text(encoding="utf-8")


def test_how_to_report_a_weakness_is_said() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for part in ("Report a vulnerability", "Never send patient data", "docs/privacy.md", "working days"):
        assert part in text
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
