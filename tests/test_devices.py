"""What a machine can give."""

from pathlib import Path

import pytest

from shiftscope import devices
from shiftscope.devices import free_memory_bytes


def test_memory_that_keeps_files_which_were_read_can_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container, whose limit counts them: reading an archive fills it."""
    monkeypatch.setattr(devices, "_MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(devices, "_CONTAINER", tmp_path)
    assert free_memory_bytes() is None
    (tmp_path / "meminfo").write_text("MemTotal: 90 kB\nMemAvailable:   64 kB\n")
    assert free_memory_bytes() == 65536
    files = {"memory.max": "9000\n", "memory.current": "8800\n", "memory.stat": "anon 700\ninactive_file 8000\n"}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert free_memory_bytes() == 8200
    (tmp_path / "memory.max").write_text("max\n")
    assert free_memory_bytes() == 65536
