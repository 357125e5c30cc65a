"""The app every site runs: messages in, a `Participant`'s answers out."""

import json
import logging
import math
import time
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from shiftscope.errors import EngineError
from shiftscope.harmonizers import NOTHING
from shiftscope.training.federation.flower.messages import Payload, apart, pack, prefixed, refuse, unpack
from shiftscope.training.federation.participants import Participant
from shiftscope.training.runs.jobs import Job

__all__ = ["client", "participant_of"]

CACHED_SITES = 8
"""A simulation's worker serves any site: this many keep their images in its memory."""


@lru_cache(maxsize=CACHED_SITES)
def participant(job_file: Path, number: int) -> Participant:
    """The site with that number in the job's order, with its data kept between messages."""
    job = Job.read(job_file, EngineError)
    return Participant(job, job.sites[number])


def participant_of(context: Context) -> Participant:
    """Who this process acts for."""
    return participant(Path(str(context.run_config["job"])), int(context.node_config["partition-id"]))


def describe(site: Participant, _payload: Payload) -> Payload:
    """Before anything: who it is, what it has."""
    facts = site.describe()
    if site.job.questions:
        facts |= site.rehearsal.describe()
    return Payload(facts=facts)


def share(site: Participant, payload: Payload) -> Payload:
    """One exchange of a harmonizer: aggregates over the training cases."""
    facts = payload.facts
    return Payload(statistics=site.share(facts["harmonizer"], facts["fold"], facts["exchange"], payload.statistics))


def harmonize(site: Participant, payload: Payload) -> Payload:
    """The reference is known: map all images, say how much they changed."""
    changed, kept = site.harmonize(payload.facts["harmonizer"], payload.facts["fold"], payload.statistics)
    return Payload(facts={"changed": changed, "kept": None if kept is None else kept.model_dump()})


def train(site: Participant, payload: Payload) -> Payload:
    """One round."""
    facts = payload.facts
    own = (facts["round"], facts["accepted"])
    update = site.train(facts["arm"], facts["seed"], *own, payload.tensors, payload.statistics)
    spent = json.loads(update.spent.model_dump_json())
    return Payload(tensors=update.tensors, facts={"cases": update.cases, "loss": update.loss, "spent": spent})


def evaluate(site: Participant, payload: Payload) -> Payload:
    """The final model, judged."""
    facts = payload.facts
    evaluation = site.evaluate(facts["arm"], facts["seed"], facts["accepted"], payload.tensors, payload.statistics)
    return Payload(facts=evaluation.model_dump())


def compare(site: Participant, payload: Payload) -> Payload:
    """Every strategy beside the first."""
    judged = {(arm, seed): kept for arm, seed, kept in payload.facts["judged"]}
    spread = site.compare(payload.facts["seeds"], judged)
    facts = {"strategies": list(spread.strategies), "freedom": spread.freedom}
    return Payload(tensors={"covariance": spread.covariance}, facts=facts)


def share_all(site: Participant, payload: Payload) -> Payload:
    """One exchange of several harmonizers in several folds."""
    site.rehearsal.require_allowed()
    number, references = int(payload.facts["exchange"]), apart(payload.statistics)
    shares = {
        f"{name}/{fold}": site.share(name, fold, number, references.get(f"{name}/{fold}", NOTHING))
        for name, fold in payload.facts["asked"]
    }
    return Payload(statistics=prefixed(shares))


def see(site: Participant, payload: Payload) -> Payload:
    """All cases as features behind a harmonizer."""
    references = {int(fold): found for fold, found in apart(payload.statistics).items()}
    return Payload(facts=site.rehearsal.prepare(payload.facts["harmonizer"], references))


def train_heads(site: Participant, payload: Payload) -> Payload:
    """One round of all heads."""
    since = time.perf_counter()
    heads = site.rehearsal.train(payload.facts["round"], payload.tensors, payload.facts["scale"])
    return Payload(tensors=heads, facts={"seconds": time.perf_counter() - since})


def weigh(site: Participant, payload: Payload) -> Payload:
    """The site's own heads are made, and stay; how much of them validation patients want."""
    since = time.perf_counter()
    weights = site.rehearsal.finish(payload.tensors, payload.facts["scale"])
    return Payload(tensors=weights, facts={"seconds": time.perf_counter() - since})


def judge_heads(site: Participant, payload: Payload) -> Payload:
    """Mean scores of all strategies."""
    found = site.rehearsal.judge(payload.tensors, payload.statistics, payload.facts["scale"])
    kinds = {"means": found.means, "validation": found.validation}
    scores = {
        kind: {name: value if math.isfinite(value) else None for name, value in of_kind.items()}
        for kind, of_kind in kinds.items()
    }
    facts = {**scores, "strategies": list(found.spread.strategies), "freedom": found.spread.freedom}
    return Payload(tensors={"covariance": found.spread.covariance}, facts=facts)


_REHEARSED = (describe, share_all, see, train_heads, weigh, judge_heads)
"""All that a site answers in a rehearsal; in a run a strategy's scores leave it seed by seed, and so fold by fold."""


def answering(handler: Callable[[Participant, Payload], Payload]) -> Callable[[Message, Context], Message]:
    """A handler as Flower calls it.

    Whatever goes wrong at a site ends here: the details, which may name files and patients, go to the site's own
    log; the coordinator learns the kind of error and where the log is.
    """

    def reply(message: Message, context: Context) -> Message:
        site = participant_of(context)
        try:
            if site.job.questions and handler not in _REHEARSED:
                raise EngineError(f"{handler.__name__} is nothing that is asked in a rehearsal")
            return Message(pack(handler(site, unpack(message.content))), reply_to=message)
        except Exception as problem:  # noqa: BLE001 - the boundary between a site and the federation
            site.home.mkdir(parents=True, exist_ok=True)
            with (site.home / "errors.log").open("a", encoding="utf-8") as log:
                log.write(
                    f"{datetime.now().isoformat(timespec='seconds')} {handler.__name__}\n{traceback.format_exc()}\n"
                )
            logging.getLogger(__name__).debug("site %s: %s failed", site.site, handler.__name__)
            where = (site.home / "errors.log").relative_to(site.job.out)
            return refuse(message, f"{type(problem).__name__}, see {where}")

    return reply


client = ClientApp()
client.query("describe")(answering(describe))
client.query("share")(answering(share))
client.query("harmonize")(answering(harmonize))
client.query("compare")(answering(compare))
client.query("shares")(answering(share_all))
client.query("features")(answering(see))
client.query("weights")(answering(weigh))
client.train("heads")(answering(train_heads))
client.evaluate("heads")(answering(judge_heads))
client.train()(answering(train))
client.evaluate()(answering(evaluate))
