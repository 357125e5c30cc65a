"""What a coordinator answers to a site that it admits: the site's certificate, signed for."""

from datetime import datetime
from functools import cached_property
from typing import ClassVar, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import model_validator

from shiftscope.federations.certificates import read_certificate
from shiftscope.federations.enrolment_documents.blob_contents import certified_in_name
from shiftscope.federations.enrolment_documents.signed_documents import (
    Blob,
    Digest,
    Moment,
    SignedDocument,
    as_blob,
    bytes_of,
    moment,
)
from shiftscope.federations.federation_names import FolderName

__all__ = ["Admission"]


class Admission(SignedDocument):
    """It holds nothing secret. Whether the coordinator signed it, the site says, who pinned the coordinator's key.

    Attributes:
        federation: to which the site is admitted.
        site: its name there.
        node: identity of the node key that was admitted.
        certificate: what the site shows at the door, DER in base64.
        created: when it was written.
        signature: of all this, by the coordinator's signing key.
    """

    KIND: ClassVar[str] = "admission"

    federation: FolderName
    site: FolderName
    node: Digest
    certificate: Blob
    created: Moment

    @model_validator(mode="after")
    def _whole(self) -> Self:
        certified_in_name("certificate", self.certificate, read_certificate, self.site)
        return self

    @classmethod
    def by(
        cls,
        key: Ed25519PrivateKey,
        federation: str,
        site: str,
        node: str,
        certificate: x509.Certificate,
        now: datetime,
    ) -> Self:
        """The admission that a coordinator signs."""
        fields = {
            "federation": federation,
            "site": site,
            "node": node,
            "certificate": as_blob(certificate.public_bytes(Encoding.DER)),
            "created": moment(now),
        }
        return cls.signed(key.sign, "the admission", fields)

    @cached_property
    def site_certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return read_certificate(bytes_of(self.certificate))
