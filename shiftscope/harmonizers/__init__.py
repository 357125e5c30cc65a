"""Ways to make the sites' images look alike: `HARMONIZERS`, name -> what a site shares, how a case is mapped.

In: a site's training cases by patient, one `Exchange` after the other; then any case. Out: the aggregates a site
shares, the reference made of all sites' (`combine`), and the case, mapped. A member is one function or three, and one
line below. What is shared is fitted on training cases only, holds no case, and never sees a mask or a label.
"""

from shiftscope.harmonizers.batch_effects import MIN_BATCH, batch_moments, pooled_moments, without_batch
from shiftscope.harmonizers.bias_fields import correct_bias
from shiftscope.harmonizers.case_maps import map_landmarks, match_case, mean_landmarks
from shiftscope.harmonizers.colours import mean_colours, recolour, reference_colours
from shiftscope.harmonizers.fitting import combine, fit, share
from shiftscope.harmonizers.fourier_blocks import mean_block, replace_block, sites_block
from shiftscope.harmonizers.harmonizer import LEAST_CHANGE, MIN_PATIENTS, NOTHING, Exchange, Harmonizer, Statistics
from shiftscope.harmonizers.local_contrasts import equalize
from shiftscope.harmonizers.percentile_stretches import stretch
from shiftscope.harmonizers.polarities import align, map_turned, mean_picture, turned_quantiles
from shiftscope.harmonizers.quantile_maps import barycentre, map_quantiles, mean_quantiles
from shiftscope.harmonizers.quantile_spectra import average, map_spectrum, mean_amplitudes, mean_filtered, mean_surface
from shiftscope.harmonizers.resampling import common_geometry, has_spacing, median_geometry, resampled_geometry
from shiftscope.harmonizers.stains import is_stained, mean_stains, reference_stains, restain
from shiftscope.harmonizers.styles import mean_style, mix_styles, sites_styles, unchanged
from shiftscope.harmonizers.zscores import standardize

__all__ = [
    "HARMONIZERS",
    "LEAST_CHANGE",
    "MIN_PATIENTS",
    "NOTHING",
    "Exchange",
    "Harmonizer",
    "Statistics",
    "combine",
    "fit",
    "share",
]

_QUANTILES = Exchange(mean_quantiles, barycentre)

HARMONIZERS: dict[str, Harmonizer] = {
    "zscore": Harmonizer("each case to mean 0 and deviation 1; nothing is shared", standardize),
    "percentile": Harmonizer("each case's 1st to 99th percentile to 0 and 1; nothing is shared", stretch),
    "quantile_map": Harmonizer(
        "one monotone map per site to the federation's mean quantile function", map_quantiles, (_QUANTILES,)
    ),
    "polarity": Harmonizer(
        "a site whose grey scale runs the other way is turned back; then as quantile_map",
        map_turned,
        (Exchange(mean_picture, align), Exchange(turned_quantiles, barycentre)),
    ),
    "quantile_spectrum": Harmonizer(
        "quantile map, then the site's shading and fineness to the federation's mean, then the map again",
        map_spectrum,
        (
            _QUANTILES,
            Exchange(mean_surface, average),
            Exchange(mean_amplitudes, average),
            Exchange(mean_filtered, average),
        ),
    ),
    "match_case": Harmonizer(
        "each case's histogram to the federation's mean quantile function; erases contrast between cases",
        match_case,
        (_QUANTILES,),
    ),
    "nyul": Harmonizer(
        "each case's 11 landmark percentiles to the federation's mean landmarks",
        map_landmarks,
        (Exchange(mean_landmarks, barycentre),),
    ),
    "clahe": Harmonizer("each slice's local contrast equalized, within a limit; nothing is shared", equalize),
    "n4": Harmonizer("each case's slow drift of brightness divided out; nothing is shared", correct_bias),
    "fda": Harmonizer(
        "each slice's slow patterns of brightness get the federation's mean strength",
        replace_block,
        (Exchange(mean_block, sites_block),),
    ),
    "mixstyle": Harmonizer(
        "while training, images take on the mean and deviation of another site, in part",
        unchanged,
        (Exchange(mean_style, sites_styles),),
        mix=mix_styles,
    ),
    "macenko": Harmonizer(
        "each case's haematoxylin and eosin to the federation's stain colours; other cases stay as they are",
        restain,
        (Exchange(mean_stains, reference_stains),),
        on="colour",
        contributes=is_stained,
    ),
    "reinhard": Harmonizer(
        "each case's mean and spread in CIELAB to the federation's",
        recolour,
        (Exchange(mean_colours, reference_colours),),
        on="colour",
    ),
    "combat": Harmonizer(
        "each site's location and scale of every feature removed, shrunk by empirical Bayes; leaks labels where class"
        " balance differs by site",
        without_batch,
        (Exchange(batch_moments, pooled_moments),),
        on="features",
        min_patients=MIN_BATCH,
    ),
    "resample": Harmonizer(
        "each case to the federation's median spacing and field of view",
        resampled_geometry,
        (Exchange(median_geometry, common_geometry),),
        on="geometry",
        contributes=has_spacing,
    ),
}
