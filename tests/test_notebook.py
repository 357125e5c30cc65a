"""The notebook runs from its first cell to its last, and shows what it promises."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

CELL_S, TEST_S = 1500, 3000
"""Guards against what hangs: on two cores of a slow machine that does other work too, the longest cell took 610 s."""

NOTEBOOKS = Path(__file__).resolve().parents[1] / "docs" / "notebooks"


@pytest.mark.slow
@pytest.mark.timeout(TEST_S)
def test_four_hospitals_from_folders_to_a_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(NOTEBOOKS / "four-hospitals.ipynb", as_version=4)
    nbformat.validate(notebook)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    if "PYTHONWARNINGS" in os.environ:
        monkeypatch.delenv("PYTHONWARNINGS")
    committed = [outputs(cell) for cell in notebook.cells]
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=CELL_S, kernel_name="python3", resources=where).execute()
    found = [outputs(cell) for cell in notebook.cells]
    assert [sorted(kinds) for kinds in found] == [sorted(kinds) for kinds in committed]
    assert sum("image/png" in kinds for kinds in found) == 3
    texts = "".join("".join(kinds.values()) for kinds in found)
    assert "appearance" in texts
    assert any(verdict in texts for verdict in ("helped", "no_difference", "harmed", "undecided"))
    assert "Traceback" not in texts


def outputs(cell: nbformat.NotebookNode) -> dict[str, str]:
    """Kind of output -> its text, of one cell."""
    found: dict[str, str] = {}
    for item in cell.get("outputs", []):
        for kind, value in ({"text/plain": item["text"]} if item.output_type == "stream" else item.data).items():
            found[kind] = found.get(kind, "") + str(value)
    return found
