"""Every update rule beside a few lines written from its paper, on a model of two numbers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn
from toy_rounds import PLAN, AdamW, Toy, batches_of, gradient, numbers, rate, toy, two

from shiftscope.training.algorithms.aggregation import Update, weighted_mean
from shiftscope.training.algorithms.algorithm import Server
from shiftscope.training.algorithms.local_rounds import plain_round
from shiftscope.training.algorithms.methods import ala, apfl, ditto, heads, meta, prox, scaffold, server_adam

START = np.array([0.7, -0.4])
BOTH = pytest.mark.parametrize("sgd", [False, True])
Move = Callable[[np.ndarray, np.ndarray, float], np.ndarray]


def mover(sgd: bool) -> Move:
    return (lambda w, g, lr: w - lr * g) if sgd else AdamW()


def close(a: object, b: object, rtol: float = 1e-10) -> None:
    np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-14)


@BOTH
@pytest.mark.parametrize("number", [1, 2])
def test_fedavg_local_steps(sgd: bool, number: int) -> None:
    w, move = START.copy(), mover(sgd)
    for k, (x, y) in enumerate(batches_of("train", number)):
        w = move(w, gradient(w, x, y), rate(number, k))
    model = two()
    loss = plain_round(model, round_ := toy(number, sgd=sgd))
    close(numbers(model), w)
    assert np.isfinite(loss)
    assert (round_.steps, round_.gradients) == (4, 4)


def test_weighted_mean() -> None:
    parts = {"c": (5, [1.0, 2.0], 3), "a": (1, [0.5, -1.0], 10), "b": (2, [3.0, 7.0], 4)}
    updates = [
        Update(site, {"w": np.array(w, np.float32), "n": np.array(count)}, cases, 0.0)
        for site, (cases, w, count) in parts.items()
    ]
    mean = weighted_mean(updates)
    close(mean["w"], (5 * np.array([1.0, 2]) + np.array([0.5, -1]) + 2 * np.array([3.0, 7])) / 8)
    assert mean["w"].dtype == np.float32
    assert mean["n"] == round((5 * 3 + 10 + 2 * 4) / 8)
    assert all(np.array_equal(mean[key], weighted_mean(updates[::-1])[key]) for key in mean)


@BOTH
def test_fedprox_adds_mu_times_the_way_gone(sgd: bool) -> None:
    w, move, mu = START.copy(), mover(sgd), 0.7
    for k, (x, y) in enumerate(batches_of("train", 1)):
        w = move(w, gradient(w, x, y) + mu * (w - START), rate(1, k))
    model = two()
    prox.prox_round(model, toy(sgd=sgd), mu)
    close(numbers(model), w)


@BOTH
def test_ditto(sgd: bool) -> None:
    w, v, pull = START.copy(), np.array([0.2, 0.3]), 0.9
    move_w, move_v = mover(sgd), mover(sgd)
    for k, (x, y) in enumerate(batches_of("train", 1)):
        w = move_w(w, gradient(w, x, y), rate(1, k))
        v = move_v(v, gradient(v, x, y) + pull * (v - START), rate(1, k))
    round_ = toy(sgd=sgd, memory={"personal/0.weight": np.array([[0.2]]), "personal/1.weight": np.array([[0.3]])})
    model = two()
    ditto.ditto_round(model, round_, pull)
    close(numbers(model), w)
    close([round_.memory[f"personal/{k}.weight"].item() for k in (0, 1)], v)
    assert (round_.steps, round_.gradients) == (4, 8)
    ditto.take_personal(model, round_)
    close(numbers(model), v)


@BOTH
@pytest.mark.parametrize("learn", [True, False])
def test_apfl(sgd: bool, learn: bool) -> None:
    """Algorithm 1: v along its own gradient at the mixture, alpha along <v - w, gradient there>, all from one w."""
    w, v, alpha = START.copy(), np.array([1.5, 1.1]), 0.6
    move_w, move_v = mover(sgd), mover(sgd)
    for k, (x, y) in enumerate(batches_of("train", 1)):
        at = gradient(alpha * v + (1 - alpha) * w, x, y)
        slope = (v - w) @ at
        w, v = move_w(w, gradient(w, x, y), rate(1, k)), move_v(v, alpha * at, rate(1, k))
        alpha = float(np.clip(alpha - rate(1, k) * slope, 0, 1)) if learn else alpha
    memory = {"personal/0.weight": [[1.5]], "personal/1.weight": [[1.1]], "alpha": 0.6}
    round_ = toy(sgd=sgd, memory={key: np.array(value) for key, value in memory.items()})
    model = two()
    apfl.mixed_round(model, round_, learn=learn)
    close(numbers(model), w, 1e-6)
    close([round_.memory[f"personal/{k}.weight"].item() for k in (0, 1)], v, 1e-6)
    close(round_.memory["alpha"], alpha, 1e-6)
    assert (alpha != 0.6) == learn
    assert (round_.steps, round_.gradients) == (4, 8)
    apfl.take_mixture(model, round_)
    close(numbers(model), alpha * v + (1 - alpha) * w, 1e-6)


@pytest.mark.parametrize("own", [5.0, -5.0])
def test_apfl_alpha_stays_between_0_and_1(own: float) -> None:
    """Far from the data and at a high rate, one step would take alpha out of [0, 1]."""
    memory = {"personal/0.weight": [[own]], "personal/1.weight": [[5.0]], "alpha": 0.5}
    round_ = toy(sgd=True, memory={key: np.array(value) for key, value in memory.items()})
    round_.plan = PLAN.model_copy(update={"local_steps": 1, "learning_rate": 100.0})
    x, y = batches_of("train", 1)[0]
    v = np.array([own, 5.0])
    free = 0.5 - 100 * (v - START) @ gradient((v + START) / 2, x, y)
    assert not 0 <= free <= 1
    apfl.mixed_round(two(), round_)
    assert round_.memory["alpha"] == (0.0 if free < 0 else 1.0)


@BOTH
@pytest.mark.parametrize("number", [1, 2])
def test_first_order_maml(sgd: bool, number: int) -> None:
    w, move, inner = START.copy(), mover(sgd), 0.3
    last = number == 2
    pairs = list(zip(batches_of("train", number), batches_of("inner", number), strict=True))[: 3 if last else 4]
    for k, (outer, support) in enumerate(pairs):
        ahead = w - inner * gradient(w, *support)
        w = move(w, gradient(ahead, *outer), rate(number, k))
    model = two()
    meta.meta_round(model, round_ := toy(number, sgd=sgd), inner)
    close(numbers(model), w)
    assert (round_.steps, round_.gradients) == ((3, 6) if last else (4, 8))
    if last:
        meta.adapt(model, round_, inner)
        close(numbers(model), w - inner * gradient(w, *batches_of("adapt", number)[0]))
        assert (round_.steps, round_.gradients) == (4, 7)


def test_fedala_learns_its_weights_in_one_pass_and_then_mixes() -> None:
    """W - eta dL/dW at own + (global - own) W, clipped, batch by batch; below the head the global model."""
    own, weight, (b, h) = 0.1, 0.8, START
    for x, y in batches_of("mixing", 2, 3):  # five cases in batches of two
        start = own + (h - own) * weight
        weight = float(np.clip(weight - ala.ETA * gradient(np.array([b, start]), x, y)[1] * (h - own), 0, 1))
    assert 0 < weight < 1
    memory = {"own/1.weight": np.array([[own]]), "weight/1.weight": np.array([[0.8]])}
    round_, model = toy(2, memory=memory, cases=5), two()
    ala.mix_in(model, round_)
    close(numbers(model), [b, own + (h - own) * weight], 1e-6)
    close(round_.memory["weight/1.weight"], [[weight]], 1e-6)
    assert (round_.steps, round_.gradients) == (0, 3)
    assert all(parameter.grad is None for parameter in model.parameters())

    w, move = numbers(model), AdamW()
    for k, (x, y) in enumerate(batches_of("train", 2)):
        w = move(w, gradient(w, x, y), rate(2, k))
    again, second = two(), toy(2, memory=memory, cases=5)
    ala.mixed_start_round(again, second)
    close(numbers(again), w, 1e-6)
    close(second.memory["own/1.weight"], [[w[1]]], 1e-6)
    assert second.memory.keys() == {"own/1.weight", "weight/1.weight"}


def test_fedala_before_its_first_round_is_the_global_model() -> None:
    round_, model = toy(1), two()
    ala.mix_in(model, round_)
    assert np.array_equal(numbers(model), START)
    assert not round_.drawn


@BOTH
def test_fedrep_moves_the_head_and_then_the_body(sgd: bool) -> None:
    w, batches = START.copy(), batches_of("train", 1)
    for mine, window in ((1, range(2)), (0, range(2, 4))):
        move = mover(sgd)
        for k in window:
            moved = move(w, gradient(w, *batches[k]), rate(1, k))
            w[mine] = moved[mine]
    model, trajectory = two(), []
    model.register_forward_pre_hook(lambda *_: trajectory.append(numbers(model)))
    heads.head_then_body_round(model, round_ := toy(sgd=sgd))
    close(numbers(model), w)
    trajectory.append(numbers(model))
    body, head = np.array(trajectory).T
    assert np.array_equal(np.diff(body) != 0, [False, False, True, True])
    assert np.array_equal(np.diff(head) != 0, [True, True, False, False])
    assert (round_.steps, round_.gradients) == (4, 4)
    assert all(parameter.requires_grad for parameter in model.parameters())


@BOTH
def test_fedbabu_leaves_the_head_as_it_was_drawn_and_tunes_it_in_the_end(sgd: bool) -> None:
    w, move = START.copy(), mover(sgd)
    for k, (x, y) in enumerate(batches_of("train", 1)):
        w[0] = move(w, gradient(w, x, y), rate(1, k))[0]
    model, round_ = two(), toy(sgd=sgd)
    heads.body_round(model, round_)
    close(numbers(model), w)
    assert numbers(model)[1] == START[1]
    move, body = mover(sgd), numbers(model)[0]
    for k, (x, y) in enumerate(batches_of("train", 2)):
        w[1] = move(w, gradient(w, x, y), rate(2, k))[1]
    round_.federated = 1
    heads.tune_head(model, round_)
    close(numbers(model), w)
    assert numbers(model)[0] == body
    assert round_.steps == 8


@BOTH
def test_fedbabu_tunes_the_whole_model_in_the_end(sgd: bool) -> None:
    w, move = START.copy(), mover(sgd)
    for k, (x, y) in enumerate(batches_of("train", 2)):
        w = move(w, gradient(w, x, y), rate(2, k))
    model, round_ = two(), toy(sgd=sgd)
    round_.federated = 1
    heads.tune_all(model, round_)
    close(numbers(model), w)
    assert (numbers(model) != START).all()
    assert round_.steps == 4


@BOTH
def test_linear_probing_then_fine_tuning(sgd: bool) -> None:
    w, batches = START.copy(), batches_of("train", 2)
    move = mover(sgd)
    for k in (0, 1):
        w[1] = move(w, gradient(w, *batches[k]), rate(2, k))[1]
    move = mover(sgd)
    for k in (2, 3):
        w = move(w, gradient(w, *batches[k]), rate(2, k))
    model, round_ = two(), toy(sgd=sgd)
    round_.federated = 1
    heads.probe_then_tune(model, round_)
    close(numbers(model), w)
    assert round_.steps == 4


def controlled(number: int, own: np.ndarray, server: np.ndarray, *, sgd: bool) -> tuple[nn.Module, Toy]:
    names = ("control/0.weight", "control/1.weight")
    round_ = toy(number, sgd=sgd, memory={name: np.array([[c]]) for name, c in zip(names, own, strict=True)})
    round_.received |= {name: np.array([[c]]) for name, c in zip(names, server, strict=True)}
    model = two()
    scaffold.corrected_round(model, round_)
    return model, round_


@BOTH
def test_scaffold_steps_and_control_variates(sgd: bool) -> None:
    own, server = np.array([0.3, -0.2]), np.array([-0.1, 0.5])
    w, move, raw = START.copy(), mover(sgd), []
    for k, (x, y) in enumerate(batches_of("train", 2)):
        raw.append(gradient(w, x, y))
        w = move(w, raw[-1] - own + server, rate(2, k))
    model, round_ = controlled(2, own, server, sgd=sgd)
    close(numbers(model), w)
    after = [round_.memory[f"control/{k}.weight"].item() for k in (0, 1)]
    close(after, np.mean(raw, axis=0))
    close([round_.extra[f"control/{k}.weight"].item() for k in (0, 1)], np.mean(raw, axis=0) - own)


def test_scaffold_is_the_papers_second_option_under_gradient_descent(monkeypatch: pytest.MonkeyPatch) -> None:
    """c_i - c + (x - y) / (K lr), which needs one rate for all K steps."""
    own, server, lr = np.array([0.3, -0.2]), np.array([-0.1, 0.5]), 0.05
    monkeypatch.setattr("shiftscope.training.algorithms.local_rounds.learning_rate", lambda *_: lr)
    model, round_ = controlled(1, own, server, sgd=True)
    second = own - server + (START - numbers(model)) / (4 * lr)
    close([round_.memory[f"control/{k}.weight"].item() for k in (0, 1)], second)


def test_scaffold_server() -> None:
    """x is the weighted mean; c moves by the changes weighted alike, by the share of all cases that answered."""
    plan = PLAN.model_copy(update={"sites": dict.fromkeys("abc", PLAN.sites["a"])})
    shared = {"w": np.array([1.0]), "control/w": np.array([0.5])}
    updates = [
        Update("b", {"w": np.array([2.0]), "control/w": np.array([0.3])}, 3, 0.0),
        Update("a", {"w": np.array([4.0]), "control/w": np.array([-0.1])}, 1, 0.0),
    ]
    server = Server(plan, frozenset({"w"}))
    after = scaffold.average_with_controls(shared, updates, server)
    close(after["w"], [2.5])
    silent = plan.split.train * plan.sites["c"].cases
    close(after["control/w"], [0.5 + (3 * 0.3 - 0.1) / (4 + silent)])
    late = [Update("c", {"w": np.array([4.0]), "control/w": np.array([0.2])}, 5, 0.0)]
    close(
        scaffold.average_with_controls(after, late, server)["control/w"],
        [after["control/w"].item() * (4 + silent) / 9 + 5 * 0.2 / 9],
    )
    begun = scaffold.add_controls({"w": np.array([1.0]), "mean": np.array([1.0])}, Server(plan, frozenset({"w"})))
    assert begun.keys() == {"w", "mean", "control/w"}
    assert not begun["control/w"].any()


def test_scaffold_heads_for_the_optimum_of_fedavg() -> None:
    """Quadratics at 0 and 1, nine tenths and one tenth of the cases: the optimum is .1, and c does not move it."""
    sites = {site: PLAN.sites["a"].model_copy(update={"cases": cases}) for site, cases in (("a", 9), ("b", 1))}
    server = Server(PLAN.model_copy(update={"sites": sites}), frozenset({"w"}))
    shared = {"w": np.array([0.7]), "control/w": np.array([0.0])}
    own = {"a": 0.0, "b": 0.0}
    for _ in range(300):
        updates = []
        for site, best, cases in (("a", 0.0, 9), ("b", 1.0, 1)):
            weight, gradients = shared["w"].item(), []
            for _step in range(5):
                gradients.append(weight - best)
                weight -= 0.1 * (gradients[-1] - own[site] + shared["control/w"].item())
            change, own[site] = np.mean(gradients) - own[site], float(np.mean(gradients))
            updates.append(Update(site, {"w": np.array([weight]), "control/w": np.array([change])}, cases, 0.0))
        shared = scaffold.average_with_controls(shared, updates, server)
    assert shared["w"].item() == pytest.approx(0.1, abs=1e-3)


@pytest.mark.parametrize("present", [1.0, 0.5, 0.2])
def test_scaffold_keeps_c_the_mean_of_the_sites_variates(present: float) -> None:
    """Whoever answers, and though the split leaves other shares for training than the plan's numbers of cases."""
    cases = {"a": 7, "b": 1, "c": 4}
    plan = PLAN.model_copy(update={"sites": dict.fromkeys(cases, PLAN.sites["a"])})
    server = Server(plan, frozenset({"w"}))
    shared = {"w": np.zeros(1000, np.float32), "control/w": np.zeros(1000, np.float32)}
    rng, own = np.random.default_rng(0), {site: np.zeros(1000, np.float32) for site in cases}
    heard: set[str] = set()
    for _ in range(50):
        updates = []
        for site in cases:
            if rng.random() >= present:
                continue
            heard.add(site)
            change = rng.normal(size=1000).astype(np.float32) - own[site]
            own[site] = (own[site].astype(np.float64) + change).astype(np.float32)
            updates.append(Update(site, {"w": shared["w"], "control/w": change}, cases[site], 0.0))
        if not updates:
            continue
        shared = scaffold.average_with_controls(shared, updates, server)
        planned = plan.split.train * PLAN.sites["a"].cases
        weights = {site: count if site in heard else planned for site, count in cases.items()}
        mean = sum(weights[site] * own[site].astype(np.float64) for site in cases) / sum(weights.values())
        np.testing.assert_allclose(shared["control/w"], mean, atol=1e-5)
    assert heard == set(cases)


