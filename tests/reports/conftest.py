"""What the tests of the report share: a federation with a shift, profiled once, and a run of it."""

from pathlib import Path

import pytest

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.plans import RunResult
from shiftscope.profiles import Options, profile_site
from shiftscope.reports.html import Material, read_material
from shiftscope.sites import read_site

SITES = ("bright", "east", "west")


@pytest.fixture(scope="session")
def profile_files(fixtures: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Profiles of three sites, one of them brighter."""
    folder = tmp_path_factory.mktemp("shared")
    extractor = load_extractor()
    for site in SITES:
        made, _ = profile_site(read_site(fixtures / "brighter" / site), extractor, Options())
        made.write(folder / f"{site}.profile.json")
    return sorted(folder.iterdir())


@pytest.fixture(scope="session")
def material(profile_files: list[Path]) -> Material:
    """The three sites before training."""
    return read_material(profile_files)


@pytest.fixture(scope="session")
def run_file() -> Path:
    """The result of a real run, of other sites."""
    return Path(__file__).resolve().parents[2] / "docs" / "results" / "breast_us-10-rounds.json"


@pytest.fixture(scope="session")
def run_result(run_file: Path) -> RunResult:
    """The same, read."""
    return RunResult.read(run_file)
