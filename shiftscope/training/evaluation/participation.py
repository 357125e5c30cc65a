"""Does taking part pay? For one site: its own model, the one shared by all, or one made for it in the federation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from shiftscope.plans import Answer
from shiftscope.plans.seed_schedule import ERROR_RATE
from shiftscope.training.evaluation.claims import holm
from shiftscope.training.evaluation.estimates import Estimate, FoldLayout, Means, estimate
from shiftscope.training.evaluation.patient_spreads import PatientSpread

__all__ = ["Choices", "Compared", "Participation", "participation"]


@dataclass(frozen=True, slots=True)
class Choices:
    """The strategies a site can choose from, by name.

    Attributes:
        local: its own model, trained alone; None where none was trained.
        shared: those with one model for all: the baseline, and the advice where that harmonizes and no more.
        own: those that make the site a model of its own within the federation.
    """

    local: str | None
    shared: tuple[str, ...]
    own: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Compared:
    """One strategy minus another at a site.

    Attributes:
        p: of no difference, adjusted for all comparisons at the site (Holm); None where it is unknown.
    """

    better: str
    other: str
    estimate: Estimate
    p: float | None

    def shown(self, margin: float, error_rate: float) -> bool:
        """Whether the first is better by more than the margin on average, and not by chance."""
        return self.p is not None and self.p < error_rate and (self.estimate.mean or 0.0) > margin

    def refuted(self, margin: float, error_rate: float) -> bool:
        """Whether the second is, of the first."""
        return self.p is not None and self.p < error_rate and (self.estimate.mean or 0.0) < -margin


@dataclass(frozen=True, slots=True)
class Participation:
    """The answer for one site, and what it rests on."""

    answer: Answer
    comparisons: tuple[Compared, ...] = ()


def participation(
    choices: Choices,
    spread: PatientSpread | None,
    means: Mapping[str, Means],
    rng: Callable[[], np.random.Generator],
    layout: FoldLayout,
    margin: float,
    error_rate: float = ERROR_RATE,
) -> Participation:
    """What the site should do, as far as it can be shown.

    Compared are all federated strategies with the local model, and each that makes an own model with each that is
    shared; all comparisons of the site are judged together (Holm), and the mean has to exceed the margin.

    - `alone`: the local model is shown better than every other strategy.
    - `own_model`: an own model is shown better than the local one; and every shared model that is so too is shown
      worse than it.
    - `take_part`: a shared model is shown better than the local one, and no own model better than that.
    - `undecided`: anything else, and where there is no local model.

    Where nothing tells a shared and an own model apart, and both beat the local one, the answer is the simpler.

    Args:
        spread: of the site; None where nothing is known of its patients.
        means: strategy -> difference from the first, one per seed; that one may be left out.
        rng: makes a new, equal stream for every comparison.
        error_rate: of all comparisons together; a look at a run under way may spend its own share alone.

    Raises:
        ValueError: more than one strategy comes without differences, and only the first has none.
    """
    local = choices.local
    federated = (*choices.shared, *choices.own)
    if local is None or not federated:
        return Participation("undecided")
    if len(first := [name for name in (local, *federated) if name not in means]) > 1:
        raise ValueError(
            f"differences of {', '.join(first)} are missing; expected those of all strategies but the first"
        )
    pairs = [(name, local) for name in federated] + [(own, shared) for own in choices.own for shared in choices.shared]
    estimates = {pair: _minus(*pair, spread, means, rng(), layout) for pair in pairs}
    known = {pair: p for pair, found in estimates.items() if (p := found.p_value) is not None}
    adjusted = holm(known)
    compared = {pair: Compared(*pair, found, adjusted.get(pair)) for pair, found in estimates.items()}
    return Participation(_answer(choices, local, compared, margin, error_rate), tuple(compared.values()))


def _answer(
    choices: Choices, local: str, compared: Mapping[tuple[str, str], Compared], margin: float, error_rate: float
) -> Answer:
    paying = [name for name in choices.shared if compared[name, local].shown(margin, error_rate)]
    own = [name for name in choices.own if compared[name, local].shown(margin, error_rate)]
    if any(all(compared[name, shared].shown(margin, error_rate) for shared in paying) for name in own):
        return "own_model"
    if paying:
        return "take_part"
    federated = (*choices.shared, *choices.own)
    return "alone" if all(compared[name, local].refuted(margin, error_rate) for name in federated) else "undecided"


def _minus(
    better: str,
    other: str,
    spread: PatientSpread | None,
    means: Mapping[str, Means],
    rng: np.random.Generator,
    layout: FoldLayout,
) -> Estimate:
    """The difference of two strategies at the site, from their differences from the first."""
    gains = [means.get(name, [0.0] * len(layout.folds)) for name in (better, other)]
    apart = [None if a is None or b is None else a - b for a, b in zip(*gains, strict=True)]
    return estimate({"": None if spread is None else spread.between(better, other)}, {"": apart}, rng, layout)
