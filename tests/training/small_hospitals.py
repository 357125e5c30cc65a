"""Tiny federations on disk: discs on noisy ground, one scanner darker than the other."""

from pathlib import Path

import numpy as np
from PIL import Image

from shiftscope.plans import Plan, PlannedSite
from shiftscope.sites import fingerprint, read_site

__all__ = ["classified", "plan_for", "segmented"]


def segmented(root: Path, gains: dict[str, float], cases: int = 24, size: int = 32) -> dict[str, Path]:
    """One folder per site: bright discs, grey levels to the power of the site's gain; images/ and masks/."""
    for number, (site, gain) in enumerate(gains.items()):
        rng = np.random.default_rng([7, number])
        for kind in ("images", "masks"):
            (root / site / kind).mkdir(parents=True)
        for case in range(cases):
            picture, mask = _disc(rng, size)
            _save(root / site / "images" / f"p{case:03d}.png", picture**gain)
            _save(root / site / "masks" / f"p{case:03d}.png", mask.astype(float))
    return {site: root / site for site in gains}


def classified(root: Path, gains: dict[str, float], cases: int = 12, size: int = 32) -> dict[str, Path]:
    """One folder per site with `large/` and `small/` discs."""
    for number, (site, gain) in enumerate(gains.items()):
        rng = np.random.default_rng([8, number])
        for label, radius in (("large", 0.35), ("small", 0.15)):
            (root / site / label).mkdir(parents=True)
            for case in range(cases):
                _save(root / site / label / f"{label}{case:03d}.png", _disc(rng, size, radius)[0] ** gain)
    return {site: root / site for site in gains}


def plan_for(data: dict[str, Path], **changes: object) -> Plan:
    """A plan of seconds for these folders."""
    sites = {name: read_site(path, name=name) for name, path in data.items()}
    planned = {
        name: PlannedSite(fingerprint=fingerprint(site), patients=len(site.cases), cases=len(site.cases))
        for name, site in sites.items()
    }
    values: dict[str, object] = {
        "name": "tiny",
        "task": "segmentation",
        "classes": (),
        "model": "unet",
        "colour": False,
        "image_size": 32,
        "rounds": 2,
        "local_steps": 2,
        "batch_size": 4,
        "learning_rate": 0.01,
        "seeds": (0,),
        "harmonizer": None,
        "personalizer": None,
        "sites": planned,
    }
    return Plan.model_validate({**values, **changes})


def _disc(rng: np.random.Generator, size: int, radius: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:size, :size] / size
    centre = rng.uniform(0.35, 0.65, size=2)
    mask = np.hypot(y - centre[0], x - centre[1]) < (radius or rng.uniform(0.15, 0.3))
    return np.clip(0.25 + 0.45 * mask + rng.normal(0, 0.06, (size, size)), 0.02, 1), mask


def _save(path: Path, values: np.ndarray) -> None:
    Image.fromarray((values * 255).round().astype(np.uint8)).save(path)
