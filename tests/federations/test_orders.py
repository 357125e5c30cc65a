"""Orders: what can be asked, and that a site follows only what its coordinator signed for it."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from small_orders import COORDINATOR, NOW, PINNED, STRANGER, profile_order, small_order
from small_plans import planned_sites, small_plan

from shiftscope.errors import FederationError, OrderRefused
from shiftscope.federations.orders import Order, OrderedArm, OrderedProfile, fingerprint_of
from shiftscope.federations.signed_orders import SignedOrder, open_order, sign_order

BOUND: dict[str, Any] = {"federation": "thames", "site": "bexley", "now": NOW}
PURPOSE = b"shiftscope order 1\n"


def opened(data: bytes, **changes: Any) -> Order:
    return open_order(data, PINNED, **(BOUND | changes))


def outcome(data: bytes) -> Order | str:
    """The order, or the rule by which it is refused; white space of the envelope is not signed, and says nothing."""
    try:
        return opened(data)
    except OrderRefused as refused:
        return refused.rule


def signed_text(text: str) -> bytes:
    """Any text under the coordinator's signature."""
    honest = sign_order(small_order(), COORDINATOR)
    signature = base64.b64encode(COORDINATOR.sign(PURPOSE + text.encode())).decode()
    return honest.model_copy(update={"order": text, "signature": signature}).to_bytes()


def changed(**keys: Any) -> bytes:
    """The honest order with other values, whatever the schema says of them, signed."""
    values = small_order().to_dict() | keys
    return signed_text(json.dumps(values, sort_keys=True, separators=(",", ":")))


@pytest.mark.parametrize(
    "order", [small_order(), profile_order(profile=OrderedProfile(epsilon=1.5, classes=("a", "ü")))]
)
def test_a_site_that_is_named_opens_the_order_as_it_was_signed(order: Order) -> None:
    data = sign_order(order, COORDINATOR).to_bytes()
    assert opened(data) == order
    assert opened(data).canonical == order.canonical
    assert opened(data).digest == order.digest


def test_the_same_order_is_the_same_bytes() -> None:
    one, other = (sign_order(small_order(), COORDINATOR).to_bytes() for _ in range(2))
    assert one == other
    assert b" " not in small_order().canonical
    assert small_order().digest != small_order(nonce="f" * 32).digest


@pytest.mark.parametrize(
    ("rule", "data", "changes"),
    [
        ("size", lambda: b" " * (SignedOrder.MOST_BYTES + 1), {}),
        ("form", lambda: b"\xff\xfe", {}),
        ("form", lambda: b"[]", {}),
        ("form", lambda: b'{"schema": 1, "order": "{}"}', {}),
        ("form", lambda: b'{"schema": 2, "order": "{}", "key": "", "signature": ""}', {}),
        ("key", lambda: sign_order(small_order(), STRANGER).to_bytes(), {}),
        ("federation", lambda: changed(federation="severn"), {}),
        ("federation", lambda: changed(), {"federation": "severn"}),
        ("site", lambda: changed(), {"site": "derwent"}),
        ("site", lambda: changed(), {"site": "Bexley"}),
        ("clock", lambda: changed(), {"now": NOW - timedelta(minutes=7)}),
        ("expired", lambda: changed(), {"now": NOW + timedelta(days=1)}),
        ("replayed", lambda: changed(), {"used": {small_order().nonce}}),
        ("schema", lambda: changed(schema=2, novelty=1), {}),
        ("kind", lambda: changed(kind="upload"), {}),
        ("kind", lambda: changed(kind=["train"]), {}),
        ("form", lambda: changed(novelty=1), {}),
        ("form", lambda: changed(schema="1"), {}),
        ("form", lambda: changed(nonce="short"), {}),
        ("form", lambda: changed(expires="2026-13-01T09:00:00Z"), {}),
        ("form", lambda: changed(sites=[]), {}),
        ("form", lambda: signed_text(json.dumps(small_order().to_dict())), {}),
        ("form", lambda: signed_text('{"kind":"train","kind":"train","schema":1}'), {}),
        ("kind", lambda: signed_text("[]"), {}),
    ],
)
def test_what_is_not_for_this_site_now_is_refused_by_name(
    rule: str, data: Callable[[], bytes], changes: dict[str, Any]
) -> None:
    with pytest.raises(OrderRefused) as caught:
        opened(data(), **changes)
    assert caught.value.rule == rule
    assert len(str(caught.value)) > 40


