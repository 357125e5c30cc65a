"""With its own part switched off, an algorithm is a simpler one, to the last bit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shiftscope.testing.algorithm_contracts.memory_runs import SITES, MemoryRun, initial_model, run_in_memory
from shiftscope.testing.requirements import require
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.algorithm import Algorithm

__all__ = ["Part", "Reduction", "check_reduction", "first_difference"]

Part = Literal["all", "shared", "model", "parameters"]
"""What of two runs is compared: what is shared in the end, the model that every site ends with, or both ("all");
"parameters": the sites' models but for running statistics."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """What becomes of an algorithm without what sets it apart.

    Attributes:
        switched_off: the algorithm with its own part switched off: an empty head, a pull of zero.
        to: what it then equals: FedAvg, or training at each site alone.
        part: of what.
        after: with part "shared": after which round; None: the last one.
        alone: whether one site trains alone; what is shared is then compared with that site's own model.
    """

    switched_off: Algorithm
    to: Algorithm
    part: Part = "all"
    after: int | None = None
    alone: bool = False


def check_reduction(reduction: Reduction, name: str = "the algorithm") -> None:
    """Run both on planted sites and compare them to the bit.

    Raises:
        AssertionError: names the first tensor that differs.
    """
    sites = SITES[:1] if reduction.alone else SITES
    one, other = (run_in_memory(algorithm, sites=sites) for algorithm in (reduction.switched_off, reduction.to))
    differs = first_difference(one, other, reduction.part, reduction.after)
    try:
        require(
            differs is None,
            got=f"another {differs}",
            expected="the same to the bit",
            advice="take the same steps on the same batches in the same order, and no random number more",
        )
    except AssertionError as problem:
        raise AssertionError(f"{name} breaks the contract 'reduces to what is declared': {problem}") from None


def first_difference(one: MemoryRun, other: MemoryRun, part: Part = "all", after: int | None = None) -> str | None:
    """The first tensor in which two runs differ, in words; None where they agree to the bit."""
    pairs: dict[str, tuple[Tensors, Tensors]] = {}
    if part in ("all", "shared"):
        pairs["what is shared"] = _common(one, after), _common(other, after)
    if part in ("all", "model"):
        pairs |= {f"the model of site {site}": (one.finals[site], other.finals[site]) for site in one.finals}
    if part == "parameters":
        names = dict(initial_model().named_parameters())
        for site, final in one.finals.items():
            left, right = ({name: tensors[name] for name in names} for tensors in (final, other.finals[site]))
            pairs[f"the model of site {site}"] = left, right
    for where, (left, right) in pairs.items():
        if (name := _unlike(left, right)) is not None:
            return f"{name} in {where}"
    return None


def _common(run: MemoryRun, after: int | None) -> Tensors:
    """The tensors of the model that all sites have in common after a round; with one site, also what stays home."""
    number = len(run.shared) - 1 if after is None else after
    names = initial_model().state_dict()
    parties = run.parties
    home = run.work[parties[0], number].home if len(parties) == len(run.finals) == 1 else {}
    return {name: tensor for name, tensor in (run.shared[number] | home).items() if name in names}


def _unlike(left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray]) -> str | None:
    """The first name under which the two differ; "nothing at all" where there is nothing to compare."""
    if not left and not right:
        return "nothing at all"
    if odd := sorted(left.keys() ^ right.keys()):
        return odd[0]
    return next((name for name in left if not np.array_equal(left[name], right[name])), None)
