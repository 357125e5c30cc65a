"""Label maps: `read_mask(paths, image)`, on the grid of the image that they belong to."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.images.file_formats import RASTERS, sniff
from shiftscope.images.image import Image
from shiftscope.images.masks.label_map import LabelMap
from shiftscope.images.masks.suspicious_masks import suspicions_of

__all__ = ["read_mask"]


def read_mask(paths: Path | Sequence[Path], image: Image | None = None, image_files: Sequence[Path] = ()) -> LabelMap:
    """Read a mask, and lay it on its image.

    `grey_labels`, `colour_labels` and `volume_labels` document how grey levels, colours and volumes become labels;
    `mask_grids` and `segmentations`, where they are laid. Several files are one mask: what any of them draws.

    Args:
        paths: the file or files.
        image: as `read` gave it; None to turn the mask by its own header, and to compare nothing.
        image_files: what the image was read from: asked where the mask does not say how it lies.

    Returns:
        Labels on the grid of the image, which may be all background.

    Raises:
        Unreadable: with the reason and the file; "mask_size" where the mask has other sides than its image,
            "mask_geometry" where it lies elsewhere.
    """
    files = [paths] if isinstance(paths, Path) else list(paths)
    mask = _one(files[0], image, image_files)
    for path in files[1:]:
        mask = _joined(mask, _one(path, image, image_files), path)
    return replace(mask, odd=tuple(dict.fromkeys((*mask.odd, *suspicions_of(mask.labels)))))


def _one(path: Path, image: Image | None, image_files: Sequence[Path]) -> LabelMap:
    kind = sniff(path)
    if kind is None:
        raise Unreadable(path, "not_an_image", "a mask that is not an image")
    if kind in RASTERS:
        from shiftscope.images.masks.mask_grids import picture_on
        from shiftscope.images.pictures.raster import decode

        values, full = decode(path, kind, indices=True)
        mask = _labels_of_picture(values, full, path, kind == "jpeg", image)
        return mask if image is None else picture_on(mask, image, path, image_files)
    if kind == "dicom":
        from shiftscope.images.masks.mask_grids import same_size
        from shiftscope.images.masks.segmentations import read_dicom_mask

        mask = read_dicom_mask(path, image, image_files)
        return mask if image is None else same_size(mask, image, path)
    from shiftscope.images.masks.mask_grids import volume_on
    from shiftscope.images.masks.volume_labels import labels_of_volume
    from shiftscope.images.nifti.volumes import stored_volume

    stored, affine = stored_volume(path, kind)
    return volume_on(labels_of_volume(stored, path), affine, image, path, image_files)


def _labels_of_picture(
    values: np.ndarray, full: float | None, path: Path, lossy: bool, image: Image | None
) -> LabelMap:
    if values.ndim == 4:
        from shiftscope.images.masks.colour_labels import labels_of_colours

        return labels_of_colours(values, full or float(values.max(initial=1)), path, lossy=lossy, image=image)
    from shiftscope.images.masks.grey_labels import labels_of_levels

    return labels_of_levels(values, full, path, lossy=lossy, image=image)


def _joined(one: LabelMap, other: LabelMap, path: Path) -> LabelMap:
    """Two masks of one image as one; where both draw, the larger label stands."""
    if one.labels.shape != other.labels.shape:
        sizes = " against ".join(" x ".join(map(str, mask.labels.shape)) for mask in (other, one))
        raise Unreadable(path, "mask_size", f"mask {sizes} of another mask of the same image (z, y, x)")
    odd = [*one.odd, *other.odd]
    if ((one.labels != other.labels) & (one.labels != 0) & (other.labels != 0)).any():
        odd.append("mask_overlap")
    if one.numbered != other.numbered and max(one.labels.max(initial=0), other.labels.max(initial=0)) > 1:
        odd.append("mask_mixed")
    return replace(
        one, labels=np.maximum(one.labels, other.labels), odd=tuple(odd), numbered=one.numbered and other.numbered
    )
