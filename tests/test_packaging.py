"""The package as a whole: light to import, honest about what it exports."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

import shiftscope

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(shiftscope.__path__, "shiftscope.") if "__main__" not in module.name
)


@pytest.mark.parametrize("name", MODULES)
def test_exported_names_exist(name: str) -> None:
    module = importlib.import_module(name)
    if module.__file__ and not (name.count(".") == 1 and not hasattr(module, "__all__")):
        for exported in getattr(module, "__all__", []):
            assert hasattr(module, exported), exported


def test_importing_and_help_leave_heavy_libraries_alone() -> None:
    heavy = ("torch", "timm", "flwr", "sklearn", "monai", "skimage", "scipy")
    code = f"import sys, shiftscope.cli; sys.exit(','.join(m for m in {heavy!r} if m in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"imported: {done.stderr}"


def test_no_module_holds_two_ideas() -> None:
    for name in MODULES:
        path = importlib.import_module(name).__file__
        if path:
            with open(path, encoding="utf-8") as lines:  # noqa: PTH123 - a count of lines
                assert sum(1 for _ in lines) <= 400, path
