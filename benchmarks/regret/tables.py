"""Tables of features on which one federation's heads are trained, harmonizers fitted anew in each fold.

Nothing is printed.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from encoded import Encoded, by_patient
from specs import Federation

from shiftscope.harmonizers import HARMONIZERS, Statistics, fit
from shiftscope.plans import Plan
from shiftscope.sites import Site
from shiftscope.training.data.splits import PARTS, divide_planned
from shiftscope.training.rehearsals.head_tables import HeadTable
from shiftscope.training.rehearsals.linear_heads import FeatureRows

__all__ = ["FederationTables", "Parts", "folds_of"]

Parts = dict[str, np.ndarray]
"""Part -> (folds, n) boolean."""


def folds_of(site: Site, plan: Plan) -> Parts:
    """Who learns and who is judged in which fold, as `train` and a rehearsal divide them."""
    place = {case.name: number for number, case in enumerate(site.cases)}
    inside = {part: np.zeros((plan.folds, len(place)), dtype=bool) for part in PARTS}
    for fold in range(plan.folds):
        for part, cases in divide_planned(site.cases, plan, site.name, fold).items():
            inside[part][fold, [place[case.name] for case in cases]] = True
    return inside


@dataclass(slots=True)
class FederationTables:
    """Tables of one federation as they are asked for; a row is a case.

    Attributes:
        federation: whose.
        encoded: where features are.
        parts: site -> who is in which part.
        seconds: harmonizer ("plain" for none) -> what its features took.
    """

    federation: Federation
    encoded: Encoded
    parts: Mapping[str, Parts]
    seconds: dict[str, float] = field(default_factory=dict)

    def of(self, harmonizers: Sequence[str | None]) -> dict[str, dict[str, HeadTable]]:
        """Site -> name -> table, scaled by the mean square of images as they are."""
        found: dict[str, dict[str, HeadTable]] = {site: {} for site in self.federation.sites}
        scale = self.scale()
        for harmonizer in harmonizers:
            since = time.perf_counter()
            for name, folds, features in self._features(harmonizer):
                for site, rows in features.items():
                    found[site][name] = self.table(site, harmonizer, folds, rows, scale)
            self.seconds[harmonizer or "plain"] = time.perf_counter() - since
        return found

    def scale(self) -> tuple[float, ...]:
        """What features are divided by, level by level."""
        squares = [
            (self.encoded.of(spec, None).astype(np.float32) ** 2).mean() for spec in self.federation.sites.values()
        ]
        return (float(np.sqrt(np.mean(squares))),)

    def table(
        self, site: str, harmonizer: str | None, folds: tuple[int, ...], features: np.ndarray, scale: tuple[float, ...]
    ) -> HeadTable:
        """Of one site, harmonizer and some folds, from features (n, d) as they come from the encoder."""
        members = self.encoded.members(self.federation.sites[site])
        rows = FeatureRows(
            torch.from_numpy((features / scale[0]).astype(np.float32)),
            torch.from_numpy(members.targets.astype(np.int64)),
        )
        return HeadTable(harmonizer, folds, rows, members.people, **self.inside(site, folds))

    def inside(self, site: str, folds: tuple[int, ...]) -> Parts:
        """Who is in which part of these folds."""
        return {part: chosen[list(folds)] for part, chosen in self.parts[site].items()}

    def _features(self, harmonizer: str | None) -> list[tuple[str, tuple[int, ...], dict[str, np.ndarray]]]:
        """(name, folds, site -> (n, d)) of each table behind a harmonizer."""
        sites, folds = self.federation.sites, range(len(next(iter(self.parts.values()))["train"]))
        if harmonizer is None or not HARMONIZERS[harmonizer].shares:
            every = {site: self.encoded.of(spec, harmonizer) for site, spec in sites.items()}
            return [(harmonizer or "plain", tuple(folds), every)]
        of_fold = self._on_features if HARMONIZERS[harmonizer].on == "features" else self._on_pixels
        return [(f"{harmonizer}-fold{fold + 1}", (fold,), of_fold(harmonizer, fold)) for fold in folds]

    def _fitted(
        self, harmonizer: str, fold: int, cases: Mapping[str, Sequence[np.ndarray]]
    ) -> tuple[dict[str, Statistics], Statistics]:
        """Each site's own statistics and the reference, of the fold's training cases alone."""
        training = {}
        for site, rows in cases.items():
            members = self.encoded.members(self.federation.sites[site])
            chosen = np.flatnonzero(self.parts[site]["train"][fold])
            training[site] = by_patient([rows[int(row)] for row in chosen], members.people[chosen].tolist())
        return fit(HARMONIZERS[harmonizer], training)

    def _on_pixels(self, harmonizer: str, fold: int) -> dict[str, np.ndarray]:
        cases = {
            site: [canvas[None].astype(np.float32) for canvas in self.encoded.canvases(spec)]
            for site, spec in self.federation.sites.items()
        }
        owns, reference = self._fitted(harmonizer, fold, cases)
        change = HARMONIZERS[harmonizer].apply
        return {
            site: self.encoded.encode(
                self.federation.sites[site].source,
                np.concatenate([change(case, owns[site], reference) for case in rows]).astype(np.float16),
            )
            for site, rows in cases.items()
        }

    def _on_features(self, harmonizer: str, fold: int) -> dict[str, np.ndarray]:
        """ComBat is affine in every feature: two points say what it does to all cases of a site."""
        cases = {site: self.encoded.of(spec, None).astype(np.float64) for site, spec in self.federation.sites.items()}
        owns, reference = self._fitted(harmonizer, fold, {site: list(rows) for site, rows in cases.items()})
        change = HARMONIZERS[harmonizer].apply
        found = {}
        for site, rows in cases.items():
            zero, one = (change(np.full(rows.shape[1], value), owns[site], reference) for value in (0.0, 1.0))
            found[site] = (zero + rows * (one - zero)).astype(np.float16)
        return found
