"""Profile and recommend on the real hospitals' images, as a user would; prints Markdown.

python benchmarks/first_results.py DATA > runs.md
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GROUPS: dict[str, tuple[str, str | None]] = {
    "breast_us": ("breast_us", r"bus_(\d+)"),
    "polyp": ("polyp", None),
    "cxr_cls": ("cxr_cls", None),
    "brain_cls": ("brain_cls", None),
    "breast_cls": ("breast_cls", None),
    "dicom": ("dicom/sites", None),
    "nifti": ("nifti", None),
}
"""title -> folder of sites, patient regex (busi's file names hold no patient: there each file counts as one)."""


def shiftscope(*arguments: str) -> str:
    """One command; its answer, or its error."""
    command = [sys.executable, "-m", "shiftscope", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "100"})
    shown = done.stdout if done.returncode == 0 else done.stderr
    return "\n".join(line.rstrip() for line in shown.splitlines())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    data = parser.parse_args().data
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    print(f"Machine: {machine}; {time.strftime('%Y-%m-%d')}.")
    for title, (folder, regex) in GROUPS.items():
        print(f"\n### {title}\n")
        with tempfile.TemporaryDirectory() as scratch:
            for site in sorted(path for path in (data / folder).iterdir() if path.is_dir()):
                target = Path(scratch) / f"{site.name}.profile.json"
                known = regex and site.name != "busi"
                options = ["--patient-regex", regex] if known else ["--one-file-per-patient"]
                start = time.perf_counter()
                said = shiftscope("profile", str(site), "-o", str(target), *options)
                seconds = time.perf_counter() - start
                lines = said.splitlines()
                outcome = " ".join(lines[1].split()) if target.exists() else said.replace(str(data), "DATA")
                size = f", {target.stat().st_size / 1024:.0f} KB" if target.exists() else ""
                print(f"- `{site.name}`: {outcome} ({seconds:.1f} s{size})")
            profiles = sorted(map(str, Path(scratch).glob("*.json")))
            print(f"\n```\n$ shiftscope recommend *.profile.json\n{shiftscope('recommend', *profiles)}\n```")


if __name__ == "__main__":
    main()
