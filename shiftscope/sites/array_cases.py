"""Arrays that are in memory already, as a site: for data that lie in no folder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shiftscope.errors import InputError
from shiftscope.images import Image, LabelMap
from shiftscope.records import check_name
from shiftscope.sites.declarations import Declarations
from shiftscope.sites.site import ONE_FILE, Case, Site

__all__ = ["site_of_arrays"]

_COLOURS = 3
_FULL = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}
"""What is full white in pixels of integers."""


def site_of_arrays(
    images: Sequence[np.ndarray],
    *,
    name: str,
    masks: Sequence[np.ndarray | None] | None = None,
    classes: Sequence[str | None] | None = None,
    patients: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    one_image_per_patient: bool = False,
    spacing_mm: tuple[float, float, float] | None = None,
) -> Site:
    """A site of arrays. It can be profiled and checked; training reads files.

    Args:
        images: pictures (y, x) or (y, x, 3), volumes (z, y, x) or (z, y, x, 3); whatever has three as its last side is
            colour. Floating point from 0, black, to 1, white, as a model sees them; or uint8 or uint16.
        name: what the federation calls the site.
        masks: for each image labels on its grid, (y, x) or (z, y, x), 0 for background; None where it has none.
        classes: for each image the name of its class, None where it has none. The names leave the site, so those that
            may be anybody's are refused unless they are among `class_names`.
        class_names: names of classes that may leave the site.
        patients: for each image an identifier of its patient. It stays here.
        one_image_per_patient: each image is another patient's; said instead of `patients`.
        spacing_mm: of the voxels of all images, (z, y, x); of a picture z does not count.

    Raises:
        InputError: no image, lists of different length, arrays of another shape or range, or a name that is none.
    """
    if not len(images):
        raise InputError("images: expected one array or more, got none")
    for what, given in (("masks", masks), ("classes", classes), ("patients", patients)):
        if given is not None and len(given) != len(images):
            raise InputError(f"{what}: {len(given)} for {len(images)} images; expected one for each")
    if patients is not None and one_image_per_patient:
        raise InputError("patients and one_image_per_patient: expected one of them")
    for text in (name, *sorted({label for label in classes or () if label is not None})):
        try:
            check_name(text)
        except ValueError as problem:
            raise InputError(f"{text!r}: {problem}") from None
    digits = len(str(len(images) - 1))
    cases = []
    for index, array in enumerate(images):
        called = f"image {index:0{digits}d}"
        image = _image(np.asarray(array), called, spacing_mm)
        drawn = None if masks is None or masks[index] is None else _labels(np.asarray(masks[index]), image, called)
        path = Path(called)
        cases.append(
            Case(
                name=called,
                images=(path,),
                masks=() if drawn is None else (path,),
                label=None if classes is None else classes[index],
                patient=called if patients is None else str(patients[index]),
                held=(image, drawn),
            )
        )
    source = "manifest" if patients is not None else ONE_FILE if one_image_per_patient else "file"
    names = tuple(sorted({label for label in classes or () if label is not None}))
    return Site(
        name=name,
        root=Path(name),
        layout="images+masks" if any(case.masks for case in cases) else "classes" if names else "images",
        cases=tuple(cases),
        patient_source=source,
        classes=names,
        excluded={},
        declared=Declarations(
            classes=None if class_names is None else tuple(class_names),
            one_file_per_patient=True if source == ONE_FILE else None,
        ),
    )


def _image(array: np.ndarray, called: str, spacing_mm: tuple[float, float, float] | None) -> Image:
    colour = array.ndim in (3, 4) and array.shape[-1] == _COLOURS
    if array.ndim - colour not in (2, 3) or 0 in array.shape:
        raise InputError(f"{called}: shape {array.shape}; expected (y, x), (z, y, x), or either with 3 colours last")
    if array.dtype in _FULL:
        pixels = array.astype(np.float32) / np.float32(_FULL[array.dtype])
    elif array.dtype.kind == "f":
        pixels = array.astype(np.float32)
        if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
            raise InputError(
                f"{called}: values from {pixels.min():g} to {pixels.max():g}; expected 0, black, to 1, white: scale"
                " them to what a model sees, all images of a site alike"
            )
    else:
        raise InputError(f"{called}: dtype {array.dtype}; expected floating point from 0 to 1, uint8 or uint16")
    if pixels.ndim - colour == 2:
        pixels = pixels[None]
    if colour and (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all():
        pixels = pixels[..., 0]
    return Image(pixels, (0.0, 1.0), spacing_mm, span=(float(pixels.min()), float(pixels.max())))


def _labels(array: np.ndarray, image: Image, called: str) -> LabelMap:
    labels = array[None] if array.ndim == 2 else array
    if labels.shape != image.pixels.shape[:3]:
        raise InputError(
            f"{called}: its mask has the shape {array.shape}, the image {image.pixels.shape[:3]} (z, y, x)"
        )
    if labels.dtype.kind not in "biu" or labels.min() < 0 or labels.max() > np.iinfo(np.uint16).max:
        raise InputError(f"{called}: its mask holds {labels.dtype}; expected labels, whole numbers from 0 to 65535")
    return LabelMap(labels.astype(np.uint8 if labels.max() <= np.iinfo(np.uint8).max else np.uint16))
