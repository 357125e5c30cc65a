"""What a profile costs by the number of images and of processes, fitted to measured runs, and what that says of more of
both: for `scale.py`.

Seconds are start + images x (one by one + in parallel / jobs): listing, adding up and keeping the state go one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

DRAWS = 2000
SEED = 18


class Run(NamedTuple):
    """One profile that was made.

    Attributes:
        repeat: of the measurement.
        images: pictures.
        jobs: processes.
        seconds: the listing included.
        listed: seconds of the listing.
        peak_mib: most memory.
        floor: images a second of the floor, measured beside.
    """

    repeat: int
    images: int
    jobs: int
    seconds: float
    listed: float
    peak_mib: float
    floor: float


@dataclass(frozen=True)
class Costs:
    """Draws of the costs, from repeats drawn anew.

    Attributes:
        draws: (DRAWS, 3) seconds to start, of an image one by one, and of an image that processes share.
    """

    draws: np.ndarray

    @classmethod
    def of(cls, runs: Sequence[Run]) -> "Costs":
        """Fitted by least squares of relative errors, none of the three below 0; repeats are drawn with replacement."""
        rng = np.random.default_rng(SEED)
        repeats = sorted({run.repeat for run in runs})
        of_repeat = [[run for run in runs if run.repeat == repeat] for repeat in repeats]
        chosen = rng.integers(len(repeats), size=(DRAWS, len(repeats)))
        return cls(np.array([_fitted([run for k in draw for run in of_repeat[k]]) for draw in chosen]))

    def seconds(self, images: int, jobs: int) -> tuple[float, float, float]:
        """Median, and ends of the interval of 95 %."""
        low, middle, high = np.quantile(self.draws @ _terms(images, jobs), [0.025, 0.5, 0.975])
        return float(middle), float(low), float(high)

    def serial(self) -> tuple[float, float, float]:
        """The share of an image's seconds that goes one by one, likewise."""
        one, shared = self.draws[:, 1], self.draws[:, 2]
        low, middle, high = np.quantile(one / (one + shared), [0.025, 0.5, 0.975])
        return float(middle), float(low), float(high)


def _terms(images: int, jobs: int) -> np.ndarray:
    return np.array([1.0, images, images / jobs])


def _fitted(runs: Sequence[Run]) -> np.ndarray:
    from scipy.optimize import nnls

    terms = np.array([_terms(run.images, run.jobs) / run.seconds for run in runs])
    scale = terms.max(axis=0)
    found, _ = nnls(terms / scale, np.ones(len(runs)))
    return np.asarray(found / scale)
