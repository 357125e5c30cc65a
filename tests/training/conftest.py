"""Small hospitals, and one run of every strategy on two of them, made once."""

from pathlib import Path

import pytest
from recorded_runs import Recorded, apart, record
from small_hospitals import classified, segmented

import shiftscope.training.federation.flower  # noqa: F401 - imports Flower without its dependencies' deprecation warnings
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS


@pytest.fixture(scope="session")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three sites with masks: two scanners that darken, one that brightens."""
    return segmented(tmp_path_factory.mktemp("hospitals"), {"a": 1.0, "b": 2.0, "c": 0.6})


@pytest.fixture(scope="session")
def clinics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two sites with two classes."""
    return classified(tmp_path_factory.mktemp("clinics"), {"north": 1.0, "south": 1.7})


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two sites with small masks."""
    return segmented(tmp_path_factory.mktemp("pair"), {"a": 1.0, "b": 2.0}, size=16)


@pytest.fixture(scope="session")
def portfolio(pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Every algorithm there is, in one run."""
    return record(apart(pair), pair, tmp_path_factory.mktemp("portfolio"), [*CONTROLS, *PERSONALIZERS])
