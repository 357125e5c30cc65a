"""An order as it arrives at a site: opened, or refused with an entry in the log."""

from collections.abc import Callable, Container
from datetime import datetime
from typing import TYPE_CHECKING

from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Withheld, tell_quietly
from shiftscope.errors import OrderRefused
from shiftscope.federations.orders import Order
from shiftscope.federations.signed_orders import open_order

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["ORDER_QUESTION", "receive_order"]

ORDER_QUESTION = "order"
"""What the log calls the arrival of an order."""


def receive_order(
    data: bytes,
    key: "Ed25519PublicKey",
    *,
    federation: str,
    site: str,
    log: ReleaseLog,
    tell: Callable[[BaseException], None],
    now: datetime | None = None,
    used: Container[str] = (),
) -> Order | Withheld:
    """The order that this site is to follow, or what the coordinator is told instead: the name of a rule.

    Args:
        data, key, federation, site, now, used: as `open_order` has them.
        log: gets an entry of what is refused; whose digest it has is not known, for nothing in it can be believed.
        tell: is given the whole text of a refusal, for the site's own people.
    """
    try:
        return open_order(data, key, federation=federation, site=site, now=now, used=used)
    except OrderRefused as refused:
        tell_quietly(tell, refused)
        rule = f"order_{refused.rule}"
    try:
        log.append(order="", question=ORDER_QUESTION, outcome="withheld", rule=rule)
    except Exception as problem:  # noqa: BLE001 - a log that is broken says nothing to the coordinator
        tell_quietly(tell, problem)
    return Withheld(f"withheld: {rule}")
