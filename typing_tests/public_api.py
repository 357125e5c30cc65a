"""The public door as a user types it: `mypy` reads this file, nobody runs it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pandas as pd

import shiftscope
from shiftscope import (
    CONTROLS,
    HARMONIZERS,
    PERSONALIZERS,
    Plan,
    Profile,
    Progress,
    Site,
    check,
    diagnose,
    explain,
    harmonize,
    merge,
    profile,
    propose_plan,
    read_site,
    recommend,
    rehearse,
    report,
    site_of_arrays,
    train,
    trial,
    watch,
)


def at_a_hospital(folder: Path) -> None:
    site = read_site(folder, name="ashford", patient_regex=r"(p\d+)", classes=["benign", "malignant"])
    assert_type(site, Site)
    assert_type(profile(site), Profile)
    assert_type(profile("ashford", output="a.profile.json", max_failures=0.05, one_file_per_patient=True), Profile)
    arrays = site_of_arrays([np.zeros((64, 64))], name="b", masks=[None], spacing_mm=(1.0, 0.5, 0.5))
    made = profile(arrays, jobs=1, seed=1, device="cpu", progress=heard)
    assert_type(made.to_dataframe(), pd.DataFrame)
    assert_type(made.to_dict(), dict[str, Any])
    assert_type(merge(["a.part.json", Path("b.part.json")], epsilon=8.0), Profile)
    profile(folder, patient_pattern="x")  # type: ignore[call-arg]
    profile(folder, "ashford")  # type: ignore[call-arg]


def heard(step: Progress) -> None:
    assert_type(step.done, int)
    assert_type(step.total, int | None)


def at_the_coordinator(profiles: list[Profile], paths: list[Path]) -> None:
    advice = recommend(paths, output="plan.toml")
    assert_type(advice.diagnosis.kind in ("none", "appearance"), bool)
    assert_type(diagnose(profiles).to_dataframe(), pd.DataFrame)
    assert_type(propose_plan(profiles, advice, name="first"), Plan)
    result = train("plan.toml", {"a": "images_a", "b": Path("images_b")}, engine="inline", timeout_s=600.0)
    assert_type(result.to_dict(), dict[str, Any])
    trial(Plan.read(Path("plan.json")), strategies=["zscore", "fedbn"], budget=0.25)
    rehearsed = rehearse("plan.toml", {"a": Path("images_a")}, engine="inline", device="cpu", progress=heard)
    assert_type(rehearsed.to_dataframe(), pd.DataFrame)
    assert_type([site.answer == "own_model" for site in rehearsed.sites.values()], list[bool])
    rehearse("plan.toml", resume=True)  # type: ignore[call-arg]
    train("plan.toml", allow_code=["hospital_models"])
    train("plan.toml", engine="flwr")  # type: ignore[arg-type]
    recommend(*paths)  # type: ignore[arg-type]


def in_ci(delivery: Path, baseline: Profile) -> None:
    found = check(delivery, [baseline], fail_on=["appearance"], name_files=False, layout="{patient}/{case}.png")
    assert_type(found.outcome == "passed", bool)
    assert_type(watch("a.profile.json", ["a-2026-01.profile.json"], alpha=0.01).to_dataframe(), pd.DataFrame)
    assert_type(report(["a.profile.json"], output="report.html").path, Path)


def at_the_site_again(folder: Path) -> None:
    harmonize(folder, plan="plan.toml", output="copies", picture_cases=4)
    assert_type(explain("noise").to_dict(), dict[str, Any])


def families() -> None:
    names: list[Mapping[str, object]] = [HARMONIZERS, PERSONALIZERS, CONTROLS]
    assert_type([sorted(family) for family in names], list[list[str]])
    assert_type(shiftscope.HARMONIZERS["zscore"].summary, str)
