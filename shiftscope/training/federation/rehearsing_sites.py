"""One site in a rehearsal: what it computes at home and what it sends. No engine in here."""

import math
import time
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from shiftscope.errors import EngineError
from shiftscope.files import FileState, state_of
from shiftscope.harmonizers import HARMONIZERS, NOTHING, Statistics
from shiftscope.profiles.widths import CELL, FEWEST
from shiftscope.training.algorithms.aggregation import Tensors
from shiftscope.training.data.model_inputs import Samples
from shiftscope.training.evaluation.scored_patients import patients_deciding
from shiftscope.training.federation.kept_tables import arrays_of, kept_table, mean_squares
from shiftscope.training.federation.site_data import SiteData
from shiftscope.training.rehearsals.coordinated_heads import TableKey
from shiftscope.training.rehearsals.head_tables import HeadTable
from shiftscope.training.rehearsals.rehearsed_strategies import harmonizers_of, strategies_of
from shiftscope.training.rehearsals.table_rehearsals import HeadScores, OwnHeads, train_shared
from shiftscope.training.runs.array_files import load_arrays, save_arrays
from shiftscope.training.runs.jobs import Job

__all__ = ["PLAIN", "RehearsingSite", "keys_of"]


PLAIN = "plain"
"""The table of images as they are."""


