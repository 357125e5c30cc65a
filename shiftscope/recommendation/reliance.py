"""Advice that rests on one site: what harmonizers remove is added up over all pairs, so one profile can turn it."""

from collections.abc import Sequence

from shiftscope.diagnosis import Diagnosis, Removal
from shiftscope.profiles import Profile
from shiftscope.recommendation.cases import Case, number
from shiftscope.recommendation.deciding import decide
from shiftscope.recommendation.harmonizing import name_of
from shiftscope.recommendation.records import RULES, Rules

__all__ = ["rests_on_one"]


def rests_on_one(diagnosis: Diagnosis, profiles: Sequence[Profile], rules: Rules = RULES) -> list[str]:
    """A sentence for each site without whose features the advice would be another, with the numbers of both."""
    if diagnosis.kind == "insufficient":
        return []
    case, _ = decide(diagnosis, profiles, diagnosis.removed, rules)
    out = []
    for site, removed in diagnosis.removed_without.items():
        other, _ = decide(diagnosis, profiles, removed, rules)
        if _advice(other) != _advice(case):
            out.append(
                f"the advice rests on '{site}': {_advice(case)} with it, {_advice(other)} without its features"
                f" ({_numbers(diagnosis.removed, removed, other)}). Look at its profile, and compare the others without it"
            )
    return out


def _advice(case: Case) -> str:
    """Action and harmonizer, which are all that is compared."""
    return f"{case.action} ({name_of(case.chosen)})" if case.map else case.action


def _numbers(among: Sequence[Removal], without: Sequence[Removal], other: Case) -> str:
    """What the harmonizer that would be chosen without the site leaves, with it and without."""
    by = [{item.harmonizer: item for item in removed} for removed in (among, without)]
    name = name_of(other.chosen)
    told = [
        f"leaves {number(found[name].remains)} of {number(found[name].before)} {how}"
        for found, how in zip(by, ("with it", "without"), strict=True)
        if name in found
    ]
    return f"{name} {', '.join(told)}"
