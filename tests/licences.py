"""What the metadata of an installed distribution say of its licence, and which kind of licence that is."""

import re
from collections.abc import Iterable
from email.message import Message
from importlib import metadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ORDER = ("permissive", "weak", "proprietary", "unknown", "strong")
"""From the least binding: of `a OR b` the user takes the better, `a AND b` binds to the worse."""

_WEAK = re.compile(
    r"\blgpl|lesser general public|library general public|\bmpl\b|mozilla|\bepl\b|eclipse|\bcddl\b", re.I
)
_STRONG = re.compile(r"gpl|general public licen|affero|\bsspl|server side public|\bosl\b|\beupl|cc-by-sa", re.I)
_RUNTIME = re.compile(r"gcc-exception|classpath-exception", re.I)
_PROPRIETARY = re.compile(r"proprietary|licenseref|commercial|eula", re.I)
_PERMISSIVE = re.compile(
    r"^(the )?(mit|hpnd|(\d|new|simplified|modified)?[- ]?(clause )?bsd|0bsd|apache|isc|zlib|psf"
    r"|python software foundation|public domain|cc0|bsl-1\.0|boost|unlicense|unicode)\b",
    re.I,
)
_TITLES = {
    "GNU GENERAL PUBLIC LICENSE": "GPL",
    "GNU AFFERO GENERAL PUBLIC LICENSE": "AGPL",
    "GNU LESSER GENERAL PUBLIC LICENSE": "LGPL",
    "Mozilla Public License": "MPL",
    "MIT License": "MIT",
    "Apache License": "Apache",
    "BSD 3-Clause License": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
}


def closure(requirements: Iterable[str]) -> dict[str, metadata.Distribution]:
    """All that installing these brings, as far as it is asked for on this platform, by normalized name."""
    found: dict[str, metadata.Distribution] = {}
    waiting = [Requirement(each) for each in requirements]
    visited: set[tuple[str, str]] = set()
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        for extra in ("", *asked.extras):
            if (name, extra) in visited:
                continue
            visited.add((name, extra))
            found[name] = metadata.distribution(name)
            for line in found[name].requires or ():
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append(needed)
    return found


def licence_of(fields: Message, text: str = "") -> tuple[str, str]:
    """(licence as read, kind). Every short statement counts, and the most binding one decides.

    Args:
        fields: a distribution's metadata. A `License` of many lines is a text, with the notices of all that a wheel
            bundles; words found in it mean nothing, so it is not searched.
        text: of its licence file, whose title is the last resort.
    """
    expression = fields.get("License-Expression")
    stated = (fields.get("License") or "").strip()
    classes = [
        str(each).split("::")[-1].strip() for each in fields.get_all("Classifier") or () if "License ::" in str(each)
    ]
    said = [(expression, kind_of(expression))] if expression else []
    if stated and "\n" not in stated and len(stated) < 100 and stated.upper() != "UNKNOWN":
        said.append((stated, kind_of(stated)))
    said += [(each, _leaf(each)) for each in classes if each not in ("OSI Approved", "DFSG approved")]
    known = [(licence, kind) for licence, kind in said if kind != "unknown"]
    if not known:
        head = " ".join(text[:400].split())
        known = [(licence, _leaf(licence)) for title, licence in _TITLES.items() if title.lower() in head.lower()][:1]
    return max(known or said or [("nothing", "unknown")], key=lambda each: ORDER.index(each[1]))


def kind_of(expression: str) -> str:
    """The kind of an SPDX expression, or of a plain name."""
    if not re.search(r"\s(AND|OR|WITH)\s", expression):
        return _leaf(expression)
    tokens = re.findall(r"[()]|[^\s()]+", expression)
    kind, rest = _either(tokens)
    return kind if not rest else "unknown"


def _either(tokens: list[str]) -> tuple[str, list[str]]:
    kind, tokens = _both(tokens)
    while tokens[:1] == ["OR"]:
        other, tokens = _both(tokens[1:])
        kind = min(kind, other, key=ORDER.index)
    return kind, tokens


def _both(tokens: list[str]) -> tuple[str, list[str]]:
    kind, tokens = _one(tokens)
    while tokens[:1] == ["AND"]:
        other, tokens = _one(tokens[1:])
        kind = max(kind, other, key=ORDER.index)
    return kind, tokens


def _one(tokens: list[str]) -> tuple[str, list[str]]:
    if tokens[:1] == ["("]:
        kind, tokens = _either(tokens[1:])
        return kind, tokens[1:]
    words = []
    while tokens and tokens[0] not in ("AND", "OR", "(", ")"):
        words.append(tokens[0])
        tokens = tokens[1:]
    return _leaf(" ".join(words)), tokens


def _leaf(name: str) -> str:
    """One licence. The GPL with an exception for what is linked or run with it is weak: it has to be listed."""
    if _WEAK.search(name):
        return "weak"
    if _STRONG.search(name):
        return "weak" if _RUNTIME.search(name) else "strong"
    if _PROPRIETARY.search(name):
        return "proprietary"
    return "permissive" if _PERMISSIVE.search(name) else "unknown"
