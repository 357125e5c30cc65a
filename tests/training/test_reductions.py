"""What each method becomes where what sets it apart is taken away: the same, to the last bit."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest
from recorded_runs import apart
from torch import nn

from shiftscope.testing import Reduction, check_reduction
from shiftscope.testing.algorithm_contracts.memory_runs import SITES, run_in_memory
from shiftscope.testing.algorithm_contracts.reductions import Part, first_difference
from shiftscope.training.algorithms.aggregation import Update, weighted_mean
from shiftscope.training.algorithms.algorithm import Algorithm, Server
from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS, find_algorithm
from shiftscope.training.algorithms.local_rounds import Round, run_steps
from shiftscope.training.algorithms.methods import ala, heads, scaffold, server_adam
from shiftscope.training.algorithms.methods.apfl import mixed_round
from shiftscope.training.algorithms.methods.clustered import average_clusters, model_of_cluster
from shiftscope.training.algorithms.methods.ditto import ditto_round
from shiftscope.training.algorithms.methods.meta import adapt, meta_round
from shiftscope.training.algorithms.methods.prox import prox_round
from shiftscope.training.models.layers import nothing

DOC = Path(__file__).parents[2] / "docs" / "algorithms.md"


def under(hook: Callable[..., Any], module: ModuleType, **constants: object) -> Callable[..., Any]:
    """The hook with other constants in its module."""

    def altered(*args: object) -> object:
        with pytest.MonkeyPatch.context() as patch:
            for name, value in constants.items():
                patch.setattr(module, name, value)
            return hook(*args)

    return altered


def changed(name: str, **hooks: Any) -> Algorithm:
    return replace(find_algorithm(name), **hooks)


def without_memory(model: nn.Module, round_: Round) -> float:
    """SCAFFOLD at a site whose control variate stays zero, and which reports no change of it."""
    round_.memory.clear()
    loss = scaffold.corrected_round(model, round_)
    round_.extra = {name: np.zeros_like(change) for name, change in round_.extra.items()}
    return loss


def one_step_short(model: nn.Module, round_: Round) -> float:
    """FedAvg, but for the last step of the run."""
    return run_steps(model, round_, window=range(round_.plan.local_steps - (round_.number == round_.rounds)))


def count_one(_model: nn.Module, round_: Round) -> None:
    round_.steps += 1


ALTERED: dict[str, Algorithm] = {
    "fedavg": CONTROLS["fedavg"],
    "fedbn with nothing at home": changed("fedbn", stays_home=nothing),
    "silobn with nothing at home": changed("silobn", stays_home=nothing),
    "fedper with an empty head": changed("fedper", stays_home=nothing),
    "lg_fedavg with nothing at home": changed("lg_fedavg", stays_home=nothing),
    "local with nothing at home": changed("local", stays_home=nothing),
    "fedrep with an empty head and no steps for it": changed(
        "fedrep", stays_home=nothing, local_round=under(heads.head_then_body_round, heads, head=nothing, HEAD_SHARE=0)
    ),
    "fedrep with no steps for the head": changed(
        "fedrep", local_round=under(heads.head_then_body_round, heads, HEAD_SHARE=0)
    ),
    "fedbabu without tuning": changed("fedbabu", tuning=0.0),
    "fedbabu_head without tuning": changed("fedbabu_head", tuning=0.0),
    "fedbabu with an empty head, without tuning": changed(
        "fedbabu", stays_home=nothing, local_round=under(heads.body_round, heads, head=nothing), tuning=0.0
    ),
    "lp_ft without tuning": changed("lp_ft", tuning=0.0),
    "ditto with lambda 0": changed("ditto", local_round=partial(ditto_round, pull=0.0)),
    "apfl with alpha 0, fixed": changed("apfl", local_round=partial(mixed_round, learn=False, alpha=0.0)),
    "apfl with alpha 1, fixed": changed("apfl", local_round=partial(mixed_round, learn=False, alpha=1.0)),
    "fedavg, one step short": Algorithm("", local_round=one_step_short, finish=count_one),
    "perfedavg with inner rate 0": changed(
        "perfedavg", local_round=partial(meta_round, inner=0.0), finish=partial(adapt, inner=0.0)
    ),
    "fedala with no top layers": changed(
        "fedala",
        local_round=under(ala.mixed_start_round, ala, head=nothing),
        finish=under(ala.mix_in, ala, head=nothing),
    ),
    "fedprox with mu 0": changed("fedprox", local_round=partial(prox_round, mu=0.0)),
    "scaffold with control variates held at 0": changed("scaffold", local_round=without_memory),
    "fedadam with beta_1 0, beta_2 1 and rate 2 tau": changed(
        "fedadam",
        aggregate=under(server_adam.adam_average, server_adam, BETA_1=0.0, BETA_2=1.0, TAU=2.0**-10, RATE=2.0**-9),
    ),
}

REDUCTIONS: list[tuple[str, str, str]] = [
    ("fedbn with nothing at home", "all", "fedavg"),
    ("silobn with nothing at home", "all", "fedavg"),
    ("fedper with an empty head", "all", "fedavg"),
    ("lg_fedavg with nothing at home", "all", "fedavg"),
    ("local with nothing at home", "all", "fedavg"),
    ("fedrep with an empty head and no steps for it", "all", "fedavg"),
    ("fedrep with no steps for the head", "all", "fedbabu without tuning"),
    ("fedbabu with an empty head, without tuning", "all", "fedavg"),
    ("fedbabu_head without tuning", "all", "fedbabu without tuning"),
    ("lp_ft without tuning", "all", "fedavg"),
    ("lp_ft", "shared, round 2", "fedavg"),
    ("ditto", "shared", "fedavg"),
    ("ditto with lambda 0", "shared", "fedavg"),
    ("ditto with lambda 0", "model", "local"),
    ("apfl", "shared", "fedavg"),
    ("apfl with alpha 0, fixed", "all", "fedavg"),
    ("apfl with alpha 1, fixed", "shared", "fedavg"),
    ("apfl with alpha 1, fixed", "model", "local"),
    ("perfedavg with inner rate 0", "shared, round 2", "fedavg"),
    ("perfedavg with inner rate 0", "shared", "fedavg, one step short"),
    ("perfedavg with inner rate 0", "parameters", "fedavg, one step short"),
    ("fedala with no top layers", "all", "fedavg"),
    ("fedprox with mu 0", "all", "fedavg"),
    ("scaffold", "shared, round 1", "fedavg"),
    ("scaffold with control variates held at 0", "all", "fedavg"),
    ("fedadam with beta_1 0, beta_2 1 and rate 2 tau", "all", "fedavg"),
    ("clustered", "model", "local"),
]
"""What, of what, equals which. "all" is what is shared in the end and the model of every site; "model" only these;
"parameters" the site's model but for running statistics. Every site is a cluster of its own."""

