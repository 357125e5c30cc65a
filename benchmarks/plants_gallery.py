"""Every plant on every anatomy: a sheet to look at, and how much each changes.

    python benchmarks/plants_gallery.py [--sheets FOLDER] [--figure docs/figures/plants.png] [--patients 6]

Prints, for each plant at severities 0.3, 0.6 and 1, the mean absolute change of the pixels (grey levels of 255), the
Dice overlap of the masks before and after, the change of the log area, and how many lesions in a hundred are lost, over
the patients of four anatomies.
With --sheets, a sheet for each anatomy and kind: plants in rows, severities in columns, the mask's outline drawn in.
"""

import argparse
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image

from shiftscope.phantoms import ANATOMIES, ANNOTATION, APPEARANCE, PLANTS, SIGNED, STRUCTURE, Phantom

SEED = 5
SEVERITIES = (0.3, 0.6, 1.0)
LETTERS: dict[str, Any] = {"fontsize": 5, "color": "white", "bbox": {"color": "black", "pad": 0.8}}
ILL = {"ultrasound": "malignant", "chest": "abnormal", "brain": "abnormal", "endoscopy": "abnormal"}
KINDS = {"appearance": APPEARANCE, "structure": STRUCTURE, "annotation": ANNOTATION}
SHOWN_ON = {**dict.fromkeys(APPEARANCE, "ultrasound"), **dict.fromkeys({**STRUCTURE, **ANNOTATION}, "endoscopy")}
SHOWN_ON |= {
    "colour_cast": "endoscopy",
    "jpeg": "endoscopy",
    "window": "chest",
    "inversion": "chest",
    "gamma": "chest",
    "vignette": "endoscopy",
    "noise": "brain",
    "bias_field": "brain",
    "field_of_view": "ultrasound",
    "lesion_eccentricity": "ultrasound",
    "coarse_masks": "chest",
    "polygonal_masks": "chest",
    "dilated_masks": "chest",
}


def draw(anatomy: str, patient: int, size: int) -> Phantom:
    """A patient with a lesion."""
    return ANATOMIES[anatomy](np.random.default_rng([SEED, patient]), size=size, label=ILL[anatomy])


def plant(phantom: Phantom, name: str, severity: float, patient: int = 1) -> Phantom:
    return PLANTS[name](phantom, severity, np.random.default_rng([SEED, patient]))


def show(axes: Axes, phantom: Phantom) -> None:
    axes.imshow(phantom.pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    if phantom.mask.any():
        axes.contour(phantom.mask, [0.5], colors="yellow", linewidths=0.5)


def severities_of(name: str) -> tuple[float, ...]:
    return (-1.0, *SEVERITIES) if name in SIGNED else SEVERITIES


def sheet(
    rows: Sequence[tuple[str, str]], severities: Sequence[float], path: Path, *, blocks: int, size: int, inch: float
) -> None:
    """A line for each (plant, anatomy), in `blocks` side by side; severity 0 is the phantom as drawn."""
    width, height = len(severities) * blocks, -(-len(rows) // blocks)
    figure, grid = plt.subplots(height, width, figsize=(width * inch, height * inch), squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for index, (name, anatomy) in enumerate(rows):
        block, line = divmod(index, height)
        before = draw(anatomy, 1, size)
        for column, severity in enumerate(severities):
            axes = grid[line, block * len(severities) + column]
            if line == 0:
                axes.set_title(f"{severity:g}" if severity else "as drawn", fontsize=6, pad=2)
            if severity >= 0 or name in SIGNED:
                show(axes, plant(before, name, severity))
            if severity == 0:
                axes.text(0.02, 0.03, name.replace("_", " "), transform=axes.transAxes, **LETTERS)
    figure.subplots_adjust(0, 0, 1, 1 - 0.14 / (height * inch), 0.02, 0.02)
    canvas = BytesIO()
    figure.savefig(canvas, dpi=100)
    plt.close(figure)
    with Image.open(canvas) as picture:  # 128 colours: half of the bytes
        picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def effects(name: str, patients: int) -> list[str]:
    """A row of the printed table."""
    cells = []
    for severity in severities_of(name):
        grey, overlap, growth, lost = [], [], [], []
        for anatomy in ANATOMIES:
            for patient in range(patients):
                before = draw(anatomy, patient, 128)
                after = plant(before, name, severity, patient)
                grey.append(255 * float(np.abs(after.pixels - before.pixels).mean()))
                a, b = before.mask > 0, after.mask > 0
                overlap.append(2 * float((a & b).sum()) / max(int(a.sum() + b.sum()), 1))
                lost.append(not b.any())
                if b.any():
                    growth.append(float(np.log(b.sum() / a.sum())))
        cells.append(f"{np.mean(grey):6.1f} {np.mean(overlap):5.2f} {np.mean(growth):+6.2f} {100 * np.mean(lost):3.0f}")
    return cells if name in SIGNED else [" " * len(cells[0]), *cells]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sheets", type=Path, help="folder for a sheet of each anatomy")
    parser.add_argument("--figure", type=Path, help="one sheet of all plants, small enough for the documents")
    parser.add_argument("--patients", type=int, default=6, help="of each anatomy, for the table")
    options = parser.parse_args()
    mpl.use("Agg")
    print(f"{'grey, Dice, log area, lost':28}" + "".join(f"{at:>26}" for at in ("-1", "0.3", "0.6", "1")))
    for kind, plants in KINDS.items():
        for name in plants:
            print(f"{kind:11}{name:17}" + "".join(f"{cell:>26}" for cell in effects(name, options.patients)))
    if options.sheets:
        options.sheets.mkdir(parents=True, exist_ok=True)
        for anatomy in ANATOMIES:
            for kind, plants in KINDS.items():
                rows = [(name, anatomy) for name in plants if name != "colour_cast" or anatomy == "endoscopy"]
                path = options.sheets / f"{anatomy}_{kind}.png"
                sheet(rows, (0, -1, *SEVERITIES), path, blocks=1, size=256, inch=2.0)
    if options.figure:
        options.figure.parent.mkdir(parents=True, exist_ok=True)
        rows = [(name, SHOWN_ON[name]) for name in PLANTS]
        sheet(rows, (-1, 0, 0.3, 1), options.figure, blocks=3, size=96, inch=0.8)


if __name__ == "__main__":
    main()
