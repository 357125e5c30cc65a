"""The four hospitals of the demo."""

from pathlib import Path

from shiftscope.phantoms.dicoms import Scanner
from shiftscope.phantoms.planted_federations import Hospital, PlantedFederation, write_hospitals

__all__ = ["DEMO", "demo_hospitals"]

_LABELS = {"benign": 0.6, "malignant": 0.4}
_INVERTED = (("inversion", 1.0),)
_PALE = (("gamma", -0.7),)

DEMO = PlantedFederation(
    "breast lesions to outline: two hospitals with one kind of scanner, one with black and white swapped, one pale",
    "ultrasound",
    "appearance",
    {
        "ashford": Hospital(54, labels=_LABELS),
        "birchwood": Hospital(54, labels=_LABELS),
        "carrow": Hospital(
            54,
            _INVERTED,
            labels=_LABELS,
            layout="manifest",
            format="dicom",
            scanner=Scanner("Phantom Works", "Sono Zero"),
        ),
        "dunmore": Hospital(54, _PALE, labels=_LABELS, layout="manifest", format="nifti"),
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
