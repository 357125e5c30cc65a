"""The public key that a site is known by, in the documents that hold it."""

from cryptography.hazmat.primitives.asymmetric import ec

from shiftscope.federations.enrolment_documents.signed_documents import bytes_of
from shiftscope.federations.federation_keys import digest, fingerprint, public_bytes, read_public_key

__all__ = ["HoldsNodeKey", "node_identity"]


def node_identity(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of a site's public key: what it is known by."""
    return digest(public_bytes(key))


class HoldsNodeKey:
    """Of a document.

    Attributes:
        node_key: the site's public key, DER in base64 (P-384).
    """

    node_key: str

    @property
    def identity(self) -> str:
        """What the site is known by."""
        return node_identity(read_public_key(bytes_of(self.node_key)))

    @property
    def fingerprint(self) -> str:
        """The identity as people compare it."""
        return fingerprint(self.identity)
