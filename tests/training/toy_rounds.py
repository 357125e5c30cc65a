"""A model of two numbers, h b x, whose gradients can be written on a line, and rounds of it without images."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from small_hospitals import plan_for
from torch import nn

from shiftscope.training.algorithms.local_rounds import Round
from shiftscope.training.data.batches import Batch
from shiftscope.training.data.model_inputs import Sample

__all__ = ["PLAN", "AdamW", "B", "H", "Toy", "batches_of", "gradient", "numbers", "rate", "toy", "two"]

PLAN = plan_for({}, sites={"a": {"fingerprint": "", "patients": 2, "cases": 2}}, rounds=2, local_steps=4, batch_size=2)
B, H = 0.7, -0.4
"""The body and the head as they come from the server."""


def two(b: float = B, h: float = H) -> nn.Module:
    """h b x."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False)).double()
    with torch.no_grad():
        model[0].weight.fill_(b)
        model[1].weight.fill_(h)
    return model


def numbers(model: nn.Module) -> np.ndarray:
    """(b, h)."""
    return np.array([float(parameter.detach()) for parameter in model.parameters()])


def batches_of(purpose: str, number: int, count: int = 4) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first batches of a round, x and y."""
    rng = np.random.default_rng([number, *purpose.encode()])
    return [(rng.normal(size=2), rng.normal(size=2)) for _ in range(count)]


def gradient(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """d/d(b, h) of mean (h b x - y)^2."""
    b, h = w
    slope = 2 * (h * b * x - y)
    return np.array([np.mean(slope * h * x), np.mean(slope * b * x)])


def rate(number: int, step: int) -> float:
    """Half a cosine over PLAN's eight steps."""
    return PLAN.learning_rate / 2 * (1 + np.cos(np.pi * ((number - 1) * 4 + step) / 8))


class AdamW:
    """Loshchilov & Hutter 2019, algorithm 2, with torch's defaults."""

    def __init__(self) -> None:
        self.m, self.v, self.t = np.zeros(2), np.zeros(2), 0

    def __call__(self, w: np.ndarray, g: np.ndarray, lr: float) -> np.ndarray:
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * g
        self.v = 0.999 * self.v + 0.001 * g**2
        m, v = self.m / (1 - 0.9**self.t), self.v / (1 - 0.999**self.t)
        return w - lr * 0.01 * w - lr * m / (np.sqrt(v) + 1e-8)


@dataclass(slots=True)
class Toy(Round):
    """A round over `batches_of`, by plain gradient descent where `sgd`."""

    sgd: bool = False
    drawn: list[str] = field(default_factory=list)

    def batches(self, purpose: str = "train") -> Iterator[Batch]:
        """Columns of float64."""
        self.drawn.append(purpose)
        for x, y in batches_of(purpose, self.number, 99):
            yield torch.from_numpy(x)[:, None], torch.from_numpy(y)[:, None]

    def optimizer(self, parameters: object) -> torch.optim.Optimizer:
        """AdamW, or without its moments and decay."""
        make = torch.optim.SGD if self.sgd else torch.optim.AdamW
        return make(parameters, lr=self.plan.learning_rate)  # type: ignore[arg-type]


def toy(number: int = 1, *, sgd: bool = False, memory: Mapping[str, np.ndarray] | None = None, cases: int = 2) -> Toy:
    """Round `number` of two, at the model `two`."""
    start = two().state_dict()
    sample = Sample.__new__(Sample)
    return Toy(
        plan=PLAN,
        number=number,
        rounds=2,
        federated=2,
        loss=nn.MSELoss(),
        received={name: tensor.numpy() for name, tensor in start.items()},
        memory=dict(memory or {}),
        samples=[sample] * cases,
        origin=(0, "a"),
        sgd=sgd,
    )
