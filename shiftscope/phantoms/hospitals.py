"""The four hospitals of the demo."""

from pathlib import Path

from shiftscope.phantoms.dicoms import Scanner
from shiftscope.phantoms.federations import Federation, Hospital, write_hospitals

__all__ = ["DEMO", "demo_hospitals"]

_LABELS = {"benign": 0.6, "malignant": 0.4}
_OLD = (("gamma", 1.0), ("noise", 0.25))
_WASHED_OUT = (("gamma", -1.0), ("contrast", 0.3))

DEMO = Federation(
    "breast lesions to outline: two hospitals with one kind of scanner, one dark and grainy, one pale and flat",
    "ultrasound",
    "appearance",
    {
        "ashford": Hospital(54, labels=_LABELS),
        "birchwood": Hospital(54, labels=_LABELS),
        "carrow": Hospital(
            54, _OLD, labels=_LABELS, layout="manifest", format="dicom", scanner=Scanner("Phantom Works", "Sono Zero")
        ),
        "dunmore": Hospital(54, _WASHED_OUT, labels=_LABELS, layout="manifest", format="nifti"),
    },
)
"""What `demo_hospitals` draws."""


def demo_hospitals(folder: Path, *, seed: int = 0, size: int = 96) -> dict[str, Path]:
    """Write the demo's four hospitals: two of PNG files, one of DICOM, one of NIfTI, all with lesion masks.

    Args:
        folder: made where it is missing; each hospital gets a folder in it.
        seed: one seed, one set of files.
        size: pixels along each side.

    Returns:
        site -> its folder, in the order of the demo's story.
    """
    return write_hospitals("demo", DEMO, folder, seed=seed, size=size)
