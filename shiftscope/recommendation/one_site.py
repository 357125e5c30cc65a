"""Advice that rests on one site: what harmonizers remove is added up over all pairs, so one profile can turn it."""

from collections.abc import Sequence

import numpy as np

from shiftscope.diagnosis import Diagnosis, Removal
from shiftscope.diagnosis.texts.phrases import names, number
from shiftscope.profiles import Profile
from shiftscope.recommendation.drafts import AdviceBasis, AdviceDraft, draft_of
from shiftscope.recommendation.gain_texts import action_text
from shiftscope.recommendation.harmonizing import name_of

__all__ = ["rests_on_one"]


def rests_on_one(diagnosis: Diagnosis, profiles: Sequence[Profile], basis: AdviceBasis) -> list[str]:
    """A sentence on the sites without whose features the advice would be another, with the numbers of each, and of
    the one without which most would be removed; nothing where there are none."""
    if diagnosis.kind == "insufficient":
        return []
    case = draft_of(diagnosis, profiles, diagnosis.removed, basis)
    others = {site: _without(site, diagnosis, profiles, basis) for site in diagnosis.removed_without}
    deciding = [
        site
        for site, other in others.items()
        if _turns(case, diagnosis.removed, other, diagnosis.removed_without[site])
    ]
    if not deciding:
        return []
    name = name_of(case.chosen)
    left = {site: _of(name, removed) for site, removed in diagnosis.removed_without.items()}
    most = max(left, key=lambda site: -np.inf if (item := left[site]) is None else item.share)
    sentences = [
        f"without '{site}' {_advice(others[site])}, where {_leaves(name, left[site])}"
        for site in dict.fromkeys([*deciding, most])
    ]
    return [
        f"the advice rests on {names(deciding)}: with all sites {_advice(case)}, where {_leaves(name, case.chosen)};"
        f" {'; '.join(sentences)}. Which is right cannot be decided here: look at the profiles of these sites"
    ]


def _without(site: str, diagnosis: Diagnosis, profiles: Sequence[Profile], basis: AdviceBasis) -> AdviceDraft:
    """The advice for all others, as far as what harmonizers remove changes it."""
    others = [profile for profile in profiles if profile.site != site]
    return draft_of(diagnosis, others, diagnosis.removed_without[site], basis)


def _turns(case: AdviceDraft, removed: Sequence[Removal], other: AdviceDraft, without: Sequence[Removal]) -> bool:
    """Whether the action is another, or the harmonizer advised removes half of what the best does no more."""
    name = name_of(case.chosen)
    harmonizes = case.advised is not None and case.advised.harmonizer is not None
    return other.action != case.action or (harmonizes and _serves(name, removed) and not _serves(name, without))


def _serves(name: str, removed: Sequence[Removal]) -> bool:
    item = _of(name, removed)
    return item is not None and item.share >= max(other.share for other in removed) / 2


def _of(name: str, removed: Sequence[Removal]) -> Removal | None:
    return next((item for item in removed if item.harmonizer == name), None)


def _advice(case: AdviceDraft) -> str:
    return case.action if case.advised is None else action_text(case.advised)


def _leaves(name: str, item: Removal | None) -> str:
    if item is None:
        return f"{name} is not measured"
    return f"{name} leaves {number(item.remains)} of {number(item.before)}"
