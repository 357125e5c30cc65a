"""What a site answers to each question, whatever carries it: from a payload to a payload, by its `Participant`."""

import json
import math
import time
from collections.abc import Callable, Mapping

from shiftscope.harmonizers import NOTHING
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.payloads import Payload, apart, prefixed

__all__ = ["ANSWERS", "REHEARSED", "SiteAnswer"]

SiteAnswer = Callable[[Participant, Payload], Payload]

_SPREAD = ("tensors/covariance", "freedom")
"""How differences vary, and degrees of freedom: fewer of these than patients tell that a fold has one of a class."""


def _describe(site: Participant, _payload: Payload) -> Payload:
    """Before anything: who it is, what it has."""
    facts = site.describe()
    if site.job.questions:
        facts |= site.rehearsal.describe()
    return Payload(facts=facts)


def _share(site: Participant, payload: Payload) -> Payload:
    """One exchange of a harmonizer: aggregates over the training cases."""
    facts = payload.facts
    return Payload(statistics=site.share(facts["harmonizer"], facts["fold"], facts["exchange"], payload.statistics))


def _harmonize(site: Participant, payload: Payload) -> Payload:
    """The reference is known: map all images, say how much they changed."""
    changed, kept = site.harmonize(payload.facts["harmonizer"], payload.facts["fold"], payload.statistics)
    return Payload(facts={"changed": changed, "kept": None if kept is None else kept.model_dump()})


def _train(site: Participant, payload: Payload) -> Payload:
    """One round."""
    facts = payload.facts
    own = (facts["round"], facts["accepted"])
    update = site.train(facts["arm"], facts["seed"], *own, payload.tensors, payload.statistics)
    spent = json.loads(update.spent.model_dump_json())
    return Payload(tensors=update.tensors, facts={"cases": update.cases, "loss": update.loss, "spent": spent})


def _evaluate(site: Participant, payload: Payload) -> Payload:
    """The final model, judged."""
    facts = payload.facts
    own = (facts["arm"], facts["seed"], facts["accepted"])
    evaluation, patients = site.evaluate(*own, payload.tensors, payload.statistics)
    return Payload(facts=evaluation.model_dump(), patients=patients)


def _compare(site: Participant, payload: Payload) -> Payload:
    """Every strategy beside the first."""
    judged = {(arm, seed): kept for arm, seed, kept in payload.facts["judged"]}
    spread, patients = site.compare(payload.facts["seeds"], judged)
    facts = {"strategies": list(spread.strategies), "freedom": spread.freedom}
    return Payload({"covariance": spread.covariance}, facts=facts, patients=dict.fromkeys(_SPREAD, patients))


def _share_all(site: Participant, payload: Payload) -> Payload:
    """One exchange of several harmonizers in several folds."""
    site.rehearsal.require_allowed()
    number, references = int(payload.facts["exchange"]), apart(payload.statistics)
    shares = {
        f"{name}/{fold}": site.share(name, fold, number, references.get(f"{name}/{fold}", NOTHING))
        for name, fold in payload.facts["asked"]
    }
    return Payload(statistics=prefixed(shares))


def _see(site: Participant, payload: Payload) -> Payload:
    """All cases as features behind a harmonizer."""
    references = {int(fold): found for fold, found in apart(payload.statistics).items()}
    return Payload(facts=site.rehearsal.prepare(payload.facts["harmonizer"], references))


def _train_heads(site: Participant, payload: Payload) -> Payload:
    """One round of all heads."""
    since = time.perf_counter()
    heads = site.rehearsal.train(payload.facts["round"], payload.tensors, payload.facts["scale"])
    return Payload(tensors=heads, facts={"seconds": time.perf_counter() - since})


def _weigh(site: Participant, payload: Payload) -> Payload:
    """The site's own heads are made, and stay; how much of them validation patients want."""
    since = time.perf_counter()
    weights = site.rehearsal.finish(payload.tensors, payload.facts["scale"])
    patients = {f"tensors/{name}": count for name, count in site.rehearsal.weighing().items()}
    return Payload(weights, facts={"seconds": time.perf_counter() - since}, patients=patients)


def _judge_heads(site: Participant, payload: Payload) -> Payload:
    """Mean scores of all strategies."""
    found = site.rehearsal.judge(payload.tensors, payload.statistics, payload.facts["scale"])
    kinds = {"means": found.means, "validation": found.validation}
    scores = {
        kind: {name: value if math.isfinite(value) else None for name, value in of_kind.items()}
        for kind, of_kind in kinds.items()
    }
    facts = {**scores, "strategies": list(found.spread.strategies), "freedom": found.spread.freedom}
    behind = {"means": site.rehearsal.tested, "validation": site.rehearsal.validated}
    patients = {f"{kind}.{name}": behind[kind] for kind, of_kind in scores.items() for name in of_kind}
    patients |= dict.fromkeys(_SPREAD, site.rehearsal.tested)
    return Payload({"covariance": found.spread.covariance}, facts=facts, patients=patients)


ANSWERS: Mapping[str, SiteAnswer] = {
    "query.describe": _describe,
    "query.share": _share,
    "query.harmonize": _harmonize,
    "train": _train,
    "evaluate": _evaluate,
    "query.compare": _compare,
    "query.shares": _share_all,
    "query.features": _see,
    "train.heads": _train_heads,
    "query.weights": _weigh,
    "evaluate.heads": _judge_heads,
}
"""Question, as messages call it -> the site's answer."""

REHEARSED = frozenset(
    ("query.describe", "query.shares", "query.features", "train.heads", "query.weights", "evaluate.heads")
)
"""All that a site answers in a rehearsal; in a run a strategy's scores leave it seed by seed, and so fold by fold."""
