"""Fit the probabilities of the diagnosis on planted shifts, and judge them on bases that were left out.

    python benchmarks/planted.py DATA CACHE          once: half an hour
    python benchmarks/calibrate.py CACHE [--write]   ten minutes; with --write, package data, figures and tables

Every planted federation is exported as profiles and compared as `recommend` would; then models are fitted. For the
figures each family of bases (a hospital, a source, an anatomy) is judged by a model fitted on all the others.
"""

import argparse
import json
import pickle
import platform
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from calibration_report import report
from planted import BASES, load
from scenarios import FAINT, Truth, profiles_of, scenarios
from scipy.optimize import minimize
from scipy.special import expit

from shiftscope import diagnosis
from shiftscope.diagnosis.calibration import Calibration, QuestionModel, Signals, Term, signals
from shiftscope.diagnosis.verdicts import QUESTIONS, judge
from shiftscope.measures.basis import load_basis
from shiftscope.shifts import Shift, SiteStatistics, compare_all

SEED = 11
SIZES = (20, 40, 100, 200)
UNIT, DOUBT = 0.03, 0.25
RIDGE = 3e-3
TARGET = Path(diagnosis.__file__).parent / "calibration-1.json"

LEAKS: dict[tuple[str, bool], dict[str, tuple[str, ...]]] = {
    ("appearance", True): {"look": ("layout",), "colour": ("layout",), "texture": ("layout",), "noise": ("layout",)},
    ("appearance", False): {"look": ("layout",), "colour": ("layout",), "texture": ("layout",), "noise": ("layout",)},
    ("structure", True): {"size": ("boundary",), "layout": ("look", "noise")},
    ("structure", False): {"layout": ("look", "noise")},
    ("label", True): {"labels": ()},
    ("label", False): {"labels": ()},
    ("annotation", True): {"boundary": ("look", "noise", "layout", "size")},
}
"""(question, masks) -> axis of evidence -> the axes that may leak into it."""

TIED = ("texture", "noise")
"""Axes that share one weight: what was planted moves both, and each must count where it moves alone."""

Signal = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Federation:
    """A planted federation, compared.

    Attributes:
        base: its base.
        n: patients a site.
        plant: what was planted.
        severity: how strongly.
        form: "two", "odd" or "all".
        masks: whether masks were used.
        whole: what is true of it.
        truth: what is true of each pair.
        shifts: pair -> effects, those of the features left out.
        signals: of each pair.
    """

    base: str
    n: int
    plant: str
    severity: float
    form: str
    masks: bool
    whole: Truth
    truth: Mapping[tuple[str, str], Truth]
    shifts: Mapping[tuple[str, str], Shift]
    signals: Mapping[tuple[str, str], Signals]

    @property
    def family(self) -> str:
        """Bases of one family are left out together."""
        return BASES[self.base].family

    @property
    def faint(self) -> bool:
        """Populations that differ by half a deviation: told apart, not fitted."""
        return self.severity == FAINT and any(self.truth.values()) and self.plant in FAINT_PLANTS


FAINT_PLANTS = frozenset({"log_area", "eccentricity", "centroid_x", "components", "class ratio"})


def compared(base: str, cache: Path) -> list[Federation]:
    """All federations of one base."""
    names = [name for name in BASES if name == base or (name.startswith("phantom") and base.startswith("phantom"))]
    measured = {name: load(cache, name) for name in names}
    out = []
    for n in SIZES:
        for masks in (True, False) if BASES[base].masks else (False,):
            rng = np.random.default_rng([SEED, n, masks])
            for item in scenarios(measured, base, n, rng, masks=masks):
                pairs = {
                    pair: Shift(tuple(effect for effect in shift.effects if effect.question != "features"))
                    for pair, shift in compare_all(
                        [SiteStatistics.of(profile) for profile in profiles_of(item)]
                    ).pairs.items()
                }
                signals_of = dict(zip(pairs, signals(list(pairs.values())), strict=True))
                about = (item.base, item.n, item.plant, item.severity, item.form, item.masks)
                out.append(Federation(*about, item.whole(), item.truth, pairs, signals_of))
    return out


def rows_of(
    federations: Sequence[Federation], question: str, masks: bool
) -> tuple[list[Signals], np.ndarray, list[str]]:
    """Signals, truths and families of all pairs for which a question has a true answer."""
    found: list[Signals] = []
    truths, families = [], []
    for item in federations:
        if (question == "label" or item.masks == masks) and not item.faint:  # masks say nothing of labels
            for pair, truth in item.truth.items():
                if truth[question] is not None and (question != "label" or "labels" in item.signals[pair]):
                    found.append(item.signals[pair])
                    truths.append(float(bool(truth[question])))
                    families.append(item.family)
    return found, np.array(truths), families


