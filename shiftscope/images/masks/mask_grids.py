"""Masks brought onto the grid of their image: pictures and volumes; frames of DICOM are in `segmentations`."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from shiftscope.errors import Unreadable
from shiftscope.images.file_formats import RASTERS, sniff
from shiftscope.images.grids import grid_of
from shiftscope.images.image import Image
from shiftscope.images.masks.grid_alignments import align_grids, default_orientation, misplaced, reoriented
from shiftscope.images.masks.label_map import LabelMap
from shiftscope.images.orientation import canonical
from shiftscope.images.pictures.raster import orientation_of

__all__ = ["picture_on", "same_size", "volume_on"]

_USUAL = np.diag([1.0, -1.0, 1.0, 1.0])  # what nibabel takes a volume without orientation for


def picture_on(mask: LabelMap, image: Image, path: Path, image_files: Sequence[Path]) -> LabelMap:
    """A mask without a place: cut to the region of its image, and turned as the image was turned.

    Raises:
        Unreadable: "mask_size"; "unsupported" for pages that are neither slices nor classes.
    """
    mask = _of_what_is_read(mask, image)
    if len(mask.labels) > 1 == len(image.pixels) and mask.labels.shape[1:] == image.pixels.shape[1:3]:
        from shiftscope.images.masks.class_layers import labels_of_layers

        layers = labels_of_layers(mask.labels[:, None], path)
        mask = replace(mask, labels=layers.labels, odd=(*mask.odd, *layers.odd))
    if image.affine is not None and image_files:
        mask = _turned_alike(mask, image, image_files)
    return _exif(same_size(mask, image, path), path, image_files)


def volume_on(
    mask: LabelMap, affine: np.ndarray | None, image: Image | None, path: Path, image_files: Sequence[Path]
) -> LabelMap:
    """The labels of a volume, turned as its header and that of its image say.

    Where one of the two headers lost how the volume lies, voxels are laid on one another as they are stored.

    Args:
        mask: (i, j, k) labels as stored.
        affine: (4, 4) stored index -> millimetres, None where the header says nothing.
        image: None to turn the mask by its own header.
        path: for messages.
        image_files: asked for the image's own header where that is needed.

    Raises:
        Unreadable: "mask_size", "mask_geometry".
    """
    if image is None:
        return replace(mask, labels=canonical(mask.labels, (_USUAL if affine is None else affine)[:3, :3])[0])
    if affine is not None and image.affine is not None:
        alignment = align_grids(affine, mask.labels.shape, image.affine)
        where = None if alignment is None else alignment.within(image.pixels.shape)
        if alignment is not None and where is not None:
            drawn = reoriented(mask.labels, alignment)
            whole = drawn.shape == image.pixels.shape[:3]
            odd = (*mask.odd, *alignment.odd, *(() if whole else ("mask_part",)))
            if not whole:
                part, drawn = drawn, np.zeros(image.pixels.shape[:3], drawn.dtype)
                drawn[where] = part
            return replace(mask, labels=drawn, affine=image.affine, odd=odd)
    kind = sniff(image_files[0]) if image_files else None
    if kind is not None and kind != "dicom" and kind not in RASTERS:
        as_stored = _on_volume(mask, affine, image, image_files)
        if as_stored is not None:
            return as_stored
    elif image.affine is None:
        return same_size(_on_picture(mask, image), image, path)
    if affine is None or image.affine is None:
        if sorted(mask.labels.shape) != sorted(image.pixels.shape[:3]):
            return same_size(mask, image, path)
        why = "the mask" if affine is None else "the image"
        raise Unreadable(
            path,
            "mask_geometry",
            f"{why} does not say how it lies, and their voxels are stored in another order; copy the geometry of one to"
            " the other, or convert both in one way",
        )
    raise misplaced(affine, mask.labels.shape, image.affine, image.pixels.shape, path)


def same_size(mask: LabelMap, image: Image, path: Path) -> LabelMap:
    """The mask, of the frame and the region that the image is.

    Raises:
        Unreadable: "mask_size": its sides are not those of its image.
    """
    mask = _of_what_is_read(mask, image)
    shape, wanted = mask.labels.shape, image.pixels.shape[:3]
    if shape == wanted:
        return mask
    sizes = " against ".join(" x ".join(map(str, each)) for each in (shape, wanted))
    turned_by = "; the same sides in another order: one of them is turned" if sorted(shape) == sorted(wanted) else ""
    raise Unreadable(path, "mask_size", f"mask {sizes} of its image (z, y, x){turned_by}")


def _on_volume(mask: LabelMap, affine: np.ndarray | None, image: Image, image_files: Sequence[Path]) -> LabelMap | None:
    """Voxels on voxels as they are stored, where one header lost how they lie; None where both say it, and differ."""
    grid = grid_of(image_files)
    if grid is None or grid.shape != mask.labels.shape:
        return None
    own = None if image.affine is None else grid.patient_axes
    if not default_orientation(affine, own) and not default_orientation(own, affine):
        return None
    labels = canonical(mask.labels, grid.patient_axes[:3, :3])[0]
    odd = () if affine is None and own is None else ("mask_without_place",)
    return replace(mask, labels=labels, affine=image.affine, odd=(*mask.odd, *odd))


def _on_picture(mask: LabelMap, image: Image) -> LabelMap:
    """A volume beside a picture: its first axis runs along rows, unless only the other way fits."""
    along, down = mask.labels.shape[:2]
    rows, columns = image.pixels.shape[1:3]
    if image.whole is not None and {along, down} == set(image.whole[1:]):
        _, rows, columns = image.whole
    wide = (along, down) == (columns, rows) or (along, down) != (rows, columns)
    labels = mask.labels.transpose((2, 1, 0) if wide else (2, 0, 1))
    return replace(mask, labels=labels, odd=(*mask.odd, "mask_without_place"))


def _of_what_is_read(mask: LabelMap, image: Image) -> LabelMap:
    """Of a mask that is as large as the image's file: the frame that was read, and the region that is measured."""
    if image.whole is None:
        return mask
    labels, odd = mask.labels, mask.odd
    frames, rows, columns = image.whole
    if len(labels) == frames > len(image.pixels):
        labels = labels[image.frame][None]
    if image.region is not None and labels.shape[1:] == (rows, columns):
        top, left, bottom, right = image.region
        labels, odd = labels[:, top:bottom, left:right], (*odd, "mask_cut")
    return replace(mask, labels=labels, odd=odd)


