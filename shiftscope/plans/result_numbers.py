"""Numbers that results hold, each within what can be: scores, amounts, durations, differences with their verdict."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shiftscope.records import Finite, Misfit, Real, Record

__all__ = ["Amount", "Difference", "Number", "Score", "Seconds", "Verdict"]

Verdict = Literal["helped", "no_difference", "harmed", "undecided"]
"""`helped`: the interval lies above 0 and the mean above the margin; `harmed`: below; `no_difference`: the whole
interval lies within the margin, a claim; `undecided`: anything else, and where there is nothing to compare."""


def _up_to_one(value: float) -> float:
    if abs(value) > 1:  # not a number passes: it is written as null
        raise ValueError("expected a score, or a difference of two, from -1 to 1")
    return value


def _imaginable(value: float) -> float:
    if abs(value) > _FARTHEST:
        raise ValueError(f"expected a number of {_FARTHEST:g} at the most")
    return value


def _duration(value: float) -> float:
    if value < 0:
        raise ValueError("expected 0 seconds or more")
    return _imaginable(value)


_FARTHEST = 1e12

Score = Annotated[Real, AfterValidator(_up_to_one)]
"""Of the metric that a verdict is about, or a difference of two."""

Number = Annotated[Real, AfterValidator(_imaginable)]

Seconds = Annotated[Real, AfterValidator(_duration)]

Amount = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
"""Bytes, steps, passes."""


class Difference(Record):
    """One strategy minus another, with its interval; all null where nothing can be compared.

    Attributes:
        level: the interval's confidence.
    """

    mean: Score | None = None
    low: Score | None = None
    high: Score | None = None
    level: Annotated[Finite, Field(gt=0, lt=1)] = 0.95

    @model_validator(mode="after")
    def _has_ends_in_order(self) -> Self:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise Misfit("low", self.low, f"{self.high:g} at the most, the upper end")
        return self

    def require(self, verdict: Verdict, margin: float, key: str = "verdict") -> None:
        """A verdict that mean and interval bear out.

        Args:
            key: where the verdict stands.

        Raises:
            Misfit: it does not.
        """
        if verdict == "helped" and not (self.low is not None and self.low > 0):
            raise Misfit(key, verdict, f"an interval above 0, and its lower end is {self.low}")
        if verdict == "harmed" and not (self.high is not None and self.high < 0):
            raise Misfit(key, verdict, f"an interval below 0, and its upper end is {self.high}")
        if verdict == "helped" and not (self.mean is not None and self.mean > margin):
            raise Misfit(key, verdict, f"a mean above the margin, {margin:g}, and it is {self.mean}")
        if verdict == "harmed" and not (self.mean is not None and self.mean < -margin):
            raise Misfit(key, verdict, f"a mean below the margin, {-margin:g}, and it is {self.mean}")
        if verdict == "no_difference" and not self.within(margin):
            raise Misfit(key, verdict, f"an interval within {margin:g} of 0, and it is {self.low} to {self.high}")

    def within(self, margin: float) -> bool:
        """Whether the whole interval lies within the margin of 0."""
        return self.low is not None and self.high is not None and -margin <= self.low and self.high <= margin