@settings(max_examples=300, deadline=None)
@given(place=st.integers(0, len(sign_order(small_order(), COORDINATOR).to_bytes()) - 1), bit=st.integers(0, 7))
def test_no_bit_can_be_turned(place: int, bit: int) -> None:
    data = bytearray(sign_order(small_order(), COORDINATOR).to_bytes())
    data[place] ^= 1 << bit
    assert outcome(bytes(data)) in ("form", "key", "signature", small_order())


def test_a_signature_of_something_else_is_none_of_an_order() -> None:
    text = small_order().canonical
    bare = base64.b64encode(COORDINATOR.sign(text)).decode()
    data = sign_order(small_order(), COORDINATOR).model_copy(update={"signature": bare}).to_bytes()
    with pytest.raises(OrderRefused) as caught:
        opened(data)
    assert caught.value.rule == "signature"


def test_a_slow_clock_is_forgiven_for_five_minutes() -> None:
    assert opened(changed(), now=NOW - timedelta(minutes=5)) == small_order()


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({"plan": None}, "plan and arms"),
        ({"arms": ()}, "plan and arms"),
        ({"profile": OrderedProfile()}, "no profile"),
        ({"kind": "profile"}, "neither plan nor arms"),
        ({"kind": "rehearse"}, "how many are asked"),
        ({"questions": 3}, "0 of everything else"),
        ({"sites": ("ashford", "ashford")}, "each of them once"),
        ({"sites": ("ashford", "derwent")}, "sites of the plan"),
        ({"arms": (OrderedArm(name="a", algorithm="fedavg", harmonizer=None, rounds=1),) * 2}, "each of them once"),
        ({"expires": "2026-11-30T08:59:00Z"}, "a time after"),
        (
            {"plan": small_plan(sites=planned_sites(("ashford", "bexley", "colne"), 9), data={"colne": "/d"})},
            "none: each",
        ),
    ],
)
def test_an_order_that_contradicts_itself_is_not_made(keys: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        small_order(**keys)


@pytest.mark.parametrize("name", ["../../../elsewhere", "/data/lung/x", "a/b", "..\\\\x"])
def test_a_strategy_cannot_be_called_by_a_path(name: str) -> None:
    """Sites write, and in the end delete, what is called by a strategy's name."""
    with pytest.raises(ValidationError, match="without slashes"):
        OrderedArm(name=name, algorithm="fedavg", harmonizer=None, rounds=1)


def test_an_order_that_no_site_would_read_is_not_signed() -> None:
    sites = tuple(f"{number:04d}{'x' * 190}" for number in range(1000))
    many = profile_order(sites=sites, profile=OrderedProfile(classes=tuple(f"{n:03d}{'ü' * 197}" for n in range(100))))
    assert sign_order(many, COORDINATOR)
    with pytest.raises(FederationError, match="name fewer sites"):
        sign_order(many.model_copy(update={"sites": (*sites, *(f"y{site}" for site in sites)) * 3}), COORDINATOR)


def test_a_plan_is_known_by_what_it_asks_and_not_by_where_data_lie() -> None:
    plan = small_plan(sites=planned_sites("ab", 9))
    assert fingerprint_of(plan) == fingerprint_of(plan.model_copy(update={"data": {"a": "/somewhere"}}))
    assert fingerprint_of(plan) != fingerprint_of(plan.model_copy(update={"rounds": 11}))
