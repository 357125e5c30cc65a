"""Packages as an operator installs them: files in a folder of their own, where every process finds them."""

import importlib
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["EXAMPLE", "EXAMPLE_KEYS", "installed"]

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "hospital-models" / "hospital_models.py"

EXAMPLE_KEYS = {
    "model": "hospital_models:outline_net",
    "loss": "hospital_models:overlap_loss",
    "augment": "hospital_models:flips",
    "head": ("last",),
    "stem": ("early",),
}


@contextmanager
def installed(folder: Path, files: Mapping[str, str | Path]) -> Iterator[Path]:
    """Write `files` (path -> text, or a file to copy) and put the folder where this and other processes find it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copy(content, path)
        else:
            path.write_text(content, encoding="utf-8")
    before, path_before = set(sys.modules), os.environ.get("PYTHONPATH")
    sys.path.insert(1, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), path_before]))
    try:
        yield folder
    finally:
        sys.path.remove(str(folder))
        if path_before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = path_before
        tops = {Path(name).parts[0].removesuffix(".py") for name in files}
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in tops:
                del sys.modules[name]
        importlib.invalidate_caches()
