"""One site's heads on planted features: every strategy judged on the same patients, mixtures where they should be."""

import numpy as np
import pytest
import torch

from shiftscope.training.data.model_inputs import Sample, Samples
from shiftscope.training.evaluation.scores import auroc
from shiftscope.training.rehearsals.head_tables import HeadTable, table_of
from shiftscope.training.rehearsals.linear_heads import logits_of
from shiftscope.training.rehearsals.rehearsals_in_memory import rehearse_in_memory
from shiftscope.training.rehearsals.rehearsed_strategies import Rehearsed
from shiftscope.training.rehearsals.table_rehearsals import OwnHeads, train_shared

FOLDS = 3
PLAIN = tuple(Rehearsed(None, method) for method in ("fedavg", "fedprox", "balanced", "local", "lp_ft", "shrinkage"))
MAPPED = tuple(Rehearsed("quantile_map", method) for method in ("fedavg", "local", "lp_ft", "shrinkage"))


def divided(seed: int, swapped: bool = False, count: int = 60, width: int = 4) -> dict[int, Samples]:
    """Patients by fold; the first feature tells the class, the other way round where labels are swapped."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, count)
    features = draw.normal(size=(count, width)) + 1.2 * truth[:, None] * (np.arange(width) == 0)
    labels = 1 - truth if swapped else truth
    every = [
        Sample(f"p{number:02d}", row.reshape(1, width, 1, 1).astype(np.float16), int(label))
        for number, (row, label) in enumerate(zip(features, labels, strict=True))
    ]
    found = {}
    for fold in range(FOLDS):
        test = every[fold::FOLDS]
        others = [sample for number, sample in enumerate(every) if number % FOLDS != fold]
        draw.shuffle(others)  # type: ignore[arg-type]
        found[fold] = Samples(train=others[12:], val=others[:12], test=test, left_out={})
    return found


def tables_of(samples: dict[int, Samples]) -> dict[str, HeadTable]:
    """As they are, and behind a harmonizer that is fitted in each fold and changes nothing."""
    fitted = {f"map-{fold}": table_of("quantile_map", {fold: samples[fold]}) for fold in samples}
    return {"plain": table_of(None, samples), **fitted}


def test_a_harmonizer_that_changes_nothing_gains_nothing_and_surely_so() -> None:
    """Patients are left out of both tables at once: a difference that is 0 at each of them has no variance."""
    sites = {name: tables_of(divided(number)) for number, name in enumerate("ab")}
    found = rehearse_in_memory(sites, (*PLAIN, *MAPPED), 2)
    for scores in found.values():
        for method in ("local", "lp_ft", "shrinkage"):
            assert scores.means[f"quantile_map+{method}"] == pytest.approx(scores.means[method], abs=1e-9)
            assert scores.spread.between(f"quantile_map+{method}", method).covariance == pytest.approx(0, abs=1e-5)
        assert scores.means["quantile_map"] == pytest.approx(scores.means["fedavg"], abs=1e-9)
        assert scores.spread.of("quantile_map").covariance == pytest.approx(0, abs=1e-5)


def test_where_labels_are_swapped_own_heads_win_and_the_weight_is_the_sites_own() -> None:
    sites = {name: {"plain": table_of(None, divided(number, name == "c"))} for number, name in enumerate("abcd")}
    found = rehearse_in_memory(sites, PLAIN, 2)
    odd, usual = found["c"].means, found["a"].means
    assert odd["fedavg"] < 0.4 < 0.65 < odd["local"]
    assert odd["shrinkage"] > odd["fedavg"] + 0.25
    assert usual["shrinkage"] > usual["fedavg"] - 0.05
    assert found["c"].spread.of("local").variance(np.array([True])) > 0


def test_fedprox_is_fedavg_on_one_site_but_for_its_pull_and_fedavg_is_local() -> None:
    """Rounds of one site are its own training, but for new moments every round."""
    (scores,) = rehearse_in_memory({"a": {"plain": table_of(None, divided(1))}}, PLAIN, 2).values()
    assert scores.means["fedavg"] == pytest.approx(scores.means["local"], abs=0.02)
    assert scores.means["shrinkage"] == pytest.approx(scores.means["local"], abs=0.02)


def test_judged_is_the_mean_over_folds_of_the_mixture_that_was_asked_for() -> None:
    samples = divided(3)
    tables = {"plain": table_of(None, samples)}
    shared = {"plain": torch.randn(9, 5, 2, generator=torch.Generator().manual_seed(0))}
    heads = OwnHeads.of(tables, shared)
    weights = {"plain": np.array([0.0, 0.3, 1.0])}
    found = heads.judge(tables, shared, weights, PLAIN, 0.5)
    expected = {"shrinkage": [], "balanced": []}
    for fold in range(FOLDS):
        mixed = (
            weights["plain"][fold] * heads.local["plain"][fold] + (1 - weights["plain"][fold]) * shared["plain"][fold]
        )
        for method, head in (("shrinkage", mixed), ("balanced", shared["plain"][2 * FOLDS + fold])):
            test = samples[fold].test
            features = torch.tensor(np.stack([sample.pixels.ravel() for sample in test]).astype(np.float32))
            chances = torch.softmax(logits_of(features, head[None].float())[0], dim=1).numpy().astype(np.float64)
            truth = np.array([float(sample.target) for sample in test])
            expected[method].append(auroc({"probabilities": chances, "truth": truth}, np.ones((1, len(test))))[0])
    for method, values in expected.items():
        assert found.means[method] == pytest.approx(np.mean(values), abs=1e-6)
        np.testing.assert_allclose(found.by_fold[method], values, atol=1e-6)
    assert found.spread.covariance.shape == (5, 1, 5, 1)


def test_few_validation_patients_are_not_asked_for_a_weight() -> None:
    samples = divided(4)
    few = {fold: Samples(each.train, each.val[: 10 - fold], each.test, {}) for fold, each in samples.items()}
    tables = {
        "plain": table_of(
            None,
            {
                fold: Samples(each.train + samples[fold].val[len(each.val) :], each.val, each.test, {})
                for fold, each in few.items()
            },
        )
    }
    shared = {"plain": torch.zeros(9, 5, 2)}
    said = OwnHeads.of(tables, shared).weights(tables, shared)["plain"]
    assert [each is None for each in said] == [False, True, True]


def test_a_round_goes_on_where_the_cosine_was() -> None:
    tables = {"plain": table_of(None, divided(5))}
    start = {"plain": torch.zeros(9, 5, 2)}
    first, last = (train_shared(tables, start, number)["plain"].abs().max() for number in (1, 30))
    assert first > 50 * last > 0
