"""Which orders a site has begun, so that it begins none twice."""

from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar

from shiftscope.errors import FederationError
from shiftscope.federations.enrolment_documents.signed_documents import Digest, Moment, moment, moment_of
from shiftscope.federations.orders import Drawn, Order
from shiftscope.records import Document, Name, Record, at_most

__all__ = ["BegunOrders"]

_KEPT = timedelta(days=400)
"""After which an order that nobody may begin any more is forgotten."""

_MOST = 100_000


class _Begun(Record):
    """One order.

    Attributes:
        nonce, expires: the order's.
        sha256: of the signed order, byte for byte.
        run: of the engine, in which it was begun.
        at: when.
    """

    nonce: Drawn
    expires: Moment
    sha256: Digest
    run: Name
    at: Moment


class _Register(Document):
    """All of them."""

    SCHEMA: ClassVar[int] = 1
    PRIVATE: ClassVar[bool] = True
    MOST_BYTES: ClassVar[int] = 64_000_000

    begun: Annotated[tuple[_Begun, ...], at_most(_MOST, "orders")] = ()


class BegunOrders:
    """The register of a site; one process at a time writes it.

    Args:
        path: of the file; made with the first order.

    Raises:
        FederationError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._register = _Register.read(path, FederationError) if path.exists() else _Register()

    @property
    def used(self) -> frozenset[str]:
        """The nonces of all orders that were begun."""
        return frozenset(each.nonce for each in self._register.begun)

    def begun_at(self, data: bytes, run: str) -> datetime | None:
        """When this very signed order was begun in this run of the engine; None where it was not."""
        mark = sha256(data).hexdigest()
        return next(
            (moment_of(each.at) for each in self._register.begun if (each.sha256, each.run) == (mark, run)), None
        )

    def begin(self, order: Order, data: bytes, run: str, now: datetime) -> None:
        """Write down that an order is begun, before anything is done for it."""
        forgotten = moment(now - _KEPT)
        kept = [each for each in self._register.begun if max(each.at, each.expires) > forgotten]
        new = _Begun(nonce=order.nonce, expires=order.expires, sha256=sha256(data).hexdigest(), run=run, at=moment(now))
        register = _Register(begun=(*kept, new))
        register.write(self._path)
        self._register = register  # not before: what is not on the disk was not begun
