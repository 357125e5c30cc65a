"""The room of contracts is light enough to be used by others."""

import subprocess
import sys


def test_importing_it_leaves_flower_alone() -> None:
    code = (
        "import sys, shiftscope.testing\n"
        "from shiftscope.testing import check_algorithm, check_harmonizer\n"
        "sys.exit(','.join(m for m in ('flwr', 'ray', 'monai', 'timm', 'SimpleITK') if m in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"imported: {done.stderr}"
