"""A check as GitHub's workflow commands: annotations of a run; its step summary is the Markdown sheet."""

from shiftscope.checks import CheckResult
from shiftscope.reports.details.check_details import finding_name

__all__ = ["to_github"]

_COMMANDS = {"failed": "error", "inconclusive": "error", "undecided": "error", "warned": "warning"}

_MOST_FILES = 10
"""GitHub shows ten annotations of a kind for a step."""


def to_github(result: CheckResult) -> str:
    """One line for each finding that did not pass, then bad files by name."""
    lines = []
    for finding in result.reported():
        title = f"shiftscope: {finding_name(finding)} {finding.status}"
        lines.append(_command(_COMMANDS[finding.status], finding.says, {"file": result.source, "title": title}))
    failed = any(finding.name == "unreadable" and finding.status == "failed" for finding in result.findings)
    for item in result.files[:_MOST_FILES]:
        place = {"file": item.path, "title": f"shiftscope: {item.reason}"}
        lines.append(_command("error" if failed else "warning", item.detail, place))
    if len(result.files) > _MOST_FILES:
        more = f"{len(result.files) - _MOST_FILES} more files left out; --format sarif names them all"
        lines.append(_command("notice", more, {"title": "shiftscope: files"}))
    if not lines:
        says = f"'{result.site}' passed against {result.whom}, n = {result.patients[0]} against {result.patients[1]}"
        lines.append(_command("notice", says, {"title": "shiftscope: passed"}))
    return "\n".join(lines) + "\n"


def _command(name: str, message: str, properties: dict[str, str]) -> str:
    given = ",".join(f"{key}={_property(value)}" for key, value in properties.items() if value)
    return f"::{name} {given}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
