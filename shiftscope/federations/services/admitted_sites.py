"""Who may come in at the door: which key, and with which certificate."""

from base64 import b64decode
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from shiftscope.federations.certificates import read_certificate, subject_of
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolment_documents.node_keys import node_identity
from shiftscope.federations.federation_keys import fingerprint

__all__ = ["AdmittedSites", "RefusedKey", "shown_identity"]


@dataclass(frozen=True, slots=True)
class RefusedKey:
    """Why a request is not passed on.

    Attributes:
        kind: "mixed" where the key came with a certificate that was not accepted with it.
        why: in words, and after "; " what settles it where the sentence does not.
    """

    kind: Literal["keyless", "mixed", "removed", "strange"]
    why: str


class AdmittedSites:
    """Sites as the coordinator's folder has them, read anew whenever it changes.

    A site is let in whose key is accepted today, over a connection whose certificate is for the TLS key that was
    accepted with it. That is the same for the certificate that a site has and the one that renews it, so a site goes on
    while the new one is on its way.
    """

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator
        self._read_at = -1
        self._removed: dict[str, str] = {}
        self._certified: dict[str, str] = {}

    def refusal(self, identity: str | None, certificate: bytes) -> RefusedKey | None:
        """Why a request is not passed on; None if it is.

        Whether the sender holds the key, the SuperLink checks by its signature.

        Args:
            identity: of the key that the request shows; None where it shows none.
            certificate: that the connection shows (DER), of the federation's authority.
        """
        self._read()
        name = self._coordinator.settings.federation
        if identity is None:
            return RefusedKey("keyless", f"this is the door of '{name}', and no SuperNode's key came with the request")
        if identity in self._certified:
            key, site = _certified_by(certificate)
            return None if self._certified[identity] == key else RefusedKey("mixed", self._not_together(identity, site))
        if (removed := self._removed.get(identity)) is not None:
            return RefusedKey("removed", removed)
        return RefusedKey(
            "strange",
            f"the key {fingerprint(identity)} is of no site of '{name}': it was not accepted yet (the coordinator runs:"
            f" shiftscope federation accept {name} SITE.request.json), or the site has made new keys since",
        )

    def _read(self) -> None:
        changed = (self._coordinator.path / "sites").stat().st_mtime_ns
        if changed == self._read_at:
            return
        name, removed, certified = self._coordinator.settings.federation, {}, {}
        for member in self._coordinator.members():
            for identity in member.earlier_keys:
                key = fingerprint(identity)
                removed[identity] = f"site '{member.site}' was removed from '{name}', and its key {key} with it"
            if member.removed is None:
                certified[member.identity] = _key_of(member.site_certificate)
        self._removed, self._certified, self._read_at = removed, certified, changed

    def _not_together(self, identity: str, site: str) -> str:
        name = self._coordinator.settings.federation
        return (
            f"the key {fingerprint(identity)} came over a connection with a certificate that was not accepted with it:"
            f" one of site '{site}'; at the site, restore node.key, tls.key and site.pem from one backup, or join with"
            " the newest admission. If they are as they were, somebody else has one of the keys: the coordinator runs"
            f" shiftscope federation remove {name} SITE, for the site of the key and for '{site}', and both make new"
            " ones"
        )


@lru_cache(maxsize=1000)
def shown_identity(header: bytes) -> str | None:
    """The identity of the key in a SuperNode's header (PEM in base64); None where there is none in it."""
    try:
        key = load_pem_public_key(b64decode(header, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        return None
    return node_identity(key) if isinstance(key, ec.EllipticCurvePublicKey) else None


@lru_cache(maxsize=1000)
def _certified_by(der: bytes) -> tuple[str, str]:
    """The identity of a certificate's key, and the site that it names."""
    certificate = read_certificate(der)
    return _key_of(certificate), subject_of(certificate)


def _key_of(certificate: x509.Certificate) -> str:
    return node_identity(certificate.public_key())  # type: ignore[arg-type]  # read_certificate takes no other
