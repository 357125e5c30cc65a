"""File-level defects of a check as SARIF 2.1.0 (OASIS, 2020): what code-scanning pages show at a file.

Only files: a shift has no place in a file. Where a folder was checked, each bad file is a result. A profile counts
its bad files by reason and cannot name them, so each reason is one result at the profile.
"""

import json
from collections.abc import Iterator
from importlib import metadata
from pathlib import PurePath, PurePosixPath
from typing import Any
from urllib.parse import quote

from shiftscope.checks import CheckResult
from shiftscope.errors import REASONS

__all__ = ["to_sarif"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def to_sarif(result: CheckResult) -> str:
    """`result` as one SARIF run."""
    failed = any(finding.category == "files" and finding.status == "failed" for finding in result.findings)
    level = "error" if failed else "warning"
    rules = sorted({*result.excluded, *(item.reason for item in result.files)})
    results = [
        {
            "ruleId": reason,
            "ruleIndex": rules.index(reason),
            "level": level,
            "message": {"text": text},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(path)}}}],
        }
        for reason, text, path in _defects(result)
    ]
    run = {
        "tool": {
            "driver": {
                "name": "shiftscope",
                "version": metadata.version("shiftscope-fl"),
                "rules": [_rule(reason) for reason in rules],
            }
        },
        "invocations": [_invocation(result)],
        "results": results,
        "columnKind": "unicodeCodePoints",
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=1, ensure_ascii=False) + "\n"


def _defects(result: CheckResult) -> Iterator[tuple[str, str, str]]:
    """Reason, sentence and path of each result."""
    for item in result.files:
        yield item.reason, f"{item.reason}: {item.detail}", item.path
    if not result.files:
        for reason, count in sorted(result.excluded.items()):
            files = "file" if count == 1 else "files"
            yield reason, f"{count} {files} of '{result.site}' left out: {REASONS.get(reason, reason)}", result.source


def _rule(reason: str) -> dict[str, Any]:
    words = reason.replace("_", " ")
    return {
        "id": reason,
        "name": words.title().replace(" ", ""),
        "shortDescription": {"text": words},
        "fullDescription": {"text": REASONS.get(reason, words)},
        "help": {"text": f"What to do about it: docs/reading.md, {reason}."},
    }


def _invocation(result: CheckResult) -> dict[str, Any]:
    """Whether the evaluation was complete, and what could not be judged."""
    open_ = [finding for finding in result.reported() if finding.status in ("inconclusive", "undecided")]
    return {
        "executionSuccessful": result.outcome != "inconclusive",
        "toolExecutionNotifications": [{"level": "warning", "message": {"text": item.says}} for item in open_],
    }


def _uri(path: str) -> str:
    """A relative reference for a relative path, a file URI for an absolute one."""
    known = PurePath(path)
    if known.is_absolute():
        return known.as_uri()
    return quote(str(PurePosixPath(known.as_posix())))
