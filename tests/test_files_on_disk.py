"""Documents on disk: whole or not at all, private where they must be."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from shiftscope.errors import ShiftscopeError
from shiftscope.files import open_file, write_text


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.skipif(os.name != "posix", reason="rights of files as POSIX has them")
@pytest.mark.parametrize("mask", [0o022, 0o027, 0o000])
def test_private_files_are_their_owners_whatever_the_user_allows(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        write_text(tmp_path / "part", "a", private=True)
        write_text(tmp_path / "profile", "b")
    finally:
        assert os.umask(before) == mask
    assert (mode(tmp_path / "part"), mode(tmp_path / "profile")) == (0o600, 0o666 & ~mask)
    (tmp_path / "part").chmod(0o644)
    write_text(tmp_path / "part", "again", private=True)
    assert mode(tmp_path / "part") == 0o600


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_text(tmp_path / "plan.toml", "old")

    def full(_descriptor: int) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ShiftscopeError, match="cannot be written: no space left"):
        write_text(tmp_path / "plan.toml", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["plan.toml"]
    assert (tmp_path / "plan.toml").read_text() == "old"


def test_bytes_reach_the_disk_before_the_name_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("sync"), sync(descriptor))[1])
    monkeypatch.setattr(Path, "replace", lambda path, to: (done.append("name"), replace(path, to))[1])
    write_text(tmp_path / "a" / "b.json", "text\n")
    assert done == ["sync", "name", "sync"]
    assert (tmp_path / "a" / "b.json").read_bytes() == b"text\n"


def test_a_killed_writer_leaves_the_old_document(tmp_path: Path) -> None:
    """SIGKILL between the bytes and the name."""
    write_text(tmp_path / "splits.json", "old")
    code = (
        "import os, signal; from pathlib import Path; from shiftscope import files\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"files.write_text(Path({str(tmp_path / 'splits.json')!r}), 'new')"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    assert (tmp_path / "splits.json").read_text() == "old"


@pytest.mark.timeout(20)
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, says in ((tmp_path / "pipe", "pipe or a device"), (Path("/dev/zero"), "pipe or"), (tmp_path, "folder")):
        with pytest.raises(OSError, match=says):
            open_file(path)


def test_a_name_as_long_as_names_may_be_can_be_written(tmp_path: Path) -> None:
    write_text(tmp_path / ("x" * 255), "a")
    write_text(tmp_path / ("é" * 127), "a")
    with pytest.raises(ShiftscopeError, match="cannot be written: File name too long"):
        write_text(tmp_path / ("x" * 256), "a")
