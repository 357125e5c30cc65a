"""`shiftscope harmonize`, as it is typed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save
from small_plans import planned_sites, small_plan

from shiftscope.copies.site_fits import fit_site
from shiftscope.phantoms import ANATOMIES, write_site
from shiftscope.plans import read_plan, write_plan
from shiftscope.sites import read_site
from shiftscope.training.runs.array_files import save_arrays


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """A site of 24 phantoms with masks."""
    rng = np.random.default_rng(0)
    drawn = [replace(ANATOMIES["ultrasound"](rng, size=48), patient=f"q{number:02d}") for number in range(24)]
    return write_site(drawn, tmp_path / "ashford")


def planned(folder: Path, harmonizer: str | None) -> Path:
    sites = planned_sites(["ashford"], 24)
    plan = small_plan(
        name="trial", rounds=1, local_steps=1, batch_size=4, seeds=(0,), harmonizer=harmonizer, sites=sites
    )
    path = folder / "plan.toml"
    write_plan(plan, path)
    assert read_plan(path).harmonizer == harmonizer
    return path


def test_copies_a_sheet_and_an_answer(run, hospital: Path, tmp_path: Path) -> None:
    plan = planned(tmp_path, "zscore")
    done = run("harmonize", hospital, "--plan", plan, "-o", tmp_path / "copies", "--format", "json", "--cases", 3)
    assert done.code == 0
    answer = json.loads(done.out)
    assert (answer["schema"], answer["site"], answer["harmonizer"], answer["written"]) == (1, "ashford", "zscore", 24)
    assert answer["mean_change"] > 0.01
    assert answer["contrast"]["cases"] == 24
    assert "must not leave the hospital" in done.err
    assert "q" not in json.dumps(answer["fitted"])
    with Image.open(tmp_path / "copies" / "before-after.png") as picture:
        assert picture.width > 3 * 48 * 11
    again = read_site(tmp_path / "copies", name="ashford")
    assert [case.patient for case in again.cases] == [case.patient for case in read_site(hospital).cases]
    assert run("profile", tmp_path / "copies", "--dry-run").code == 0


def test_the_reference_is_found_in_the_run_or_given(run, hospital: Path, tmp_path: Path) -> None:
    plan = planned(tmp_path, "quantile_map")
    missing = run("harmonize", hospital, "--plan", plan, "--run", tmp_path / "run", "-o", tmp_path / "copies")
    assert missing.code == 2
    assert "shiftscope train" in missing.err
    assert "--reference FILE" in missing.err
    kept = tmp_path / "run" / "references" / "quantile_map.safetensors"
    save_arrays(kept, {"quantiles": np.linspace(0.01, 0.99, 199)[None]})
    for option, value in (("--run", tmp_path / "run"), ("--reference", kept)):
        out = tmp_path / f"copies{option}"
        done = run("harmonize", hospital, "--plan", plan, option, value, "-o", out, "--no-sheet")
        assert done.code == 0
        assert "distance from the reference" in done.out
        assert not (out / "before-after.png").exists()
    late = run("harmonize", hospital, "--plan", plan, "--reference", kept, "-o", tmp_path / "late", "--site", "new")
    assert late.code == 0
    assert "all 24 cases: the plan has no site 'new'" in " ".join(late.out.split())


def test_a_site_like_the_reference_is_told_so(run, hospital: Path, tmp_path: Path) -> None:
    plan = planned(tmp_path, "reinhard")
    assert run("harmonize", hospital, "--plan", plan, "-o", tmp_path / "x").code == 2  # the plan is grey
    plan = planned(tmp_path, "quantile_map")
    wide = {"quantiles": np.ones((1, 199))}
    fitted = fit_site(read_site(hospital), read_plan(plan), wide, "here")
    save_arrays(tmp_path / "own.safetensors", dict(fitted.own))
    done = run("harmonize", hospital, "--plan", plan, "--reference", tmp_path / "own.safetensors", "-o", tmp_path / "y")
    assert done.code == 0
    assert "already equals the reference" in done.out


@pytest.mark.parametrize(("harmonizer", "words"), [(None, "nothing to write"), ("combat", "features")])
def test_nothing_to_write_is_an_error(run, harmonizer: str | None, words: str, hospital: Path, tmp_path: Path) -> None:
    done = run("harmonize", hospital, "--plan", planned(tmp_path, harmonizer), "-o", tmp_path / "copies")
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "copies").exists()


def test_broken_files_are_listed_and_limited(run, hospital: Path, tmp_path: Path) -> None:
    (hospital / "images" / "q03.png").write_bytes(b"no picture")
    plan = planned(tmp_path, "zscore")
    done = run("harmonize", hospital, "--plan", plan, "-o", tmp_path / "copies", "--max-failures", "0")
    assert done.code == 2
    assert not (tmp_path / "copies").exists()
    done = run("harmonize", hospital, "--plan", plan, "-o", tmp_path / "copies", "--max-failures", "5%")
    assert done.code == 0
    assert "q03.png" in done.err
    assert "not_an_image 1" in done.out


def curves(*shape: int, **options: float) -> np.ndarray:
    """Quantiles that rise from 0 to 1 along the last axis."""
    last = np.linspace(options.get("low", 0.0), options.get("high", 1.0), shape[-1] if shape else 1)
    return np.broadcast_to(last, shape).astype(np.float64) if shape else np.float64(0.5).reshape(())


REFERENCES = {
    "a number": (curves(), "expected quantiles of each channel"),
    "none": (np.zeros((0,)), "expected quantiles of each channel"),
    "one axis": (curves(199), "expected quantiles of each channel"),
    "four axes": (curves(1, 1, 1, 199), "expected quantiles of each channel"),
    "of colour": (curves(3, 199), r"shape (3, 199), this site's images give (1, 199)"),
    "of other levels": (curves(1, 33), r"shape (1, 33), this site's images give (1, 199)"),
    "falling": (curves(1, 199, low=1.0, high=0.0), "which rise"),
    "beyond white": (curves(1, 199, high=2.0), "grey values from 0 to 1"),
    "not finite": (np.full((1, 199), np.nan), "not finite"),
    "endless": (np.full((1, 199), np.inf), "not finite"),
    "whole numbers": (np.zeros((1, 199), dtype=np.int64), "not finite"),
}


@pytest.mark.parametrize(("array", "says"), REFERENCES.values(), ids=REFERENCES)
def test_no_image_is_changed_by_a_reference_that_is_none(
    run, hospital: Path, tmp_path: Path, array: np.ndarray, says: str
) -> None:
    save_arrays(tmp_path / "r.safetensors", {"quantiles": array})
    plan = planned(tmp_path, "quantile_map")
    words = ("harmonize", hospital, "--plan", plan, "--reference", tmp_path / "r.safetensors", "-o", tmp_path / "out")
    done = run(*words)
    assert done.code == 2
    assert says in done.err
    assert not (tmp_path / "out").exists()


def test_a_reference_with_a_key_of_another_kind_is_reported(run, hospital: Path, tmp_path: Path) -> None:
    (tmp_path / "r.safetensors").write_bytes(save({"quantiles": curves(1, 199)}))
    plan = planned(tmp_path, "quantile_map")
    done = run("harmonize", hospital, "--plan", plan, "--reference", tmp_path / "r.safetensors", "-o", tmp_path / "out")
    assert done.code == 2
    assert "'quantiles' is in no group" in done.err
