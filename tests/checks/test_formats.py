"""What CI servers are given: valid by their schemas, with the right thing red."""

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from shiftscope.checks import CheckResult, Limit, Policy, check
from shiftscope.errors import REASONS, Unreadable
from shiftscope.profiles import Profile
from shiftscope.reports.formats.github import to_github
from shiftscope.reports.formats.junit import to_junit
from shiftscope.reports.formats.markdown import to_markdown
from shiftscope.reports.formats.sarif import to_sarif
from shiftscope.reports.sheets.check_sheet import check_sheet

SCHEMA = Path(__file__).resolve().parents[2] / "build" / "sarif" / "sarif-2.1.0-rtm.5.json"
JUNIT = xmlschema.XMLSchema(str(Path(__file__).with_name("junit.xsd")))


@pytest.fixture(scope="session")
def results(planted: Callable[[str], Profile]) -> dict[str, CheckResult]:
    """One result of each outcome, and one with all that can be awkward in its texts."""
    clear, noisy = planted("noisier/clear"), planted("noisier/noisy")
    east = planted("twins/east")
    awkward = noisy.model_copy(update={"site": 'a,b: "c" <d> 50%\x07\nß', "excluded": {"truncated": 1, "empty": 1}})
    bad = [
        Unreadable("in take/ä,1:50%.png", "truncated", "half\r\nof 100%"),
        Unreadable(Path("/data/x y.dcm"), "empty"),
        *(Unreadable(f"many/{k}.png", "constant") for k in range(12)),
    ]
    return {
        "passed": check(planted("twins/west"), [east], source="west.profile.json"),
        "failed": check(noisy, [clear], source="noisy.profile.json"),
        "inconclusive": check(noisy.model_copy(update={"patients": 9}), [clear], source="noisy.profile.json"),
        "warned": check(noisy, [clear], Policy(warn_only=True, measures={"noise": Limit(warn=0.1)}), "noisy.json"),
        "awkward": check(awkward, [clear], Policy(max_unreadable=0, scanners=("ACME",)), "in take", bad),
        "counted": check(awkward, [clear], source="noisy.profile.json"),
    }


ALL = ("passed", "failed", "inconclusive", "warned", "awkward", "counted")


@pytest.mark.parametrize("name", ALL)
def test_junit_is_valid_and_counts_what_it_holds(results: dict[str, CheckResult], name: str) -> None:
    result = results[name]
    text = to_junit(result)
    JUNIT.validate(text)
    suites = ElementTree.fromstring(text)
    cases = suites.findall("./testsuite/testcase")
    assert len(cases) == len(result.findings) == len({case.get("name") for case in cases})
    for tag, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        held = len(suites.findall(f"./testsuite/testcase/{tag}"))
        assert held == int(suites.get(attribute) or -1) == int(suites[0].get(attribute) or -1)
    assert (suites.get("failures") != "0") == (any(item.status == "failed" for item in result.findings))
    if result.outcome == "inconclusive":
        assert suites.get("errors") != "0"


def test_junit_has_a_testcase_per_axis_and_measure_with_its_numbers(results: dict[str, CheckResult]) -> None:
    cases = {case.get("name"): case for case in ElementTree.fromstring(to_junit(results["failed"])).iter("testcase")}
    texture = cases["axis texture: noisy against clear"]
    held = {item.get("name"): item.get("value") for item in texture.iter("property")}
    assert {"effect", "low", "high", "n_new", "n_baseline", "error"} <= set(held)
    assert float(held["low"] or "nan") <= float(held["effect"] or "nan") <= float(held["high"] or "nan")
    assert (held["n_new"], held["n_baseline"]) == ("40", "40")
    assert texture.get("classname") == "shiftscope.appearance"
    assert texture.find("failure") is not None
    assert cases["measure log_area: noisy against clear"].find("failure") is None


def sarif_of(result: CheckResult) -> dict[str, object]:
    value: dict[str, object] = json.loads(to_sarif(result))
    return value


@pytest.mark.parametrize("name", ALL)
def test_sarif_fits_the_official_schema(results: dict[str, CheckResult], name: str) -> None:
    """As pydantic-sarif holds it, generated from the schema of OASIS."""
    models = pytest.importorskip("pydantic_sarif.model")
    models.StaticAnalysisResultsFormatSarifVersion210JsonSchema.model_validate(sarif_of(results[name]))


@pytest.mark.parametrize("name", ALL)
def test_sarif_fits_the_schema_itself(results: dict[str, CheckResult], name: str) -> None:
    """Of OASIS, as `.ci/tools` brings it."""
    if not SCHEMA.exists():
        pytest.skip(f"{SCHEMA.name} is not here; run .ci/tools")
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator(schema, format_checker=validator.FORMAT_CHECKER).validate(sarif_of(results[name]))


def test_sarif_names_files_of_a_folder_and_counts_those_of_a_profile(results: dict[str, CheckResult]) -> None:
    (run,) = json.loads(to_sarif(results["awkward"]))["runs"]
    places = [item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for item in run["results"]]
    assert places[:2] == ["in%20take/%C3%A4%2C1%3A50%25.png", "file:///data/x%20y.dcm"]
    assert {item["level"] for item in run["results"]} == {"error"}
    assert [run["tool"]["driver"]["rules"][item["ruleIndex"]]["id"] for item in run["results"]] == [
        item["ruleId"] for item in run["results"]
    ]
    (counted,) = json.loads(to_sarif(results["counted"]))["runs"]
    assert Counter(item["ruleId"] for item in counted["results"]) == {"empty": 1, "truncated": 1}
    assert {item["level"] for item in counted["results"]} == {"warning"}
    assert REASONS["truncated"] in counted["results"][1]["message"]["text"]
    (clean,) = json.loads(to_sarif(results["passed"]))["runs"]
    assert clean["results"] == []
    (open_,) = json.loads(to_sarif(results["inconclusive"]))["runs"]
    assert not open_["invocations"][0]["executionSuccessful"]
    assert open_["invocations"][0]["toolExecutionNotifications"]


COMMAND = re.compile(r"::(error|warning|notice) ((?:[a-z]+=[^,:\r\n]*,?)+)::([^\r\n]*)")


def unescaped(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text


@pytest.mark.parametrize("name", ALL)
def test_github_annotations_are_one_command_a_line(results: dict[str, CheckResult], name: str) -> None:
    result = results[name]
    lines = to_github(result).splitlines()
    kinds = []
    for line in lines:
        found = COMMAND.fullmatch(line)
        assert found, line
        kinds.append(found[1])
    if result.outcome == "passed":
        assert "error" not in kinds
    else:
        assert "error" in kinds
    assert len([line for line in lines if "many/" in line]) <= 8


@given(st.text(), st.text())
def test_github_escapes_are_undone_by_the_runner(site: str, detail: str) -> None:
    from shiftscope.reports.formats.github import _command

    line = _command("error", detail, {"title": f"x{site}"})
    found = re.fullmatch(r"::error title=([^,:\r\n]*)::([^\r\n]*)", line, flags=re.S)
    assert found
    assert (unescaped(found[1]), unescaped(found[2])) == (f"x{site}", detail)


@pytest.mark.parametrize("name", ALL)
def test_people_read_the_outcome_first(results: dict[str, CheckResult], name: str) -> None:
    text = to_markdown(check_sheet(results[name]))
    assert text.startswith(f"### {results[name].outcome}")
