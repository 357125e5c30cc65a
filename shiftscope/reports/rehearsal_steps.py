"""What to do after a rehearsal: train what is told from FedAvg, or try what is not."""

import shlex
from collections.abc import Mapping

from shiftscope.plans import HeadMethod, RehearsalResult, RehearsedStrategy, name_of_strategy
from shiftscope.reports.rehearsal_wording import expected_gain, ranked, sets_apart

__all__ = ["next_step"]

_OF_TRAIN: Mapping[HeadMethod, str] = {"fedavg": "", "fedprox": "fedprox", "local": "local", "lp_ft": "lp_ft"}
"""Method -> what `trial` calls it; FedAvg is in every trial and needs no name. What is not here, `trial` cannot run."""

_MOST_TRIED = 3

_LONGEST = 40
"""Characters of all their names: a longer word would be cut on the screen, and could not be typed."""

_DATA = "--data SITE=DIR ..."


def next_step(result: RehearsalResult, plan: str = "plan.toml") -> str:
    """One sentence with the command to type.

    Args:
        plan: the file of the plan.
    """
    best = result.strategy(result.best)
    train = f"shiftscope train {shlex.quote(plan)} {_DATA}"
    if all(site.answer == "alone" for site in result.sites.values()):
        return "let each site train its own model: none gains by taking part"
    in_the_plan = best.method == "balanced" or (sets_apart(result) and best.method in ("fedavg", "lp_ft"))
    if best.name == result.strategies[0].name or in_the_plan:
        changes = _changes(result, best)
        return f"with {' and '.join(changes)} in the plan, {train}" if changes else train
    unknown = "" if best.method in _OF_TRAIN or best.stands_for else f"training has no {best.method} yet: "
    if not (names := _tried(result)):
        return f"{unknown}{train}"
    return f"{unknown}shiftscope trial {shlex.quote(plan)} --strategies {shlex.quote(','.join(names))} {_DATA}"


def _changes(result: RehearsalResult, best: RehearsedStrategy) -> list[str]:
    """What a person has to change in the plan, so that `train` runs the best beside its baseline."""
    plan = result.plan
    personalizer = "lp_ft" if best.method == "lp_ft" else ""
    wanted = {"harmonizer": best.harmonizer or "", "personalizer": personalizer}
    changes = [f'{key} = "{value}"' for key, value in wanted.items() if value != (getattr(plan, key) or "")]
    return [*changes, *(["balance = true"] if best.method == "balanced" and not plan.balance else [])]


def _tried(result: RehearsalResult) -> list[str]:
    """What a trial should compare: what gains most, as far as `trial` knows it."""
    found: dict[str, None] = {}
    for strategy in ranked(result):
        if expected_gain(result, strategy) > 0:
            own = [_OF_TRAIN[strategy.method]] if strategy.method in _OF_TRAIN else []
            names = [name_of_strategy(strategy.harmonizer, method) for method in (*own, *strategy.stands_for)]
            found |= dict.fromkeys(filter(None, names))
    names = [*found][:_MOST_TRIED]
    while len(",".join(names)) > _LONGEST and len(names) > 1:
        names.pop()
    return names