def keys_of(job: Job) -> list[TableKey]:
    """All tables of a rehearsal: one for all folds, or where a harmonizer is fitted, one for each."""
    folds = tuple(range(job.plan.folds))
    keys: list[TableKey] = [(PLAIN, None, folds)]
    for name in harmonizers_of(job.plan):
        keys += (
            [(f"{name}-fold{fold + 1}", name, (fold,)) for fold in folds]
            if HARMONIZERS[name].shares
            else [(name, name, folds)]
        )
    return keys


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Tables in memory, at the scale that all sites agreed on, level by level, as their files were when read."""

    scale: tuple[float, ...]
    files: dict[str, FileState | None]
    tables: dict[str, HeadTable]


class RehearsingSite:
    """One site, with its features kept in its own folder: a simulation's processes serve any site at any time.

    What leaves are heads, mean scores and what these vary by, and they leave only where enough patients stand behind
    them (`withheld`).
    """

    def __init__(self, job: Job, site: str, data: SiteData) -> None:
        self.job = job
        self.site = site
        self.home = job.home(site) / "rehearsal"
        self.data = data
        self._kept: _Scaled | None = None

    @cached_property
    def withheld(self) -> str:
        """Why nothing leaves this site; empty where it does. The rule is a profile's, over the test patients of all
        folds."""
        return self._too_few("test", self._folds)

    def _too_few(self, part: str, folds: Sequence[Samples]) -> str:
        """Why a mean score on these patients stays at home; empty where it need not."""
        label_of = {sample.patient: sample.target for fold in folds for sample in getattr(fold, part)}
        if len(label_of) < FEWEST:
            return f"fewer than {FEWEST} {part} patients"
        if self.job.plan.task == "classification":
            counts = np.bincount([int(label) for label in label_of.values()], minlength=len(self.job.plan.classes))
            if few := [name for name, count in zip(self.job.plan.classes, counts, strict=True) if count < CELL]:
                return f"fewer than {CELL} {part} patients of class {few[0]}"
        return ""

    @property
    def _validating(self) -> list[Samples]:
        """The folds in which all classes validate, and the others' scores on validation are unknown."""
        classes = len(self.job.plan.classes) if self.job.plan.task == "classification" else 0
        return [fold for fold in self._folds if not classes or len({int(s.target) for s in fold.val}) == classes]

    @property
    def tested(self) -> int:
        """Patients that scores on test cases rest on, in the fold with fewest: whoever sends heads that are constant in
        all other folds has its own score out of the mean over folds."""
        return min(patients_deciding(fold.test, self.job.plan) for fold in self._folds)

    @property
    def validated(self) -> int:
        """The same of scores on validation cases."""
        return min((patients_deciding(fold.val, self.job.plan) for fold in self._validating), default=0)

    def weighing(self) -> dict[str, int]:
        """Table -> validation patients who say how much of the own head they want, in the fold with fewest.

        They are those of all folds but the patients that the fold tests, as `OwnHeads.weights` asks them. Where they
        are fewer than `FEWEST` it says nothing of them.
        """
        every = {sample.patient for fold in self._folds for sample in fold.val}
        asked = [len(every - {sample.patient for sample in fold.test}) for fold in self._folds]
        return {
            name: min((asked[fold] for fold in folds if asked[fold] >= FEWEST), default=FEWEST)
            for name, _, folds in keys_of(self.job)
        }

    @property
    def cases(self) -> list[int]:
        """Training cases in each fold."""
        return [len(fold.train) for fold in self._folds]

    @property
    def even(self) -> bool:
        """Whether classes are equally frequent among the training cases of every fold."""
        if self.job.plan.task != "classification":
            return False
        targets = [[int(sample.target) for sample in fold.train] for fold in self._folds]
        return all(np.ptp(np.bincount(of_fold, minlength=len(self.job.plan.classes))) == 0 for of_fold in targets)

    def describe(self) -> dict[str, Any]:
        """Why scores stay at home, or else what the coordinator has to know; evenness would tell a class's size."""
        if self.withheld:
            return {"withheld": self.withheld}
        return {"withheld": "", "cases": self.cases, "even": self.even}

    @property
    def _folds(self) -> list[Samples]:
        return [self.data.in_fold(fold).loaded for fold in range(self.job.plan.folds)]

    def require_allowed(self) -> None:
        """Nothing leaves a site with too few patients, whatever is asked.

        Raises:
            EngineError: this is one.
        """
        if self.withheld:
            raise EngineError(f"site {self.site}: {self.withheld}, so it takes no part in a rehearsal")

    def prepare(self, harmonizer: str | None, references: Mapping[int, Statistics]) -> dict[str, Any]:
        """Features of all cases behind one harmonizer, computed once and kept.

        Args:
            references: fold -> what the sites agreed on.

        Returns:
            "squares": their mean square, level by level; "features": how many a head weighs; "seconds": what it took;
            "same_as": harmonizers, or `PLAIN`, behind which all cases have the very same.
        """
        self.require_allowed()
        since = time.perf_counter()
        tables = []
        for name, of, folds in keys_of(self.job):
            if of == harmonizer:
                data = {fold: self.data.in_fold(fold) for fold in folds}
                samples = {
                    fold: each.harmonized(harmonizer, references.get(fold, NOTHING)) for fold, each in data.items()
                }
                tables.append(arrays_of(samples, self.job))
                save_arrays(self._path(name), tables[-1])
        return {
            "squares": np.mean([mean_squares(table) for table in tables], axis=0).tolist(),
            "features": int(tables[0]["shapes"][:, 0].sum()),
            "seconds": time.perf_counter() - since,
            "same_as": self._same_as(harmonizer, tables),
        }

    def _same_as(self, prepared: str | None, tables: Sequence[Tensors]) -> list[str]:
        """Harmonizers prepared before whose features equal these, case by case and fold by fold."""
        same = []
        mine = [table["features"] for table in tables]
        for harmonizer in (None, *harmonizers_of(self.job.plan)):
            paths = [self._path(name) for name, of, _ in keys_of(self.job) if of == harmonizer]
            if harmonizer == prepared or not all(path.exists() for path in paths):
                continue
            theirs = [load_arrays(path)["features"] for path in paths]
            theirs = theirs if len(theirs) == len(mine) else theirs * len(mine)
            if len(theirs) == len(mine) and all(map(np.array_equal, mine, theirs)):
                same.append(harmonizer or PLAIN)
        return same

    def train(self, number: int, shared: Mapping[str, np.ndarray], scale: Sequence[float]) -> dict[str, np.ndarray]:
        """One round on all tables."""
        self.require_allowed()
        found = train_shared(self._tables(scale, shared), _torch(shared), number)
        return {name: heads.numpy() for name, heads in found.items()}

    def finish(self, shared: Mapping[str, np.ndarray], scale: Sequence[float]) -> dict[str, np.ndarray]:
        """Make the site's own heads; what its validation patients say of their weight.

        Returns:
            Table -> (folds, 2) mean and variance; NaN where too few patients say anything.
        """
        self.require_allowed()
        tables, heads = self._tables(scale, shared), _torch(shared)
        own = OwnHeads.of(tables, heads)
        for kind, found in (("local", own.local), ("tuned", own.tuned)):
            save_arrays(self.home / f"{kind}-heads.safetensors", {name: each.numpy() for name, each in found.items()})
        return {
            name: np.array([(np.nan, np.nan) if each is None else (each.mean, each.variance) for each in found])
            for name, found in own.weights(tables, heads).items()
        }

    def judge(
        self, shared: Mapping[str, np.ndarray], weights: Mapping[str, np.ndarray], scale: Sequence[float]
    ) -> HeadScores:
        """Every strategy on the test patients of all folds; no score of a fold leaves, nor of a patient.

        Scores on validation patients are unknown where these are fewer than the test patients have to be.
        """
        self.require_allowed()
        kept = [_torch(load_arrays(self.home / f"{kind}-heads.safetensors")) for kind in ("local", "tuned")]
        tables = self._tables(scale, shared)
        harmonizers = tuple(dict.fromkeys(table.harmonizer for table in tables.values() if table.harmonizer))
        strategies = strategies_of(harmonizers, self.job.plan)
        tested, trained = (sum(len(getattr(fold, part)) for fold in self._folds) for part in ("test", "train"))
        found = OwnHeads(*kept).judge(tables, _torch(shared), weights, strategies, tested / trained)
        enough = not self._too_few("val", self._validating)
        return found if enough else replace(found, validation=dict.fromkeys(found.validation, math.nan))

    def _path(self, table: str) -> Path:
        return self.home / f"{table}.safetensors"

    def _tables(self, scale: Sequence[float], wanted: Container[str]) -> dict[str, HeadTable]:
        """Those for which heads came, read once; any process may have prepared them anew meanwhile."""
        keys = [key for key in keys_of(self.job) if key[0] in wanted]
        files = {name: state_of(self._path(name)) for name, _, _ in keys}
        if self._kept is None or (self._kept.scale, self._kept.files) != (tuple(scale), files):
            tables = {
                name: kept_table(load_arrays(self._path(name)), harmonizer, folds, scale, self.job.plan)
                for name, harmonizer, folds in keys
            }
            self._kept = _Scaled(tuple(scale), files, tables)
        return self._kept.tables


def _torch(arrays: Mapping[str, np.ndarray]) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(np.array(array)) for name, array in arrays.items()}
