"""Documents that are signed: over which bytes, and what their fields may hold."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import AfterValidator

from shiftscope.errors import FederationError
from shiftscope.records import Document, Text, at_most, matching

__all__ = ["Blob", "Digest", "Moment", "SignedDocument", "Versions", "as_blob", "bytes_of", "moment", "moment_of"]


def as_blob(data: bytes) -> str:
    """Bytes as text of a document (base64, RFC 4648)."""
    return base64.b64encode(data).decode()


def bytes_of(blob: str) -> bytes:
    """The bytes of a `Blob`."""
    return base64.b64decode(blob)


def _check_blob(text: str) -> str:
    try:
        whole = as_blob(base64.b64decode(text, validate=True)) == text
    except (binascii.Error, ValueError):
        whole = False
    if not whole or not text:
        raise ValueError("expected bytes in base64")
    return text


def moment(at: datetime) -> str:
    """A time in UTC, to the second, as text of a document."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime:
    """The time of a `Moment`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _check_moment(text: str) -> str:
    try:
        return moment(moment_of(text))
    except ValueError:
        raise ValueError("expected a time such as 2026-11-30T09:00:00Z") from None


Blob = Annotated[str, at_most(6000, "characters"), AfterValidator(_check_blob)]
"""Bytes in base64; a certificate takes about a thousand characters."""

Digest = Annotated[str, matching(r"[0-9a-f]{64}", "64 hexadecimal digits")]
"""A SHA-256."""

Moment = Annotated[str, AfterValidator(_check_moment)]
"""A time in UTC, to the second."""

Versions = Annotated[dict[Text, Text], at_most(10, "versions")]
"""Package -> version, of whoever wrote the document."""


class SignedDocument(Document):
    """A document whose last field is a signature over all the others, its kind and the number of its schema."""

    MOST_BYTES: ClassVar[int] = 65_536
    KIND: ClassVar[str]

    signature: Blob

    @classmethod
    def signed(cls, sign: Callable[[bytes], bytes], where: str, fields: Mapping[str, Any]) -> Self:
        """Build one from its other fields, which are plain JSON values as the document would write them."""
        signature = as_blob(sign(_statement(cls.KIND, cls.SCHEMA, fields)))
        return cls.from_dict({"schema": cls.SCHEMA, **fields, "signature": signature}, where, FederationError)

    def statement(self) -> bytes:
        """The bytes that are signed: the kind, and the fields as JSON with sorted keys and no blanks."""
        fields = {key: value for key, value in self.to_dict().items() if key not in ("schema", "signature")}
        return _statement(self.KIND, self.SCHEMA, fields)


def _statement(kind: str, schema: int, fields: Mapping[str, Any]) -> bytes:
    body = json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"shiftscope {kind} {schema}\n{body}".encode()
