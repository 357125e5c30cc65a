"""One contract suite for every measure: a member of `MEASURES`, or one of your own."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from shiftscope.measures import Measure
from shiftscope.phantoms import sample
from shiftscope.testing.requirements import check_all, require

__all__ = ["MEASURE_CONTRACTS", "Compute", "check_measure"]

Compute = Callable[[torch.Tensor], torch.Tensor]
"""(b, s, s) float32 grey canvases in [0, 1] -> (b,); NaN where undefined."""

_CANVASES, _SIZE = 24, 96


@dataclass(frozen=True)
class _MeasureCandidate:
    """A measure, and where it is given its function, on phantoms of every anatomy."""

    measure: Measure
    compute: Compute | None

    @property
    def grey(self) -> torch.Tensor:
        """(24, 96, 96), drawn anew."""
        drawn = sample(np.random.default_rng(0), _CANVASES, size=_SIZE)
        planes = [one.pixels if one.pixels.ndim == 2 else one.pixels.mean(axis=-1) for one in drawn]
        return torch.from_numpy(np.stack(planes))

    @cached_property
    def found(self) -> torch.Tensor | None:
        """What the function gives for them."""
        return None if self.compute is None else self.compute(self.grey)


def check_measure(measure: Measure, compute: Compute | None = None, *, name: str = "") -> None:
    """Hold a measure against every contract: that it explains itself and, given its function, what that computes.

    Args:
        measure: the record.
        compute: its function, where it takes grey canvases alone; None checks the record.
        name: how messages call it; the measure's own name by default.

    Raises:
        AssertionError: a contract is broken; says which, what was got, what was expected, and what to do.
    """
    check_all(MEASURE_CONTRACTS, _MeasureCandidate(measure, compute), name or f"the measure {measure.name!r}")


def explains_itself(candidate: _MeasureCandidate) -> None:
    """Every field says something."""
    measure = candidate.measure
    for field in ("unit", "sentence", "formula", "direction", "undefined", "reference"):
        require(
            getattr(measure, field).strip(),
            got=f"an empty `{field}`",
            expected="words",
            advice=f"fill in `{field}`; `shiftscope explain` prints it",
        )
    require(
        measure.name.isidentifier() and measure.name == measure.name.lower(),
        got=f"the name {measure.name!r}",
        expected="lower-case letters, digits and underscores",
        advice="choose a name that can be a key of a profile",
    )
    require(
        measure.sentence[0].isupper() and measure.sentence.endswith("."),
        got=f"{measure.sentence!r}",
        expected="a whole sentence with a full stop",
        advice="say in one sentence what the measure is",
    )


def has_a_range(candidate: _MeasureCandidate) -> None:
    """The histogram's range is fixed and public."""
    low, high = candidate.measure.range
    require(
        np.isfinite([low, high]).all() and low < high,
        got=f"the range {low:g} to {high:g}",
        expected="two finite numbers that rise",
        advice="choose a range that holds nearly all images, from knowledge and not from data",
    )


def gives_a_number_each(candidate: _MeasureCandidate) -> None:
    """A floating-point number for each canvas, and the canvases are left alone."""
    if candidate.compute is None or candidate.found is None:
        return
    require(
        candidate.found.shape == (_CANVASES,) and candidate.found.is_floating_point(),
        got=f"{candidate.found.dtype} of shape {tuple(candidate.found.shape)}",
        expected=f"a floating-point number for each of {_CANVASES} canvases",
        advice="reduce over the last two axes",
    )
    grey = candidate.grey
    before = grey.clone()
    candidate.compute(grey)
    require(
        torch.equal(grey, before), got="canvases that were written to", expected="the same", advice="work on a copy"
    )


def lies_in_its_range(candidate: _MeasureCandidate) -> None:
    """Most images fall into the histogram, and few are undefined."""
    if candidate.found is None:
        return
    low, high = candidate.measure.range
    inside = float(((candidate.found >= low) & (candidate.found <= high)).float().mean())
    require(
        inside > 0.75,
        got=f"{inside:.0%} of phantoms within {low:g} to {high:g}",
        expected="three quarters at least",
        advice="look at the unit, or choose another range",
    )


def judges_each_canvas_alone(candidate: _MeasureCandidate) -> None:
    """A canvas has the same value alone as in a batch, today and tomorrow."""
    if candidate.compute is None or candidate.found is None:
        return
    alone = torch.cat([candidate.compute(canvas[None]) for canvas in candidate.grey])
    require(
        torch.allclose(alone, candidate.found, rtol=1e-4, atol=1e-5, equal_nan=True),
        got="another value for a canvas alone than in a batch",
        expected="the same",
        advice="average over pixels, never over the batch, and draw no random numbers",
    )


MEASURE_CONTRACTS: dict[str, Callable[[_MeasureCandidate], None]] = {
    "explains itself": explains_itself,
    "has a fixed public range": has_a_range,
    "gives a number for each image": gives_a_number_each,
    "lies in its range": lies_in_its_range,
    "judges each image alone": judges_each_canvas_alone,
}
"""What has to hold for every measure -> what verifies it."""
