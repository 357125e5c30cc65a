"""What else could be done, the nearest first."""

from collections.abc import Sequence

from shiftscope.recommendation.advice_documents import Action, Alternative, Rules
from shiftscope.recommendation.drafts import AdviceDraft, option
from shiftscope.recommendation.harmonizing import name_of

__all__ = ["runners_up"]

_FURTHER: dict[Action, tuple[tuple[Action, str], ...]] = {
    "pool": (("harmonize", "a later delivery changes appearance"),),
    "harmonize": (("pool", "the run shows no difference to FedAvg: the cheaper answer wins"),),
    "personalize": (("pool", "the run shows no difference to FedAvg: the cheaper answer wins"),),
    "both": (
        ("personalize", "harmonized images do no better than raw ones on the validation cases"),
        ("harmonize", "all sites must share one model"),
    ),
}


def runners_up(case: AdviceDraft, undecided: Sequence[Alternative], rules: Rules) -> tuple[Alternative, ...]:
    """Other advice and what would make it the better one; one of each kind, and none that is the advice itself.

    Args:
        case: what is advised.
        undecided: what open questions would change.
        rules: for the number of patients.
    """
    harmonizer = name_of(case.chosen)
    options: list[Alternative] = []
    if case.withheld:
        options.append(option("both" if case.map else "personalize", _enough(rules), harmonizer))
    options.extend(undecided)
    if case.map:
        options.extend(
            option(case.action, f"a trial shows it better: it removes {rival.share:.0%}", rival.harmonizer)
            for rival in case.rivals
        )
    options.extend(option(action, when, harmonizer) for action, when in _FURTHER[case.action])
    found: dict[tuple[Action, str | None], Alternative] = {}
    for item in options:
        found.setdefault((item.action, item.harmonizer), item)
    found.pop((case.action, harmonizer if case.map else None), None)
    return tuple(found.values())


def _enough(rules: Rules) -> str:
    return f"every site has {rules.few} patients or more"
