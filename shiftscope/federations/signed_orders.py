"""Orders on their way: signed by the coordinator (Ed25519), opened by a site with the key that it pinned."""

import base64
import hashlib
from collections.abc import Container
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from shiftscope.errors import FederationError, OrderRefused
from shiftscope.federations.enrolment_documents.signed_documents import moment
from shiftscope.federations.orders import KINDS, Order
from shiftscope.parsing import parse_json, refuse_odd
from shiftscope.printable_text import shown
from shiftscope.records import Document, matching

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["CLOCK_SKEW", "SignedOrder", "open_order", "sign_order"]

CLOCK_SKEW = timedelta(minutes=5)
"""By how much a site's clock may be behind the coordinator's."""

_PURPOSE = b"shiftscope order 1\n"
"""Before what is signed: a signature of something else under the same key is none of an order."""


class SignedOrder(Document):
    """An order with its signature.

    The order is carried as the very text that was signed, so that nothing is parsed before the signature holds.

    Attributes:
        order: the canonical text.
        key: fingerprint of the key that signed it: SHA-256 of its 32 bytes.
        signature: 64 bytes in base64, of the text after the words "shiftscope order 1" and a line break.
    """

    SCHEMA: ClassVar[int] = 1
    MOST_BYTES: ClassVar[int] = 1_000_000

    order: Annotated[str, Field(min_length=2)]
    key: Annotated[str, matching("[0-9a-f]{64}", "64 hexadecimal digits")]
    signature: Annotated[str, matching("[A-Za-z0-9+/]{86}==", "64 bytes in base64")]

    def to_bytes(self) -> bytes:
        """As it travels."""
        return self.to_json().encode()


def sign_order(order: Order, key: "Ed25519PrivateKey") -> SignedOrder:
    """Put the coordinator's signature under an order.

    Raises:
        FederationError: the order is too large to be read by any site.
    """
    text = order.canonical
    signed = SignedOrder(
        order=text.decode("ascii"),
        key=_fingerprint(key.public_key()),
        signature=base64.b64encode(key.sign(_PURPOSE + text)).decode("ascii"),
    )
    if (size := len(signed.to_bytes())) > SignedOrder.MOST_BYTES:
        raise FederationError(
            f"the order takes {size} bytes, and sites read {SignedOrder.MOST_BYTES} at the most; name fewer sites,"
            " classes or strategies"
        )
    return signed


def open_order(
    data: bytes,
    key: "Ed25519PublicKey",
    *,
    federation: str,
    site: str,
    now: datetime | None = None,
    used: Container[str] = (),
) -> Order:
    """The order in `data`, which this site is to follow.

    Nothing is parsed but the envelope before the signature holds.

    Args:
        data: as it came.
        key: the coordinator's, pinned when the site joined.
        federation, site: who is asked, as the site knows itself.
        now: aware of its zone; the clock's where it is None.
        used: nonces of orders that the site has begun; it keeps them until those orders expire.

    Raises:
        OrderRefused: naming the rule ("size", "form", "key", "signature", "schema", "kind", "federation", "site",
            "clock", "expired" or "replayed"), what was found and what would settle it.
    """
    text = _signed_text(data, key)
    order = _order_of(text)
    if order.federation != federation:
        raise OrderRefused(
            "federation",
            f"the order is for the federation {shown(order.federation)}, and this site joined {shown(federation)} under"
            " the key that signed it; ask the coordinator which of the two is meant",
        )
    if site not in order.sites:
        raise OrderRefused(
            "site",
            f"the order names {len(order.sites)} sites, and {shown(site)} is none of them; nothing is done here. If it"
            " ought to be, the coordinator adds it to the plan and sends a new order",
        )
    _require_timely(order, datetime.now(UTC) if now is None else now)
    if order.nonce in used:
        raise OrderRefused(
            "replayed",
            f"the order of {order.created} was begun here before, and none is begun twice; a repeated run needs a new"
            " order of the coordinator",
        )
    return order


def _signed_text(data: bytes, key: "Ed25519PublicKey") -> str:
    """The text under the signature, once that holds."""
    from cryptography.exceptions import InvalidSignature

    if len(data) > SignedOrder.MOST_BYTES:
        raise OrderRefused(
            "size", f"expected an order of {SignedOrder.MOST_BYTES} bytes at the most, got {len(data)}; ask for less"
        )
    try:
        signed = SignedOrder.from_dict(_parsed(data), "the order's envelope", FederationError)
    except FederationError as problem:
        raise OrderRefused("form", str(problem)) from None
    pinned = _fingerprint(key)
    if signed.key != pinned:
        raise OrderRefused(
            "key",
            f"the order is signed by the key {signed.key[:16]}, and this site pinned {pinned[:16]} when it joined; call"
            " the coordinator: if its key was changed on purpose, join anew, else somebody poses as it",
        )
    try:
        key.verify(base64.b64decode(signed.signature), _PURPOSE + signed.order.encode())
    except InvalidSignature:
        raise OrderRefused(
            "signature",
            "the order is not what was signed: at least one byte of it, or of the signature, was changed on its way;"
            " ask the coordinator to send it again, and tell them if it keeps happening",
        ) from None
    return signed.order


def _parsed(data: bytes) -> Any:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise FederationError(f"the order: expected JSON, found something else at byte {problem.start}") from None
    return parse_json(text, "the order", "a signed order", FederationError)


def _order_of(text: str) -> Order:
    """What was signed, as this version understands it."""
    try:
        values = parse_json(text, "the order", "an order", FederationError)
        refuse_odd(values, "the order", FederationError)
        found = values if isinstance(values, dict) else {}
        schema, kind = found.get("schema"), found.get("kind")
        if type(schema) is int and schema > Order.SCHEMA:
            raise OrderRefused(
                "schema",
                f"the order has schema {schema}, and this site's version reads up to {Order.SCHEMA}; update shiftscope"
                " at this site",
            )
        if kind not in KINDS:
            raise OrderRefused(
                "kind",
                f"the order asks for {shown(kind)}, and this site's version knows {', '.join(KINDS)}; update shiftscope"
                " at this site, or ask the coordinator what is meant",
            )
        order = Order.from_dict(values, "the order", FederationError)
    except OrderRefused:
        raise
    except FederationError as problem:
        raise OrderRefused("form", f"{problem}; the coordinator has to make the order again") from None
    if order.canonical != text.encode():
        raise OrderRefused(
            "form", "the order is signed in another text than its canonical one; make it with sign_order"
        )
    return order


def _require_timely(order: Order, now: datetime) -> None:
    at = moment(now)
    if order.created > moment(now + CLOCK_SKEW):
        raise OrderRefused(
            "clock",
            f"the order was made at {order.created}, and the clock here says {at}; set the clock that is wrong",
        )
    if order.expires <= at:
        raise OrderRefused(
            "expired",
            f"the order could be begun until {order.expires}, and it is {at}; ask the coordinator for a new one, or set"
            " the clock here if it is wrong",
        )


def _fingerprint(key: "Ed25519PublicKey") -> str:
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()
