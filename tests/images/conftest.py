"""Files of every kind, written for one test."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian
from small_dicoms import dataset, saved

WriteDicom = Callable[..., Path]


@pytest.fixture
def gradient() -> np.ndarray:
    """(40, 50) uint8 with every row and column different: no turn or flip leaves it as it is."""
    return (np.add.outer(3 * np.arange(40), 2 * np.arange(50)) % 251).astype(np.uint8)


@pytest.fixture
def coloured(gradient: np.ndarray) -> np.ndarray:
    """(40, 50, 3) uint8, truly coloured."""
    return np.stack([gradient, gradient[::-1], 255 - gradient], axis=-1)


@pytest.fixture
def write_dicom(tmp_path: Path) -> WriteDicom:
    """Write pixels as DICOM: write_dicom(name, pixels, Keyword=value, ...) -> path."""

    def write(name: str, pixels: np.ndarray, *, syntax: str = ExplicitVRLittleEndian, **tags: object) -> Path:
        return saved(dataset(pixels, **tags), tmp_path / name, syntax)

    return write


@pytest.fixture(name="dataset")
def dataset_fixture() -> Callable[..., pydicom.Dataset]:
    """`dataset` itself, for tests that change more than tags."""
    return dataset
