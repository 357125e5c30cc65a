"""What every measure says of itself."""

from dataclasses import dataclass

__all__ = ["Measure"]


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a case that a person can read.

    Attributes:
        name: key in a profile.
        unit: unit, "1" where there is none.
        sentence: what it is, in one sentence.
        formula: how it is computed.
        range: the fixed public range of its histogram, in `unit`.
        direction: which direction means what.
        undefined: when it is null.
        reference: where it comes from, with a DOI where there is one.
    """

    name: str
    unit: str
    sentence: str
    formula: str
    range: tuple[float, float]
    direction: str
    undefined: str
    reference: str
