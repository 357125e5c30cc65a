"""What is advised after a rehearsal, families left out, as Markdown. Nothing is printed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from gain_rows import GainRow
from outcomes import Outcome
from rehearsed_advice import RehearsedAdvice, after_nothing_planted, after_training, gained_elsewhere
from scores import over_families

from shiftscope.recommendation import AdvicePolicy
from shiftscope.recommendation.prediction.advice_policy import Network

__all__ = ["rehearsed_table"]

NETWORKS: tuple[Network, ...] = ("frozen", "pretrained", "random")


def rehearsed_table(
    rows: Sequence[GainRow], outcomes: Mapping[str, Outcome], fits: Mapping[str, AdvicePolicy]
) -> Iterator[str]:
    """Federations in which nothing was planted, after a rehearsal of everything; those on which whole networks were
    trained, after one of what was trained. Tables do not say what harmonizers other than the advised one remove: of
    them nothing is counted as removed."""
    yield (
        "*Nothing planted*: every strategy is rehearsed on five folds. Gain: behind a frozen encoder, chosen on three"
        " folds and measured on the two others. *Trained*: what was trained is rehearsed. Gain: in training, where the"
        " advice was trained."
    )
    yield ""
    yield "| network | federations | advice after it | `pool` | gain over FedAvg | gain known of | sites lost |"
    yield "|---|---|---|---:|---|---:|---:|"
    for network in NETWORKS:
        if nulls := after_nothing_planted(rows, outcomes, fits, network):
            yield f"{_said(network, 'nothing planted', nulls)} {_elsewhere(nulls, outcomes, fits, network)}"
    for network in NETWORKS[1:]:
        for task in ("classification", "segmentation"):
            found = [each for each in after_training(rows, outcomes, fits, network) if each.row.task == task]
            if known := [each for each in found if each.gain is not None]:
                gains = _over(known, [each.gain or 0.0 for each in known])
                lost = float(np.mean([each.lost or 0.0 for each in known]))
                yield f"{_said(network, f'trained, {task}', found)} {gains} | {lost:.1%} |"


def _said(network: str, name: str, found: Sequence[RehearsedAdvice]) -> str:
    counts = Counter(each.chosen.action for each in found)
    said = ", ".join(f"{action} {count}" for action, count in counts.most_common())
    return f"| {network} | {name}: {len(found)} | {said} | {counts['pool'] / len(found):.0%} |"


def _elsewhere(
    nulls: Sequence[RehearsedAdvice],
    outcomes: Mapping[str, Outcome],
    fits: Mapping[str, AdvicePolicy],
    network: Network,
) -> str:
    """Gains are known behind a frozen encoder alone."""
    if network != "frozen":
        return "| | |"
    gains = [gained_elsewhere(each.row, outcomes[each.row.federation], fits[each.row.family]) for each in nulls]
    return f"{_over(nulls, gains)} | |"


def _over(known: Sequence[RehearsedAdvice], gains: Sequence[float]) -> str:
    over = over_families(gains, [each.row.family for each in known])
    return f"{over.mean:+.4f} [{over.low:+.4f}, {over.high:+.4f}] | {len(known)}"
