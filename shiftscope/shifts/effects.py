"""Effects with intervals: what a comparison of sites says, one number and its uncertainty per axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shiftscope.shifts.effect_distributions import LEVEL, POWER, EffectDistribution, patients_needed, stack

__all__ = ["Effect", "Shift", "detectable", "exceeds", "intervals", "p_values"]


@dataclass(frozen=True)
class Effect:
    """A difference on one axis.

    Attributes:
        axis: a key of `AXES`, or "labels".
        question: "appearance", "structure", "label", "annotation" or "features".
        curve: the distribution of the distance that was seen, in the federation's yardstick.
        n: patients on either side.
        width: coordinates compared.
        held: what was held equal: "prevalence", "lesion area", "contour habit"; "" for nothing.
        explained: how much of the effect that took away.
    """

    axis: str
    question: str
    curve: EffectDistribution
    n: tuple[int, int]
    width: int
    held: str = ""
    explained: float = 0.0

    @cached_property
    def value(self) -> float:
        """Squared distance of the means in within-site standard deviations, its bias taken off, at least 0."""
        return float(self.curve.value)

    @cached_property
    def p(self) -> float:
        """p value of no difference."""
        return float(self.curve.p)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `value`."""
        low, high = self.curve.interval()
        return min(float(low), self.value), max(float(high), self.value)

    def exceeds(self, margin: float) -> float:
        """Confidence, 0 to 1, that the true effect is larger than `margin`."""
        return float(self.curve.exceeds(margin))

    def detectable(self, margin: float = 0.0, alpha: float = 1 - LEVEL, power: float = POWER) -> float:
        """The smallest true effect that would be called larger than `margin` with `power`, at these n and `alpha`."""
        return float(self.curve.detectable(margin, alpha, power))

    def patients_needed(
        self, effect: float, margin: float = 0.0, alpha: float = 1 - LEVEL, power: float = POWER
    ) -> int | None:
        """Patients a side with which a true `effect` would be called larger than `margin`; None beyond 100,000."""
        return patients_needed(self.curve, 2 / (1 / self.n[0] + 1 / self.n[1]), effect, margin, alpha, power)


@dataclass(frozen=True)
class Shift:
    """All effects of one comparison."""

    effects: tuple[Effect, ...]

    def on(self, axis: str) -> Effect | None:
        """The effect on an axis, None where it could not be compared."""
        return next((effect for effect in self.effects if effect.axis == axis), None)

    def about(self, question: str) -> list[Effect]:
        """The effects that speak of a question."""
        return [effect for effect in self.effects if effect.question == question]


def exceeds(effects: Sequence[Effect], margins: Sequence[float] | np.ndarray | float) -> np.ndarray:
    """`Effect.exceeds` of many at once: (k,) confidences for (k,) margins, or one for all."""
    return stack([effect.curve for effect in effects]).exceeds(np.asarray(margins, dtype=float))


def p_values(effects: Sequence[Effect]) -> np.ndarray:
    """`Effect.p` of many at once: (k,); each effect remembers its own."""
    found = stack([effect.curve for effect in effects]).p
    for effect, p in zip(effects, found.tolist(), strict=True):
        effect.__dict__["p"] = p  # the place of a cached property
    return found


def intervals(effects: Sequence[Effect]) -> np.ndarray:
    """`Effect.interval` of many at once: (k, 2); each effect remembers its own."""
    unknown = [effect for effect in effects if "interval" not in effect.__dict__]
    curves = stack([effect.curve for effect in unknown])
    low, high = curves.interval()
    ends = zip(np.minimum(low, curves.value).tolist(), np.maximum(high, curves.value).tolist(), strict=True)
    for effect, interval in zip(unknown, ends, strict=True):
        effect.__dict__["interval"] = interval
    return np.array([effect.interval for effect in effects]).reshape(-1, 2)


def detectable(effects: Sequence[Effect]) -> np.ndarray:
    """`Effect.detectable` of many at once, told from none: (k,)."""
    curves = stack([effect.curve for effect in effects])
    return np.asarray(curves.detectable(0.0, 1 - LEVEL, POWER))
