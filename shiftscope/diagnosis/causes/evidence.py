"""One finding: a sentence and the numbers in it."""

from shiftscope.records import Real, Record

__all__ = ["Evidence"]


class Evidence(Record):
    """One sentence and the numbers in it.

    Attributes:
        question: what it speaks of.
        cause: a key of `CAUSES[question]`, "acquisition" for tags, "" where nothing narrower than an axis is known.
        measure: a key of `MEASURES`, an axis, "labels", or an acquisition tag.
        sites: the sites compared, the one that stands out last; empty where no two could be.
        effect: mean at the last site less the others', in the measure's unit; of an axis, the effect; of a tag, the
            difference of the shares of patients with the value. None where there was nothing to measure.
        low: lower end of its 95 % interval, against several others the lowest; of a tag, what hidden counts leave
            possible.
        high: upper end.
        n: patients of the others together, and of the last site.
        delta: Cliff's delta, above 0 where the last site's values are higher; against several others, of the
            nearest by standardised difference. None for all but measures.
        also: measures of the same cause that differ as well, or tags that separate the same sites.
        says: the sentence.
    """

    question: str
    cause: str = ""
    measure: str
    sites: tuple[str, ...]
    effect: Real | None = None
    low: Real | None = None
    high: Real | None = None
    n: tuple[int, int]
    delta: Real | None = None
    also: tuple[str, ...] = ()
    says: str
