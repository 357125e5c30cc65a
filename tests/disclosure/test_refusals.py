"""Requests that must be refused: each by the name of its rule, with an entry in the log, and nothing leaves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_answers import HONEST, PROFILE, REHEARSE, SCORES, SITE, TRAIN, Exchange, Said, outcome_of, profile_values
from small_orders import COORDINATOR, NOW, PINNED, STRANGER, small_order
from small_plans import planned_sites, small_plan
from small_policies import HEALTHY, permissive

from shiftscope.disclosure.disclosure_gate import DisclosureGate
from shiftscope.disclosure.policies.admissibility import SiteCondition
from shiftscope.disclosure.policies.site_policy import SitePolicy
from shiftscope.disclosure.received_orders import receive_order
from shiftscope.disclosure.releases.log_verification import verify_log
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Withheld
from shiftscope.federations.orders import Order, OrderedProfile, fingerprint_of
from shiftscope.federations.signed_orders import SignedOrder, sign_order


def of(question: str) -> Exchange:
    return HONEST[question][1]


def weights(**tensors: Any) -> Exchange:
    return of("train").sending("tensors", **tensors)


def profile(**keys: Any) -> Exchange:
    return of("query.profile").saying(profile=profile_values(**keys))


def sketches(**axes: Any) -> Exchange:
    return profile(sketches=profile_values()["sketches"] | axes)


def compared(**facts: Any) -> Exchange:
    return of("query.compare").saying(**facts)


OWN_CODE = TRAIN.model_copy(
    update={"plan": small_plan(loss="hospital_losses:dice", sites=planned_sites(TRAIN.sites, 40), folds=3)}
)
NOISED = PROFILE.model_copy(update={"profile": OrderedProfile(epsilon=1.0)})
STRANGE = "Meyer, Anna"

BY_POLICY: list[tuple[str, dict[str, Any] | None, Order, SiteCondition]] = [
    ("policy", None, TRAIN, HEALTHY),
    ("kinds", {"kinds": ("rehearse",)}, TRAIN, HEALTHY),
    ("kinds", {"kinds": ()}, PROFILE, HEALTHY),
    ("methods", {"methods": ("fedavg",)}, TRAIN, HEALTHY),
    ("methods", {"methods": (), "plans": (fingerprint_of(OWN_CODE.plan or small_plan()),)}, TRAIN, HEALTHY),
    ("harmonizers", {"harmonizers": ("zscore",)}, TRAIN, HEALTHY),
    ("own_code", {"own_code": False}, OWN_CODE, HEALTHY),
    ("max_rounds", {"max_rounds": 9}, TRAIN, HEALTHY),
    ("max_rounds", {"max_rounds": 29}, REHEARSE, HEALTHY),
    ("max_seconds", {"max_seconds": 0.0}, TRAIN, HEALTHY),
    ("max_parameters", {"max_parameters": 399_999}, TRAIN, HEALTHY),
    ("max_parameters", {"max_parameters": 399_999}, REHEARSE, HEALTHY),
    ("max_parameters", {}, TRAIN, replace(HEALTHY, parameters=None)),
    ("min_patients", {"min_patients": 41}, TRAIN, HEALTHY),
    ("min_patients", {"min_patients": 41}, PROFILE, replace(HEALTHY, patients=None)),
    ("read_only", {"read_only": True}, TRAIN, replace(HEALTHY, writable=True)),
    ("epsilon", {"epsilon": 2.0}, PROFILE, HEALTHY),
    ("epsilon", {"epsilon": 0.5}, NOISED, HEALTHY),
    ("epsilon", {"epsilon": "none"}, NOISED, HEALTHY),  # noise was ordered, and the profile has none
    ("counts", {"counts": ("patients",)}, PROFILE, HEALTHY),
    ("counts", {"counts": ("cases", "labels")}, PROFILE, HEALTHY),
]

BY_QUESTION: list[tuple[str, Exchange, Order]] = [
    ("question", Exchange("query.images", Said(), Said()), TRAIN),
    ("question", Exchange("train.default", Said(), Said()), TRAIN),
    ("question", of("train"), PROFILE),
    ("question", of("query.profile"), TRAIN),
    ("question", of("evaluate"), REHEARSE),
    ("question", of("train.heads"), TRAIN),
    ("arm", of("train").asking(arm="other"), TRAIN),
    ("arm", of("query.compare").asking(judged=[["other", 0, True]]), TRAIN),
    ("seed", of("train").asking(seed=3), TRAIN),
    ("seed", of("train").asking(seed=True), TRAIN),
    ("seed", of("query.compare").asking(seeds=[0, 7]), TRAIN),
    ("round", of("train").asking(round=11), TRAIN),
    ("round", of("train").asking(round=0), TRAIN),
    ("round", of("train.heads").asking(round=31), REHEARSE),
    ("fold", of("query.share").asking(fold=3), TRAIN),
    ("exchange", of("query.share").asking(exchange=1), TRAIN),
    ("harmonizer", of("query.share").asking(harmonizer="nyul"), TRAIN),
    ("harmonizer", of("query.shares").asking(asked=[["quantile_map", 3]]), REHEARSE),
    ("unknown_field", of("train").asking(show="images"), TRAIN),
]

BY_ANSWER: list[tuple[str, Exchange]] = [
    ("unknown_field", of("train").saying(patient=STRANGE)),
    ("unknown_field", of("query.share").saying(seconds=1.0)),
    ("unknown_field", of("evaluate").saying(scores={**SCORES, "dice of Meyer": 1.0})),
    ("unknown_field", of("query.describe").saying(left_out={STRANGE: 1})),
    ("unknown_field", of("query.describe").sending("tensors", image=np.zeros((8, 8)))),
    ("unknown_field", weights(image=np.zeros((8, 8), np.float32))),
    ("unknown_field", of("query.share").sending("statistics", patients=np.zeros(3))),
    ("unknown_field", of("query.shares").sending("statistics", **{"nyul/1/quantiles": np.zeros((1, 11))})),
    ("unknown_field", of("query.weights").sending("tensors", other=np.zeros((3, 2)))),
    ("unknown_field", profile(remark=STRANGE)),
    ("unknown_field", profile(acquisition={"station": {"a": 40}})),
    ("array_shape", weights(**{"body.weight": np.zeros((3, 3), np.float32)})),
    ("array_shape", of("query.share").sending("statistics", quantiles=np.zeros((1, 32, 2)))),
    ("array_shape", compared(strategies=["adapted"])),
    ("array_shape", of("query.weights").sending("tensors", plain=np.zeros((4, 2)))),
    ("array_kind", weights(**{"body.weight": np.zeros((3, 2))})),
    ("array_kind", weights(**{"body.weight": np.array([["a", "b"]] * 3)})),
    ("array_kind", weights(steps=np.array(STRANGE, object))),
    ("array_kind", of("query.share").sending("statistics", quantiles=np.zeros((1, 32), np.float32))),
    ("finite", weights(**{"body.weight": np.full((3, 2), np.nan, np.float32)})),
    ("finite", of("query.share").sending("statistics", quantiles=np.full((1, 32), np.inf))),
    ("finite", of("query.compare").sending("tensors", covariance=np.full((2, 3, 2, 3), np.inf))),
    ("size", of("query.share").sending("statistics", quantiles=np.zeros((1, 2**17 + 1)))),
    ("range", of("query.weights").sending("tensors", plain=np.full((3, 2), 1.5))),
    ("site", of("query.describe").saying(site="bexley")),
    ("digest", of("query.describe").saying(split=STRANGE)),
    ("digest", of("train").saying(spent={"start": "0F" * 8})),
    ("withheld", of("query.describe").saying(withheld=f"fewer than 20 patients, {STRANGE} among them")),
    ("count", of("train").saying(cases=-1)),
    ("count", of("train").saying(cases=28.0)),
    ("count", of("query.describe").saying(even="no")),
    ("cost", of("train").saying(spent={"steps": "20"})),
    ("score", of("train").saying(loss=float("nan"))),
    ("score", of("train").saying(loss=STRANGE)),
    ("score", of("evaluate.heads").saying(means={"fedavg": 1.5})),
    ("list", of("query.describe").saying(cases=[1] * 21)),
    ("list", of("query.features").saying(squares=STRANGE)),
    ("table", of("query.describe").saying(patients=[28, 4, 8])),
    ("strategy", compared(strategies=["adapted", STRANGE])),
    ("strategy", of("query.features").saying(same_as=[STRANGE])),
    ("choice", of("evaluate").saying(kept_baseline=1)),
    ("signal", of("query.harmonize").saying(kept={"lost": STRANGE})),
    ("profile", of("query.profile").saying(profile=STRANGE)),
    ("profile", profile(patients=4)),
    ("profile", profile(excluded={STRANGE: 3})),
    ("profile", sketches(anna=None)),
    ("profile", profile(measures={STRANGE: {}})),
    ("profile", profile(labels={"benign": 5, "malignant": 35})),
    ("site", profile(site="bexley")),
    ("seed", profile(seed=19500101)),
    ("version", profile(version="0.1.0+meyer.anna")),
    ("extractor", profile(recipe={**profile_values()["recipe"], "extractor": "meyer"})),
    ("class_name", profile(labels={"Meyer": 22, "malignant": 18})),
    ("tag_value", profile(acquisition={"scanner": {STRANGE: 40}})),
    ("tag_value", profile(acquisition={"month": {"1950-13": 40}})),
    ("tag_value", profile(acquisition={"kvp": {"1234567890": 40}})),
]

BY_ORDER: list[tuple[str, Callable[[], bytes], dict[str, Any]]] = [
    ("order_size", lambda: b"{" * (SignedOrder.MOST_BYTES + 1), {}),
    ("order_form", lambda: b"not an order", {}),
    ("order_key", lambda: sign_order(TRAIN, STRANGER).to_bytes(), {}),
    ("order_signature", lambda: sign_order(TRAIN, COORDINATOR).to_bytes().replace(b"fedbn", b"local"), {}),
    ("order_federation", lambda: sign_order(small_order(federation="severn"), COORDINATOR).to_bytes(), {}),
    ("order_site", lambda: sign_order(TRAIN, COORDINATOR).to_bytes(), {"site": "derwent"}),
    ("order_clock", lambda: sign_order(TRAIN, COORDINATOR).to_bytes(), {"now": NOW - timedelta(days=1)}),
    ("order_expired", lambda: sign_order(TRAIN, COORDINATOR).to_bytes(), {"now": NOW + timedelta(days=2)}),
    ("order_replayed", lambda: sign_order(TRAIN, COORDINATOR).to_bytes(), {"used": {TRAIN.nonce}}),
]


def require_refused(rule: str, outcome: object, log: ReleaseLog, heard: list[object]) -> None:
    """By that rule, in the log as well; nothing is kept as sent; the site's own people are told more."""
    assert outcome == Withheld(f"withheld: {rule}")
    (row,) = log.rows()
    assert (row["outcome"], row["rule"], row["fields"], row["sha256"]) == ("withheld", rule, {}, "")
    assert not (log.folder / "payloads").exists()
    assert verify_log(log.folder) == []
    assert len(heard) == 1


