"""Honest documents that need no images, as plain values."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from shiftscope.errors import ShiftscopeError
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.plans import (
    Cost,
    Difference,
    Plan,
    PlannedSite,
    RehearsalBudget,
    RehearsalEncoder,
    RehearsalResult,
    RehearsalSite,
    RehearsedScore,
    RehearsedStrategy,
    TrialCost,
    TrialEntry,
    TrialResult,
    TrialRung,
    TrialSetup,
)
from shiftscope.profiles import Part, Patient, Profile, SiteAccumulator
from shiftscope.profiles.parts.origins import Origin
from shiftscope.records import Document

__all__ = ["POLICY", "PROFILES", "SEED", "Values", "part_of", "plain", "rehearsal_of", "trial_of", "trial_setup_of"]

Values = dict[str, Any]

PROFILES: dict[str, Values] = {
    path.name.removesuffix(".profile.json"): json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parent / "honest").iterdir())
}
"""Two sites with masks, two with classes too, a small one with bad files, and two under differential privacy: of the
fixtures and of patients drawn at random, by version 0.1.0."""

SEED = 20261129
"""Of the sweep of `make evidence`."""

POLICY: Values = {
    "schema": 1,
    "min_patients": 20,
    "max_unreadable": "2%",
    "scanners": ["PHANTOM *"],
    "labels": [],
    "require": ["noise"],
    "fail_on": ["appearance", "files"],
    "questions": {"appearance": {"warn": 0.1, "error": 1.0}},
    "axes": {"noise": {"error": 2.5}},
    "measures": {"brightness": {"warn": 5.0}},
}


def plain(document: Document) -> Values:
    """The values in its file."""
    return json.loads(document.to_json())


def _plan() -> Plan:
    return Plan(
        name="honest",
        task="segmentation",
        classes=(),
        model="unet",
        colour=False,
        image_size=32,
        rounds=8,
        local_steps=4,
        batch_size=4,
        learning_rate=0.01,
        seeds=(0, 1),
        harmonizer="zscore",
        personalizer="fedbn",
        sites={name: PlannedSite(fingerprint="0" * 64, patients=40, cases=44, classes=()) for name in ("a", "b")},
    )


def trial_of() -> TrialResult:
    """Three strategies in two rungs."""
    gain = Difference(mean=0.05, low=0.01, high=0.09)
    scores: dict[str, Any] = {"validation": 0.7, "test": 0.71, "passes": 100, "bytes": 1000, "seconds": 2.5}
    first = TrialEntry(fate="reference", harmonizer=None, algorithm="fedavg", **scores)
    best = TrialEntry(fate="kept", harmonizer="zscore", algorithm="fedbn", difference=gain, verdict="helped", **scores)
    last = TrialEntry(fate="dropped", harmonizer=None, algorithm="ditto", difference=gain, harmed=("b",), **scores)
    names = {"fedavg": first, "zscore+fedbn": best, "ditto": last}
    rungs = (
        TrialRung(rounds=4, judged=("a", "b"), strategies=names),
        TrialRung(
            rounds=8,
            judged=("a", "b"),
            strategies={"fedavg": first, "zscore+fedbn": best.model_copy(update={"fate": "finalist"})},
        ),
    )
    return TrialResult(
        plan=_plan(),
        engine="inline",
        metric="dice",
        margin=0.01,
        reference="fedavg",
        verdict="take",
        leader="zscore+fedbn",
        winner="zscore+fedbn",
        close=("fedavg",),
        ranking=("zscore+fedbn", "fedavg", "ditto"),
        keep=0.5,
        seeds=(0, 1),
        rungs=rungs,
        cost=TrialCost(passes=500, full_passes=900, bytes=5000, seconds=20.0),
        machine={"cpu": "x"},
        notes=("rung 1: site a missed a round",),
    )


def trial_setup_of() -> TrialSetup:
    """What that trial was asked to do."""
    return TrialSetup(plan=_plan(), strategies=("zscore+fedbn", "ditto"), rungs=(4, 8), keep=0.5)


def rehearsal_of() -> RehearsalResult:
    """Three strategies at two sites, one of which withholds its scores."""
    gain, spent = Difference(mean=0.05, low=0.01, high=0.09), Cost(bytes=1000, seconds=2.5)
    shares = {name: RehearsedScore(score=0.75, gain=gain) for name in "a"}
    first = RehearsedStrategy(
        name="fedavg",
        harmonizer=None,
        method="fedavg",
        score=0.7,
        sites={"a": RehearsedScore(score=0.7), "b": RehearsedScore()},
        cost=spent,
        stands_for=("fedbn",),
    )
    scored: Values = {"score": 0.75, "gain": gain, "expected": 0.04, "harm": 0.05, "sites": shares, "cost": spent}
    own = RehearsedStrategy(name="local", harmonizer=None, method="local", harmed=("a",), **scored)
    best = RehearsedStrategy(name="zscore+shrinkage", harmonizer="zscore", method="shrinkage", **scored)
    patients = {"train": 24, "val": 8, "test": 8}
    return RehearsalResult(
        plan=_plan(),
        engine="inline",
        metric="dice",
        encoder=RehearsalEncoder(model="resnet18", sha256="0" * 64),
        budget=RehearsalBudget(folds=5, rounds=8, local_steps=4),
        strategies=(first, own, best),
        sites={
            "a": RehearsalSite(answer="own_model", patients=patients),
            "b": RehearsalSite(patients=patients, withheld="8 test patients, 20 are needed"),
        },
        best="zscore+shrinkage",
        equal=("local",),
        left_out={"n4": "too slow"},
        cost=Cost(bytes=5000, seconds=20.0),
        machine={"cpu": "x"},
        notes=("site b: a class has 3 patients",),
    )


def part_of() -> Part:
    """Thirty patients with masks and labels, drawn at random."""
    rng = np.random.default_rng(0)
    axes = {"intensity": 8, "texture": 8, "intensity_outside": 8, "lesion": 8, "morphology": 8, "boundary": 4}
    accumulator = SiteAccumulator()
    for number in range(30):
        coordinates = {axis: rng.normal(size=width) for axis, width in axes.items()}
        numbers = {name: np.asarray(rng.uniform(1, 30)) for name in ("brightness", "noise", "contrast")}
        numbers |= {"quantiles": np.sort(rng.random(33)), "amplitude": rng.random(24)}
        label, tags = "benign" if number % 3 else "malignant", {"manufacturer": "ACME", "month": "2024-01"}
        accumulator.add(Patient(1, 1, label, coordinates, numbers, tags, frozenset({"2-D"}), False))
    curve = np.linspace(0.0, 1.0, 33)
    fit = Canonical(upright=curve, negative=curve, whole=curve, gain=np.ones(24), filtered=curve)
    names = tuple(f"{number:064x}" for number in range(30))
    profile = Profile.from_dict(PROFILES["masks-a"], "masks-a", ShiftscopeError)
    origin = Origin(
        site="drawn",
        layout="manifest",
        patient_source="manifest",
        seed=0,
        recipe=profile.recipe,
        excluded={"truncated": 1},
        people=names,
        cases=names,
    )
    return Part.of(origin, fit, accumulator)
