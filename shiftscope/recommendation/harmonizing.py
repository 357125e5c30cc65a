"""Which harmonizer, whether it is worth it, whether what remains is too much for one model, and what it costs."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from shiftscope.diagnosis import Removal
from shiftscope.diagnosis.texts.phrases import number
from shiftscope.harmonizers import HARMONIZERS, MIN_PATIENTS, fit
from shiftscope.profiles import Profile
from shiftscope.recommendation.advice_documents import AdvisedCost, Rules
from shiftscope.recommendation.drafts import AdviceDraft

__all__ = ["after_harmonizing", "choose", "cost_of", "name_of"]

_CHEAPEST = next(name for name, harmonizer in HARMONIZERS.items() if not harmonizer.shares)


def choose(removed: Sequence[Removal], rules: Rules) -> tuple[Removal | None, tuple[Removal, ...]]:
    """The harmonizer that removes most of those one can train with, or one that shares less and may remove as much; and
    its rivals."""
    usable = sorted((item for item in removed if item.harmonizer in HARMONIZERS), key=lambda item: -item.share)
    if not usable:
        return None, ()
    best = usable[0]
    as_good = [item for item in usable if item is best or (item.high >= best.low and item.share >= rules.worth)]
    chosen = min(as_good, key=lambda item: (HARMONIZERS[item.harmonizer].shares, -item.share))
    return chosen, tuple(item for item in as_good if item is not chosen)


def name_of(chosen: Removal | None) -> str:
    """The harmonizer's name; the cheapest where nothing is measured."""
    return _CHEAPEST if chosen is None else chosen.harmonizer


def after_harmonizing(case: AdviceDraft, rules: Rules) -> tuple[AdviceDraft, list[str]]:
    """Whether to harmonize an appearance shift, whether sites must adapt to what remains, and why."""
    best = case.chosen
    if best is None:
        unseen = (
            f"the shift is too small in the features to measure what a harmonizer removes: {_CHEAPEST} is the cheapest"
        )
        return replace(case, map=True), [unseen]
    worth = best.share >= rules.worth
    remains = best.remains if worth else best.before
    adapt = remains > rules.tolerated
    sentences = [f"{_says(best)}{'' if worth or best.share < 0 else ', too little to be worth it'}"]
    limit = f"what {'remains' if worth else 'differs'} is {number(remains)} squared within-site deviations"
    if adapt:
        sentences.append(f"{limit}, more than the {number(rules.tolerated)} that one model copes with: it must adapt")
    else:
        sentences.append(f"{limit}, which one model copes with (up to {number(rules.tolerated)})")
    return replace(case, map=worth, own=adapt), sentences


def _says(item: Removal) -> str:
    if item.share < 0:
        ends = f"95 % [{-item.high:.0%}, {-item.low:.0%}]"
        return (
            f"{item.harmonizer} adds {-item.share:.0%} to the difference in features, {ends}: {number(item.before)}"
            f" before it, {number(item.remains)} after"
        )
    ends = f"95 % [{item.low:.0%}, {item.high:.0%}]"
    return (
        f"{item.harmonizer} removes {item.share:.0%} of the difference in features, {ends}, and leaves"
        f" {number(item.remains)} of {number(item.before)}"
    )


def cost_of(harmonizer: str | None, profiles: Sequence[Profile]) -> AdvisedCost:
    """What is sent in addition to the model: FedPer sends no more than FedAvg and takes the same steps, harmonizers
    share arrays whose shape does not depend on the site."""
    if harmonizer is None:
        return AdvisedCost(bytes=0, compute=1.0)
    channels = 3 if any(profile.colour for profile in profiles) else 1
    case = np.random.default_rng(0).uniform(0.1, 0.9, (1, channels, 64, 64)).astype(np.float32)
    owns, _ = fit(HARMONIZERS[harmonizer], {"any": [[case]] * MIN_PATIENTS})
    return AdvisedCost(bytes=sum(array.nbytes for array in owns["any"].values()), compute=1.0)
