"""What a coordinator sends to whoever may join: where it is, and by which keys it is known."""

from datetime import datetime
from functools import cached_property
from typing import ClassVar, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import model_validator

from shiftscope.federations.certificates import issued_by, read_certificate
from shiftscope.federations.enrolment_documents.signed_documents import (
    Blob,
    Moment,
    SignedDocument,
    Versions,
    as_blob,
    bytes_of,
    moment,
)
from shiftscope.federations.federation_keys import digest, fingerprint
from shiftscope.federations.federation_names import Address, AddressText, FolderName
from shiftscope.records import Misfit

__all__ = ["Invitation"]

_KEY_BYTES = 32


class Invitation(SignedDocument):
    """It holds nothing secret. Its signature shows that it is whole; whose it is, people find out by its fingerprint.

    Attributes:
        federation: its name.
        address: of the coordinator's door, HOST:PORT.
        authority: the certificate of the federation's authority, DER in base64.
        signing_key: the coordinator's public key for signatures, 32 bytes in base64 (Ed25519).
        created: when it was written.
        versions: packages of the coordinator, which sites compare with theirs.
        signature: of all this, by the signing key.
    """

    KIND: ClassVar[str] = "invitation"

    federation: FolderName
    address: AddressText
    authority: Blob
    signing_key: Blob
    created: Moment
    versions: Versions

    @model_validator(mode="after")
    def _whole(self) -> Self:
        try:
            authority = read_certificate(bytes_of(self.authority))
            constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints).value
        except (ValueError, x509.ExtensionNotFound):
            raise Misfit("authority", self.authority, "the certificate of an authority") from None
        if not constraints.ca or not issued_by(authority, authority):
            raise Misfit("authority", self.authority, "the certificate of an authority, signed by itself")
        if len(bytes_of(self.signing_key)) != _KEY_BYTES:
            raise Misfit("signing_key", self.signing_key, "an Ed25519 key of 32 bytes")
        if not self.has_signed(bytes_of(self.signature), self.statement()):
            raise Misfit(
                "signature",
                self.signature,
                "the signature of its own key over the rest: the file was changed, or cut; ask for it once more",
            )
        return self

    @classmethod
    def by(
        cls,
        key: Ed25519PrivateKey,
        authority: x509.Certificate,
        federation: str,
        address: Address,
        versions: dict[str, str],
        now: datetime,
    ) -> Self:
        """The invitation of a coordinator."""
        fields = {
            "federation": federation,
            "address": str(address),
            "authority": as_blob(authority.public_bytes(Encoding.DER)),
            "signing_key": as_blob(key.public_key().public_bytes_raw()),
            "created": moment(now),
            "versions": versions,
        }
        return cls.signed(key.sign, "the invitation", fields)

    @cached_property
    def authority_certificate(self) -> x509.Certificate:
        """The authority, as a certificate."""
        return read_certificate(bytes_of(self.authority))

    @property
    def identity(self) -> str:
        """SHA-256 over name, authority and signing key: all that a site pins. A new address does not change it."""
        return digest(self.federation.encode(), bytes_of(self.authority), bytes_of(self.signing_key))

    @property
    def fingerprint(self) -> str:
        """The identity as people compare it."""
        return fingerprint(self.identity)

    def has_signed(self, signature: bytes, statement: bytes) -> bool:
        """Whether the coordinator's key made this signature."""
        try:
            Ed25519PublicKey.from_public_bytes(bytes_of(self.signing_key)).verify(signature, statement)
        except (InvalidSignature, ValueError):
            return False
        return True
