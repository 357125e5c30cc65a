"""What a site sends to the coordinator to be admitted: its public keys, and that it holds the private ones."""

from datetime import datetime
from typing import ClassVar, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import model_validator

from shiftscope.federations.certificates import certificate_request, read_request
from shiftscope.federations.enrolment_documents.blob_contents import certified_in_name, read_blob
from shiftscope.federations.enrolment_documents.invitations import Invitation
from shiftscope.federations.enrolment_documents.node_keys import HoldsNodeKey
from shiftscope.federations.enrolment_documents.signed_documents import (
    Blob,
    Digest,
    Moment,
    SignedDocument,
    as_blob,
    bytes_of,
    moment,
)
from shiftscope.federations.federation_keys import public_bytes, read_public_key
from shiftscope.federations.federation_names import FolderName
from shiftscope.records import Misfit

__all__ = ["JoinRequest"]

_ECDSA = ec.ECDSA(hashes.SHA384())


class JoinRequest(HoldsNodeKey, SignedDocument):
    """It holds nothing secret.

    Attributes:
        federation: which one the site wants to join.
        site: its name there.
        pinned: identity of the invitation that the site believed; a coordinator that finds another one than its own
            knows that the site was given a forged invitation.
        node_key: the site's public key, DER in base64 (P-384): Flower knows the site by it.
        certificate_request: for the key of what the site shows at the door, DER in base64, signed by that key.
        created: when it was written.
        signature: of all this, by the node key: only who holds it can ask to be admitted with it.
    """

    KIND: ClassVar[str] = "request"

    federation: FolderName
    site: FolderName
    pinned: Digest
    node_key: Blob
    certificate_request: Blob
    created: Moment

    @model_validator(mode="after")
    def _whole(self) -> Self:
        key = read_blob("node_key", self.node_key, read_public_key)
        certified_in_name("certificate_request", self.certificate_request, read_request, self.site)
        try:
            key.verify(bytes_of(self.signature), self.statement(), _ECDSA)
        except InvalidSignature:
            raise Misfit(
                "signature",
                self.signature,
                "the signature of the site's own key over the rest: the file was changed, or cut; ask for it once more",
            ) from None
        return self

    @classmethod
    def by(
        cls,
        site: str,
        node_key: ec.EllipticCurvePrivateKey,
        tls_key: ec.EllipticCurvePrivateKey,
        invitation: Invitation,
        now: datetime,
    ) -> Self:
        """The request of a site that believes `invitation`."""
        asked = certificate_request(site, tls_key).public_bytes(Encoding.DER)
        fields = {
            "federation": invitation.federation,
            "site": site,
            "pinned": invitation.identity,
            "node_key": as_blob(public_bytes(node_key.public_key())),
            "certificate_request": as_blob(asked),
            "created": moment(now),
        }
        return cls.signed(lambda statement: node_key.sign(statement, _ECDSA), "the request", fields)

    @property
    def certified_key(self) -> ec.EllipticCurvePublicKey:
        """The key that the site wants certified."""
        key = read_request(bytes_of(self.certificate_request)).public_key()
        return read_public_key(public_bytes(key))  # type: ignore[arg-type]
