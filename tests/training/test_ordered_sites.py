"""A joined site and the orders it gets: what it follows, what it refuses, and that it says no more than a rule."""

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from enrolled_sites import enrolled
from small_orders import STRANGER, small_order
from small_policies import permissive

from shiftscope.api.federating.serving import computing_at
from shiftscope.disclosure.failure_kinds import FailureElsewhere
from shiftscope.disclosure.policies.policy_texts import policy_text
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Release, Withheld
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolment_documents.signed_documents import moment
from shiftscope.federations.orders import Order
from shiftscope.federations.signed_orders import sign_order
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.joined_sites.begun_orders import BegunOrders
from shiftscope.training.joined_sites.ordered_sites import AskedQuestion, OrderedSite

FACTS = {"site": "ashford", "patients": {"train": 30, "val": 5, "test": 5}, "left_out": {}, "split": "0" * 16}
SECRET = "p017-Miller at /data/lung"


@dataclass
class Computing:
    """In the place of the process: forty patients, one answer, or what goes wrong."""

    patients: int = 40
    parameters: int = 400_000
    pid: int = 7
    wrong: Exception | None = None
    asked: list[tuple[str, float]] = field(default_factory=list)

    def ask(self, method: str, *_arguments: Any, seconds: float) -> Any:
        self.asked.append((method, seconds))
        if method in ("patients", "parameters"):
            return getattr(self, method)
        if self.wrong is not None:
            raise self.wrong
        return Payload(facts=FACTS)

    def close(self) -> None:
        self.pid += 1


@dataclass
class Hospital:
    """A site, its coordinator, and what its people were told."""

    coordinator: Coordinator
    joined: JoinedSite
    computing: Computing = field(default_factory=Computing)
    heard: list[str] = field(default_factory=list)

    def site(self) -> OrderedSite:
        return OrderedSite(self.joined, self.computing, lambda what: self.heard.append(str(what)))  # type: ignore[arg-type]

    def order(self, **keys: Any) -> Order:
        now = datetime.now(UTC)
        values = {
            "federation": "lung",
            "created": moment(now),
            "expires": moment(now + timedelta(hours=1)),
            "nonce": secrets.token_hex(16),
        }
        return small_order(**(values | keys))

    def signed(self, **keys: Any) -> bytes:
        return sign_order(self.order(**keys), self.coordinator.signing_key()).to_bytes()

    def ask(self, order: bytes, run: str = "1", question: str = "query.describe") -> Release | Withheld:
        return self.site().answer(AskedQuestion(question, run, order, Payload))


@pytest.fixture
def hospital(tmp_path: Path) -> Hospital:
    made = enrolled(tmp_path, now=datetime.now(UTC))
    made.site.policy.write_text(policy_text(permissive()), encoding="utf-8")
    return Hospital(made.coordinator, made.site)


def test_a_signed_order_is_answered_within_the_time_that_it_sets(hospital: Hospital) -> None:
    found = hospital.ask(hospital.signed())
    assert isinstance(found, Release)
    assert found.facts == FACTS
    assert [method for method, _ in hospital.computing.asked] == ["parameters", "patients", "answer"]
    assert all(50 < seconds <= 60 for _, seconds in hospital.computing.asked)
    assert hospital.heard == []
    assert [row["outcome"] for row in hospital_log(hospital)] == ["released"]


def test_images_may_move_while_a_site_answers(hospital: Hospital, tmp_path: Path) -> None:
    """Another process reads them where they are now, and counts them; so does the policy that wants them read-only."""
    site, order = hospital.site(), AskedQuestion("query.describe", "1", hospital.signed(), Payload)
    assert isinstance(site.answer(order), Release)
    hospital.joined.settle(tmp_path / "moved")
    assert hospital.joined.data == computing_at(hospital.joined.path, "ashford", "cpu").data == tmp_path / "moved"
    for _ in range(2):
        assert isinstance(site.answer(order), Release)
    assert hospital.computing.pid == 8, "one process more"
    asked = [method for method, _ in hospital.computing.asked]
    assert asked == [*["parameters", "patients", "answer"] * 2, "answer"]
    (hospital.joined.path / "membership.json").write_text("{", encoding="utf-8")
    assert site.answer(order) == Withheld("FederationError")
    assert "membership.json" in hospital.heard[-1]


