"""An honest question and answer of every kind, to change one field of; and gates that keep what they are told."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from small_orders import profile_order, small_order
from small_plans import planned_sites, small_plan
from small_policies import HEALTHY, permissive

from shiftscope.disclosure.disclosure_gate import DisclosureGate
from shiftscope.disclosure.policies.admissibility import SiteCondition
from shiftscope.disclosure.policies.site_policy import SitePolicy
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Release, Withheld
from shiftscope.federations.orders import Order, OrderedArm

__all__ = [
    "HONEST",
    "PROFILE",
    "REHEARSE",
    "SCORES",
    "SITE",
    "TRAIN",
    "Exchange",
    "Said",
    "order_for",
    "outcome_of",
    "profile_values",
]

SITE = "ashford"
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "profile-1.json"


@dataclass(frozen=True)
class Said:
    """The content of a message."""

    tensors: Mapping[str, np.ndarray] = field(default_factory=dict)
    statistics: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    patients: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Exchange:
    """A question and its answer."""

    question: str
    asked: Said
    answer: Said

    def saying(self, **facts: Any) -> "Exchange":
        """With other facts beside or instead of the honest ones."""
        return replace(self, answer=replace(self.answer, facts={**self.answer.facts, **facts}))

    def asking(self, **facts: Any) -> "Exchange":
        """Asked for something else."""
        return replace(self, asked=replace(self.asked, facts={**self.asked.facts, **facts}))

    def sending(self, group: str, **arrays: Any) -> "Exchange":
        """With other arrays beside or instead of the honest ones."""
        return replace(self, answer=replace(self.answer, **{group: {**getattr(self.answer, group), **arrays}}))


def profile_values(**keys: Any) -> dict[str, Any]:
    """A profile of this site: 40 patients, two classes, a scanner."""
    values = json.loads(GOLDEN.read_text(encoding="utf-8"))
    classes = {"labelled": 40, "labels": {"benign": 22, "malignant": 18}, "excluded": {"truncated": 2}}
    return values | {"site": SITE} | classes | keys


HARMONIZED = OrderedArm(name="adapted", algorithm="fedbn", harmonizer="quantile_map", rounds=10, gated=True)
BASELINE = OrderedArm(name="baseline", algorithm="fedavg", harmonizer=None, rounds=10)
REFERENCE = OrderedArm(name="fedavg", algorithm="fedavg", harmonizer=None, rounds=30)

TRAIN = small_order(
    arms=(BASELINE, HARMONIZED),
    plan=small_plan(sites=planned_sites(("ashford", "bexley", "colne"), 40), classes=("cyst", "tumour"), folds=3),
)
REHEARSE = small_order(
    kind="rehearse",
    arms=(REFERENCE,),
    questions=40,
    plan=small_plan(
        sites=planned_sites(("ashford", "bexley", "colne"), 40),
        task="classification",
        classes=("large", "small"),
        folds=3,
    ),
)
PROFILE = profile_order()

WEIGHTS = {"body.weight": np.ones((3, 2), np.float32), "steps": np.array(4, np.int64)}
HEADS = {"plain": np.full((3, 5, 2), 0.5, np.float32), "zscore": np.zeros((3, 5, 2), np.float32)}
SPENT = {"up": 0, "down": 0, "steps": 20, "passes": 20, "seconds": 1.5, "peak_bytes": None, "start": "0f" * 8}
SCORES = {"dice": 0.8, "surface_px": 3.5, "dice of cyst": None, "surface_px of tumour": 12.0}
COUNTS = {"train": 28, "val": 4, "test": 8}

HONEST: Mapping[str, tuple[Order, Exchange]] = {
    exchange.question: (order, exchange)
    for order, exchange in (
        (PROFILE, Exchange("query.profile", Said(), Said(facts={"profile": profile_values()}))),
        (
            REHEARSE,
            Exchange(
                "query.describe",
                Said(),
                Said(
                    facts={
                        "site": SITE,
                        "patients": COUNTS,
                        "left_out": {"truncated": 2},
                        "split": "0123456789abcdef",
                        "withheld": "",
                        "cases": [28, 28, 28],
                        "even": False,
                    }
                ),
            ),
        ),
        (
            TRAIN,
            Exchange(
                "query.share",
                Said(facts={"harmonizer": "quantile_map", "fold": 0, "exchange": 0}),
                Said(statistics={"quantiles": np.linspace(0, 1, 32)[None]}),
            ),
        ),
        (
            TRAIN,
            Exchange(
                "query.harmonize",
                Said(
                    statistics={"quantiles": np.linspace(0, 1, 32)[None]},
                    facts={"harmonizer": "quantile_map", "fold": 0},
                ),
                Said(
                    facts={
                        "changed": 0.05,
                        "kept": {
                            "cases": 28,
                            "before": 1.0,
                            "after": 0.9,
                            "drop": 0.1,
                            "low": 0,
                            "high": 0.2,
                            "lost": False,
                        },
                    }
                ),
            ),
        ),
        (
            TRAIN,
            Exchange(
                "train",
                Said(tensors=WEIGHTS, facts={"arm": "adapted", "seed": 1, "round": 3, "accepted": 2}),
                Said(tensors=WEIGHTS, facts={"cases": 28, "loss": 0.25, "spent": SPENT}),
            ),
        ),
        (
            TRAIN,
            Exchange(
                "evaluate",
                Said(tensors=WEIGHTS, facts={"arm": "adapted", "seed": 1, "accepted": 10}),
                Said(
                    facts={
                        "cases": 8,
                        "scores": SCORES,
                        "ungated": SCORES,
                        "validation": SCORES,
                        "kept_baseline": False,
                        "spent": SPENT,
                    }
                ),
            ),
        ),
        (
            TRAIN,
            Exchange(
                "query.compare",
                Said(facts={"seeds": [0, 1, 2], "judged": [["baseline", 0, False], ["adapted", 0, True]]}),
                Said(
                    tensors={"covariance": np.full((2, 3, 2, 3), np.nan)},
                    facts={"strategies": ["adapted", "ungated/adapted"], "freedom": 7},
                ),
            ),
        ),
        (
            REHEARSE,
            Exchange(
                "query.shares",
                Said(facts={"asked": [["quantile_map", 0], ["nyul", 2]], "exchange": 0}),
                Said(statistics={"quantile_map/0/quantiles": np.zeros((1, 32)), "nyul/2/quantiles": np.ones((1, 11))}),
            ),
        ),
        (
            REHEARSE,
            Exchange(
                "query.features",
                Said(facts={"harmonizer": "zscore"}),
                Said(facts={"squares": [0.5, 1], "features": 4, "seconds": 0.5, "same_as": ["plain"]}),
            ),
        ),
        (
            REHEARSE,
            Exchange(
                "train.heads",
                Said(tensors=HEADS, facts={"round": 30, "scale": [1.0, 2.0]}),
                Said(tensors=HEADS, facts={"seconds": 0.5}),
            ),
        ),
        (
            REHEARSE,
            Exchange(
                "query.weights",
                Said(tensors=HEADS, facts={"scale": [1.0]}),
                Said(tensors={"plain": np.array([[0.5, 0.01], [np.nan, np.nan]])}, facts={"seconds": 0.5}),
            ),
        ),
        (
            REHEARSE,
            Exchange(
                "evaluate.heads",
                Said(tensors=HEADS, facts={"scale": [1.0]}),
                Said(
                    tensors={"covariance": np.zeros((2, 1, 2, 1))},
                    facts={
                        "means": {"fedavg": 0.7, "local": None, "zscore+lp_ft": 1.0},
                        "validation": {"fedavg": 0.7},
                        "strategies": ["local", "zscore+lp_ft"],
                        "freedom": 7,
                    },
                ),
            ),
        ),
    )
}
"""Question -> an order under which it is asked, and an honest answer."""


def order_for(question: str) -> Order:
    """An order under which it is asked."""
    return HONEST[question][0]


def outcome_of(
    exchange: Exchange,
    folder: Path,
    order: Order | None = None,
    policy: SitePolicy | None = None,
    condition: SiteCondition = HEALTHY,
    work: Callable[[Any], Any] | None = None,
) -> tuple[Release | Withheld, ReleaseLog, list[object]]:
    """What comes of an exchange, the log afterwards, and what the site's own people are told."""
    heard: list[object] = []
    log = ReleaseLog(folder)
    chosen = order or order_for(exchange.question)
    gate = DisclosureGate(
        SITE, chosen, lambda: permissive() if policy is None else policy, log, lambda: condition, heard.append
    )
    outcome = gate.answer(exchange.question, lambda: exchange.asked, work or (lambda _: exchange.answer))
    return outcome, log, heard
