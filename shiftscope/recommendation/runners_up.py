"""What else could be done, the nearest first."""

from collections.abc import Sequence
from dataclasses import replace

from shiftscope.recommendation.advice_documents import Action, Alternative
from shiftscope.recommendation.drafts import AdviceDraft, option
from shiftscope.recommendation.gain_texts import gain_text

__all__ = ["runners_up"]


def runners_up(draft: AdviceDraft, undecided: Sequence[Alternative]) -> tuple[Alternative, ...]:
    """Other advice and what would make it the better one; one of each kind, and none that is the advice itself.

    Args:
        draft: what is advised.
        undecided: what open questions would change.
    """
    advised, margin = draft.advised, draft.basis.rules.margin
    options = [*undecided]
    others = [each for each in draft.candidates if each is not advised and each.action != "own_model"]
    for each in sorted(others, key=lambda each: -each.gain.mean):
        if each.action == "pool":
            when = f"a run shows no more than {margin:g} beyond FedAvg: the cheaper answer wins"
        else:
            base = "FedAvg" if advised is None or advised.action == "pool" else draft.action
            shown_by = "a run" if draft.basis.measured else "a rehearsal or a run"
            when = f"{shown_by} shows more than {margin:g} beyond {base}: expected {gain_text(each.gain)}"
        options.append(option(each, when))
    if advised is not None and advised.harmonizer is not None and not draft.basis.measured:
        options += [
            option(
                replace(advised, harmonizer=rival.harmonizer), f"a trial shows it better: it removes {rival.share:.0%}"
            )
            for rival in draft.rivals
        ]
    found: dict[tuple[Action, str | None], Alternative] = {}
    for item in options:
        found.setdefault((item.action, item.harmonizer), item)
    if advised is not None:
        found.pop((draft.action, advised.harmonizer), None)
    return tuple(found.values())
