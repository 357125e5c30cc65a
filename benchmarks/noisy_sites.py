"""As many pictures of a site as are wanted, none a copy of another: for benchmarks to import."""

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np
from PIL import Image

SEED = 18
_CHUNK = 500  # pictures of a process at a time


def noisy_site(source: Path, target: Path, count: int) -> Path:
    """Pictures of `source` with noise of one grey level, each another's; masks as they are.

    Args:
        source: a folder of `images` and `masks`, or of images alone.
        target: of the same form, made.
        count: pictures.
    """
    nested = (source / "images").is_dir()
    images = sorted(path for path in (source / "images" if nested else source).rglob("*") if path.is_file())
    masks = {path.stem: path for path in (source / "masks").iterdir()} if nested and (source / "masks").is_dir() else {}
    (target / "images").mkdir(parents=True)
    if masks:
        (target / "masks").mkdir()
    paths = [*enumerate(islice(cycle(images), count))]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        parts = [paths[start : start + _CHUNK] for start in range(0, count, _CHUNK)]
        for _ in pool.map(partial(_make, target=target), parts):
            pass
    for number, path in paths:
        if path.stem in masks:
            (target / "masks" / f"{number:07d}{masks[path.stem].suffix}").symlink_to(masks[path.stem].resolve())
    return target


def _make(paths: Sequence[tuple[int, Path]], target: Path) -> None:
    for number, path in paths:
        rng = np.random.default_rng((SEED, number))
        pixels = np.asarray(Image.open(path)).astype(np.int16)
        noisy = (pixels + rng.integers(-1, 2, pixels.shape, dtype=np.int16)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noisy).save(target / "images" / f"{number:07d}.png", compress_level=1)


def first_of(site: Path, target: Path, count: int) -> Path:
    """The first pictures of a site that was made, as links to the same files."""
    for folder in sorted(path for path in site.iterdir() if path.is_dir()):
        (target / folder.name).mkdir(parents=True)
        for path in sorted(folder.iterdir()):
            if int(path.stem) < count:
                os.link(path, target / folder.name / path.name, follow_symlinks=False)
    return target
