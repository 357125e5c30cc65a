"""Records: frozen, strict, readable, round-tripping."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from shiftscope.errors import ProfileError
from shiftscope.records import Array, Document, Real


class Note(Document):
    name: str
    value: Real
    grid: Array


def test_round_trip_and_readable(tmp_path: Path) -> None:
    note = Note(name="a", value=1 / 3, grid=np.array([[1.0, np.nan], [1e-9, 123456789.0]]))
    note.write(tmp_path / "note.json")
    text = (tmp_path / "note.json").read_text()
    assert json.loads(text)["schema"] == 1
    assert "0.333333" in text
    assert "[1.0, null]" in text
    again = Note.read(tmp_path / "note.json")
    np.testing.assert_allclose(again.grid, note.grid, rtol=1e-5)
    assert again.value == pytest.approx(note.value, rel=1e-5)


def test_frozen() -> None:
    note = Note(name="a", value=1.0, grid=[1.0])
    with pytest.raises(ValidationError):
        note.name = "b"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        note.grid[0] = 2.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected a note as JSON"),
        ("[]", "with a 'schema' number"),
        ('{"schema": 2}', "schema 2 is not the schema 1"),
        ('{"schema": 1, "name": "a", "grid": []}', "key 'value' is missing"),
        ('{"schema": 1, "name": "a", "value": 1, "grid": [], "extra": 1}', "key 'extra'"),
    ],
)
def test_bad_files_are_told_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "note.json"
    path.write_text(text)
    with pytest.raises(ProfileError) as caught:
        Note.read(path, ProfileError)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"absent\.json: cannot be read: No such file"):
        Note.read(tmp_path / "absent.json", ProfileError)
