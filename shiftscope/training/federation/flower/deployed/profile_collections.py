"""Profiles of a federation's sites, asked for by one question and written as they came."""

import json
from pathlib import Path
from typing import ClassVar

from flwr.app import Context
from flwr.serverapp import Grid, ServerApp

from shiftscope.errors import EngineError, ShiftscopeError
from shiftscope.profiles import Profile
from shiftscope.records import Document
from shiftscope.training.federation.flower.deployed.prompt_grids import PromptGrid
from shiftscope.training.federation.flower.site_nodes import Federation, Replies
from shiftscope.training.federation.payloads import Payload

__all__ = ["COLLECTOR", "CollectedAnswers", "ProfileCollection", "collected", "server"]

COLLECTOR = "shiftscope.training.federation.flower.deployed.profile_collections:server"
"""The coordinator's component."""


class ProfileCollection(Document):
    """Whom to ask. Written once as `job.json`; the coordinator's app gets its path and nothing else.

    Attributes:
        out: the folder of the collection, absolute.
        timeout_s: how long the slowest site is waited for.
        nodes: site -> its node in the federation's SuperLink.
    """

    SCHEMA: ClassVar[int] = 1

    out: Path
    timeout_s: float
    nodes: dict[str, str]

    @property
    def path(self) -> Path:
        """The file it is read from."""
        return self.out / "job.json"

    @property
    def answers_path(self) -> Path:
        """The file that says the collection is done."""
        return self.out / "answers.json"

    @property
    def sites(self) -> list[str]:
        """By name."""
        return sorted(self.nodes)


class CollectedAnswers(Document):
    """What came back.

    Attributes:
        profiles: site -> a profile's values, as nobody has looked at them yet.
        failures: site -> why there is none.
    """

    SCHEMA: ClassVar[int] = 1
    MOST_BYTES: ClassVar[int] = 1_000_000_000

    profiles: dict[str, str]
    failures: dict[str, str]


def collected(replies: Replies) -> CollectedAnswers:
    """What came back, less what is larger than any profile: one site's answer must not cost the others theirs."""
    profiles, failures = {}, dict(replies.failures)
    for site, answer in replies.payloads.items():
        text = json.dumps(answer.facts.get("profile"))
        if len(text) > Profile.MOST_BYTES:
            failures[site] = f"its profile takes {len(text)} bytes, expected {Profile.MOST_BYTES} at the most"
        else:
            profiles[site] = text
    return CollectedAnswers(profiles=profiles, failures=failures)


def main(grid: Grid, context: Context) -> None:
    """What Flower calls in a process of its own."""
    collection = ProfileCollection.read(Path(str(context.run_config["job"])), EngineError)
    federation = Federation(PromptGrid(grid), collection)
    try:
        federation.enter()
        replies = federation.ask_all("query.profile", Payload())
        collected(replies).write(collection.answers_path)
    except ShiftscopeError as problem:
        failures = dict.fromkeys(collection.sites, str(problem))
        CollectedAnswers(profiles={}, failures=failures).write(collection.answers_path)
        raise


server = ServerApp()
server.main()(main)
