"""What passes the gate, what is suppressed and told apart from nothing, and that whatever goes wrong ends there."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_answers import HONEST, SITE, Exchange, Said, order_for, outcome_of, profile_values
from small_policies import HEALTHY, permissive

from shiftscope.disclosure.answer_rules import RULES
from shiftscope.disclosure.disclosure_gate import DisclosureGate
from shiftscope.disclosure.failure_kinds import FAILURE_KINDS, OTHER_FAILURE
from shiftscope.disclosure.field_rules import suppressed_by
from shiftscope.disclosure.policies.admissibility import SiteCondition
from shiftscope.disclosure.releases.log_verification import verify_log
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Release, Withheld, bytes_of_message, message_of_bytes
from shiftscope.errors import InputError, OrderRefused, ProfileError, ShiftscopeError, Unreadable, Unsettled
from shiftscope.profiles import Profile

TWO_WORDS = (Unreadable, Unsettled, OrderRefused)
"""Errors that are made of two texts."""


def kept_by(policy: dict[str, Any], question: str, tmp_path: Path) -> tuple[Release, dict[str, str]]:
    """What leaves under a policy, and field -> key of what does not."""
    outcome, log, _ = outcome_of(HONEST[question][1], tmp_path, policy=permissive(**policy))
    assert isinstance(outcome, Release)
    (row,) = log.rows()
    suppressed = outcome.facts.get("suppressed", {})
    assert row["suppressed"] == suppressed
    return outcome, suppressed


def test_there_is_an_honest_answer_to_every_question() -> None:
    assert HONEST.keys() == RULES.keys()


@pytest.mark.parametrize("question", RULES)
def test_an_honest_answer_leaves_as_it_is_and_replays_from_the_log(question: str, tmp_path: Path) -> None:
    exchange = HONEST[question][1]
    outcome, log, heard = outcome_of(exchange, tmp_path)
    assert isinstance(outcome, Release), heard
    (row,) = log.rows()
    assert (row["outcome"], row["question"], row["rule"]) == ("released", question, "")
    assert row["order"] == order_for(question).digest
    assert log.replay(1) == bytes_of_message(outcome) == bytes_of_message(exchange.answer)
    assert bytes_of_message(message_of_bytes(log.replay(1))) == log.replay(1)
    fields = {f"facts/{name}" for name in exchange.answer.facts}
    fields |= {f"tensors/{name}" for name in exchange.answer.tensors}
    fields |= {f"statistics/{name}" for name in exchange.answer.statistics}
    assert row["fields"].keys() == fields
    assert min(row["fields"].values(), default=1) > 0
    assert verify_log(tmp_path) == []


@pytest.mark.parametrize(
    ("question", "policy", "expected"),
    [
        ("query.describe", {"counts": ("cases", "left_out", "labels")}, {"patients": "counts"}),
        ("query.describe", {"counts": ("patients",)}, dict.fromkeys(("left_out", "cases", "even"), "counts")),
        ("query.harmonize", {"metrics": ("dice",)}, {"changed": "metrics", "kept": "metrics"}),
        ("train", {"metrics": ("dice",), "counts": ()}, {"cases": "counts", "loss": "metrics"}),
        ("query.compare", {"metrics": ("surface_px",)}, {"tensors/covariance": "metrics"}),
        ("query.compare", {"counts": ("cases",)}, {"freedom": "counts"}),
        ("query.shares", {"harmonizers": ("nyul",)}, {"statistics/quantile_map/0/quantiles": "harmonizers"}),
    ],
)
def test_what_the_policy_keeps_is_marked_and_told_apart_from_nothing(
    question: str, policy: dict[str, Any], expected: dict[str, str], tmp_path: Path
) -> None:
    outcome, suppressed = kept_by(policy, question, tmp_path)
    honest = HONEST[question][1].answer
    assert suppressed == expected
    for name, value in honest.facts.items():
        assert suppressed_by(outcome.facts[name]) == expected.get(name)
        assert name in expected or outcome.facts[name] == value
    for group in ("tensors", "statistics"):
        left = {f"{group}/{name}" for name in getattr(outcome, group)}
        assert left == {f"{group}/{name}" for name in getattr(honest, group)} - expected.keys()


def test_a_share_that_counts_patients_is_kept_whole_where_counts_are(tmp_path: Path) -> None:
    asked = Said(facts={"asked": [["combat", 0], ["nyul", 0]], "exchange": 0})
    moments = {"patients": np.array([28.0]), "mean": np.zeros(4), "squares": np.ones(4)}
    sent = {f"combat/0/{name}": array for name, array in moments.items()} | {"nyul/0/quantiles": np.ones((1, 11))}
    exchange = Exchange("query.shares", asked, Said(statistics=sent))
    for number, (policy, left) in enumerate(((permissive(), set(sent)), (permissive(counts=()), {"nyul/0/quantiles"}))):
        outcome, _, _ = outcome_of(exchange, tmp_path / str(number), policy=policy)
        assert isinstance(outcome, Release)
        assert set(outcome.statistics) == left
        assert len(outcome.facts.get("suppressed", {})) == len(sent) - len(left)


def test_scores_are_kept_one_by_one_and_undefined_ones_are_not_told_either(tmp_path: Path) -> None:
    """All of the model that a gated strategy uses, for the Dice that stays chose it."""
    outcome, suppressed = kept_by({"metrics": ("surface_px",)}, "evaluate", tmp_path)
    for kind, surface in (("scores", "metrics"), ("ungated", None), ("validation", None)):
        scores = outcome.facts[kind]
        assert {name: suppressed_by(value) for name, value in scores.items()} == {
            "dice": "metrics",
            "dice of cyst": "metrics",
            "surface_px": surface,
            "surface_px of tumour": surface,
        }
        assert surface or (scores["surface_px"], scores["surface_px of tumour"]) == (3.5, 12.0)
    assert len(suppressed) == 9
    assert suppressed["kept_baseline"] == "metrics"


def test_a_profile_stays_a_profile_whatever_is_kept_of_it(tmp_path: Path) -> None:
    policy = {"axes": ("texture", "noise"), "measures": ("brightness",), "counts": ("patients", "cases")}
    outcome, suppressed = kept_by(policy, "query.profile", tmp_path)
    values, honest = outcome.facts["profile"], profile_values()
    profile = Profile.from_dict(values, "what left", ProfileError)
    assert {axis for axis, sketch in profile.sketches.items() if sketch} == {"texture", "noise"}
    assert suppressed["profile.sketches.layout"] == "axes"
    assert "profile.sketches.colour" not in suppressed  # there was none
    assert [*profile.measures] == ["brightness"]
    assert values["sketches"]["texture"] == honest["sketches"]["texture"]
    assert (values["quantiles"], values["spectrum"]) == (None, honest["spectrum"])
    assert (profile.labels, profile.labelled, profile.acquisition, profile.excluded) == ({}, 0, {}, {})
    for field in ("labels", "labelled", "acquisition", "excluded"):
        assert suppressed[f"profile.{field}"] == "counts"
    assert honest.keys() == values.keys()


@pytest.mark.parametrize(
    "problem",
    [
        *(kind("Meyer, Anna", *["truncated"] * (kind in TWO_WORDS)) for kind in FAILURE_KINDS),
        KeyError("Meyer"),
        SystemExit("Meyer"),
        type("MeyerAnna", (RuntimeError,), {})("x"),
        type("MeyerAnna", (InputError,), {})("x"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_of_an_error_only_its_kind_leaves(problem: BaseException, tmp_path: Path) -> None:
    def work(_asked: object) -> Any:
        raise problem

    outcome, log, heard = outcome_of(HONEST["train"][1], tmp_path, work=work)
    assert isinstance(outcome, Withheld)
    assert outcome.reason in {OTHER_FAILURE, *(kind.__name__ for kind in FAILURE_KINDS)}
    assert heard == [problem]
    (row,) = log.rows()
    assert (row["outcome"], row["rule"], row["sha256"]) == ("failed", outcome.reason, "")
    assert "eyer" not in json.dumps(row)


def test_a_message_that_cannot_be_read_ends_at_the_gate(tmp_path: Path) -> None:
    def read() -> Any:
        raise ValueError("Meyer")

    gate = DisclosureGate(SITE, order_for("train"), permissive, ReleaseLog(tmp_path), lambda: HEALTHY, lambda _: None)
    outcome = gate.answer("train", read, lambda asked: asked)
    assert outcome == Withheld(OTHER_FAILURE)


@pytest.mark.parametrize("question", ["train", "query.share"])
def test_nothing_is_computed_for_an_order_that_is_not_admitted(question: str, tmp_path: Path) -> None:
    def work(_asked: object) -> Any:
        raise AssertionError("computed")

    for policy in (permissive(kinds=("profile",)), permissive(max_rounds=1)):
        outcome, _, heard = outcome_of(HONEST[question][1], tmp_path, policy=policy, work=work)
        assert isinstance(outcome, Withheld)
        assert outcome.reason.startswith("withheld: ")
        assert len(heard) == 1


def test_computing_is_counted_over_all_questions_of_an_order_and_restarts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def work(_asked: object) -> Said:
        now[0] += 40.0
        return HONEST["train"][1].answer

    said = []
    for _ in range(4):
        outcome, log, _ = outcome_of(HONEST["train"][1], tmp_path, policy=permissive(max_seconds=100.0), work=work)
        said.append(outcome.reason if isinstance(outcome, Withheld) else "released")
    assert said == ["released", "released", "withheld: max_seconds", "withheld: max_seconds"]
    assert log.seconds_of(order_for("train").digest) == 120.0
    assert now[0] == 120.0  # the fourth was not computed


def test_what_orders_may_leave_at_the_site_is_counted_before_and_after(tmp_path: Path) -> None:
    """At the limit nothing is computed; an answer that would go beyond it stays, and nothing is deleted for it."""
    exchange, computed = HONEST["train"][1], []
    size = len(bytes_of_message(exchange.answer))
    taken = [1000]

    def work(_asked: object) -> Said:
        computed.append(taken[0])
        return exchange.answer

    def asked(limit: int) -> Release | Withheld:
        gate = DisclosureGate(
            SITE,
            order_for("train"),
            lambda: permissive(max_gigabytes=limit / 1e9),
            ReleaseLog(tmp_path),
            lambda: HEALTHY,
            heard.append,
            lambda: taken[0],
        )
        return gate.answer("train", lambda: exchange.asked, work)

    heard: list[object] = []
    assert asked(999) == Withheld("withheld: max_gigabytes")
    assert computed == []
    assert asked(1000 + size - 1) == Withheld("withheld: max_gigabytes")
    assert computed == [1000]
    assert not (tmp_path / "payloads").exists()
    assert isinstance(asked(1000 + size), Release)
    kept = ReleaseLog(tmp_path).replay(3)
    taken[0] = 10**12
    assert asked(1000 + size) == Withheld("withheld: max_gigabytes")
    assert ReleaseLog(tmp_path).replay(3) == kept
    assert [row["rule"] for row in ReleaseLog(tmp_path).rows()] == [
        "max_gigabytes",
        "max_gigabytes",
        "",
        "max_gigabytes",
    ]
    assert all("remove from runs/" in str(reason) for reason in heard)


def test_what_cannot_be_logged_does_not_leave(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    outcome, _, heard = outcome_of(HONEST["train"][1], tmp_path / "taken")
    assert outcome == Withheld("withheld: release_log")
    assert isinstance(heard[-1], ShiftscopeError)


def test_a_log_that_lost_its_end_lets_nothing_more_out(tmp_path: Path) -> None:
    for _ in range(3):
        outcome_of(HONEST["train"][1], tmp_path)
    lines = (tmp_path / "releases.jsonl").read_bytes().splitlines(keepends=True)
    (tmp_path / "releases.jsonl").write_bytes(b"".join(lines[:2]))
    outcome, _, _ = outcome_of(HONEST["train"][1], tmp_path)
    assert outcome == Withheld("withheld: release_log")


def test_a_handler_cannot_mark_its_own_words_as_suppressed(tmp_path: Path) -> None:
    for forged in (
        HONEST["train"][1].saying(suppressed={"Meyer": "metrics"}),
        HONEST["train"][1].saying(loss={"suppressed": "Meyer"}),
    ):
        outcome, _, _ = outcome_of(forged, tmp_path)
        assert isinstance(outcome, Withheld)
        assert "Meyer" not in outcome.reason


def test_the_condition_of_the_site_counts(tmp_path: Path) -> None:
    poor = SiteCondition(patients=3, writable=True, parameters=1)
    for policy, rule in ((permissive(min_patients=20), "min_patients"), (permissive(read_only=True), "read_only")):
        outcome, _, _ = outcome_of(HONEST["train"][1], tmp_path, policy=policy, condition=poor)
        assert outcome == Withheld(f"withheld: {rule}")


def test_an_array_in_another_order_of_memory_is_logged_as_it_is_sent(tmp_path: Path) -> None:
    asked = HONEST["train"][1].asked
    turned = np.asfortranarray(np.arange(6, dtype=np.float32).reshape(3, 2))
    exchange = Exchange("train", asked, replace(HONEST["train"][1].answer, tensors={"body.weight": turned}))
    outcome, log, _ = outcome_of(exchange, tmp_path)
    assert isinstance(outcome, Release)
    assert (message_of_bytes(log.replay(1)).tensors["body.weight"] == turned).all()


@pytest.mark.parametrize("closed", [False, True], ids=["log open", "log closed"])
@pytest.mark.parametrize("fails", [False, True], ids=["answers", "fails"])
def test_nothing_is_raised_where_the_sites_own_people_hear_nothing(fails: bool, closed: bool, tmp_path: Path) -> None:
    """The disk is full: what an error would say of files and patients stays here, and what is not logged stays too."""
    exchange = HONEST["train"][1]
    folder = tmp_path / "log"
    if closed:
        folder.write_text("not a folder", encoding="utf-8")

    def tell(_: object) -> None:
        raise OSError("no space left on /data/ashford/Doe^Jane")

    def work(_: object) -> Said:
        if fails:
            raise InputError("/data/ashford/Doe^Jane: cannot be read")
        return exchange.answer

    gate = DisclosureGate(SITE, order_for("train"), permissive, ReleaseLog(folder), lambda: HEALTHY, tell)
    outcome = gate.answer("train", lambda: exchange.asked, work)
    if closed:
        assert outcome == Withheld("withheld: release_log")
    elif fails:
        assert outcome == Withheld("InputError")
        assert [row["rule"] for row in ReleaseLog(folder).rows()] == ["InputError"]
    else:
        assert isinstance(outcome, Release)
