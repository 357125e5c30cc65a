"""A check as JUnit XML: one testcase for each question, axis, measure and rule of a pair of sites.

What failed is a `failure`, what could not be judged an `error` (a server must not count it as passed), what nobody has
is `skipped`, and what warns passes and says so in `system-out`. The numbers are properties of the testcase.
"""

import re
from xml.etree import ElementTree

from shiftscope.checks import CheckResult, Finding

__all__ = ["to_junit"]

_UNFIT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold."""

_ERRORS = ("inconclusive", "undecided")


def to_junit(result: CheckResult) -> str:
    """`result` as the XML that CI servers read."""
    pair = f"{result.site} against {', '.join(result.against)}"
    counts = _counts(result)
    suites = ElementTree.Element("testsuites", {"name": "shiftscope check", **counts})
    suite = ElementTree.SubElement(suites, "testsuite", {"name": _fit(pair), **counts})
    given = {
        "outcome": result.outcome,
        "source": result.source,
        "patients_new": result.patients[0],
        "patients_baseline": result.patients[1],
        "fail_on": ",".join(result.policy.fail_on),
    }
    _properties(suite, given)
    for finding in result.findings:
        _testcase(suite, finding, pair)
    if result.because or result.caveats:
        ElementTree.SubElement(suite, "system-out").text = _fit("\n".join((*result.because, *result.caveats)))
    ElementTree.indent(suites)
    return ElementTree.tostring(suites, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _counts(result: CheckResult) -> dict[str, str]:
    statuses = [finding.status for finding in result.findings]
    return {
        "tests": str(len(statuses)),
        "failures": str(statuses.count("failed")),
        "errors": str(sum(status in _ERRORS for status in statuses)),
        "skipped": str(statuses.count("skipped")),
        "time": "0",
    }


def _testcase(suite: ElementTree.Element, finding: Finding, pair: str) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        {
            "classname": f"shiftscope.{finding.category}",
            "name": _fit(f"{finding.kind} {finding.name}: {pair}"),
            "time": "0",
        },
    )
    numbers = {
        "effect": finding.effect,
        "low": finding.low,
        "high": finding.high,
        "unit": None if finding.effect is None else finding.unit,
        "n_new": finding.n[0],
        "n_baseline": finding.n[1],
        "warn": finding.warn,
        "error": finding.error,
        "detectable": finding.detectable,
        "patients_needed": finding.needed,
    }
    _properties(case, {name: value for name, value in numbers.items() if value is not None})
    text = _fit(finding.says)
    if finding.status == "failed":
        ElementTree.SubElement(case, "failure", {"message": text, "type": finding.category}).text = text
    elif finding.status in _ERRORS:
        ElementTree.SubElement(case, "error", {"message": text, "type": finding.status}).text = text
    elif finding.status == "skipped":
        ElementTree.SubElement(case, "skipped", {"message": text})
    else:
        ElementTree.SubElement(case, "system-out").text = ("warning: " * (finding.status == "warned")) + text


def _properties(parent: ElementTree.Element, values: "dict[str, object]") -> None:
    properties = ElementTree.SubElement(parent, "properties")
    for name, value in values.items():
        text = f"{value:.6g}" if isinstance(value, float) else str(value)
        ElementTree.SubElement(properties, "property", {"name": name, "value": _fit(text)})


def _fit(text: str) -> str:
    return _UNFIT.sub("?", text)
