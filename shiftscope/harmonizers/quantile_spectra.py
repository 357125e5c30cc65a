"""Grey levels, shading and fineness, one after the other, each to the federation's average.

(1) the site's quantile map; (2) the site's mean shading exchanged for the federation's; (3) a radial filter from the
site's amplitudes to the federation's; (4) a quantile map again, because filtering changes grey levels. All four are the
identity on a site that equals the federation. `docs/harmonizers.md` has the measurement that chose the second step.

Amplitudes hold geometry too: where sites differ in zoom or anatomy, the filter absorbs a part of that as well.
"""

from collections.abc import Sequence

import numpy as np

from shiftscope.harmonizers.averages import over_patients, over_sites
from shiftscope.harmonizers.harmonizer import Patients, Statistics
from shiftscope.harmonizers.quantile_maps import LEVELS, map_quantiles, mean_quantiles
from shiftscope.harmonizers.shadings import reshade, surface
from shiftscope.harmonizers.spectra import amplitudes, refine

__all__ = ["average", "map_spectrum", "mean_amplitudes", "mean_filtered", "mean_surface"]


def mean_surface(patients: Patients, own: Statistics, reference: Statistics) -> Statistics:
    """Second exchange, after the quantile map: "surface", (c, 6), the mean shading."""
    if "quantiles" not in own or "quantiles" not in reference:
        return {}
    found = over_patients(patients, lambda case: surface(map_quantiles(case, own, reference)))
    return {} if found is None else {"surface": found}


def mean_amplitudes(patients: Patients, own: Statistics, reference: Statistics) -> Statistics:
    """Third exchange, after the shading: "amplitude", (c, 24), the mean `amplitudes`."""
    if "surface" not in own or "surface" not in reference:
        return {}
    found = over_patients(patients, lambda case: amplitudes(_reshaded(case, own, reference)))
    return {} if found is None else {"amplitude": found}


def mean_filtered(patients: Patients, own: Statistics, reference: Statistics) -> Statistics:
    """Fourth exchange, after the filter: "filtered", (c, 34), the mean quantile function."""
    if "amplitude" not in own or "amplitude" not in reference:
        return {}
    filtered = ([_filtered(case, own, reference) for case in cases] for cases in patients)
    found = mean_quantiles(filtered, levels=LEVELS[::6])
    return {"filtered": found["quantiles"]} if found else {}


def average(shares: Sequence[Statistics], reference: Statistics) -> Statistics:
    """The mean over sites of what this exchange brought, each site that brought it counting once."""
    fresh = sorted({name for share in shares for name in share} - set(reference))
    return over_sites(shares, fresh)


def map_spectrum(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    """The case after all four steps; exact-zero padding stays.

    Args:
        case: (z, c, y, x) float32 in [0, 1].
        own: of all four exchanges; without them the case stays as it is.
        reference: of `average`.
    """
    if "filtered" not in own or "filtered" not in reference:
        return case
    return map_quantiles(
        _filtered(case, own, reference), {"quantiles": own["filtered"]}, {"quantiles": reference["filtered"]}
    )


def _filtered(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    """Steps 1 to 3."""
    return refine(_reshaded(case, own, reference), own["amplitude"], reference["amplitude"]).astype(np.float32)


def _reshaded(case: np.ndarray, own: Statistics, reference: Statistics) -> np.ndarray:
    """Steps 1 and 2."""
    return reshade(map_quantiles(case, own, reference), own["surface"], reference["surface"])
