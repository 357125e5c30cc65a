"""What harmonizing did to a site's images, gathered case by case while they are copied."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

from shiftscope.copies.mapped_cases import MappedCase
from shiftscope.copies.site_fits import FittedHarmonizer
from shiftscope.errors import Unreadable
from shiftscope.harmonizers import HARMONIZERS, LEAST_CHANGE
from shiftscope.harmonizers.case_maps import LANDMARKS
from shiftscope.harmonizers.coarse_features import case_features
from shiftscope.harmonizers.leakage import (
    MARGIN_CONTRAST,
    MARGIN_SEPARABILITY,
    contrast,
    contrast_drop,
    separability_drop,
)
from shiftscope.harmonizers.quantile_maps import LEVELS, mean_quantiles
from shiftscope.images import canvas, mask_canvas
from shiftscope.plans import CopiesResult
from shiftscope.sites import Case, Site
from shiftscope.training.evaluation.leaks import as_kept

__all__ = ["BINS", "Changes"]

BINS = 64
"""Of the grey-level histograms."""


@dataclass(slots=True)
class Changes:
    """Figures of the cases added so far, on canvases of the plan's size; no pixel is kept."""

    fitted: FittedHarmonizer
    cases: list[Case] = field(default_factory=list)
    brightness: list[float] = field(default_factory=list)
    histograms: np.ndarray = field(default_factory=lambda: np.zeros((2, BINS)))
    _change: list[float] = field(default_factory=list)
    _resampled: bool = False
    _features: tuple[list[np.ndarray], list[np.ndarray]] = field(default_factory=lambda: ([], []))
    _contrast: tuple[list[float | None], list[float | None]] = field(default_factory=lambda: ([], []))
    _quantiles: tuple[dict[str, list[np.ndarray]], dict[str, list[np.ndarray]]] = field(
        default_factory=lambda: ({}, {})
    )

    def add(self, case: Case, mapped: MappedCase) -> None:
        """Take the figures of one case."""
        self.cases.append(case)
        if mapped.change is not None:
            self._change.append(mapped.change)
        self._resampled = self._resampled or mapped.resampled
        size = self.fitted.plan.image_size
        for stage, (pixels, mask) in enumerate(((mapped.before, mapped.mask), (mapped.after, mapped.mask_after))):
            small = canvas(np.moveaxis(pixels, 1, -1) if pixels.shape[1] == 3 else pixels[:, 0], size)
            grey = small.mean(axis=1)[(small != 0).any(axis=1)]
            if stage == 0:
                self.brightness.append(float(grey.mean()) if grey.size else 0.0)
            if grey.size:
                self.histograms[stage] += np.histogram(grey, BINS, (0.0, 1.0))[0] / grey.size
            if case.label is not None:
                self._features[stage].append(case_features(small))
            if mask is not None:
                self._contrast[stage].append(contrast(small, mask_canvas(mask, size)))
            if found := mean_quantiles([[small]], levels=self.levels):
                self._quantiles[stage].setdefault(case.patient, []).append(found["quantiles"])

    @property
    def levels(self) -> np.ndarray:
        """Those of the reference's quantile function, where it has one."""
        wanted = self.fitted.reference.get("quantiles")
        return LANDMARKS if wanted is not None and wanted.shape[1] == len(LANDMARKS) else LEVELS

    @property
    def quantiles(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The site's mean quantile function before and after: (c, k) each; None without a foreground."""
        if not self._quantiles[0] or not self._quantiles[1]:
            return None
        before, after = (
            np.mean([np.mean(functions, axis=0) for functions in patients.values()], axis=0)
            for patients in self._quantiles
        )
        return before, after

    def chosen(self, count: int, seed: int) -> list[Case]:
        """Up to `count` cases, one drawn from each of as many equal parts of the site's cases by brightness."""
        order = sorted(range(len(self.cases)), key=lambda index: (self.brightness[index], self.cases[index].name))
        rng = np.random.default_rng(seed)
        parts = np.array_split(np.array(order), min(count, len(order)))
        return [self.cases[int(rng.choice(part))] for part in parts if len(part)]

    def result(self, site: Site, failures: Iterable[Unreadable]) -> CopiesResult:
        """The figures of all cases together."""
        reference, quantiles = self.fitted.reference.get("quantiles"), self.quantiles
        distances: tuple[float | None, float | None] = (None, None)
        if reference is not None and quantiles is not None:
            before, after = (float(np.abs(function - reference).mean()) for function in quantiles)
            distances = before, after
        labelled = [case for case in self.cases if case.label is not None]
        masked = [case for case in self.cases if case.masks]
        apart = None
        if labelled:
            apart = separability_drop(
                np.stack(self._features[0]),
                np.stack(self._features[1]),
                [case.label for case in labelled],
                patients=[case.patient for case in labelled],
            )
        stands_out = contrast_drop(*self._contrast, patients=[case.patient for case in masked])
        return CopiesResult(
            site=site.name,
            harmonizer=self.fitted.harmonizer,
            summary=HARMONIZERS[self.fitted.harmonizer].summary,
            fitted=self.fitted.fitted_on,
            written=len(self.cases),
            left_out=dict(sorted(Counter(failure.reason for failure in failures).items())),
            mean_change=fmean(self._change) if self._change and not self._resampled else None,
            unchanged=not self._resampled and max(self._change, default=0.0) < LEAST_CHANGE,
            distance_before=distances[0],
            distance_after=distances[1],
            contrast=as_kept(stands_out, MARGIN_CONTRAST),
            separability=as_kept(apart, MARGIN_SEPARABILITY),
        )
