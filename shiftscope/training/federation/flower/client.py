"""The app of a site where all sites are one operator's: in Flower's simulation, and in one process."""

import logging
import traceback
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from flwr.app import Context, Message
from flwr.clientapp import ClientApp

from shiftscope.errors import EngineError
from shiftscope.training.federation.flower.messages import pack, refuse, unpack
from shiftscope.training.federation.participants import Participant
from shiftscope.training.federation.site_answers import ANSWERS, REHEARSED
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


def answering(question: str) -> Callable[[Message, Context], Message]:
    """The answer to a question as Flower calls it.

    Whatever goes wrong at a site ends here: the details, which may name files and patients, go to the site's own
    log; the coordinator learns the kind of error and where the log is.
    """

    def reply(message: Message, context: Context) -> Message:
        site = participant_of(context)
        try:
            if site.job.questions and question not in REHEARSED:
                raise EngineError(f"{question} is nothing that is asked in a rehearsal")
            return Message(pack(ANSWERS[question](site, unpack(message.content))), reply_to=message)
        except Exception as problem:  # noqa: BLE001 - the boundary between a site and the federation
            site.home.mkdir(parents=True, exist_ok=True)
            with (site.home / "errors.log").open("a", encoding="utf-8") as log:
                log.write(f"{datetime.now().isoformat(timespec='seconds')} {question}\n{traceback.format_exc()}\n")
            logging.getLogger(__name__).debug("site %s: %s failed", site.site, question)
            where = (site.home / "errors.log").relative_to(site.job.out)
            return refuse(message, f"{type(problem).__name__}, see {where}")

    return reply


client = ClientApp()
for _question in ANSWERS:
    _kind, _, _action = _question.partition(".")
    getattr(client, _kind)(*filter(None, [_action]))(answering(_question))
