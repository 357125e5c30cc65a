"""No extra brings strong copyleft, and `docs/licences.md` names whatever is not plainly permissive."""

import re
import tomllib
from email.message import Message
from fnmatch import fnmatch
from importlib import metadata
from pathlib import Path

import pytest
from licences import closure, kind_of, licence_of

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed() -> dict[str, metadata.Distribution]:
    """What the project and all its extras bring, by the requirements in the repository."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    return closure([*project["dependencies"], *(line for extra in extras for line in extra)])


@pytest.fixture(scope="module")
def listed() -> dict[str, tuple[str, str]]:
    """Name or pattern -> (licence as read, kind) of the document's table."""
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    assert all(len(reason.split()) >= 5 for *_, reason in rows)
    return {name: (licence, kind) for name, licence, kind, _ in rows}


def text_of(distribution: metadata.Distribution) -> str:
    """The licence file beside the metadata; empty where there is none."""
    for file in distribution.files or ():
        if ".dist-info" in str(file) and re.match("licen[cs]e|copying", file.name, re.IGNORECASE):
            return Path(str(file.locate())).read_text(encoding="utf-8", errors="replace")
    return ""


def test_nothing_that_is_installed_is_strong_copyleft_or_unlisted(
    installed: dict[str, metadata.Distribution], listed: dict[str, tuple[str, str]]
) -> None:
    assert len(installed) > 100
    for name, distribution in installed.items():
        licence, kind = licence_of(distribution.metadata, text_of(distribution))
        assert kind != "strong", f"{name}: {licence}; replace it"
        if kind == "permissive":
            continue
        rows = [row for pattern, row in listed.items() if fnmatch(name, pattern)]
        assert rows, f"{name}: {licence} ({kind}) is not in docs/licences.md"
        assert kind == rows[0][1], f"{name}: {kind}, but docs/licences.md says {rows[0][1]}"
        assert "NVIDIA" in licence if name.startswith("nvidia-") else licence == rows[0][0], f"{name}: {licence}"


def test_the_document_lists_nothing_that_is_not_needed(
    installed: dict[str, metadata.Distribution], listed: dict[str, tuple[str, str]]
) -> None:
    """NVIDIA's libraries come on Linux only; the kinds of copyleft are the same everywhere."""
    for pattern, (_, kind) in listed.items():
        found = [name for name in installed if fnmatch(name, pattern)]
        assert found or kind in ("proprietary", "unknown"), pattern
        kinds = {licence_of(installed[name].metadata, text_of(installed[name]))[1] for name in found}
        assert kinds <= {kind, "permissive"}, pattern
        assert kind in kinds or not found, pattern


def test_the_gpl_decoder_is_gone(installed: dict[str, metadata.Distribution]) -> None:
    assert {"python-gdcm", "pylibjpeg", "pylibjpeg-openjpeg", "pylibjpeg-rle"} <= installed.keys()
    assert "pylibjpeg-libjpeg" not in installed
    constraints = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "pylibjpeg-libjpeg" not in constraints
    assert f"python-gdcm=={installed['python-gdcm'].version}\n" in constraints


@pytest.mark.parametrize(
    ("expression", "kind"),
    [
        ("MIT", "permissive"),
        ("BSD 3-Clause License", "permissive"),
        ("3-Clause BSD License", "permissive"),
        ("Apache-2.0 AND Apache-2.0 WITH LLVM-exception AND BSL-1.0", "permissive"),
        ("MIT OR GPL-3.0-or-later", "permissive"),
        ("(MIT OR GPL-2.0-only) AND BSD-3-Clause", "permissive"),
        ("MPL-2.0 AND MIT", "weak"),
        ("LGPL-2.1-or-later", "weak"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "weak"),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", "weak"),
        ("BSD-3-Clause AND GPL-3.0-with-GCC-exception", "weak"),
        ("GPL-3.0-only", "strong"),
        ("GPL V3.0", "strong"),
        ("AGPL-3.0-or-later", "strong"),
        ("GNU Affero General Public License v3", "strong"),
        ("GNU General Public License v3 (GPLv3)", "strong"),
        ("MIT AND GPL-2.0-only", "strong"),
        ("MIT AND (GPL-2.0-only OR AGPL-3.0-only)", "strong"),
        ("GPL-2.0-only WITH Some-other-exception", "strong"),
        ("LGPL-2.1-only OR GPL-2.0-only", "weak"),
        ("LicenseRef-NVIDIA-Proprietary", "proprietary"),
        ("Somebody's licence", "unknown"),
    ],
)
def test_kinds(expression: str, kind: str) -> None:
    assert kind_of(expression) == kind


@pytest.mark.parametrize(
    ("fields", "text", "found"),
    [
        ({"License-Expression": "MIT"}, "", ("MIT", "permissive")),
        (
            {"License": "GPL V3.0", "Classifier": ["License :: Other/Proprietary License"]},
            "",
            ("GPL V3.0", "strong"),
        ),
        (
            {"License": "MIT", "Classifier": ["License :: OSI Approved :: GNU General Public License v3 (GPLv3)"]},
            "",
            ("GNU General Public License v3 (GPLv3)", "strong"),
        ),
        (
            {"License": "UNKNOWN", "Classifier": ["License :: OSI Approved", "License :: OSI Approved :: MIT License"]},
            "",
            ("MIT License", "permissive"),
        ),
        (  # the notices of a wheel that bundles a run-time library
            {
                "License": "(c) 2001 Somebody\n\nName: libgfortran\nLicense: GPL-3.0-or-later WITH GCC",
                "Classifier": ["License :: OSI Approved :: BSD License"],
            },
            "",
            ("BSD License", "permissive"),
        ),
        ({}, "\n        GNU GENERAL PUBLIC LICENSE\n    Version 3, 29 June 2007\n", ("GPL", "strong")),
        ({}, "MIT License\n\nCopyright (c) 2020", ("MIT", "permissive")),
        ({"License": "see file"}, "All rights reserved.", ("see file", "unknown")),
        ({}, "", ("nothing", "unknown")),
    ],
)
def test_what_metadata_say(fields: dict[str, str | list[str]], text: str, found: tuple[str, str]) -> None:
    message = Message()
    for name, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            message[name] = value
    assert licence_of(message, text) == found


def test_the_decoder_that_had_to_go_would_be_found() -> None:
    """Its own metadata, as of 2.5.0."""
    fields = Message()
    fields["Name"], fields["License"] = "pylibjpeg-libjpeg", "GPL V3.0"
    fields["Classifier"] = "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
    assert licence_of(fields)[1] == "strong"