def _turned_alike(mask: LabelMap, image: Image, image_files: Sequence[Path]) -> LabelMap:
    """A picture drawn on the stored slices of a DICOM image, turned as these were."""
    from shiftscope.images.dicom.headers import read_header

    cosines = read_header(image_files[0]).orientation if sniff(image_files[0]) == "dicom" else ()
    if len(cosines) != 6 or image.affine is None:
        return replace(mask, odd=(*mask.odd, "mask_without_place"))
    across, down = np.array(cosines[:3]), np.array(cosines[3:])
    stored = np.eye(4)
    stored[:3, :3] = np.stack([np.cross(across, down), down, across], axis=1)
    alignment = align_grids(stored, mask.labels.shape, image.affine)
    odd = ("mask_without_place",) if len(mask.labels) > 1 or alignment is None else ()
    return replace(
        mask, labels=mask.labels if alignment is None else reoriented(mask.labels, alignment), odd=(*mask.odd, *odd)
    )


def _exif(mask: LabelMap, path: Path, image_files: Sequence[Path]) -> LabelMap:
    """Note where a photograph is turned by its tag and its mask, as large both ways, has none."""
    if len(image_files) != 1 or sniff(image_files[0]) != "jpeg":
        return mask
    orientations = [orientation_of(file) if sniff(file) == "jpeg" else 1 for file in (image_files[0], path)]
    square = mask.labels.shape[1] == mask.labels.shape[2]
    unclear = orientations[0] != 1 and orientations[1] == 1 and (square or orientations[0] in (2, 3, 4))
    return replace(mask, odd=(*mask.odd, "mask_unturned")) if unclear else mask
