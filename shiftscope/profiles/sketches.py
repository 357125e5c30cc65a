"""Moments of one axis, as a profile publishes them."""

from functools import cache
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from shiftscope.records import MOST, Finite, FiniteArray, Misfit, Record
from shiftscope.stats import Moments, least_eigenvalue

__all__ = ["Area", "Sketch"]

_FARTHEST = 1e4
"""Vectors are clipped to eight robust deviations, so that no coordinate of any axis comes near."""

_ROUNDING = 1e-5  # six significant digits: what each number may be off by, of the deviations of its coordinates
_CANCELLED = 1e-8  # of a mean's square: what is lost of a variance where sums of squares are subtracted
_NOTHING = 1e-12


class Area(Record):
    """How the coordinates of a sketch go with the log area of the masks, over the same patients."""

    mean: Annotated[Finite, Field(ge=-_FARTHEST, le=_FARTHEST)]
    var: Annotated[Finite, Field(ge=0, le=_FARTHEST**2)]
    cov: FiniteArray


class Sketch(Record):
    """Moments of one axis over patients, in the leading coordinates of the public basis.

    Attributes:
        n: patients.
        mean: (d,).
        cov: the lower triangle of the covariance, row by row, d (d + 1) / 2 numbers.
        area: the same patients' log area as a covariate, None where some have no mask.
        noise: standard deviation of the noise added to each coordinate of `mean` for differential privacy.
    """

    n: Annotated[int, Field(strict=True, ge=1, le=MOST)]
    mean: FiniteArray
    cov: FiniteArray
    area: Area | None = None
    noise: Annotated[Finite, Field(gt=0, le=_FARTHEST)] | None = None

    @model_validator(mode="after")
    def _is_of_patients(self) -> Self:
        """Mean and covariance are what some patients can have."""
        if self.mean.ndim != 1 or not len(self.mean):
            raise Misfit("mean", self.mean.tolist(), "one list of coordinates")
        d = len(self.mean)
        if self.cov.shape != (d * (d + 1) // 2,):
            raise Misfit("cov", self.cov.shape, f"({d * (d + 1) // 2},): the lower triangle for {d} coordinates")
        if self.area is not None and self.area.cov.shape != (d,):
            raise Misfit("area.cov", self.area.cov.shape, f"({d},): one number for each coordinate")
        for key, array, most in (("mean", self.mean, _FARTHEST), ("cov", self.cov, _FARTHEST**2)):
            if np.max(np.abs(array)) > most:
                raise Misfit(key, float(array[np.argmax(np.abs(array))]), f"numbers of {most:g} at the most")
        if self.area is not None and np.max(np.abs(self.area.cov)) > _FARTHEST**2:
            raise Misfit("area.cov", float(np.max(np.abs(self.area.cov))), f"numbers of {_FARTHEST**2:g} at the most")
        plain = self.moments
        variance = np.diag(plain.cov)
        if np.min(variance) < 0:
            raise Misfit("cov", float(np.min(variance)), "variances of 0 or more on the diagonal")
        whole = self.moments_with_area(d)
        for key, moments in (("cov", plain), ("area.cov", whole)):
            if moments is not None and (least := _least(moments)) < -_ROUNDING * (d + 1):
                raise Misfit(key, float(f"{least:.3g}"), "a covariance: no eigenvalue of its correlations below 0")
        return self

    @classmethod
    def of(cls, moments: Moments, covariates: int = 0) -> "Sketch":
        """Pack moments; with one covariate, the last coordinate is the log area."""
        d = len(moments.mean) - covariates
        area = None
        if covariates:
            area = Area(mean=float(moments.mean[d]), var=float(moments.cov[d, d]), cov=moments.cov[d, :d])
        return cls(n=moments.n, mean=moments.mean[:d], cov=moments.cov[:d, :d][_lower_triangle(d)], area=area)

    @property
    def moments(self) -> Moments:
        """n, mean (d,) and covariance (d, d)."""
        d = len(self.mean)
        rows, columns = _lower_triangle(d)
        cov = np.empty((d, d))
        cov[rows, columns] = self.cov
        cov[columns, rows] = self.cov
        return Moments(self.n, self.mean, cov, (self.noise or 0.0) ** 2)

    def moments_with_area(self, d: int) -> Moments | None:
        """The first `d` coordinates followed by the log area; None where there is no area."""
        if self.area is None:
            return None
        plain = self.moments.leading(d)
        cov = np.empty((d + 1, d + 1))
        cov[:d, :d], cov[d, d] = plain.cov, self.area.var
        cov[:d, d] = cov[d, :d] = self.area.cov[:d]
        return Moments(self.n, np.append(plain.mean, self.area.mean), cov)


@cache
def _lower_triangle(d: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the lower triangle of a (d, d) matrix, row by row."""
    return np.tril_indices(d)


def _least(moments: Moments) -> float:
    """The least eigenvalue of the correlations, where a coordinate that hardly varies counts as varying by rounding."""
    scale = np.diag(moments.cov) + _CANCELLED * moments.mean**2 + _NOTHING
    return least_eigenvalue(moments.cov, scale)
