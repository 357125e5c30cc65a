"""The leakage gate: does a harmonizer take away what the model has to learn?"""

from collections.abc import Mapping, Sequence

import numpy as np

from shiftscope.harmonizers.coarse_features import case_features
from shiftscope.harmonizers.leakage import (
    MARGIN_CONTRAST,
    MARGIN_SEPARABILITY,
    Drop,
    contrast,
    contrast_drop,
    separability_drop,
)
from shiftscope.plans import Kept, Plan
from shiftscope.training.data.model_inputs import Sample

__all__ = ["as_kept", "kept_signal", "leak_notes"]


def kept_signal(before: Sequence[Sample], after: Sequence[Sample]) -> Kept | None:
    """How much of the classes, or of the lesions' contrast, is left in a site's training cases; None with too few.

    Args:
        before, after: the same cases, as they are and harmonized.
    """
    patients = [sample.patient for sample in before]
    if all(isinstance(sample.target, int) for sample in before):
        old, new = (np.stack([_features(sample) for sample in samples]) for samples in (before, after))
        fall = separability_drop(old, new, [int(sample.target) for sample in before], patients=patients)
        return as_kept(fall, MARGIN_SEPARABILITY)
    stand_out = [
        [contrast(sample.pixels.astype(np.float32), np.asarray(sample.target)) for sample in samples]
        for samples in (before, after)
    ]
    return as_kept(contrast_drop(*stand_out, patients=patients), MARGIN_CONTRAST)


def leak_notes(plan: Plan, harmonizer: str, in_folds: Sequence[Mapping[str, Kept]]) -> list[str]:
    """One line per site at which a harmonizer takes more than its margin of what the model has to learn.

    Args:
        in_folds: for each fold, site -> what is left there; the fold that lost most is told.
    """
    what = "the contrast of lesions" if plan.task == "segmentation" else "what tells the classes apart (AUROC)"
    lost: dict[str, Kept] = {}
    for signals in in_folds:
        for site, kept in signals.items():
            if kept.lost and (site not in lost or kept.drop > lost[site].drop):
                lost[site] = kept
    return [
        f"site {site}: {harmonizer} lowers {what} from {kept.before:.2f} to {kept.after:.2f} on {kept.cases} training"
        " cases, more than chance; look at `shiftscope harmonize`, or take another harmonizer"
        for site, kept in lost.items()
    ]


def _features(sample: Sample) -> np.ndarray:
    """What a case says at a glance; of the linear model's inputs, which are features already, those."""
    pixels = sample.pixels.astype(np.float32)
    return pixels.ravel() if pixels.shape[-1] == 1 else case_features(pixels)


def as_kept(drop: Drop | None, margin: float) -> Kept | None:
    """The figure as a record; None where it is undefined."""
    if drop is None:
        return None
    return Kept(
        cases=drop.cases,
        before=drop.before,
        after=drop.after,
        drop=drop.drop,
        low=drop.low,
        high=drop.high,
        lost=drop.exceeds(margin),
    )