def test_there_are_more_than_fifty() -> None:
    assert len(BY_POLICY) + len(BY_QUESTION) + len(BY_ANSWER) + len(BY_ORDER) > 100


@pytest.mark.parametrize(("rule", "policy", "order", "condition"), BY_POLICY)
def test_by_the_policy(
    rule: str, policy: dict[str, Any] | None, order: Order, condition: SiteCondition, tmp_path: Path
) -> None:
    question = {"profile": "query.profile", "rehearse": "train.heads"}.get(order.kind, "train")
    if policy is None:
        outcome, log, heard = without_policy(of(question), tmp_path, order)
    else:
        outcome, log, heard = outcome_of(of(question), tmp_path, order, permissive(**policy), condition)
    require_refused(rule, outcome, log, heard)


def without_policy(exchange: Exchange, folder: Path, order: Order) -> tuple[object, ReleaseLog, list[object]]:
    heard: list[object] = []
    log = ReleaseLog(folder)
    gate = DisclosureGate(SITE, order, lambda: None, log, lambda: HEALTHY, heard.append)
    return gate.answer(exchange.question, lambda: exchange.asked, lambda _: exchange.answer), log, heard


@pytest.mark.parametrize(("rule", "exchange", "order"), BY_QUESTION)
def test_by_the_order(rule: str, exchange: Exchange, order: Order, tmp_path: Path) -> None:
    """Whatever the coordinator's machine asks beyond what its owner signed: nothing is computed."""

    def work(_asked: object) -> Any:
        raise AssertionError("computed")

    require_refused(rule, *outcome_of(exchange, tmp_path, order, work=work))


