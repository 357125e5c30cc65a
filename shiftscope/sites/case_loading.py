"""A case's image with its mask, and the fingerprint of a site's content."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from shiftscope.images import Image, LabelMap, read, read_mask
from shiftscope.sites.site import Case, Site

__all__ = ["case_digest", "case_digests", "fingerprint", "fingerprint_of", "load"]


def load(case: Case) -> tuple[Image, LabelMap | None]:
    """Read a case.

    Returns:
        The image, and its mask on the image's grid, or None.

    Raises:
        Unreadable: with a reason; "mask_size" and "mask_geometry" where the mask does not fit.
    """
    if case.held is not None:
        return case.held
    image = read(case.images)
    return image, read_mask(case.masks, image, case.images) if case.masks else None


def fingerprint(site: Site) -> str:
    """What the site's data are, independent of paths, names, order and the machine: 64 hexadecimal digits."""
    return fingerprint_of(case_digests(site))


def case_digests(site: Site) -> list[str]:
    """SHA-256 of each case, in their order: see `case_digest`."""
    return [case_digest(case).hex() for case in site.cases]


def fingerprint_of(digests: Iterable[str]) -> str:
    """SHA-256 over the sorted digests of a site's cases: its parts together have the fingerprint of the whole."""
    whole = hashlib.sha256()
    for digest in sorted(digests):
        whole.update(bytes.fromhex(digest))
    return whole.hexdigest()


def case_digest(case: Case) -> bytes:
    """SHA-256 of a case: of its label, its image files (sorted by their digests) and its mask."""
    parts = hashlib.sha256(repr(case.label).encode())
    if case.held is not None:
        image, mask = case.held
        images, masks = [_array_digest(image.pixels)], [] if mask is None else [_array_digest(mask.labels)]
    else:
        images, masks = sorted(_digests(case.images)), sorted(_digests(case.masks))
    for digest in (*images, b"mask", *masks):
        parts.update(digest)
    return parts.digest()


def _array_digest(array: np.ndarray) -> bytes:
    return hashlib.sha256(
        repr((array.shape, array.dtype.str)).encode() + np.ascontiguousarray(array).tobytes()
    ).digest()


def _digests(paths: Iterable[Path]) -> Iterable[bytes]:
    for path in paths:
        try:
            with path.open("rb") as file:
                yield hashlib.file_digest(file, "sha256").digest()
        except OSError as problem:
            yield str(problem.errno).encode()
