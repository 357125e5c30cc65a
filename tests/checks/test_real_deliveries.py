"""Two real deliveries: the other half of a scanner's images passes, another scanner's fails for its appearance."""

import shutil
from pathlib import Path

import pytest

from shiftscope.checks import check
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.sites import Declarations, read_site

pytestmark = pytest.mark.real

REGEX = r"(bus_\d+|busi_\w+_\d+)"


def half(folder: Path, target: Path, parity: int) -> Path:
    """Images and masks of every other patient."""
    site = read_site(folder, given=Declarations(patient_regex=REGEX))
    kept = set(sorted({case.patient for case in site.cases})[parity::2])
    for case in site.cases:
        if case.patient in kept:
            for path in (*case.images, *case.masks):
                (target / path.parent.name).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, target / path.parent.name / path.name)
    return target


def profiled(folder: Path) -> Profile:
    site = read_site(folder, name="busbra_logiq5", given=Declarations(patient_regex=REGEX))
    return profile_site(site, load_extractor(), Options())[0]


def test_the_other_half_of_a_scanner_passes(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "breast_us" / "busbra_logiq5"
    base, new = (profiled(half(folder, tmp_path / name, parity)) for name, parity in (("first", 0), ("second", 1)))
    assert check(new, [base]).outcome == "passed"
    assert check(base, [new]).outcome == "passed"


def test_another_scanner_fails_for_its_appearance(run, real_data: Path, tmp_path: Path) -> None:
    """On the folder itself, as a site would call it."""
    profiled(real_data / "breast_us" / "busbra_logiq5").write(tmp_path / "base.profile.json")
    arguments = ["check", real_data / "breast_us" / "busbra_logiq7", "--against", tmp_path / "base.profile.json"]
    arguments += ["--patient-regex", REGEX]
    done = run(*arguments, "--fail-on", "appearance")
    assert done.code == 1
    assert done.out.splitlines()[0] == "failed: appearance"
    screen = " ".join(done.out.split())
    assert "appearance differs: brightness outside the lesion at equal lesion area" in screen
    assert "noise is 1.6 grey levels lower" in screen
