"""What a coordinator keeps of each site: that it is admitted, with which key, until when, and what came before."""

from typing import Annotated, ClassVar, Self

from cryptography import x509
from pydantic import model_validator

from shiftscope.federations.certificates import number_of, read_certificate
from shiftscope.federations.enrolment_documents.blob_contents import certified_in_name, read_blob
from shiftscope.federations.enrolment_documents.node_keys import HoldsNodeKey
from shiftscope.federations.enrolment_documents.signed_documents import Blob, Digest, Moment, bytes_of
from shiftscope.federations.federation_keys import read_public_key
from shiftscope.federations.federation_names import FolderName
from shiftscope.records import Document, at_most, matching

__all__ = ["Member"]

_Number = Annotated[str, matching(r"[0-9a-f]{1,40}", "the serial number of a certificate in hexadecimal digits")]
_Node = Annotated[str, matching(r"\d{1,20}", "the number of a node of Flower's")]


class Member(HoldsNodeKey, Document):
    """A site of a federation, admitted or removed.

    Attributes:
        site: its name.
        node_key: its public key, DER in base64.
        certificate: its present certificate, DER in base64.
        since: when it was admitted with this key.
        removed: when it was removed; null while it is admitted.
        node: Flower's number of its node at the SuperLink; null before it is registered.
        former_nodes: numbers of its nodes with keys that were removed, which are unregistered there.
        revoked: serial numbers of certificates that no longer count.
        earlier_keys: identities of node keys that were removed; none of them is admitted again.
    """

    PRIVATE: ClassVar[bool] = True

    site: FolderName
    node_key: Blob
    certificate: Blob
    since: Moment
    removed: Moment | None
    node: _Node | None
    former_nodes: Annotated[tuple[_Node, ...], at_most(1000, "nodes")]
    revoked: Annotated[tuple[_Number, ...], at_most(1000, "certificates")]
    earlier_keys: Annotated[tuple[Digest, ...], at_most(1000, "keys")]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        read_blob("node_key", self.node_key, read_public_key)
        certified_in_name("certificate", self.certificate, read_certificate, self.site)
        return self

    @property
    def site_certificate(self) -> x509.Certificate:
        """The certificate itself."""
        return read_certificate(bytes_of(self.certificate))

    def without(self, when: str) -> Self:
        """The same site, removed: its key and its certificate count no more."""
        number = number_of(self.site_certificate)
        return self.model_copy(
            update={
                "removed": when,
                "node": None,
                "former_nodes": (*self.former_nodes, *([] if self.node is None else [self.node])),
                "revoked": tuple(dict.fromkeys((*self.revoked, number))),
                "earlier_keys": tuple(dict.fromkeys((*self.earlier_keys, self.identity))),
            }
        )
