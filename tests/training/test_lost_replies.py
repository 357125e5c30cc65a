"""An answer that never arrives is work that was never done: the site goes on from its last accepted round."""

from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flwr.app import Message
from recorded_runs import SEED, Recorded, apart, arms_for, go_on, job_for

from shiftscope.errors import EngineError
from shiftscope.plans import RoundEntry
from shiftscope.training.algorithms.aggregation import Tensors, Update
from shiftscope.training.evaluation.fairness import digest_of
from shiftscope.training.federation.flower.inline import InlineGrid
from shiftscope.training.federation.flower.messages import unpack
from shiftscope.training.federation.participants import Participant
from shiftscope.training.runs.jobs import Job
from shiftscope.training.runs.states import load_checkpoint

ROUNDS = 3
REMEMBERING = ("fedbn", "fedper", "ditto", "apfl", "perfedavg", "fedala", "scaffold")
"""One of each kind of what a site has of its own, from nothing to a model and more."""

PATTERNS = {
    "one": {("b", 2)},
    "consecutive": {("b", 1), ("b", 2)},
    "all of a site": {("b", 1), ("b", 2), ("b", 3)},
    "both, in turn": {("a", 1), ("b", 2), ("a", 3)},
}

Lost = Collection[tuple[str, int]]
"""(site, round), of every strategy."""


class Network(InlineGrid):
    """Loses messages of some sites in some rounds, on the way there or, with the work done, on the way back."""

    def __init__(self, job: Job, lost: Lost, leg: str, log: Any = None, kind: str = "train") -> None:
        super().__init__(job, log=log)
        self.job, self.lost, self.leg, self.kind = job, lost, leg, kind
        self.held: list[Message] = []

    def send_and_receive(self, messages: Iterable[Message], *, timeout: float | None = None) -> Iterable[Message]:
        sent: list[Message] = []
        gone: set[int] = set()
        for message in messages:
            if self._loses(message):
                if self.leg != "back":
                    self.held += [message] * (self.leg == "late")
                    continue
                gone.add(message.metadata.dst_node_id)
            sent.append(message)
        replies = [
            reply for reply in super().send_and_receive(sent, timeout=timeout) if reply.metadata.src_node_id not in gone
        ]
        for message in self.held if sent and _round(sent[0]) and not gone else []:
            if _round(message) != _round(sent[0]):  # this site works more slowly than the others go on
                self._deliver(message)
        return replies

    def _loses(self, message: Message) -> bool:
        site = self.job.sites[int(self.contexts[message.metadata.dst_node_id].node_config["partition-id"])]
        return message.metadata.message_type == self.kind and (site, _round(message)) in self.lost


def _round(message: Message) -> int:
    return int(unpack(message.content).facts.get("round", 0))


def run(pair: dict[str, Path], out: Path, names: Collection[str], lost: Lost = (), leg: str = "back") -> Recorded:
    plan = apart(pair, rounds=ROUNDS)
    return go_on(job_for(plan, pair, out, arms_for(plan, list(names))), partial(Network, lost=lost, leg=leg))


def same(one: Tensors, other: Tensors) -> bool:
    return digest_of(one) == digest_of(other)


def measured_apart(entry: RoundEntry) -> object:
    spent = {site: cost.model_copy(update={"seconds": None, "peak_bytes": None}) for site, cost in entry.sites.items()}
    return entry.model_copy(update={"seconds": 0.0, "sites": spent})


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=[pytest.mark.slow] * (name != "consecutive")) for name in PATTERNS],
)
def both(
    request: pytest.FixtureRequest, pair: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Recorded, Recorded]:
    """A run whose answers were lost, and one in which the sites were not even asked."""
    lost, out = PATTERNS[request.param], tmp_path_factory.mktemp("lost")
    return run(pair, out / "back", REMEMBERING, lost), run(pair, out / "there", REMEMBERING, lost, "there")


@pytest.mark.parametrize("name", REMEMBERING)
def test_a_lost_answer_is_as_if_the_site_had_not_been_asked(name: str, both: tuple[Recorded, Recorded]) -> None:
    lost, unasked = both
    mine, theirs = (one.checkpoint(name) for one in both)
    assert same(mine.shared, theirs.shared)
    assert same(mine.memory, theirs.memory)
    assert [measured_apart(entry) for entry in mine.entries] == [measured_apart(entry) for entry in theirs.entries]
    assert any(reply != "ok" for entry in mine.entries for reply in entry.replies.values())
    for site in lost.job.sites:
        accepted = mine.accepted(site)
        one, other = (each.personal(name, site, accepted) for each in both)
        assert same(one.home, other.home)
        assert same(one.memory, other.memory)
        assert same(lost.final(name, site), unasked.final(name, site))
        assert same(lost.cases(name, site), unasked.cases(name, site))


