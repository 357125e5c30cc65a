"""What every command but `recommend` shows first is one screen, whatever and however many the sites are."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from screens import drawn, require_screen, require_whole
from small_plans import planned_sites, small_plan

from shiftscope.checks import CheckResult, Finding, Policy
from shiftscope.plans import (
    ArmResult,
    Cost,
    Difference,
    InterimResult,
    Needed,
    RoundEntry,
    RunResult,
    SiteDifference,
    SiteScore,
    SiteScores,
    TrialResult,
)
from shiftscope.profiles import Profile
from shiftscope.reports.questions import QUESTIONS
from shiftscope.reports.sheets.check_sheet import check_sheet
from shiftscope.reports.sheets.profile_sheet import profile_sheet, reading_sheet, site_sheet
from shiftscope.reports.sheets.result_sheet import result_sheet
from shiftscope.reports.sheets.trial_sheet import trial_sheet
from shiftscope.reports.sheets.watch_sheet import watch_sheet
from shiftscope.series import Change, Month, Reading, Watch
from shiftscope.series.actions import ACTIONS

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = st.text("ZQ", min_size=1, max_size=60)
MANY = st.lists(NAMES, min_size=2, max_size=40, unique=True)
LEVELS = (0.95, 0.975, 0.98125, 0.99, 1 - 0.05 / 60)
VERDICTS = {
    "helped": (0.1, 0.05, 0.15),
    "harmed": (-0.1, -0.15, -0.05),
    "no_difference": (0.0012, -0.0081, 0.0093),
    "undecided": (0.1, -0.2, 0.3),
}
METHODS = ("fedavg", "fedper", "perfedavg", "scaffold", "ditto", "silobn", "lp_ft")


@st.composite
def results(draw: st.DrawFn) -> tuple[RunResult, tuple[str, ...]]:
    """Anything that `train` could find, and the names of its sites."""
    sites = tuple(draw(MANY))
    plan = small_plan(
        harmonizer=draw(st.sampled_from([None, "quantile_spectrum"])),
        personalizer=draw(st.sampled_from([None, "perfedavg"])),
        sites=planned_sites(sites, 40),
        seeds=draw(st.sampled_from([(0, 1, 2, 3, 4), tuple(range(20)), "auto"])),
        folds=draw(st.sampled_from([1, 5])),
    )
    alone = draw(st.booleans())
    names = [
        "baseline",
        "adapted",
        *(["local"] if alone else []),
        *draw(st.lists(st.sampled_from(METHODS), max_size=7, unique=True)),
    ]

    def difference() -> Difference:
        low, mean, high = sorted(draw(st.lists(st.floats(-1, 1), min_size=3, max_size=3)))
        return Difference(mean=mean, low=low, high=high, level=draw(st.sampled_from(LEVELS)))

    verdict: Any = draw(st.sampled_from([*VERDICTS]))
    mean, low, high = VERDICTS[verdict]
    found = Difference(mean=mean, low=low, high=high, level=draw(st.sampled_from(LEVELS)))
    seeds = plan.every_seed[: draw(st.sampled_from([3, 5, 10, 20]))]
    counts = st.sampled_from([None, 5, 100, 123456])
    harmed = sites[: draw(st.integers(0, len(sites)))]
    arms = {
        name: ArmResult(
            algorithm="perfedavg",
            harmonizer=None if name == "baseline" else "quantile_spectrum",
            rounds=10,
            mean=draw(st.floats(0, 1)),
            difference=Difference() if name == "baseline" else difference(),
            harmed=harmed if name == "adapted" else (),
        )
        for name in names
    }
    scores = {
        site: SiteScores(
            cases=draw(st.integers(1, 5000)),
            scores={name: (draw(st.floats(0, 1)),) for name in names},
            difference=difference(),
            differences={name: difference() for name in names[1:]},
            kept_baseline={"adapted": (draw(st.booleans()),)},
            answer=draw(st.sampled_from(["alone", "take_part", "own_model", "undecided"])),  # type: ignore[arg-type]
            also={f"dice of class {k}": dict.fromkeys(names, (0.5,)) for k in range(2)},
        )
        for site in sites
    }
    lost = tuple(
        RoundEntry(
            round=k,
            arm="adapted",
            seed=0,
            replies={sites[0]: "failed: out of memory", sites[1]: "ok"},
            loss=None,
            bytes=0,
            seconds=0,
        )
        for k in range(draw(st.integers(0, 3)))
    )
    result = RunResult(
        plan=plan,
        engine="inline",
        metric="balanced_accuracy",
        seeds=seeds,
        verdict=verdict,
        margin=draw(st.sampled_from([0.01, 0.0125, 0.09])),
        difference=found,
        needed=Needed(seeds=draw(counts), patients=draw(counts)),
        worst_site=SiteDifference(site=sites[-1], difference=difference()) if draw(st.booleans()) else None,
        analyses=(InterimResult(seeds=3, difference=found, verdict=verdict),) * draw(st.integers(0, 3)),
        sites=scores,
        worst={name: SiteScore(site=sites[0], score=0.5) for name in names},
        harmed=harmed,
        arms=arms,
        rounds=lost,
        notes=tuple(f"site {site}: a map lowers the contrast of lesions by 30 %" for site in harmed),
        cost=Cost(bytes=5_000_000, seconds=200.0),
        ledger={},
    )
    return result, sites


@settings(max_examples=40, deadline=None)
@given(results())
def test_any_run_is_one_screen(made: tuple[RunResult, tuple[str, ...]]) -> None:
    result, sites = made
    lines = require_screen(result_sheet(result), sites)
    assert "--verbose" in lines[-1]
    require_whole(drawn(result_sheet(result, verbose=True)), sites)
    if result.plan.harmonizer or result.plan.personalizer:
        assert lines[0].startswith(result.verdict)
    if "local" in result.arms:
        assert any("taking part" in line for line in lines)


@settings(max_examples=10, deadline=None)
@given(results(), st.sampled_from([20, 40, 60]))
def test_a_narrow_terminal_cuts_no_line(made: tuple[RunResult, tuple[str, ...]], width: int) -> None:
    for verbose in (False, True):
        assert max(map(len, drawn(result_sheet(made[0], verbose=verbose), width))) <= width


def test_a_run_without_a_difference_says_what_to_take() -> None:
    text = " ".join(drawn(result_sheet(RunResult.read(GOLDEN / "result-1.json"))))
    assert "fedavg" in text


@st.composite
def checked(draw: st.DrawFn) -> tuple[CheckResult, tuple[str, ...]]:
    """Anything that `check` could find."""
    sites = tuple(draw(MANY))
    statuses = ["passed", "warned", "failed", "undecided", "inconclusive", "skipped"]

    def finding(kind: Any, name: str) -> Finding:
        known = draw(st.booleans())
        low, effect, high = sorted(draw(st.lists(st.floats(0, 1e4), min_size=3, max_size=3)))
        numbers: dict[str, Any] = {"effect": effect, "low": low, "high": high, "detectable": 0.4} if known else {}
        return Finding(
            kind=kind,
            name=name,
            category="appearance",
            status=draw(st.sampled_from(statuses)),  # type: ignore[arg-type]
            n=(54, 1620),
            error=0.1,
            says=f"{name} differs at '{sites[0]}': effect 84, 95 % [68, 104], n = 54 against 1620, limit 0.1",
            **numbers,
        )

    findings = [finding("question", name) for name in QUESTIONS]
    findings += [finding("axis", name) for name in ("intensity_outside", "morphology_3d", "noise", "layout")]
    findings += [finding("measure", name) for name in ("log_area_mm2", "snr")]
    findings += [finding("rule", name) for name in ("unreadable", "scanners", "labels")]
    failed = any(item.status == "failed" for item in findings)
    result = CheckResult(
        site=sites[0],
        against=sites[1:],
        source="x.profile.json",
        outcome="failed" if failed else draw(st.sampled_from(["passed", "inconclusive"])),
        patients=(54, 1620),
        findings=tuple(findings),
        because=tuple(f"'{site}': brightness is 67 to 130 grey levels lower, n = 54 against 162" for site in sites[:8]),
        caveats=tuple(f"'{site}' is left out: 20 patients are needed, it has 9" for site in sites),
        excluded={},
        files=(),
        policy=Policy(),
    )
    return result, sites


@settings(max_examples=40, deadline=None)
@given(checked())
def test_any_check_is_one_screen(made: tuple[CheckResult, tuple[str, ...]]) -> None:
    result, sites = made
    lines = require_screen(check_sheet(result), sites)
    assert lines[0].startswith(result.outcome)
    assert "--verbose" in lines[-1]
    require_whole(drawn(check_sheet(result, verbose=True)), sites)


def changed(question: str, probability: float, gradual: bool) -> Change:
    return Change(
        question=question,
        alarmed="2026-07",
        axis="noise",
        probability=probability,
        gradual=gradual,
        start="2026-06",
        possible=("2026-05", "2026-06"),
        effect=12.3,
        low=10.1,
        high=15.2,
        n=(400, 120),
        action="refit",
        says="the acquisition changed: refit this site's harmonizer only; the model and all other sites stay",
        evidence=(),
    )


@st.composite
def watches(draw: st.DrawFn) -> Watch:
    """Anything that `watch` could find."""
    axes = ["intensity_outside", "texture", "noise", "layout", "morphology", "morphology_3d", "boundary", "labels"]

    def reading(axis: str) -> Reading:
        low, effect, high = sorted(draw(st.lists(st.floats(0, 1e4), min_size=3, max_size=3)))
        p = draw(st.floats(0, 1))
        numbers = {"effect": effect, "low": low, "high": high, "p": p, "limit": 1e-4, "outside": p <= 1e-4}
        return Reading(axis=axis, question="appearance", since="2026-01", n=(400, 30), **numbers)

    months = tuple(
        Month(
            label=f"2026-{k:02d}",
            patients=30,
            dated=None,
            watched=True,
            readings=tuple(map(reading, axes)) if k < 3 else (reading("noise"),),
        )
        for k in range(draw(st.integers(1, 50)))
    )
    changes = tuple(
        changed(question, draw(st.floats(0, 1)), draw(st.booleans()))
        for question in draw(st.lists(st.sampled_from([*ACTIONS]), unique=True))
    )
    caveats = tuple(f"month 2026-{k:02d} has 12 patients, fewer than 20" for k in range(draw(st.integers(0, 9))))
    return Watch(baseline="base", patients=60, alpha=0.05, spent=0.01, months=months, changes=changes, caveats=caveats)


@settings(max_examples=30, deadline=None)
@given(watches())
def test_any_watch_is_one_screen(watch: Watch) -> None:
    lines = require_screen(watch_sheet(watch))
    assert lines[0].startswith("alarm: " if watch.changes else "no alarm")
    require_whole(drawn(watch_sheet(watch, verbose=True)))


def test_a_watch_of_which_everything_changed_is_one_screen() -> None:
    """Five unsure changes, axes with long names, more months than are drawn, months left out and caveats."""
    numbers = {"effect": 1000.0, "low": 999.0, "high": 1001.0, "p": 0.0, "limit": 1e-4, "outside": True}
    readings = tuple(
        Reading(axis=axis, question="appearance", since="2026-01", n=(400, 30), **numbers)
        for axis in ("morphology", "morphology_3d", "boundary", "texture", "intensity_outside", "noise")
    )
    months = tuple(
        Month(label=f"2026-{k:02d}", patients=30 * (k > 1), dated=None, watched=k > 1, readings=readings * (k > 1))
        for k in range(50)
    )
    changes = tuple(changed(question, 0.0, gradual=False) for question in ACTIONS)
    caveats = ("month 2026-01 has 12 patients, fewer than 20",) * 9
    made = Watch(baseline="base", patients=60, alpha=0.05, spent=0.01, months=months, changes=changes, caveats=caveats)
    assert "label meaning" in " ".join(require_screen(watch_sheet(made)))


@pytest.mark.parametrize("strategies", [2, 12])
def test_a_trial_of_many_strategies_is_one_screen(strategies: int) -> None:
    golden = RunResult.read(GOLDEN / "result-1.json")
    names = ["fedavg", *(f"quantile_spectrum+{METHODS[k % 7]}{k}" for k in range(strategies))]
    entry = {
        "fate": "finalist",
        "harmonizer": None,
        "algorithm": "fedavg",
        "validation": 0.5,
        "test": 0.5,
        "difference": {"mean": 0.1, "low": -0.313, "high": 0.492, "level": 0.99},
        "passes": 720,
        "bytes": 1,
        "seconds": 1.0,
    }
    values = {
        "schema": 2,
        "margin": 0.01,
        "plan": golden.to_dict()["plan"],
        "engine": "inline",
        "metric": "dice",
        "reference": "fedavg",
        "verdict": "pool",
        "leader": names[1],
        "winner": None,
        "ranking": names,
        "keep": 0.5,
        "seeds": [0, 1],
        "rungs": [
            {"rounds": 2, "judged": ["a"], "strategies": {name: {**entry, "fate": "dropped"} for name in names}},
            {"rounds": 4, "judged": ["a"], "strategies": dict.fromkeys(names, entry)},
        ],
        "cost": {"passes": 10, "full_passes": 20, "bytes": 10, "seconds": 1.0},
        "machine": {},
        "notes": ["rung 1: a site missed a round and what it had to say is a long sentence of more than a line"] * 5,
    }
    result = TrialResult.from_dict(json.loads(json.dumps(values)), "x", ValueError)  # type: ignore[arg-type]
    lines = require_screen(trial_sheet(result))
    assert any(line.startswith(" next ") for line in lines)
    require_whole(drawn(trial_sheet(result, verbose=True)))


def test_a_profile_is_one_screen_and_verbose_has_every_axis() -> None:
    profile = Profile.read(GOLDEN / "profile-1.json")
    require_screen(profile_sheet(profile, "written to x.profile.json, 11 KB"))
    lines = drawn(profile_sheet(profile, "written to x.profile.json, 11 KB", verbose=True))
    require_whole(lines)
    assert sum(line.startswith(" ") and line[1] != " " for line in lines) > sum(
        sketch is not None for sketch in profile.sketches.values()
    )


@pytest.mark.parametrize("odd", [0, 1, 9])
def test_what_is_found_before_profiling_is_one_screen_with_the_odd_first(odd: int) -> None:
    sentence = (
        "files of one folder have two sizes, 96 x 96 in 40 cases and 128 x 96 in 14 cases: are they of one device?"
    )
    found = {
        "site": "north",
        "layout": "images+masks",
        "template": "a long folder/{patient}/{study}/{series}/images/{case}.dcm",
        "mask_template": "a long folder/{patient}/{study}/{series}/masks/{case}_segmentation.nii.gz",
        "cases": 54,
        "patients": 54,
        "patient_source": "file",
        "masks": 54,
        "labels": {f"class {k}": k for k in range(40)},
        "splits": {},
        "excluded": {"truncated": 3, "constant": 2},
        "first_excluded": {"truncated": "a/b/c.png", "constant": "d/e/f.png"},
        "first": {f"p{k:03d}": "1 x 96 x 96, picture, mask" for k in range(8)},
        "reading": {
            "found": dict.fromkeys("abcdefghi", "0 to 1, in the middle case 0 to 0.908; 1 is full white"),
            "odd": [sentence] * odd,
        },
    }
    lines = require_screen(site_sheet(found))
    text = " ".join(" ".join(lines).split())
    assert "--layout" in text
    assert ("what looks odd" in text) == (odd > 0)
    assert " ".join(" ".join(drawn(site_sheet(found, verbose=True))).split()).count("are they of one device?") == odd
    require_screen(reading_sheet(found["reading"]))
