"""Batches in which classes take turns, and batches as they were."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from small_hospitals import plan_for

from shiftscope.errors import PlanError
from shiftscope.plans import Plan
from shiftscope.training.data.augmentation import augment
from shiftscope.training.data.batches import draw
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.plan_checks import check_plan


def planned(**changes: object) -> Plan:
    keys = {"task": "classification", "classes": ("x", "y", "z"), "model": "test_resnet", "balance": True}
    return plan_for({}, sites={"a": {"fingerprint": "", "patients": 9, "cases": 9}}, **{**keys, **changes})


def planted(*counts: int, depth: int = 1) -> list[Sample]:
    """So many cases of each class, each of one grey level of its own, which no augmentation of geometry changes."""
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    shape = (depth, 1, 32, 32)
    return [Sample("", np.full(shape, k / 256, np.float16), label) for k, label in enumerate(labels)]


def batches(samples: list[Sample], plan: Plan, count: int, seed: int = 0) -> list[tuple[list[int], list[int]]]:
    """(cases, classes) of each batch."""
    drawn = islice(draw(samples, plan, np.random.default_rng(seed)), count)
    return [(x.flatten(1)[:, 0].mul(256).round().long().tolist(), y.tolist()) for x, y in drawn]


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8])
def test_rare_classes_come_as_often_as_frequent_ones(size: int) -> None:
    samples = planted(40, 3, 7)
    drawn = batches(samples, planned(batch_size=size), 30)
    for cases, labels in drawn:
        assert labels == [samples[case].target for case in cases]
        counts = [labels.count(label) for label in range(3)]
        assert max(counts) - min(counts) <= 1
    total = Counter(label for _, labels in drawn for label in labels)
    assert set(total.values()) == {10 * size}


def test_each_class_has_an_order_of_its_own_that_starts_anew_when_through() -> None:
    samples = planted(9, 3)
    cases = [case for cases, _ in batches(samples, planned(batch_size=4), 27) for case in cases]
    for members in (range(9), range(9, 12)):
        mine = [case for case in cases if case in members]
        passes = [mine[start : start + len(members)] for start in range(0, len(mine), len(members))]
        assert all(sorted(one) == list(members) for one in passes)
        assert len({tuple(one) for one in passes}) > 1


def test_which_class_is_first_is_drawn() -> None:
    firsts = Counter(batches(planted(5, 5, 5), planned(batch_size=2), 1, seed)[0][1][0] for seed in range(90))
    assert min(firsts[label] for label in range(3)) > 15


def test_a_site_with_one_class_is_trained_plainly() -> None:
    for counts in ((7,), (0, 7)):
        plain, balanced = (batches(planted(*counts), planned(balance=each), 9) for each in (False, True))
        assert plain == balanced


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 11])
def test_without_balance_batches_are_what_they_were(count: int) -> None:
    """To the bit: a queue that is filled with whole shuffles before a batch is taken from it."""
    rng = np.random.default_rng(5)
    samples = [Sample("", rng.random((3, 1, 32, 32)).astype(np.float16), k % 2) for k in range(count)]
    mine, theirs, queue = draw(samples, planned(balance=False), np.random.default_rng(1)), np.random.default_rng(1), []
    for _ in range(7):
        while len(queue) < 4:
            queue.extend(theirs.permutation(count).tolist())
        chosen, queue = queue[:4], queue[4:]
        pixels = np.stack([samples[index].pixels[theirs.integers(3)] for index in chosen]).astype(np.float32)
        images, labels = next(mine)
        assert torch.equal(images, augment(torch.from_numpy(pixels), None, theirs)[0])
        assert labels.tolist() == [samples[index].target for index in chosen]


def test_blocks_of_volumes_are_balanced_as_well() -> None:
    drawn = draw(planted(9, 2, depth=9), planned(patch=(8, 16, 16)), np.random.default_rng(0))
    for images, labels in islice(drawn, 5):
        assert images.shape == (4, 1, 8, 16, 16)
        assert sorted(labels.tolist()) == [0, 0, 1, 1]


def test_masks_cannot_be_balanced() -> None:
    with pytest.raises(PlanError, match="balance: true, and masks hold all classes at once"):
        check_plan(planned(task="segmentation", classes=(), model="unet"), [])


def test_what_is_learned_of_a_rare_class() -> None:
    """Planted: grey levels of the two classes lie a standard deviation and a half apart, nine cases in ten are of one.

    The best that plain batches can teach is the boundary of Bayes' rule, at log(9) / 1.5 standard deviations beyond
    the middle, which finds 1 in 4 of the rare class; turns put it into the middle: 3 in 4 (normal distribution).
    """
    rng = np.random.default_rng(0)
    greys = {0: rng.normal(0.35, 0.1, 900), 1: rng.normal(0.5, 0.1, 100)}
    samples = [Sample("", np.full((1, 1, 2, 2), g, np.float16), k) for k, found in greys.items() for g in found]
    rare = torch.tensor(greys[1], dtype=torch.float32)
    recall = {}
    for balance in (False, True):
        line = torch.nn.Linear(1, 2)
        optimizer = torch.optim.Adam(line.parameters(), lr=0.03)
        for images, labels in islice(draw(samples, planned(batch_size=64, balance=balance), rng), 400):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(line(10 * images.mean(dim=(2, 3)) - 4), labels).backward()
            optimizer.step()
        recall[balance] = float((line(10 * rare[:, None] - 4).argmax(dim=1) == 1).float().mean())
    assert recall[False] == pytest.approx(0.24, abs=0.14)
    assert recall[True] == pytest.approx(0.77, abs=0.14)