def test_c_is_the_mean_of_the_sites_variates_whatever_is_lost(both: tuple[Recorded, Recorded]) -> None:
    lost, _ = both
    state = lost.checkpoint("scaffold")
    own = {site: lost.personal("scaffold", site, state.accepted(site)).memory for site in lost.job.sites}
    weights = {
        site: len(Participant(lost.job, site).site_data.plain.train)
        if state.accepted(site)
        else lost.job.plan.split.train * lost.job.plan.sites[site].cases
        for site in lost.job.sites
    }
    names = [name for name in state.shared if name.startswith("control/")]
    assert names
    for name in names:
        zero = np.zeros_like(state.shared[name])
        mean = sum(weights[site] * own[site].get(name, zero).astype(np.float64) for site in own) / sum(weights.values())
        np.testing.assert_allclose(state.shared[name], mean, rtol=1e-5, atol=1e-7)
    assert max(np.abs(state.shared[name]).max() for name in names) > 0.01


def test_a_round_that_ends_after_the_next_one_changes_nothing(pair: dict[str, Path], tmp_path: Path) -> None:
    names, lost = ("fedbn", "ditto", "scaffold"), {("b", 1)}
    late, unasked = (run(pair, tmp_path / leg, names, lost, leg) for leg in ("late", "there"))
    for name in names:
        assert same(late.checkpoint(name).shared, unasked.checkpoint(name).shared)
        for site in "ab":
            assert same(late.final(name, site), unasked.final(name, site))


def test_all_answers_of_a_round_lost_and_the_run_resumed(pair: dict[str, Path], tmp_path: Path) -> None:
    names = ("fedbn", "ditto", "fedala", "scaffold")
    whole = run(pair, tmp_path / "whole", names)
    plan = apart(pair, rounds=ROUNDS)
    for name in names:
        job = job_for(plan, pair, tmp_path / name, arms_for(plan, [name]))
        for _ in range(2):
            with pytest.raises(EngineError, match=f"{name} seed 0 round 2: no site sent an update"):
                go_on(job, partial(Network, lost={("a", 2), ("b", 2)}, leg="back"))
        again = go_on(job)
        assert {reply for entry in again.result.rounds for reply in entry.replies.values()} == {"ok"}
        assert same(again.checkpoint(name).shared, whole.checkpoint(name).shared)
        for site in "ab":
            assert same(again.final(name, site), whole.final(name, site))


@pytest.mark.parametrize("keep_models", [True, False])
def test_a_lost_judgement_is_given_again(keep_models: bool, pair: dict[str, Path], tmp_path: Path) -> None:
    names = ("fedavg", "ditto", "fedala", "perfedavg")
    plan = apart(pair, rounds=2)
    results = []
    for out, lost in (("whole", set()), ("lost", {("b", 0)})):
        job = job_for(plan, pair, tmp_path / out, arms_for(plan, names, gated=True))
        job = job.model_copy(update={"keep_models": keep_models})
        job.write(job.path)
        first = go_on(job, partial(Network, lost=lost, leg="back", kind="evaluate"))
        assert (first.result.sites["b"].scores["ditto"] == (None,)) == bool(lost)
        results.append(go_on(job).result.sites)
        left = {path.name for path in job.home("b").glob("*-seed0")}
        assert left == ({f"{name}-seed{SEED}" for name in names} if keep_models else set())
    assert results[0] == results[1]


def test_a_seed_that_a_site_cannot_judge_leaves_it_the_others(
    pair: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = apart(pair, rounds=1, seeds=(0, 1, 2))
    job = job_for(plan, pair, tmp_path / "run", arms_for(plan, ("fedavg", "fedbn", "fedper")))
    judge = Participant.evaluate

    def fails(self: Participant, arm: str, seed: int, *rest: Any) -> Any:
        if (self.site, arm, seed) == ("b", "fedbn", 1):
            raise MemoryError
        return judge(self, arm, seed, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Participant, "evaluate", fails)
        found = go_on(job).result
    whole = go_on(job).result
    assert found.sites["b"].scores["fedbn"][1] is None
    assert found.sites["b"].differences["fedbn"].low is not None
    assert found.sites["a"] == whole.sites["a"]
    assert found.sites["b"].scores["fedper"] == whole.sites["b"].scores["fedper"]
    assert "site b did not compare" not in "".join(found.notes)


def test_a_checkpoint_older_than_what_the_sites_have_is_an_error_that_says_so(
    pair: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = apart(pair, rounds=ROUNDS)
    job = job_for(plan, pair, tmp_path / "run", arms_for(plan, ["fedavg"]))
    path = job.checkpoint("fedavg", SEED)
    original = Participant.train

    def copied(self: Participant, arm: str, seed: int, number: int, *rest: Any) -> Update:
        if number == 2:
            (tmp_path / "older").write_bytes(path.read_bytes())
        return original(self, arm, seed, number, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(Participant, "train", copied)
        go_on(job)
    path.write_bytes((tmp_path / "older").read_bytes())
    state = load_checkpoint(path)
    assert state is not None
    assert state.accepted("a") == 1
    with pytest.raises(EngineError, match=r"round 2: no site sent an update .a: EngineError, see sites/a/errors.log"):
        go_on(job)
    log = (job.home("a") / "errors.log").read_text()
    assert "round-00001.safetensors: no such file, and round 1 is the last that the coordinator accepted" in log
    assert "kept here: round-00002, round-00003" in log
