"""Effects with intervals: what a comparison of sites says, one number and its uncertainty per axis, or two classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shiftscope.shifts.effect_distributions import (
    LEVEL,
    POWER,
    SMALLEST_P,
    EffectDistribution,
    patients_needed,
    stack,
)

__all__ = ["ClassContrast", "Effect", "EffectBatch", "Shift"]


@dataclass(frozen=True)
class Effect:
    """A difference on one axis.

    Attributes:
        axis: a key of `AXES`, or "labels".
        question: "appearance", "structure", "label", "annotation", "concept" or "features".
        distribution: of the squared distance that was observed, in the federation's unit.
        n: patients at either site.
        width: coordinates compared.
        held: what was held equal: "prevalence", "lesion area", "contour habit"; "" for nothing.
        explained: how much of the effect that took away.
    """

    axis: str
    question: str
    distribution: EffectDistribution
    n: tuple[int, int]
    width: int
    held: str = ""
    explained: float = 0.0

    @cached_property
    def value(self) -> float:
        """Squared distance of the means in within-site standard deviations, its bias taken off, at least 0."""
        return float(self.distribution.value)

    @property
    def p(self) -> float:
        """p value of no difference."""
        return float(self.distribution.p)

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of `value`; of many effects `EffectBatch` has it sooner."""
        low, high = self.distribution.interval()
        return min(float(low), self.value), max(float(high), self.value)

    def exceeds(self, margin: float) -> float:
        """Confidence, 0 to 1, that the true effect is larger than `margin`."""
        return float(self.distribution.exceeds(margin))

    def detectable(self, margin: float = 0.0, alpha: float = 1 - LEVEL, power: float = POWER) -> float:
        """The smallest true effect that would be called larger than `margin` with `power`, at these n and `alpha`."""
        return float(self.distribution.detectable(margin, alpha, power))

    def patients_needed(
        self, effect: float, margin: float = 0.0, alpha: float = 1 - LEVEL, power: float = POWER
    ) -> int | None:
        """Patients per site with which a true `effect` would be called larger than `margin`; None beyond 100,000."""
        return patients_needed(self.distribution, 2 / (1 / self.n[0] + 1 / self.n[1]), effect, margin, alpha, power)


@dataclass(frozen=True)
class EffectBatch:
    """Many effects whose uncertainty is computed at once, each number when it is first asked for.

    Attributes:
        effects: k of them.
    """

    effects: tuple[Effect, ...]

    @classmethod
    def of(cls, effects: Sequence[Effect]) -> "EffectBatch":
        """In the order given."""
        return cls(tuple(effects))

    @cached_property
    def distributions(self) -> EffectDistribution:
        """Those of all, fields (k,)."""
        return stack([effect.distribution for effect in self.effects])

    @cached_property
    def p(self) -> np.ndarray:
        """(k,) p values of no difference."""
        return self.distributions.p

    @cached_property
    def intervals(self) -> np.ndarray:
        """(k, 2) ends of the 95 % intervals."""
        (low, high), value = self.distributions.interval(), self.distributions.value
        return np.stack([np.minimum(low, value), np.maximum(high, value)], axis=1)

    @property
    def low(self) -> np.ndarray:
        """(k,) lower ends of the 95 % intervals."""
        return self.intervals[:, 0]

    @property
    def high(self) -> np.ndarray:
        """(k,) upper ends."""
        return self.intervals[:, 1]

    @cached_property
    def detectable(self) -> np.ndarray:
        """(k,) the smallest true effects that would be told from none at these n: a 5 % test with 80 % power."""
        return np.asarray(self.distributions.detectable(0.0, 1 - LEVEL, POWER))

    def exceeds(self, margins: Sequence[float] | np.ndarray | float) -> np.ndarray:
        """(k,) confidences that the true effects are larger than `margins` (k,), or one for all."""
        return self.distributions.exceeds(np.asarray(margins, dtype=float))


@dataclass(frozen=True, slots=True)
class ClassContrast:
    """How two classes of a site lie apart, against how they do elsewhere, on one axis (`contrasts.class_contrasts`).

    Attributes:
        classes: the two, in the order of their names.
        effect: squared difference of half the contrasts, along the contrast that both have in common.
        margin: the largest effect that a shift of appearance of the size that is there may have.
        common: squared length of half the contrast that both have in common, its bias taken off, at least 0: what the
            effect would be, had labels nothing to do with images at one of the two.
    """

    classes: tuple[str, str]
    effect: Effect
    margin: float
    common: float

    @property
    def p(self) -> float:
        """p value of no effect beyond `margin`."""
        return max(1.0 - self.effect.exceeds(self.margin), SMALLEST_P)


@dataclass(frozen=True)
class Shift:
    """All effects of one comparison.

    Attributes:
        effects: of patients, by axis.
        contrasts: of classes that both know, by axis and every two classes.
    """

    effects: tuple[Effect, ...]
    contrasts: tuple[ClassContrast, ...] = ()

    def on(self, axis: str, classes: tuple[str, ...] = ()) -> Effect | None:
        """The effect on an axis, or that of two classes on it; None where it could not be compared."""
        if classes:
            contrast = self.contrast(axis, classes)
            return None if contrast is None else contrast.effect
        return next((effect for effect in self.effects if effect.axis == axis), None)

    def contrast(self, axis: str, classes: tuple[str, ...]) -> ClassContrast | None:
        """How two classes lie apart on an axis; None where they could not be compared."""
        return next((one for one in self.contrasts if (one.effect.axis, one.classes) == (axis, classes)), None)