def hospital_log(hospital: Hospital) -> list[dict[str, Any]]:
    lines = (hospital.joined.releases / "releases.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_an_order_goes_on_in_the_run_in_which_it_was_begun_and_in_no_other(hospital: Hospital) -> None:
    order = hospital.signed()
    assert isinstance(hospital.ask(order, "1"), Release)
    assert isinstance(hospital.ask(order, "1"), Release), "a site that was started again goes on"
    assert hospital.ask(order, "2") == Withheld("withheld: order_replayed")
    assert hospital.ask(order + b"\n", "1") == Withheld("withheld: order_replayed"), "the same order in other bytes"
    assert isinstance(hospital.ask(hospital.signed(), "2"), Release), "the coordinator signed anew"


def test_an_order_that_was_begun_goes_on_after_it_expired(hospital: Hospital) -> None:
    begun = datetime.now(UTC) - timedelta(days=3)
    order = hospital.order(created=moment(begun), expires=moment(begun + timedelta(days=1)))
    signed = sign_order(order, hospital.coordinator.signing_key()).to_bytes()
    assert hospital.ask(signed) == Withheld("withheld: order_expired")
    BegunOrders(hospital.joined.path / "begun-orders.json").begin(order, signed, "1", begun)
    assert isinstance(hospital.ask(signed, "1"), Release)
    assert hospital.ask(signed, "2") != hospital.ask(signed, "1")


def test_orders_that_nobody_may_begin_any_more_are_forgotten_in_the_end(tmp_path: Path) -> None:
    register, then = BegunOrders(tmp_path / "begun.json"), datetime(2025, 1, 1, tzinfo=UTC)
    old = small_order(created=moment(then), expires=moment(then + timedelta(days=1)), nonce="a" * 32)
    register.begin(old, b"old", "1", then)
    register.begin(small_order(nonce="b" * 32), b"new", "2", then + timedelta(days=300))
    assert BegunOrders(tmp_path / "begun.json").used == {"a" * 32, "b" * 32}
    register.begin(small_order(nonce="c" * 32), b"newer", "3", then + timedelta(days=500))
    assert BegunOrders(tmp_path / "begun.json").used == {"b" * 32, "c" * 32}


@pytest.mark.parametrize(
    ("order", "rule"),
    [
        (lambda _made: b"", "order_form"),
        (lambda made: made.signed().replace(b"fedbn", b"fedXn"), "order_signature"),
        (lambda made: sign_order(made.order(), STRANGER).to_bytes(), "order_key"),
        (lambda made: made.signed(federation="thames"), "order_federation"),
        (lambda made: made.signed(sites=("bexley",)), "order_site"),
        (lambda _made: b"x" * 2_000_000, "order_size"),
    ],
)
def test_what_is_no_order_for_this_site_does_nothing(
    hospital: Hospital, order: Callable[[Hospital], bytes], rule: str
) -> None:
    assert hospital.ask(order(hospital)) == Withheld(f"withheld: {rule}")
    assert hospital.computing.asked == []
    assert len(hospital.heard) == 1
    assert [(row["outcome"], row["rule"]) for row in hospital_log(hospital)] == [("withheld", rule)]


def test_without_a_policy_no_image_is_looked_at(hospital: Hospital) -> None:
    hospital.joined.policy.unlink()
    assert hospital.ask(hospital.signed()) == Withheld("withheld: policy")
    assert hospital.computing.asked == []


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        ({"kinds": ("profile",), "epsilon": "none"}, "kinds"),
        ({"methods": ("fedprox",)}, "methods"),
        ({"max_rounds": 9}, "max_rounds"),
        ({"max_seconds": 0}, "max_seconds"),
    ],
)
def test_an_order_that_the_policy_does_not_admit_has_nobody_look_at_images(
    hospital: Hospital, policy: dict[str, Any], rule: str
) -> None:
    hospital.joined.policy.write_text(policy_text(permissive(**policy)), encoding="utf-8")
    assert hospital.ask(hospital.signed()) == Withheld(f"withheld: {rule}")
    assert hospital.computing.asked == []


def test_a_question_takes_no_longer_than_the_policy_still_gives(hospital: Hospital) -> None:
    hospital.joined.policy.write_text(policy_text(permissive(max_seconds=30)), encoding="utf-8")
    order = hospital.signed(timeout_s=1e9)
    assert isinstance(hospital.ask(order), Release)
    assert all(20 < seconds <= 30 for _, seconds in hospital.computing.asked)
    digest = hospital_log(hospital)[0]["order"]
    ReleaseLog(hospital.joined.releases).append(order=digest, question="train", outcome="failed", seconds=25)
    hospital.computing.asked.clear()
    assert isinstance(hospital.ask(order), Release)
    assert all(1 <= seconds <= 5 for _, seconds in hospital.computing.asked)


def test_a_process_that_was_started_again_counts_patients_again(hospital: Hospital) -> None:
    """It reads the data again, and they may be others by now."""
    hospital.joined.policy.write_text(policy_text(permissive(min_patients=20)), encoding="utf-8")
    site, order = hospital.site(), hospital.signed()
    asked = AskedQuestion("query.describe", "1", order, Payload)
    assert isinstance(site.answer(asked), Release)
    hospital.computing.patients = 3
    assert isinstance(site.answer(asked), Release), "the same process has the data that it read"
    hospital.computing.pid += 1
    assert site.answer(asked) == Withheld("withheld: min_patients")


