"""Small hospitals, made once."""

from pathlib import Path

import pytest
from small_hospitals import classified, segmented

import shiftscope.train.flower  # noqa: F401 - imports Flower without its dependencies' deprecation warnings


@pytest.fixture(scope="session")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three sites with masks: two scanners that darken, one that brightens."""
    return segmented(tmp_path_factory.mktemp("hospitals"), {"a": 1.0, "b": 2.0, "c": 0.6})


@pytest.fixture(scope="session")
def clinics(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two sites with two classes."""
    return classified(tmp_path_factory.mktemp("clinics"), {"north": 1.0, "south": 1.7})
