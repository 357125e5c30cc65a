"""From a difference told in a unit to the distribution of its squared distance."""

from typing import NamedTuple

import numpy as np

from shiftscope.shifts.effect_distributions import EffectDistribution

__all__ = ["UnitUncertainty", "distribution_of", "effects_of"]


class UnitUncertainty(NamedTuple):
    """What the uncertainty of a unit does to distances measured in it.

    Attributes:
        cost: degrees of freedom it costs a squared distance, see `WithinSiteCovariance.cost`.
        freedom: of the unit's estimate.
        within: trace of a typical patient covariance in this unit.
        variance_along: variance of the unit along the difference, relative to that of one coordinate.
        scalar: whether the unit is one number, that cannot turn the coordinates.
    """

    cost: float | np.ndarray
    freedom: float | np.ndarray
    within: float | np.ndarray
    variance_along: float | np.ndarray
    scalar: bool = False


def distribution_of(
    delta: np.ndarray, parts: np.ndarray, freedom: np.ndarray, unit: UnitUncertainty
) -> EffectDistribution:
    """The distributions of the squared distances of m differences, all in the unit.

    The squares of an estimated covariance are too large by its sampling error, which is taken off (Srivastava 2005,
    doi:10.14490/jjss.35.251) by shrinking V towards a multiple of the identity until tr V^2 is right.

    Args:
        delta: (m, d).
        parts: (2, m, d, d) covariances of either mean.
        freedom: (2, m) of their traces.
        unit: the unit's own uncertainty.
    """
    d = delta.shape[1]
    variance = parts[0] + parts[1]
    noise = np.trace(variance, axis1=1, axis2=2)
    traces, squares = np.trace(parts, axis1=2, axis2=3), np.einsum("kmde,kmde->km", parts, parts)
    f = np.maximum(freedom, 2.0)
    unbiased = np.clip(f**2 / ((f - 1) * (f + 2)) * (squares - traces**2 / f), traces**2 / d, squares)
    level = noise / d
    raw2, raw3 = (np.einsum("mde,mde->m", factor, variance) for factor in (variance, variance @ variance))
    uneven = np.maximum(raw2 - d * level**2, 0.0)
    kept = np.clip(uneven - np.sum(squares - unbiased, axis=0), 0.0, uneven)
    share = np.sqrt(kept / np.where(uneven > 0, uneven, 1.0))
    noise2 = d * level**2 + kept
    third = raw3 - 3 * level * raw2 + 2 * d * level**3
    distance = np.sum(delta**2, axis=1)
    direction = delta / np.sqrt(np.where(distance > 0, distance, 1.0))[:, None]
    turned = share[:, None] * (variance @ direction[:, :, None])[:, :, 0] + ((1 - share) * level)[:, None] * direction
    even = noise**2 / np.maximum(noise2, np.finfo(float).tiny)  # coordinates' worth of noise
    common = 2.0 if unit.scalar else 2 / np.maximum(even, 1.0)
    mixed = np.maximum(unit.cost - common, 0.0)
    nu = np.maximum(unit.freedom - mixed * even / (even + 2), unit.freedom / 4)
    inflation, of_noise = _inflations(noise, traces, freedom, unit)
    return EffectDistribution(
        distance=distance,
        noise=noise,
        noise2=noise2,
        noise3=d * level**3 + 3 * level * kept + share**3 * third,
        along=np.sum(turned * direction, axis=1),
        along2=np.sum(turned**2, axis=1),
        freedom=np.where(noise > 0, noise**2 / np.where(noise > 0, np.sum(unbiased / f, axis=0), 1.0), np.inf),
        inflation=np.broadcast_to(inflation, noise.shape),
        inflation_null=of_noise,
        inflation_common=of_noise * common / unit.cost,
        inverse_freedom_null=mixed / ((even + 2) * nu),
        inverse_freedom_shifted=unit.variance_along / nu,
    )


def effects_of(
    delta: np.ndarray, parts: np.ndarray, freedom: np.ndarray, metric: np.ndarray, unit: UnitUncertainty
) -> tuple[np.ndarray, np.ndarray]:
    """The effects (m,) of m differences, as `EffectDistribution.value` has them, and what chance alone adds to each.

    Args:
        delta: (m, d), in the axis's own coordinates.
        parts: (2, m, d d) covariances of either mean, likewise.
        freedom: (2, m) of their traces.
        metric: (d, d) root' root of the unit, or one for each difference, (m, d, d).
        unit: the unit's own uncertainty, numbers or (m,).
    """
    if metric.ndim == 2:
        traces = parts @ metric.reshape(-1)
        length = np.sum((delta @ metric) * delta, axis=1)
    else:
        traces = np.einsum("kmd,md->km", parts, metric.reshape(len(metric), -1))
        length = np.einsum("md,mde,me->m", delta, metric, delta)
    noise = traces.sum(axis=0)
    inflation, of_noise = _inflations(noise, traces, freedom, unit)
    return np.maximum(0.0, (length - noise / (1 - of_noise)) * (1 - inflation)), noise


def _inflations(
    noise: np.ndarray, traces: np.ndarray, freedom: np.ndarray, unit: UnitUncertainty
) -> tuple[np.ndarray | np.floating, np.ndarray]:
    """Shares by which a distance, and what chance adds to it, come out too long because the unit is estimated.

    Args:
        noise: (m,) traces of the covariances of the differences.
        traces: (2, m) of either mean.
        freedom: (2, m) of these.
        unit: the unit's own uncertainty.
    """
    own = np.sum(traces**2 * (freedom + 1), axis=0) / np.maximum(noise * unit.within, np.finfo(float).tiny)
    inflation = np.minimum(unit.cost / unit.freedom, 0.75)
    return inflation, np.minimum(inflation * own, 0.75)
