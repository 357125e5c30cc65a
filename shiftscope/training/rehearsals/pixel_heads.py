"""Linear heads on a pyramid of fixed feature maps, for outlines; many at once, as `linear_heads` has them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import interpolate, one_hot

from shiftscope.training.algorithms.local_rounds import half_cosine
from shiftscope.training.data.randomness import generator
from shiftscope.training.evaluation.scores import CaseScores
from shiftscope.training.rehearsals.linear_heads import BUDGET
from shiftscope.training.rehearsals.mixing_weights import GRID, OwnWeight, best_weight

__all__ = ["FeatureMaps", "descend_maps", "map_logits", "maps_of"]

AT_ONCE = 16
"""Slices of one step, and of one product when heads are judged."""


@dataclass(frozen=True, slots=True)
class FeatureMaps:
    """What pixel heads are trained on.

    Attributes:
        features: (n, d) float16, the maps of each slice one after the other, each level scaled alike at all sites.
        shapes: (channels, y, x) of each level, the finest first.
        targets: (n, size, size) integers, 0 for background.
        shares: (n, outputs, y, x) share of each class in a cell of the finest level.
        cases: (n,) which case a slice is of.
    """

    features: torch.Tensor
    shapes: tuple[tuple[int, int, int], ...]
    targets: torch.Tensor
    shares: torch.Tensor
    cases: np.ndarray

    @property
    def width(self) -> int:
        """Features that a head weighs: the channels of all levels."""
        return sum(channels for channels, _, _ in self.shapes)

    def levels(self, rows: torch.Tensor) -> list[torch.Tensor]:
        """(rows, channels, y, x) of each level."""
        sizes = [channels * y * x for channels, y, x in self.shapes]
        parts = torch.split(self.features[rows].float(), sizes, dim=1)
        return [part.view(-1, *shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def descend(
        self, heads: torch.Tensor, shares: torch.Tensor, steps: range, of_all: int, pull: torch.Tensor | None = None
    ) -> torch.Tensor:
        """As `descend_maps`, at the rate of outlines."""
        return descend_maps(heads, self, shares, steps, of_all, BUDGET.map_rate, pull)

    def judge(self, heads: torch.Tensor, chosen: np.ndarray) -> list[CaseScores]:
        """For each head the Dice of its chosen cases, over all slices of a case and averaged over classes.

        Args:
            heads: (k, channels + 1, outputs).
            chosen: (k, n) boolean; a case is chosen with all of its slices.
        """
        rows = np.flatnonzero(chosen.any(axis=0))
        counts = [_overlaps(self, heads, torch.from_numpy(part)) for part in _parts(rows)]
        both, either = (np.concatenate(part, axis=1) for part in zip(*counts, strict=True))
        scores = []
        for number, of_head in enumerate(chosen[:, rows]):
            owner = np.unique(self.cases[rows][of_head], return_inverse=True)[1]
            sums = [
                np.stack([np.bincount(owner, of_class) for of_class in part[number, of_head].T])
                for part in (both, either)
            ]
            overlap = np.where(sums[1] > 0, 2 * sums[0] / np.maximum(sums[1], 1), 1.0)
            scores.append({"dice": overlap.mean(axis=0)})
        return scores

    def fits(self, shared: torch.Tensor, own: torch.Tensor, chosen: np.ndarray) -> list[np.ndarray]:
        """For each pair of heads how well mixtures of them describe the chosen cases: (cases, weights) each."""
        found = []
        for place, of_head in enumerate(chosen):
            pair = torch.stack([shared[place], own[place]])
            fit = [_fit_of_weights(self, pair, torch.from_numpy(part)) for part in _parts(np.flatnonzero(of_head))]
            owner = np.unique(self.cases[of_head], return_inverse=True)[1]
            by_slice = np.concatenate(fit) if fit else np.empty((0, len(GRID)))
            found.append(np.stack([np.bincount(owner, each) for each in by_slice.T], axis=1))
        return found

    def weigh(self, by_patient: np.ndarray) -> OwnWeight:
        """What such figures say of the weight of the own head: pixels are no independent cases."""
        return best_weight(by_patient)


def maps_of(
    features: torch.Tensor,
    shapes: Sequence[tuple[int, int, int]],
    targets: torch.Tensor,
    outputs: int,
    cases: np.ndarray,
) -> FeatureMaps:
    """With the shares of classes in each cell of the finest level."""
    classes = one_hot(targets.long(), outputs).movedim(-1, 1).float()
    shares = interpolate(classes, size=shapes[0][1:], mode="area")
    return FeatureMaps(features, tuple(shapes), targets, shares, cases)


def map_logits(levels: Sequence[torch.Tensor], heads: torch.Tensor) -> torch.Tensor:
    """(n, c, y, x) levels and (k, channels + 1, outputs) heads -> (n, k, outputs, y, x) at the finest level.

    A head is linear, so each level is weighed first, and what is left of it made finer: the same, and a hundred times
    less to interpolate.
    """
    count, _, outputs = heads.shape
    weights = heads.permute(1, 0, 2).reshape(-1, count * outputs)
    total = weights[-1][None, :, None, None]
    start, size = 0, levels[0].shape[2:]
    for level in levels:
        part = torch.einsum("ndyx,dk->nkyx", level, weights[start : start + level.shape[1]])
        total = total + (part if part.shape[2:] == size else interpolate(part, size=size, mode="bilinear"))
        start += level.shape[1]
    return total.view(len(levels[0]), count, outputs, *size)


def descend_maps(
    heads: torch.Tensor,
    maps: FeatureMaps,
    shares: torch.Tensor,
    steps: range,
    of_all: int,
    rate: float,
    pull: torch.Tensor | None = None,
) -> torch.Tensor:
    """Steps on Dice plus cross-entropy at the finest level, 16 slices each, in an order that follows from the step.

    Arguments and what comes back are those of `linear_heads.descend`.
    """
    moving = heads.clone().requires_grad_(True)
    optimizer = torch.optim.AdamW([moving], lr=rate)
    used = np.flatnonzero(shares.any(dim=0).numpy())
    batches = _batches(used, steps)
    for step, rows in zip(steps, batches, strict=True):
        for group in optimizer.param_groups:
            group["lr"] = rate * half_cosine(step, of_all)
        loss = _loss(map_logits(maps.levels(rows), moving), maps.shares[rows], shares[:, rows])
        if pull is not None and pull.any():
            loss = loss + (pull[:, None, None] / 2 * (moving - heads) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return moving.detach()


def _batches(used: np.ndarray, steps: range) -> list[torch.Tensor]:
    """Rows of each step: all of them once, in an order of their own, before any comes again."""
    needed = len(steps) * min(AT_ONCE, len(used))
    rng = generator("heads", steps.start, len(used))
    rows = np.concatenate([rng.permutation(used) for _ in range(-(-needed // len(used)))])[:needed]
    return [torch.from_numpy(part) for part in rows.reshape(len(steps), -1)]


def _loss(logits: torch.Tensor, truth: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """The sum over heads of their mean loss over the slices that they learn from.

    Args:
        logits: (n, k, outputs, y, x).
        truth: (n, outputs, y, x) shares of classes.
        shares: (k, n), above 0 where a head learns from a slice.
    """
    truth = truth[:, None]
    likely = torch.log_softmax(logits, dim=2)
    chances = likely.exp()
    entropy = -(truth * likely).sum(dim=2).mean(dim=(2, 3))
    both = (truth * chances).sum(dim=(3, 4))
    either = truth.sum(dim=(3, 4)) + chances.sum(dim=(3, 4))
    overlap = ((2 * both + 1e-5) / (either + 1e-5)).mean(dim=2)
    learns = (shares.T > 0).float()
    weights = learns / learns.sum(dim=0).clamp(min=1)
    return (weights * (entropy + 1 - overlap)).sum()


def _parts(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + AT_ONCE] for start in range(0, len(rows), AT_ONCE)]


def _overlaps(maps: FeatureMaps, heads: torch.Tensor, rows: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """(k, rows, classes) pixels of the canvas in both outlines, and in the two added up."""
    coarse = map_logits(maps.levels(rows), heads)
    truth = maps.targets[rows]
    both, either = [], []
    for number in range(len(heads)):
        found = interpolate(coarse[:, number], size=truth.shape[1:], mode="bilinear").argmax(dim=1)
        pairs = [(found == label, truth == label) for label in range(1, heads.shape[2])]
        both.append(torch.stack([(mine & theirs).sum(dim=(1, 2)) for mine, theirs in pairs], dim=1))
        either.append(torch.stack([mine.sum(dim=(1, 2)) + theirs.sum(dim=(1, 2)) for mine, theirs in pairs], dim=1))
    return torch.stack(both).numpy(), torch.stack(either).numpy()


def _fit_of_weights(maps: FeatureMaps, pair: torch.Tensor, rows: torch.Tensor) -> np.ndarray:
    """(rows, weights of the grid) mean log-likelihood of a slice's cells, the shared head mixed with the own one."""
    shared, own = map_logits(maps.levels(rows), pair).unbind(dim=1)
    truth = maps.shares[rows]
    fits = [
        (truth * torch.log_softmax((1 - weight) * shared + weight * own, dim=1)).sum(dim=1).mean(dim=(1, 2))
        for weight in GRID
    ]
    return torch.stack(fits, dim=1).numpy()
