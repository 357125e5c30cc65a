"""Ways to make the sites' images look alike: name -> what a site shares, how a case is mapped.

A member is one function or three and one line below. What is shared is fitted on training cases only, holds no
case, and never sees a mask or a label.
"""

from shiftscope.harmonize.fitting import combine, fit, share
from shiftscope.harmonize.harmonizer import MIN_PATIENTS, NOTHING, Harmonizer, Pass, Statistics
from shiftscope.harmonize.quantile_maps import barycentre, map_quantiles, mean_quantiles
from shiftscope.harmonize.zscores import standardize

__all__ = ["HARMONIZERS", "MIN_PATIENTS", "NOTHING", "Harmonizer", "Pass", "Statistics", "combine", "fit", "share"]

_QUANTILES = Pass(mean_quantiles, barycentre)

HARMONIZERS: dict[str, Harmonizer] = {
    "zscore": Harmonizer("each case to mean 0 and deviation 1; nothing is shared", standardize),
    "quantile_map": Harmonizer(
        "one monotone map per site to the federation's mean quantile function", map_quantiles, (_QUANTILES,)
    ),
}
