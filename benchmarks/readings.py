"""How every real DICOM and NIfTI file is read; before and after a change of the readers.

    python benchmarks/readings.py DATA --out after.json
    python benchmarks/readings.py --compare before.json after.json

Reads each file of DATA/dicom and DATA/nifti by itself, and each folder of a site with its masks, and keeps size,
display range, mean and deviation as a model sees it, a hash of its pixels in order, labels; or the reason why not.
`--compare` prints the files that are read differently, and how many are not.
"""

import argparse
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from shiftscope.errors import InputError, Unreadable
from shiftscope.images import as_seen, read
from shiftscope.sites import load, read_site

SITES = (
    *("dicom/sites/ge_ct_torchio", "dicom/sites/ge_mr_epi_nih", "dicom/sites/philips_mr_dti_vanderbilt"),
    *("dicom/sites/siemens_mr_epi_nih", "nifti/sct_spinalcord", "nifti/spinegeneric_masks", "nifti/monai_anat"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--compare", nargs=2, type=Path)
    options = parser.parse_args()
    if options.compare:
        compare(*(json.loads(path.read_text(encoding="utf-8")) for path in options.compare))
        return
    data = options.data[0]
    found = {path.relative_to(data).as_posix(): attempt(path) for path in files(data)}
    for site in SITES:
        found |= cases(data, site)
    options.out.write_text(json.dumps(found, indent=1, sort_keys=True), encoding="utf-8")
    print(f"{len(found)} files and cases, {sum('reason' in each for each in found.values())} of them refused")


def files(data: Path) -> list[Path]:
    return sorted([*(data / "dicom").rglob("*.dcm"), *(data / "nifti").rglob("*.nii*")])


def attempt(path: Path) -> dict[str, Any]:
    """What reading a file gives."""
    try:
        return described(read(path))
    except Unreadable as problem:
        return {"reason": problem.reason, "detail": problem.detail}


def cases(data: Path, site: str) -> dict[str, dict[str, Any]]:
    """What reading a site's folder gives, case by case."""
    try:
        found = read_site(data / site)
    except InputError as problem:
        return {f"{site}/": {"reason": "refused", "detail": str(problem).replace(str(data), "DATA")}}
    out: dict[str, dict[str, Any]] = {}
    for case in found.cases:
        name = f"{site}/: {case.name}"
        try:
            image, mask = load(case)
        except Unreadable as problem:
            out[name] = {"reason": problem.reason, "detail": problem.detail}
            continue
        out[name] = described(image)
        labels = getattr(mask, "labels", mask)
        if labels is not None:
            values, counts = np.unique(labels, return_counts=True)
            out[name]["labels"] = dict(zip(map(str, values.tolist()), counts.tolist(), strict=True))
    for reason, paths in found.excluded.items():
        out |= {f"{site}/: {path.relative_to(data / site).as_posix()}": {"reason": reason} for path in paths}
    return out


def described(image: Any) -> dict[str, Any]:
    shown = as_seen(image)
    return {
        "shape": list(image.pixels.shape),
        "display": [float(f"{end:.6g}") for end in image.display],
        "mean": float(f"{shown.mean(dtype=np.float64):.6f}"),
        "deviation": float(f"{shown.std(dtype=np.float64):.6f}"),
        "spacing": None if image.spacing_mm is None else [float(f"{step:.5g}") for step in image.spacing_mm],
        "modality": image.modality,
        "pixels": hashlib.sha256(np.rint(shown * 4095).astype(np.uint16).tobytes()).hexdigest()[:12],
        "odd": sorted(getattr(image, "odd", ())),
    }


def compare(before: dict[str, Any], after: dict[str, Any]) -> None:
    same = 0
    for name in sorted(before.keys() | after.keys()):
        old, new = (dict(each.get(name, {"reason": "not listed"})) for each in (before, after))
        odd = new.pop("odd", []), old.pop("odd", [])
        if old == new:
            same += 1
            if odd[0]:
                print(f"- `{name}`: as before, and noted: {', '.join(odd[0])}")
            continue
        keys = [key for key in sorted(old.keys() | new.keys()) if old.get(key) != new.get(key)]
        changes = "; ".join(f"{key} {old.get(key)} -> {new.get(key)}" for key in keys)
        notes = f"; noted: {', '.join(odd[0])}" if odd[0] else ""
        print(f"- `{name}`: {changes}{notes}")
    print(f"\n{same} files and cases are read to the same pixels as before, or refused in the same words.")


if __name__ == "__main__":
    main()
