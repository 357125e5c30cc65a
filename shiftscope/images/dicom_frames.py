"""What the frames of a multi-frame file say of themselves, besides where they lie."""

import re

import pydicom

__all__ = ["frame_marks"]

_NUMBERS = {
    "acquisition": ("FrameContentSequence", "FrameAcquisitionNumber"),
    "temporal position": ("FrameContentSequence", "TemporalPositionIndex"),
    "echo": ("MREchoSequence", "EffectiveEchoTime"),
    "b-value": ("MRDiffusionSequence", "DiffusionBValue"),
    "cardiac phase": ("CardiacSynchronizationSequence", "NominalPercentageOfCardiacPhase"),
    "trigger": ("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"),
}
_TEXTS = {
    "image type": (("MRImageFrameTypeSequence", "FrameType"), ("CTImageFrameTypeSequence", "FrameType")),
    "kernel": (("CTReconstructionSequence", "ConvolutionKernel"),),
}
_TIMES = {
    "reference": ("FrameContentSequence", "FrameReferenceDateTime"),
    "acquired": ("FrameContentSequence", "FrameAcquisitionDateTime"),
}


def frame_marks(data: pydicom.Dataset) -> dict[str, list[float | str | None]]:
    """Name -> its value for each frame, as `first_volume` takes them, and "stack": the stack a frame belongs to."""
    shared = (data.get("SharedFunctionalGroupsSequence") or [None])[0]
    groups = list(data.get("PerFrameFunctionalGroupsSequence") or [])
    marks: dict[str, list[float | str | None]] = {
        "stack": [str(_told(group, shared, "FrameContentSequence", "StackID") or "") for group in groups]
    }
    for name, way in _NUMBERS.items():
        marks[name] = [_number(_told(group, shared, *way)) for group in groups]
    for name, ways in _TEXTS.items():
        marks[name] = [
            next((str(found) for way in ways if (found := _told(group, shared, *way))), "") for group in groups
        ]
    for name, way in _TIMES.items():
        marks[name] = [_moment(_told(group, shared, *way)) for group in groups]
    marks["number"] = [float(n) for n in range(len(groups))]
    return marks


def _told(group: pydicom.Dataset, shared: pydicom.Dataset | None, sequence: str, name: str) -> object:
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