def test_a_model_that_is_too_large_is_not_made(hospital: Hospital) -> None:
    hospital.joined.policy.write_text(policy_text(permissive(max_parameters=399_999)), encoding="utf-8")
    assert hospital.ask(hospital.signed()) == Withheld("withheld: max_parameters")
    assert [method for method, _ in hospital.computing.asked] == ["parameters", "patients"]
    assert "400,000 weights, and this site allows 399,999" in hospital.heard[0]
    assert not hospital.joined.runs.exists()


def test_where_orders_took_all_room_nothing_is_begun_and_nothing_is_deleted(hospital: Hospital) -> None:
    assert isinstance(hospital.ask(hospital.signed()), Release)
    left = hospital.joined.taken()["releases"]
    (hospital.joined.runs / "old").mkdir(parents=True)
    (hospital.joined.runs / "old" / "features.safetensors").write_bytes(b"\0" * 50_000)
    hospital.joined.policy.write_text(policy_text(permissive(max_gigabytes=5e-5)), encoding="utf-8")
    hospital.computing.asked.clear()
    assert hospital.ask(hospital.signed(), "2") == Withheld("withheld: max_gigabytes")
    assert hospital.computing.asked == []
    assert hospital.joined.taken()["releases"] > left, "that nothing left is in the log"
    assert hospital.joined.taken()["runs/old"] == 50_000
    (hospital.joined.runs / "old" / "features.safetensors").unlink()
    assert isinstance(hospital.ask(hospital.signed(), "3"), Release)


def test_a_policy_that_cannot_be_read_allows_nothing_and_its_owner_hears_why(hospital: Hospital) -> None:
    hospital.joined.policy.write_text("kinds = 7", encoding="utf-8")
    assert hospital.ask(hospital.signed()) == Withheld("withheld: policy")
    assert "policy.toml" in hospital.heard[0]


def test_a_policy_that_changes_under_way_counts_at_once(hospital: Hospital) -> None:
    site, order = hospital.site(), hospital.signed()
    assert isinstance(site.answer(AskedQuestion("query.describe", "1", order, Payload)), Release)
    hospital.joined.policy.write_text(policy_text(permissive(min_patients=41)), encoding="utf-8")
    assert site.answer(AskedQuestion("query.describe", "1", order, Payload)) == Withheld("withheld: min_patients")


def test_a_policy_that_is_taken_back_while_an_answer_is_computed_keeps_it(hospital: Hospital) -> None:
    class Slow(Computing):
        def ask(self, method: str, *arguments: Any, seconds: float) -> Any:
            if method == "answer":
                hospital.joined.policy.unlink()
            return super().ask(method, *arguments, seconds=seconds)

    hospital.computing = Slow()
    assert hospital.ask(hospital.signed()) == Withheld("withheld: policy")
    assert [row["rule"] for row in hospital_log(hospital)] == ["policy"]


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        (TimeoutError(SECRET), "TimeoutError"),
        (FailureElsewhere("InputError", SECRET), "InputError"),
        (FailureElsewhere("p017", SECRET), "Failure"),
        (LookupError(SECRET), "Failure"),
    ],
)
def test_of_what_goes_wrong_the_kind_leaves_and_nothing_else(hospital: Hospital, wrong: Exception, kind: str) -> None:
    hospital.computing.wrong = wrong
    assert hospital.ask(hospital.signed()) == Withheld(kind)
    assert hospital.heard == [SECRET]


def test_even_a_register_that_cannot_be_written_raises_nothing(hospital: Hospital) -> None:
    (hospital.joined.path / "begun-orders.json").mkdir()
    with pytest.raises(Exception, match="begun-orders"):
        hospital.site()
    (hospital.joined.path / "begun-orders.json").rmdir()
    site = hospital.site()
    (hospital.joined.path / "begun-orders.json").mkdir()
    found = site.answer(AskedQuestion("query.describe", "1", hospital.signed(), Payload))
    assert isinstance(found, Withheld)
    assert "begun" not in found.reason


def test_what_could_not_be_written_down_was_not_begun(hospital: Hospital) -> None:
    """A disk that was full, and has room again: the order is begun then, and known to be after a restart."""
    site, order, register = hospital.site(), hospital.signed(), hospital.joined.path / "begun-orders.json"
    asked = AskedQuestion("query.describe", "1", order, Payload)
    register.mkdir()
    for _ in range(2):
        assert isinstance(site.answer(asked), Withheld)
    assert hospital.computing.asked == []
    register.rmdir()
    assert isinstance(site.answer(asked), Release)
    assert hospital.ask(order, "2") == Withheld("withheld: order_replayed")