def test_scaffold_goes_on_from_a_checkpoint_that_tells_no_cases() -> None:
    """As written before they were remembered, when every site had been heard: c is a true mean and is left as it is."""
    plan = PLAN.model_copy(update={"sites": dict.fromkeys("ab", PLAN.sites["a"])})
    still = [
        Update(site, {"w": np.zeros(1), "control/w": np.zeros(1)}, cases, 0.0) for site, cases in (("a", 9), ("b", 4))
    ]
    shared = {"w": np.zeros(1), "control/w": np.array([0.3])}
    after = scaffold.average_with_controls(shared, still, Server(plan, frozenset({"w"})))
    assert after["control/w"] == 0.3


def test_fedadam_moments() -> None:
    """Algorithm 2: m, v from zero and tau squared, no bias correction; statistics are averaged."""
    server = Server(PLAN, frozenset({"w"}))
    x, m, v = np.array([1.0, -2.0]), np.zeros(2), np.full(2, server_adam.TAU**2)
    shared = {"w": x.copy(), "running_var": np.array([3.0])}
    for ends in ([[1.5, -2.5], [0.9, 1.0]], [[0.0, 0.1], [2.0, 2.0]], [[1.0, 1.0], [1.0, 1.1]]):
        delta = (3 * np.array(ends[0]) + np.array(ends[1])) / 4 - x
        m = 0.9 * m + 0.1 * delta
        v = 0.99 * v + 0.01 * delta**2
        x = x + server_adam.RATE * m / (np.sqrt(v) + server_adam.TAU)
        updates = [
            Update(site, {"w": np.array(end), "running_var": np.array([variance])}, cases, 0.0)
            for site, end, variance, cases in zip("ab", ends, (1.0, 5.0), (3, 1), strict=True)
        ]
        shared = server_adam.adam_average(shared, updates, server)
        close(shared["w"], x)
        close(shared["running_var"], [2.0])
    close(server.memory["m/w"], m)
    close(server.memory["v/w"], v)


@pytest.mark.parametrize("hook", [prox.prox_round, ditto.ditto_round, apfl.mixed_round, meta.meta_round])
def test_running_statistics_move_once_a_step(hook: Callable[[nn.Module, Toy], float]) -> None:
    """A second pass of a batch through the model that is shared must not count twice in BatchNorm."""

    def normed() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(1, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)).double()

    plain, mine = normed(), normed()
    plain_round(plain, toy())
    hook(mine, toy())
    assert int(mine[1].num_batches_tracked) == int(plain[1].num_batches_tracked) == 4
