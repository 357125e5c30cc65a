"""A whole rehearsal where all sites' features are at hand: for benchmarks and tests."""

from collections.abc import Mapping, Sequence

from shiftscope.training.rehearsals.coordinated_heads import average_heads, blank_shared, site_weights
from shiftscope.training.rehearsals.head_tables import HeadTable
from shiftscope.training.rehearsals.linear_heads import BUDGET, HeadSchedule
from shiftscope.training.rehearsals.rehearsed_strategies import Rehearsed
from shiftscope.training.rehearsals.table_rehearsals import HeadScores, OwnHeads, train_shared

__all__ = ["rehearse_in_memory"]


def rehearse_in_memory(
    sites: Mapping[str, Mapping[str, HeadTable]],
    strategies: Sequence[Rehearsed],
    outputs: int,
    budget: HeadSchedule = BUDGET,
) -> dict[str, HeadScores]:
    """Site -> its scores of all strategies, as over any engine.

    Args:
        sites: site -> name -> table, the same names and folds at every site, features scaled alike; one of them is of
            images as they are and holds all folds.
        strategies: FedAvg among them; each harmonizer has its tables.
        outputs: classes; for outlines the background as well.
        budget: another one than a rehearsal has, to ask what fewer rounds would say.
    """
    one = next(iter(sites.values()))
    keys = [(name, table.harmonizer, table.folds) for name, table in one.items()]
    features = next(iter(one.values())).rows.width
    plain = {site: next(each for each in tables.values() if each.harmonizer is None) for site, tables in sites.items()}
    cases = {site: [int(count) for count in table.train.sum(axis=1)] for site, table in plain.items()}
    shared = blank_shared(keys, features, outputs)
    for number in range(1, budget.rounds + 1):
        replies = {site: train_shared(tables, shared, number, budget) for site, tables in sites.items()}
        shared = average_heads(keys, replies, cases)
    own = {site: OwnHeads.of(tables, shared, budget) for site, tables in sites.items()}
    weights = site_weights(keys, {site: heads.weights(sites[site], shared) for site, heads in own.items()})
    ratios = {site: float(table.test.sum() / table.train.sum()) for site, table in plain.items()}
    return {
        site: heads.judge(sites[site], shared, weights[site], tuple(strategies), ratios[site])
        for site, heads in own.items()
    }
