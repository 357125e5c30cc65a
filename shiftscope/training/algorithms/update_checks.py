"""Whether what a site sends after a round can be: in its form, within what steps can do, and beside the other sites."""

import math
from collections.abc import Mapping, Sequence, Set

import numpy as np

from shiftscope.errors import EngineError
from shiftscope.plans import Plan
from shiftscope.printable_text import shown
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.algorithms.local_rounds import learning_rate

__all__ = [
    "FARTHEST_STEP",
    "Distances",
    "distances_of",
    "farthest_of",
    "require_form",
    "require_reachable",
    "standing_out",
]

Distances = dict[str, float]
"""Kind of tensor -> how far an update lies from what the site received: the Euclidean length of the difference over all
tensors of the kind. Kinds are "weights", "statistics" (buffers of numbers, such as BatchNorm's), "counters" (whole
numbers) and "changes" (what is sent as a change, of which the length is its own)."""

FARTHEST_STEP = 4.0
"""Times its rate: no weight moves further in a step of Adam, whatever the gradients. The most is 3.2 times
(Kingma & Ba 2015, arXiv:1412.6980, section 2.1)."""

_LARGEST = 1e12
"""Of a number in a tensor."""

_ROUNDING = 1e-5
"""Of a weight: what float32 may add over a round's steps."""

_DEVIATIONS = 5.0
"""Robust standard deviations of the sites' log distances from their median."""

_NORMAL = 1.4826
"""Median absolute deviation to standard deviation, of normal numbers."""

_FACTOR = 100.0
"""Times the median below which nobody stands out, however alike the others are: nine times the largest ratio that very
unlike sites ever gave (docs/engine.md)."""

_FEW, _MANY = 3, 4
"""Sites from which on they are compared with each other, and from which on their spread is known."""


def require_form(sent: Tensors, expected: Tensors) -> None:
    """Exactly the tensors that were sent out, each in its shape and kind of number, finite, no variance below zero.

    Raises:
        EngineError: naming the first tensor that is not.
    """
    if odd := sorted(sent.keys() ^ expected.keys()):
        raise EngineError(f"sent other tensors than the shared ones ({shown(odd[0])} and {len(odd) - 1} more)")
    for name, tensor in sent.items():
        if tensor.shape != expected[name].shape:
            raise EngineError(f"sent {name} with shape {tensor.shape}, expected {expected[name].shape}")
        if tensor.dtype != expected[name].dtype:
            raise EngineError(f"sent {name} as numbers of kind {tensor.dtype}, expected {expected[name].dtype}")
        if not np.isfinite(tensor).all():
            raise EngineError(f"sent {name} with values that are not finite: its training diverged")
        if (np.abs(tensor.astype(np.float64)) > _LARGEST).any():
            raise EngineError(f"sent {name} with values beyond {_LARGEST:g}")
        if name.endswith("running_var") and (tensor < 0).any():
            raise EngineError(f"sent {name} with a variance below zero")


def farthest_of(plan: Plan, rounds: int, number: int) -> float:
    """How far optimizer steps can move a weight in round `number` of `rounds`, its own decay aside."""
    first = (number - 1) * plan.local_steps
    return FARTHEST_STEP * sum(learning_rate(plan, rounds, first + step) for step in range(plan.local_steps))


def require_reachable(sent: Tensors, expected: Tensors, learnable: Set[str], farthest: float) -> None:
    """No weight lies further from what it was than steps can have moved it; with one site alone, too.

    Args:
        farthest: what `farthest_of` says; decay adds less than a fourth part of it for every unit of a weight.

    Raises:
        EngineError: naming the first tensor with a weight that does.
    """
    for name in sorted(sent.keys() & learnable):
        before = expected[name].astype(np.float64)
        allowed = farthest + (farthest / 4 + _ROUNDING) * np.abs(before)
        apart = np.abs(sent[name].astype(np.float64) - before)
        if (apart > allowed).any():
            raise EngineError(
                f"sent {name} with a weight {float((apart / allowed).max()):.3g} times as far from the last round's as"
                " optimizer steps can bring it"
            )


def distances_of(sent: Tensors, expected: Tensors, learnable: Set[str], changes: str = "") -> Distances:
    """How far an update lies from what the site received.

    Args:
        learnable: names of the weights.
        changes: with which the names begin of what is sent as a change; "" where nothing is.
    """
    squares: Distances = {}
    for name, tensor in sent.items():
        after = tensor.astype(np.float64)
        changed = bool(changes) and name.startswith(changes)
        apart = after if changed else after - expected[name].astype(np.float64)
        kind = "changes" if changed else _kind(name, tensor, learnable)
        squares[kind] = squares.get(kind, 0.0) + float((apart**2).sum())
    return {kind: math.sqrt(total) for kind, total in squares.items()}


def standing_out(found: Mapping[str, Distances], earlier: Sequence[Distances]) -> dict[str, str]:
    """Sites whose update lies much further from what they received than the other sites' -> why.

    By Hampel's rule, median and median absolute deviation (Davies & Gather 1993, doi:10.2307/2290763), on the
    logarithms of distances, kind by kind, and never below a fixed multiple of the median: sites differ, and a false
    alarm costs a hospital its round. Three sites have a median and no spread worth the name, so the multiple alone is
    asked. Of two none can be told to be the odd one; they, and one alone, are held against the updates that were
    accepted in earlier rounds, and in the first round against nothing. What is usual is no less than it was in earlier
    rounds: when most sites have learned what there is, one that still learns is not odd. Who changes little does no
    harm, and does not stand out.

    Args:
        found: site -> distances of its update in this round.
        earlier: of updates that were accepted before, of any site, with the same strategy and seed.
    """
    why: dict[str, str] = {}
    for kind in dict.fromkeys(kind for distances in found.values() for kind in distances):
        lengths = {site: distances[kind] for site, distances in found.items() if kind in distances}
        now = [*lengths.values()] if len(lengths) >= _FEW else []
        usual = max(_median(now), _median([each[kind] for each in earlier if kind in each]))
        farthest = usual * max(_FACTOR, _spread(now) ** _DEVIATIONS)
        for site, length in lengths.items():
            if length > farthest > 0:
                times = f"{length / usual:.3g} times as far from the last round's as is usual"
                why.setdefault(site, f"sent {kind} {times} at the other sites and in earlier rounds")
    return why


def _median(lengths: Sequence[float]) -> float:
    """0 where there is none, by which nothing can be judged."""
    return float(np.median(lengths)) if lengths else 0.0


def _spread(lengths: Sequence[float]) -> float:
    """By which factor lengths differ: one robust standard deviation of their logarithms; 1 where they are too few."""
    if len(lengths) < _MANY:
        return 1.0
    logs = np.log(np.clip(lengths, 1 / _LARGEST, _LARGEST))
    return math.exp(_NORMAL * float(np.median(np.abs(logs - np.median(logs)))))


def _kind(name: str, tensor: np.ndarray, learnable: Set[str]) -> str:
    if name in learnable:
        return "weights"
    return "statistics" if np.issubdtype(tensor.dtype, np.floating) else "counters"