ALONE: dict[str, str] = {
    "fedavg": "model",
    "scaffold": "model",
    "local": "model",
    "pooled": "model",
    "fedbn": "model",
    "silobn": "model",
    "fedper": "model",
    "lg_fedavg": "model",
    "fedala": "model",
    "ditto": "shared",
    "apfl": "shared",
    "lp_ft": "shared, round 2",
    "fedprox": "never: steps are held near the model that the round began with",
    "fedadam": "never: the server makes a step of its own",
    "fedrep": "never: head and body move in turn",
    "fedbabu": "never: the head waits for the end",
    "fedbabu_head": "never: the head waits for the end",
    "perfedavg": "never: it steps along the gradient after a step",
    "clustered": "never: refused, there is one cluster",
}
"""With one site, what of a method equals training at that site alone."""


def algorithm_of(name: str) -> Algorithm:
    return ALTERED.get(name) or find_algorithm(name)


def reduction(name: str, what: str, other: str) -> Reduction:
    """A row of the table."""
    part, _, number = what.partition(", round ")
    return Reduction(algorithm_of(name), algorithm_of(other), cast(Part, part), int(number) if number else None)


@pytest.mark.parametrize(("name", "what", "other"), REDUCTIONS, ids=[" | ".join(row) for row in REDUCTIONS])
def test_reduction(name: str, what: str, other: str) -> None:
    check_reduction(reduction(name, what, other), name)


@pytest.mark.parametrize("name", [name for name in ALONE if name != "clustered"])
def test_with_one_site(name: str) -> None:
    what, _, number = ALONE[name].partition(", round ")
    local = CONTROLS["local"]
    one, other = (run_in_memory(algorithm, sites=SITES[:1]) for algorithm in (find_algorithm(name), local))
    assert (first_difference(one, other, "model") is None) == (what == "model")
    if what == "shared":
        after = int(number) if number else None
        check_reduction(Reduction(find_algorithm(name), local, "shared", after, alone=True), name)


def test_the_tables_leave_no_method_out() -> None:
    every = {**CONTROLS, **PERSONALIZERS}
    assert ALONE.keys() == every.keys()
    reduced = {name.split()[0].rstrip(",") for name, _, _ in REDUCTIONS}
    assert reduced == every.keys() - {"fedavg", "pooled"}
    assert ALTERED.keys() - {"fedavg"} == {key for a, _, b in REDUCTIONS for key in (a, b)} - every.keys()


def same(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> bool:
    return bool(a) and a.keys() == b.keys() and all(np.array_equal(a[key], b[key]) for key in a)


def test_one_cluster_of_all_sites_is_fedavg(pair: dict[str, Path]) -> None:
    plan = apart(pair)
    together = plan.model_copy(
        update={"sites": {name: site.model_copy(update={"cluster": 4}) for name, site in plan.sites.items()}}
    )
    rng = np.random.default_rng(0)
    updates = [Update(site, {"w": rng.normal(size=9).astype(np.float32)}, 3 + n, 0.0) for n, site in enumerate("ab")]
    server = Server(together, frozenset({"w"}))
    after = average_clusters({"4/w": np.zeros(9, np.float32)}, updates, server)
    assert all(same(model_of_cluster(after, server, site), weighted_mean(updates)) for site in "ab")


def test_a_cluster_that_did_not_answer_stays_as_it_was(pair: dict[str, Path]) -> None:
    server = Server(apart(pair), frozenset({"w"}))
    before = {"0/w": np.ones(2, np.float32), "1/w": np.full(2, 5, np.float32)}
    after = average_clusters(before, [Update("a", {"w": np.zeros(2, np.float32)}, 3, 0.0)], server)
    assert same(after, {"0/w": np.zeros(2), "1/w": before["1/w"]})


def test_the_document_names_every_method_and_every_reduction() -> None:
    text = DOC.read_text(encoding="utf-8")
    rows = {line.split("|")[1].strip(" `") for line in text.splitlines() if line.startswith("| `")}
    assert rows == {**CONTROLS, **PERSONALIZERS}.keys()
    assert [name for name in ALTERED if name != "fedavg" and name not in text] == []
    functions = {
        line.split("(")[0].removeprefix("def ")
        for path in Path(__file__).parent.glob("test_*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.startswith("def test_")
    }
    cited = {token.strip("`,.;()") for token in text.split() if token.strip("`,.;()").startswith("test_")}
    assert cited
    assert [name for name in cited if name not in functions and not (Path(__file__).parent / name).exists()] == []
