"""Updates that cannot be, by themselves or beside the other sites', are told; honest ones of unlike sites never are."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch
from recorded_runs import Recorded
from small_plans import planned_sites, small_plan

from shiftscope.errors import EngineError
from shiftscope.training.algorithms.algorithm import Algorithm
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS, find_algorithm
from shiftscope.training.algorithms.update_checks import (
    FARTHEST_STEP,
    distances_of,
    farthest_of,
    require_form,
    require_reachable,
    standing_out,
)

SENT = {
    "w": np.ones((2, 3), np.float32),
    "bn.running_var": np.ones(3, np.float32),
    "bn.num_batches_tracked": np.array(4),
    "control/w": np.zeros((2, 3), np.float32),
}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("w", np.ones((3, 2), np.float32), r"with shape \(3, 2\), expected \(2, 3\)"),
        ("w", np.ones((2, 3)), "as numbers of kind float64, expected float32"),
        ("w", np.full((2, 3), "x"), "as numbers of kind <U1, expected float32"),
        ("w", np.full((2, 3), None), "as numbers of kind object, expected float32"),
        ("w", np.full((2, 3), np.nan, np.float32), "not finite: its training diverged"),
        ("w", np.full((2, 3), -np.inf, np.float32), "not finite: its training diverged"),
        ("w", np.full((2, 3), 1e20, np.float32), "with values beyond 1e"),
        ("bn.running_var", np.array([1, 1, -1e-6], np.float32), "with a variance below zero"),
        ("bn.num_batches_tracked", np.array(4.0), "as numbers of kind float64, expected int64"),
        ("\x1b[2Jx", np.ones(1), r"other tensors than the shared ones .*x1b.* and 0 more"),
    ],
)
def test_an_update_of_another_form_is_refused(name: str, value: np.ndarray, says: str) -> None:
    require_form(SENT, SENT)
    with pytest.raises(EngineError, match=says) as refused:
        require_form({**SENT, name: value}, SENT)
    assert str(refused.value).isprintable()


def test_a_tensor_that_is_missing_is_named() -> None:
    with pytest.raises(EngineError, match="other tensors than the shared ones .'w' and 0 more"):
        require_form({name: value for name, value in SENT.items() if name != "w"}, SENT)


@pytest.mark.parametrize("gradients", ["alike", "rare", "turning", "growing"])
def test_no_gradients_move_a_weight_further_than_is_allowed(gradients: str) -> None:
    """AdamW itself, on the gradients that move it furthest: nothing for long, and then much."""
    rate, steps = 0.02, 40
    sizes = {
        "alike": [1.0] * steps,
        "rare": [0.0] * (steps - 1) + [1e9],
        "turning": [(-1.0) ** step for step in range(steps)],
        "growing": [min(10.0**step, 1e18) for step in range(steps)],
    }[gradients]
    weight = torch.nn.Parameter(torch.tensor([5.0, -5.0, 0.0]))
    before = weight.detach().clone().numpy()
    optimizer = torch.optim.AdamW([weight], lr=rate)
    for size in sizes:
        weight.grad = torch.full((3,), size)
        optimizer.step()
    require_reachable({"w": weight.detach().numpy()}, {"w": before}, {"w"}, FARTHEST_STEP * rate * steps)


def test_steps_reach_less_far_from_round_to_round() -> None:
    plan = small_plan(local_steps=5, learning_rate=0.1, rounds=4, sites=planned_sites("ab", 40))
    found = [farthest_of(plan, 4, number) for number in (1, 2, 3, 4)]
    assert found == sorted(found, reverse=True)
    assert 0 < found[3] < found[0] < FARTHEST_STEP * 5 * 0.1


def test_one_weight_that_jumped_is_found_among_many_and_without_another_site() -> None:
    before = {"w": np.zeros(10_000, np.float32), "mean": np.zeros(3, np.float32)}
    after = {"w": before["w"].copy(), "mean": np.full(3, 50, np.float32)}
    after["w"][77] = 0.11
    require_reachable(after, before, {"w"}, 0.12)
    with pytest.raises(EngineError, match="sent w with a weight 1.1 times as far from the last round's"):
        require_reachable(after, before, {"w"}, 0.1)


def test_distances_are_told_kind_by_kind() -> None:
    after = {
        "w": SENT["w"] + 2,
        "bn.running_var": SENT["bn.running_var"] - 1,
        "bn.num_batches_tracked": np.array(14),
        "control/w": SENT["control/w"] + 1,
    }
    found = distances_of(after, SENT, {"w"}, "control/")
    assert found == pytest.approx(
        {"weights": 2 * math.sqrt(6), "statistics": math.sqrt(3), "counters": 10, "changes": math.sqrt(6)}
    )
    moved = {**SENT, "control/w": SENT["control/w"] + 5}
    assert distances_of(moved, moved, {"w"}, "control/")["changes"] == pytest.approx(5 * math.sqrt(6))


def weights(*lengths: float) -> dict[str, dict[str, float]]:
    return {f"s{place}": {"weights": length} for place, length in enumerate(lengths)}


def history(*lengths: float) -> list[dict[str, float]]:
    return [{"weights": length} for length in lengths]


@pytest.mark.parametrize(
    ("lengths", "earlier", "odd"),
    [
        ((1, 2, 3, 1.5, 500), (), "s4"),
        ((1, 2, 3, 1.5, 50), (), ""),
        ((1, 1, 1, 1, 99), (), ""),
        ((1, 1, 1, 1, 101), (), "s4"),
        ((0.01, 0.1, 1, 10, 150), (), ""),  # sites that differ that much tell nothing of one more
        ((1, 2, 1000), (), "s2"),
        ((1, 2, 50), (), ""),
        ((1, 1000), (), ""),  # which of the two is odd nobody can say
        ((1, 1000), (1, 2, 3), "s1"),
        ((1, 150), (1, 2, 3), ""),
        ((1000,), (), ""),
        ((1000,), (1, 2), "s0"),
        ((1, 1, 1e-6), (), ""),  # who changes little does no harm
        ((0, 0, 0, 5), (), ""),  # where most do nothing there is nothing to compare with
        ((0, 0, 0, 5000), (10, 12), "s3"),
        ((1e-3, 1e-3, 1e-3, 1), (1, 1, 1), ""),  # one that still learns when the others have
        ((1, 1, 1, 500, 600), (), "s3 s4"),
        ((), (), ""),
    ],
)
def test_who_stands_out(lengths: Sequence[float], earlier: Sequence[float], odd: str) -> None:
    assert " ".join(standing_out(weights(*lengths), history(*earlier))) == odd


def test_the_reason_names_the_kind_and_how_far() -> None:
    sites = {site: {"weights": 1.0, "statistics": 2.0} for site in "abc"}
    sites["d"] = {"weights": 1.0, "statistics": 600.0}
    says = "sent statistics 300 times as far from the last round's as is usual at the other sites and in earlier rounds"
    assert standing_out(sites, []) == {"d": says}


@pytest.mark.parametrize("name", [*CONTROLS, *PERSONALIZERS])
def test_every_honest_update_of_every_algorithm_counts(name: str, portfolio: Recorded) -> None:
    state = portfolio.checkpoint(name)
    assert {reply for entry in state.entries for reply in entry.replies.values()} == {"ok"}
    assert all(entry.distances.keys() == entry.sites.keys() for entry in state.entries)


def test_most_steps_take_a_weight_about_as_far_as_their_rate(portfolio: Recorded) -> None:
    """What is allowed is no more than a few times what happens: room for honest weights, and little for others."""
    plan, rounds = portfolio.job.plan, 3
    largest = 0.0
    for _, asked, answer in portfolio.messages("fedavg", "train"):
        farthest = farthest_of(plan, rounds, asked.facts["round"])
        apart = max(
            float(np.abs(answer.tensors[name] - asked.tensors[name]).max())
            for name in ("model.0.conv.unit0.conv.weight",)
        )
        largest = max(largest, apart / farthest)
    assert 0.1 < largest < 0.5


def test_what_algorithms_say_of_what_they_send() -> None:
    assert {name for name in (*CONTROLS, *PERSONALIZERS) if find_algorithm(name).jumps} == {"fedala"}
    assert {name for name in (*CONTROLS, *PERSONALIZERS) if find_algorithm(name).sends_changes} == {"scaffold"}
    assert Algorithm("").steps_in_round(3, 5, 10) == 10
    assert Algorithm("").steps_in_round(6, 5, 10) == 0
    assert find_algorithm("fedbabu").steps_in_round(5, 5, 10) == 10
    assert [find_algorithm("perfedavg").steps_in_round(number, 5, 10) for number in (4, 5, 6)] == [10, 9, 1]
