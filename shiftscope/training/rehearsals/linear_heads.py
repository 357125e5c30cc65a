"""Linear heads on fixed features, many at once: all methods and folds that see the same features take a step together.

Each head is trained as if it were alone: their losses are added, and Adam treats every weight by itself.
"""

from dataclasses import dataclass

import numpy as np
import torch

from shiftscope.training.algorithms.local_rounds import half_cosine
from shiftscope.training.evaluation.scores import CaseScores
from shiftscope.training.rehearsals.mixing_weights import OwnWeight, likelihoods, weight_of

__all__ = ["BUDGET", "FeatureRows", "HeadSchedule", "blank_heads", "descend", "logits_of"]


@dataclass(frozen=True, slots=True)
class HeadSchedule:
    """What every strategy is given: rounds together, steps of every site in each, on one cosine.

    Attributes:
        rate, map_rate: AdamW's first learning rate for classes and for outlines, of features with a mean square of 1.
        tuning: share of the rounds' steps that a shared head is tuned for at a site.
    """

    rounds: int = 30
    local_steps: int = 10
    rate: float = 1e-3
    map_rate: float = 3e-3
    tuning: float = 0.2


BETAS, EPSILON, DECAY = (0.9, 0.999), 1e-8, 0.01

BUDGET = HeadSchedule()
"""What FedAvg scores has settled by then; its training loss has not and never would (docs/rehearsal.md)."""


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """What heads for classes are trained on and judged by: a row a case.

    Attributes:
        features: (n, d) float32, scaled alike at all sites.
        targets: (n,) int64.
    """

    features: torch.Tensor
    targets: torch.Tensor

    @property
    def cases(self) -> np.ndarray:
        """(n,) which case a row is of."""
        return np.arange(len(self.targets))

    @property
    def width(self) -> int:
        """Features that a head weighs."""
        return int(self.features.shape[1])

    def descend(
        self, heads: torch.Tensor, shares: torch.Tensor, steps: range, of_all: int, pull: torch.Tensor | None = None
    ) -> torch.Tensor:
        """As `descend`, at the rate of classes."""
        return descend(heads, self, shares, steps, of_all, BUDGET.rate, pull)

    def judge(self, heads: torch.Tensor, chosen: np.ndarray) -> list[CaseScores]:
        """For each head the scores of its chosen cases.

        Args:
            heads: (k, d + 1, outputs).
            chosen: (k, n) boolean.
        """
        chances = torch.softmax(logits_of(self.features, heads), dim=-1).numpy().astype(np.float64)
        truth = self.targets.numpy().astype(np.float64)
        return [
            {"probabilities": of_head[rows], "truth": truth[rows]}
            for of_head, rows in zip(chances, chosen, strict=True)
        ]

    def fits(self, shared: torch.Tensor, own: torch.Tensor, chosen: np.ndarray) -> list[np.ndarray]:
        """For each pair of heads how well mixtures of them describe the chosen cases: (cases, weights) each."""
        both = [logits_of(self.features, heads).numpy() for heads in (shared, own)]
        truth = self.targets.numpy()
        return [
            likelihoods(theirs[rows], mine[rows], truth[rows]) for theirs, mine, rows in zip(*both, chosen, strict=True)
        ]

    def weigh(self, by_patient: np.ndarray) -> OwnWeight:
        """What such figures say of the weight of the own head."""
        return weight_of(by_patient)


def blank_heads(count: int, features: int, outputs: int) -> torch.Tensor:
    """(count, features + 1, outputs) zeros, the last row for the constant: the loss is convex, so any start will do."""
    return torch.zeros(count, features + 1, outputs)


def logits_of(rows: torch.Tensor, heads: torch.Tensor) -> torch.Tensor:
    """(n, d) features and (k, d + 1, outputs) heads -> (k, n, outputs)."""
    return torch.einsum("nd,kdc->knc", rows, heads[:, :-1]) + heads[:, -1:]


def descend(
    heads: torch.Tensor,
    rows: FeatureRows,
    shares: torch.Tensor,
    steps: range,
    of_all: int,
    rate: float,
    pull: torch.Tensor | None = None,
) -> torch.Tensor:
    """Steps on the whole of the rows: cross-entropy, AdamW with new moments, as a round of `train` has them.

    The gradient is written out: through autograd a step takes five times as long. AdamW as Loshchilov & Hutter 2019
    (arXiv:1711.05101) and torch have it, with torch's defaults.

    Args:
        heads: (k, d + 1, outputs), where the steps start, and what `pull` pulls towards.
        shares: (k, n), what each row counts in each head's loss; every row of it adds up to 1.
        steps: which of the run's steps these are.
        of_all: steps of the whole run, for the cosine from `rate` to 0.
        pull: (k,) weight of half the squared distance from the start (FedProx, Li et al. 2020, MLSys 2).

    Returns:
        (k, d + 1, outputs).
    """
    count, size, outputs = heads.shape
    used = shares.any(dim=0)
    features = torch.cat([rows.features[used], torch.ones(int(used.sum()), 1)], dim=1)
    weights = shares.T[used][:, :, None]
    truth = torch.nn.functional.one_hot(rows.targets[used], outputs).float()[:, None]
    held = None if pull is None or not pull.any() else pull.repeat_interleave(outputs)
    start = heads.permute(1, 0, 2).reshape(size, count * outputs)  # one matrix: one product for all heads
    moving, first, second = start.clone(), torch.zeros_like(start), torch.zeros_like(start)
    for number, step in enumerate(steps, 1):
        chances = torch.softmax((features @ moving).view(-1, count, outputs), dim=-1)
        gradient = features.T @ (weights * (chances - truth)).flatten(1)
        if held is not None:
            gradient += held * (moving - start)
        now = rate * half_cosine(step, of_all)
        moving *= 1 - now * DECAY
        first.lerp_(gradient, 1 - BETAS[0])
        second.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        root = (second / (1 - BETAS[1] ** number)).sqrt_().add_(EPSILON)
        moving.addcdiv_(first, root, value=-now / (1 - BETAS[0] ** number))
    return moving.view(size, count, outputs).permute(1, 0, 2).contiguous()
