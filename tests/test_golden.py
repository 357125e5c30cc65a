"""One file per released schema: it still reads, and the program still gives these numbers.

`make golden` writes the files anew; read the difference before you commit it.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from decided_runs import decided_run

from shiftscope.checks import CheckResult, check
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.plans import RunResult, propose_plan, read_plan, write_plan
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.recommendation import advise
from shiftscope.series import watch
from shiftscope.sites import read_site

GOLDEN = Path(__file__).parent / "golden"
REWRITE = "SHIFTSCOPE_REWRITE_GOLDEN" in os.environ


def same(found: Any, expected: Any, where: str = "", *, older: bool = False) -> None:
    """Equal, numbers to one part in a thousand: other processors round differently.

    What is expected of an older version may lack keys that were added since.
    """
    if isinstance(expected, dict):
        assert [key for key in found if key in expected or not older] == list(expected), where
        for key, value in expected.items():
            same(found[key], value, f"{where}.{key}", older=older)
    elif isinstance(expected, list):
        assert len(found) == len(expected), where
        for index, value in enumerate(expected):
            same(found[index], value, f"{where}[{index}]", older=older)
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-3, abs=2e-3), where
    else:
        assert found == expected, where


@pytest.fixture(scope="module")
def profiles(fixtures: Path) -> list[Profile]:
    extractor = load_extractor()
    return [profile_site(read_site(fixtures / "both" / name), extractor, Options())[0] for name in ("early", "late")]


def test_profile(profiles: list[Profile]) -> None:
    path = GOLDEN / "profile-1.json"
    if REWRITE:
        profiles[0].write(path)
    same(profiles[0].to_dict(), Profile.read(path).to_dict())


def test_advice(profiles: list[Profile]) -> None:
    path = GOLDEN / "advice-1.json"
    found = advise(profiles)
    if REWRITE:
        found.write(path)
    kept = json.loads(path.read_text(encoding="utf-8"))
    for part in (found_dict := found.to_dict(), kept):
        part["diagnosis"].pop("evidence")  # sentences round: a last digit may turn
        part["recommendation"].pop("because")
    same(found_dict, kept)


def test_check(profiles: list[Profile]) -> None:
    path = GOLDEN / "check-1.json"
    found = check(profiles[1], profiles[:1], source="late.profile.json")
    if REWRITE:
        found.write(path)
    kept = CheckResult.read(path).to_dict()
    for value in (found_dict := found.to_dict(), kept):
        value.pop("because")  # sentences round: a last digit may turn
        for finding in value["findings"]:
            finding.pop("says")
    same(found_dict, kept)


def test_plan(profiles: list[Profile]) -> None:
    path = GOLDEN / "plan-1.toml"
    found = propose_plan(profiles, advise(profiles).recommendation, "golden")
    if REWRITE:
        write_plan(found, path)
    same(found.to_dict(), read_plan(path).to_dict())


def test_watch(profiles: list[Profile]) -> None:
    path = GOLDEN / "watch-1.json"
    early, late = profiles
    found = watch(("baseline", early), [("2026-01", early), ("2026-02", late), ("2026-03", late)])
    if REWRITE:
        found.write(path)
    kept = json.loads(path.read_text(encoding="utf-8"))
    for part in (found_dict := found.to_dict(), kept):
        for change in part["changes"]:
            change.pop("evidence")  # as above
    same(found_dict, kept)


def test_result() -> None:
    path = GOLDEN / "result-2.json"
    found = decided_run(("take_part", "own_model", "alone", "undecided"), "undecided", analyses=2, harmed=("c",))
    if REWRITE:
        found.write(path)
    same(found.to_dict(), RunResult.read(path).to_dict())
    assert json.loads(path.read_text(encoding="utf-8"))["schema"] == 2


def test_the_result_of_schema_1_still_reads() -> None:
    kept = json.loads((GOLDEN / "result-1.json").read_text(encoding="utf-8"))
    found = RunResult.read(GOLDEN / "result-1.json").to_dict()
    assert (found.pop("schema"), kept.pop("schema")) == (2, 1)
    same(found, kept, older=True)
