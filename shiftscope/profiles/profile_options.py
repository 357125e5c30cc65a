"""How a site is profiled."""

from dataclasses import dataclass

__all__ = ["SAMPLE", "Options"]

SAMPLE = 256
"""Patients on whom it is measured what harmonizers leave, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to profile.

    Attributes:
        seed: draws, of the patients in the sample, the images on which the canonical map is fitted.
        jobs: processes; the result does not depend on it.
        device: "cpu" or "cuda".
        max_failures: unreadable files after which the run stops, None for no limit.
        sample: most patients on whom it is measured what harmonizers leave; None for all.
        share: (i, n) for the i-th of n parts of the site, i from 1 on; (1, 1) for all of it.
    """

    seed: int = 0
    jobs: int = 1
    device: str = "cpu"
    max_failures: int | None = None
    sample: int | None = SAMPLE
    share: tuple[int, int] = (1, 1)
