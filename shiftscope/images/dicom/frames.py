"""What the frames of a multi-frame file say of themselves, apart from where they lie."""

import re

import pydicom

__all__ = ["frame_values"]

_FRAME = "FrameContentSequence"
_MARKS = {
    "stack": ((_FRAME, "StackID"),),
    "acquisition": ((_FRAME, "FrameAcquisitionNumber"),),
    "temporal position": ((_FRAME, "TemporalPositionIndex"),),
    "echo": (("MREchoSequence", "EffectiveEchoTime"),),
    "b-value": (("MRDiffusionSequence", "DiffusionBValue"),),
    "cardiac phase": (("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"),),
    "trigger": (("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),),
    "image type": (("MRImageFrameTypeSequence", "FrameType"), ("CTImageFrameTypeSequence", "FrameType")),
    "kernel": (("CTReconstructionSequence", "ConvolutionKernel"),),
    "reference": ((_FRAME, "FrameReferenceDateTime"),),
    "acquired": ((_FRAME, "FrameAcquisitionDateTime"),),
}
"""Mark of `first_volumes` -> the sequence and the tag that hold it; of several the first that is there."""
_TEXTS, _TIMES = {"stack", "image type", "kernel"}, {"reference", "acquired"}


def frame_values(data: pydicom.Dataset, mark: str) -> list[float | str | None]:
    """A mark of each frame, as `first_volume` asks for it, or "stack": the stack that a frame belongs to."""
    shared = (data.get("SharedFunctionalGroupsSequence") or [None])[0]
    groups = list(data.get("PerFrameFunctionalGroupsSequence") or [])
    if mark == "number":
        return [float(n) for n in range(len(groups))]
    values = [
        next(
            (found for location in _MARKS.get(mark, ()) if (found := _value_in(group, shared, *location)) is not None),
            None,
        )
        for group in groups
    ]
    if mark in _TEXTS:
        return [str(value or "") for value in values]
    return [_moment(value) if mark in _TIMES else _number(value) for value in values]


def _value_in(group: pydicom.Dataset, shared: pydicom.Dataset | None, sequence: str, name: str) -> object:
    for source in (group, shared):
        items = None if source is None else source.get(sequence)
        if items and items[0].get(name) is not None:
            return items[0].get(name)
    return None


def _number(value: object) -> float | None:
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None


def _moment(value: object) -> float | None:
    """A date and time as one number that grows."""
    return _number(re.sub(r"[^\d.]", "", re.split(r"[+-]", str(value or ""))[0]))
