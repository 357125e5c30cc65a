"""Whatever real runs and rehearsals send is known to the rules of disclosure, and passes them bit for bit."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from flwr.app import RecordDict
from gated_jobs import gates
from recorded_runs import arms_for, go_on, job_for
from small_hospitals import plan_for, segmented
from small_policies import permissive
from small_rehearsals import Clinic, clinics_of, plan_of, rehearsed_on, weights_at

from shiftscope.disclosure.answer_rules import RULES
from shiftscope.disclosure.array_rules import DECIDING
from shiftscope.disclosure.disclosure_gate import DisclosureGate
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Release, bytes_of_message, message_of_bytes
from shiftscope.training.arms import arm_of
from shiftscope.training.evaluation.scores import PRIMARY
from shiftscope.training.federation.flower import client
from shiftscope.training.federation.flower.messages import pack
from shiftscope.training.federation.payloads import Payload

pytestmark = pytest.mark.slow

Passed = tuple[str, str, Payload, Payload]


def released(passed: Iterable[Passed], gate: Callable[[str], DisclosureGate]) -> list[tuple[Passed, Release]]:
    """Every answer, once it is through the gate."""
    found = []
    for site, question, asked, answer in passed:
        outcome = gate(site).answer(question, lambda asked=asked: asked, lambda _, answer=answer: answer)
        assert isinstance(outcome, Release), (question, outcome)
        found.append(((site, question, asked, answer), outcome))
    return found


def require_unchanged(passed: Sequence[tuple[Passed, Release]], folder: Path) -> None:
    """What left is what the handler said, what the log replays to, and what Flower carries: bit for bit."""
    for (_, _, _, answer), release in passed:
        assert bytes_of_message(release) == bytes_of_message(answer)
    for site in {site for (site, *_), _ in passed}:
        log = ReleaseLog(folder / site)
        of_site = [answer for (name, _, _, answer), _ in passed if name == site]
        for row, answer in zip(log.rows(), of_site, strict=True):
            replayed = message_of_bytes(log.replay(row["number"]))
            assert wire(pack(Payload(replayed.tensors, replayed.statistics, replayed.facts))) == wire(pack(answer))


def wire(content: RecordDict) -> list[object]:
    """What Flower sends: the bytes of arrays, and the text of facts."""
    return [{name: array.data for name, array in content["arrays"].items()}, dict(content["facts"])]


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[Payload]:
    """What handlers say, as they say it and before anything is packed, in the order in which it is sent."""
    answers: list[Payload] = []

    def keep(payload: Payload) -> RecordDict:
        answers.append(payload)
        return pack(payload)

    monkeypatch.setattr(client, "pack", keep)
    return answers


def test_all_that_a_run_sends_is_known_and_leaves_as_it_is(tmp_path: Path, said: list[Payload]) -> None:
    """Five strategies over two folds, with harmonizers that share in two and four exchanges."""
    data = segmented(tmp_path / "data", {"a": 1.0, "b": 0.6})
    plan = plan_for(data, image_size=16, folds=2, seeds=(0, 1))
    arms = [
        *arms_for(plan, ["fedavg", "scaffold", "local"]),
        arm_of(plan, "adapted", "fedbn", "quantile_spectrum"),
        arm_of(plan, "turned", "fedavg", "polarity"),
    ]
    recorded = go_on(job_for(plan, data, tmp_path / "run", arms))
    answers = [(*first, answer) for (*first, _), answer in zip(recorded.log, said, strict=True)]
    passed = released(answers, gates(recorded.job, "train", tmp_path / "logs", permissive()))
    assert {question for (_, question, _, _), _ in passed} == {
        name for name, rules in RULES.items() if "train" in rules.kinds
    }
    require_unchanged(passed, tmp_path / "logs")


def test_all_that_a_rehearsal_sends_is_known_and_leaves_as_it_is(tmp_path: Path, said: list[Payload]) -> None:
    """With a site that may take part, one that differs, and one that is too small and says so."""
    clinics = {"a": Clinic(), "b": Clinic(gamma=1.4), "few": Clinic(large=10, small=9)}
    data = clinics_of(tmp_path / "data", clinics)
    plan = plan_of(data, weights_at(tmp_path))
    rehearsed = rehearsed_on(plan, data, tmp_path / "run", ("zscore", "quantile_map", "polarity"))
    asked = [first for *first, answer in rehearsed.log if answer is not None]
    answers = [(*first, answer) for first, answer in zip(asked, said, strict=True)]
    passed = released(answers, gates(rehearsed.job, "rehearse", tmp_path / "logs", permissive()))
    assert {question for (_, question, _, _), _ in passed} == {
        name for name, rules in RULES.items() if "rehearse" in rules.kinds
    }
    assert {answer.facts["withheld"] for (_, question, _, answer), _ in passed if question == "query.describe"} > {""}
    require_unchanged(passed, tmp_path / "logs")


def test_metrics_are_compared_by_the_one_that_decides() -> None:
    assert DECIDING == PRIMARY
