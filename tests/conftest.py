"""What all tests share: where the real images are."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real images, or a skip that says why."""
    folder = Path(os.environ.get("SHIFTSCOPE_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real images at {folder}; set SHIFTSCOPE_DATA to run this test")
    return folder


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The planted federations that are committed with the project."""
    return ROOT / "fixtures"