class _Fit:
    """The model of one question while it is fitted: evidence as arrays."""

    def __init__(self, found: Sequence[Signals], truths: np.ndarray, leaks: Mapping[str, tuple[str, ...]]) -> None:
        none: Signal = (0.0, 0.0, 0.0)
        names = {*leaks, *(axis for axes in leaks.values() for axis in axes)}
        self.signals = {name: np.array([row.get(name, none) for row in found]) for name in names}
        self.truths, self.leaks = truths, leaks
        self.shares = [(axis, other) for axis, others in leaks.items() for other in others]
        weights = np.ones(len(truths))
        weights[truths == 1] *= 0.5 * np.sum(truths == 0) / max(np.sum(truths == 1), 1)  # one in three is shifted
        self.weights = weights / weights.sum()

    def evidence(self, logs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What each axis says (n, k), and what other axes can explain of it (n,)."""
        share = dict(zip(self.shares, np.exp(np.clip(logs, -9, 2)), strict=True))
        columns, disputed = [], np.zeros(len(self.truths))
        for axis, others in self.leaks.items():
            leaked = sum(
                (share[axis, other] * self.signals[other][:, 0] for other in others), np.zeros(len(self.truths))
            )
            whole = np.maximum(self.signals[axis][:, 1] - DOUBT * self.signals[axis][:, 2], 0)
            columns.append(np.log1p(np.maximum(whole - leaked, 0) / UNIT))
            disputed += np.log1p(whole / UNIT) - columns[-1]
        return np.stack(columns, axis=1), disputed

    def weighed(self, logs: np.ndarray) -> tuple[float, np.ndarray]:
        names = [TIED[0] if axis in TIED else axis for axis in self.leaks]
        tie = np.array([[float(name == other) for other in dict.fromkeys(names)] for name in names])
        sure, disputed = self.evidence(logs)
        x, y, w = np.column_stack([sure @ tie, disputed]), self.truths, self.weights
        d = x.shape[1]

        def loss(t: np.ndarray) -> tuple[float, np.ndarray]:
            z = x @ t[:d] + t[d]
            value = w @ (np.logaddexp(0, z) - y * z) + RIDGE * t[:d] @ t[:d]
            pull = w * (expit(z) - y)
            return float(value), np.append(x.T @ pull + 2 * RIDGE * t[:d], pull.sum())

        bounds = [(0, None)] * d + [(None, None)]
        best = minimize(loss, np.append(np.full(d, 0.5), -2.0), jac=True, bounds=bounds, method="L-BFGS-B")
        return float(best.fun), np.concatenate([tie @ best.x[: d - 1], best.x[d - 1 :]])

    def run(self) -> tuple[np.ndarray, np.ndarray]:
        """(logs of the shares, weights, intercept last): shares by coordinate steps, weights by gradient."""
        logs = np.full(len(self.shares), np.log(0.02))
        value, weights = self.weighed(logs)
        for step in (2.0, 1.0, 0.5):
            for _ in range(2):
                for k in range(len(logs)):
                    for sign in (1, -1):
                        tried = logs.copy()
                        tried[k] += sign * step
                        other, found = self.weighed(tried)
                        if other < value - 1e-7:
                            logs, value, weights = tried, other, found
                            break
        return logs, weights


def fitted(federations: Sequence[Federation]) -> Calibration:
    """The models of all questions."""
    answers = []
    for (question, masks), leaks in LEAKS.items():
        found, truths, _ = rows_of(federations, question, masks)
        fit = _Fit(found, truths, leaks)
        logs, weights = fit.run()
        share = dict(zip(fit.shares, np.exp(np.clip(logs, -9, 2)).tolist(), strict=True))
        terms = tuple(
            Term(axis=axis, weight=float(weights[k]), leaks={other: share[axis, other] for other in others})
            for k, (axis, others) in enumerate(leaks.items())
        )
        disputed, intercept = float(weights[-2]), float(weights[-1])
        answers.append(
            QuestionModel(question=question, masks=masks, intercept=intercept, disputed=disputed, terms=terms)
        )
    return Calibration(unit=UNIT, doubt=DOUBT, answers=tuple(answers), provenance={})


def judged(family: str, federations: Sequence[Federation]) -> list[dict[str, object]]:
    """The federations of a family, judged by a model that has seen none of its patients."""
    strangers = family.startswith("phantom")  # another anatomy is drawn from another family of phantoms
    model = fitted(
        [item for item in federations if item.family != family and not (strangers and item.plant == "anatomy")]
    )
    out: list[dict[str, object]] = []
    for item in federations:
        if item.family == family:
            verdicts = judge(list(item.shifts.values()), calibration=model)
            out.append(
                {
                    **{key: getattr(item, key) for key in ("base", "n", "plant", "severity", "form", "masks", "whole")},
                    "faint": item.faint,
                    "truth": list(item.truth.values()),
                    "probability": [
                        {question: answer.probability for question, answer in verdict.axes.items()}
                        for verdict in verdicts
                    ],
                    "called": {
                        question: any(verdict.axes[question].called for verdict in verdicts) for question in QUESTIONS
                    },
                }
            )
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    stored = options.cache / "compared.pickle"
    if not stored.exists():
        bases = [base for base in BASES if (options.cache / f"{base}.pickle").exists()]
        with ProcessPoolExecutor(options.jobs) as pool:
            parts = list(pool.map(partial(compared, cache=options.cache), bases))
        stored.write_bytes(pickle.dumps([item for part in parts for item in part]))
    federations: list[Federation] = pickle.loads(stored.read_bytes())
    print(f"{len(federations)} federations", flush=True)
    whole = fitted(federations)
    for answer in whole.answers:
        print(
            answer.question,
            answer.masks,
            round(answer.intercept, 2),
            {t.axis: (round(t.weight, 2), t.leaks) for t in answer.terms},
        )
    families = sorted({item.family for item in federations})
    with ProcessPoolExecutor(options.jobs) as pool:
        parts = list(pool.map(partial(judged, federations=federations), families))
    found = [item for part in parts for item in part]
    if options.write:
        provenance = {
            "made": time.strftime("%Y-%m-%d"),
            "machine": f"{platform.machine()}, Python {platform.python_version()}",
            "seed": str(SEED),
            "bases": ", ".join(sorted({item.base for item in federations})),
            "federations": str(len(federations)),
            "basis_sha256": load_basis()[1],
        }
        whole.model_copy(update={"provenance": provenance}).write(TARGET)
    (options.cache / "judged.json").write_text(json.dumps(found))
    report(found, write=options.write)


if __name__ == "__main__":
    main()
