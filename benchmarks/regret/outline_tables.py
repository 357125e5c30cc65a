"""Tables of maps on which one federation's heads of outlines are trained: a row a slice. Nothing is printed."""

from typing import Any

import numpy as np
from encoders import shapes_of_maps
from specs import SiteSpec
from tables import FederationTables

from shiftscope.plans import Plan
from shiftscope.training.federation.kept_tables import kept_table, mean_squares
from shiftscope.training.rehearsals.head_tables import HeadTable

__all__ = ["OutlineTables"]

PLAN = Plan.model_construct(task="segmentation", classes=())
"""All that a table has to know of it."""


class OutlineTables(FederationTables):
    """As a site of a rehearsal keeps and scales them."""

    def scale(self) -> tuple[float, ...]:
        """Roots of the mean squares of images as they are, level by level, mean over sites."""
        found = [mean_squares(self._arrays(spec)) for spec in self.federation.sites.values()]
        return tuple(np.sqrt(np.mean(found, axis=0)).tolist())

    def table(
        self, site: str, harmonizer: str | None, folds: tuple[int, ...], features: np.ndarray, scale: tuple[float, ...]
    ) -> HeadTable:
        """As of classes, each level divided by its own scale."""
        arrays = self._arrays(self.federation.sites[site]) | {"features": features} | self.inside(site, folds)
        return kept_table(arrays, harmonizer, folds, scale, PLAN)

    def _arrays(self, spec: SiteSpec) -> dict[str, Any]:
        """What a site keeps of its images as they are, but for who is in which part."""
        members = self.encoded.members(spec)
        return {
            "features": self.encoded.of(spec, None),
            "shapes": np.array(shapes_of_maps()),
            "targets": members.outlines(),
            "cases": np.arange(len(members.rows)),
            "patients": members.people,
        }