@pytest.mark.parametrize(("rule", "exchange"), BY_ANSWER)
def test_by_what_would_leave(rule: str, exchange: Exchange, tmp_path: Path) -> None:
    require_refused(rule, *outcome_of(exchange, tmp_path))


@pytest.mark.parametrize("policy", [SitePolicy(), permissive(kinds=())])
@pytest.mark.parametrize("question", HONEST)
def test_a_policy_that_allows_nothing_lets_nothing_out(question: str, policy: SitePolicy, tmp_path: Path) -> None:
    require_refused("kinds", *outcome_of(of(question), tmp_path, policy=policy))


@pytest.mark.parametrize(("rule", "data", "changes"), BY_ORDER)
def test_at_the_door(rule: str, data: Callable[[], bytes], changes: dict[str, Any], tmp_path: Path) -> None:
    heard: list[object] = []
    log = ReleaseLog(tmp_path)
    known: dict[str, Any] = {"federation": "thames", "site": SITE, "now": NOW, "log": log, "tell": heard.append}
    require_refused(rule, receive_order(data(), PINNED, **(known | changes)), log, heard)


def test_an_order_for_this_site_is_received_and_nothing_is_logged_of_it(tmp_path: Path) -> None:
    log = ReleaseLog(tmp_path)
    data = sign_order(TRAIN, COORDINATOR).to_bytes()
    found = receive_order(data, PINNED, federation="thames", site=SITE, log=log, tell=pytest.fail, now=NOW)
    assert found == TRAIN
    assert log.rows() == []
