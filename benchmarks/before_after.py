"""The figure of `shiftscope harmonize` in docs/figures: two synthetic ultrasound sites, one of them darker and flatter.

python benchmarks/before_after.py docs/figures/before-after.png
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from shiftscope.copies.copy_pictures import draw_sheet
from shiftscope.copies.harmonized_sites import write_copies
from shiftscope.copies.image_changes import Changes
from shiftscope.copies.site_fits import fit_site
from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.phantoms import ANATOMIES, write_site
from shiftscope.plans import Plan, PlannedSite
from shiftscope.sites import read_site
from shiftscope.training.data.model_inputs import load_samples

NAME, SIZE = "quantile_map", 192
GAMMA = {"ashford": 1.0, "brackley": 1.0, "carrow": 1.8}


def main(target: Path) -> None:
    """Draw the sites, fit the reference, copy the dark one and draw its sheet."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for number, (site, gamma) in enumerate(GAMMA.items()):
            rng = np.random.default_rng([4, number])
            drawn = [ANATOMIES["ultrasound"](rng, size=SIZE) for _ in range(24)]
            write_site([replace(one, pixels=one.pixels**gamma) for one in drawn], root / site)
        plan = Plan(
            name="figure",
            task="segmentation",
            classes=(),
            model="unet",
            colour=False,
            image_size=96,
            rounds=1,
            local_steps=1,
            batch_size=4,
            learning_rate=0.01,
            seeds=(0,),
            harmonizer=NAME,
            personalizer=None,
            sites={site: PlannedSite(fingerprint="", patients=24, cases=24) for site in GAMMA},
        )
        samples = {site: load_samples(read_site(root / site), plan).train for site in GAMMA}
        patients = {site: [[sample.pixels.astype(np.float32)] for sample in taken] for site, taken in samples.items()}
        site = read_site(root / "carrow")
        fitted = fit_site(site, plan, fit(HARMONIZERS[NAME], patients)[1], NAME)
        changes = Changes(fitted)
        write_copies(site, fitted, root / "copies", changes.add)
        draw_sheet(target, changes, changes.result(site, []), count=3, seed=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
