"""The key of a site's parts: made once, its owner's alone, and without it a mark reveals nothing."""

import hashlib
import hmac
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shiftscope.errors import ProfileError
from shiftscope.profiles import KEY_FILE, Key


def test_a_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    first = Key.at(tmp_path / "shiftscope.key")
    again = Key.at(tmp_path / "shiftscope.key")
    assert first.mark("mrn-1") == again.mark("mrn-1") != first.mark("mrn-2")
    assert first.name == again.name != Key.at(tmp_path / "other.key").name
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "shiftscope.key").stat().st_mode) == 0o600


def test_marks_are_hmac_with_the_secret(tmp_path: Path) -> None:
    key = Key.at(tmp_path / "shiftscope.key")
    secret = bytes.fromhex((tmp_path / "shiftscope.key").read_text().strip())
    assert key.mark("mrn-1") == hmac.new(secret, b"mrn-1", hashlib.sha256).hexdigest()
    assert key.mark("mrn-1") != hashlib.sha256(b"mrn-1").hexdigest()


def test_a_name_of_a_file_in_another_encoding_has_a_mark() -> None:
    key = Key(bytes(32))
    one, other = (os.fsdecode(name) for name in (b"M\xfcller", b"M\xe9ller"))
    assert key.mark(one) == key.mark(one) != key.mark(other)


@pytest.mark.parametrize("text", ["", "short", "0" * 63, "0" * 65, "g" * 64, "é" * 64])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "shiftscope.key"
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    with pytest.raises(ProfileError, match="expected a key of 64 hexadecimal digits"):
        Key.at(path)


@pytest.mark.skipif(os.name != "posix", reason="rights of files as POSIX has them")
def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    Key.at(tmp_path / "shiftscope.key")
    (tmp_path / "shiftscope.key").chmod(0o640)
    with pytest.raises(ProfileError, match=r"others may read this key.*chmod 600"):
        Key.at(tmp_path / "shiftscope.key")


def test_tasks_that_begin_together_make_one_key(tmp_path: Path) -> None:
    """An array job on a cluster: whoever is first makes the key, and all others take it."""
    with ThreadPoolExecutor(8) as pool:
        names = {key.name for key in pool.map(lambda _: Key.at(tmp_path / KEY_FILE), range(64))}
    assert len(names) == 1
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
