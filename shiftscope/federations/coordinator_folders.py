"""The coordinator's folder of a federation: what lies in it, made as a whole, and read again."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, BinaryIO, ClassVar, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import Field

from shiftscope.errors import FederationError
from shiftscope.federations.certificates import (
    certificate_pem,
    issued_by,
    new_authority,
    pem_certificate,
    server_certificate,
)
from shiftscope.federations.enrolment_documents.invitations import Invitation
from shiftscope.federations.enrolment_documents.members import Member
from shiftscope.federations.enrolment_documents.signed_documents import Moment, bytes_of
from shiftscope.federations.federation_keys import (
    new_elliptic_key,
    openssh_line,
    read_elliptic_key,
    read_public_key,
    read_signing_key,
    write_key,
)
from shiftscope.federations.federation_names import Address, AddressText, FolderName
from shiftscope.federations.homes import coordinator_path, require_files
from shiftscope.files import locked, whole_folder, write_text
from shiftscope.records import Document

__all__ = ["Coordinator", "FederationSettings"]

_FILES = {
    "federation.json": "what it is called and where it is reached",
    "invitation.json": "what sites are sent",
    "authority.key": "the key that certifies sites",
    "authority.pem": "its certificate",
    "server.key": "the key of the server's TLS",
    "server.pem": "its certificate",
    "signing.key": "the key that signs admissions and orders",
}
"""What must be there for the coordinator to do anything: file -> what it is."""

Days = Annotated[int, Field(strict=True, ge=1, le=3650)]


class FederationSettings(Document):
    """What a coordinator has settled (`federation.json`).

    Attributes:
        federation: its name.
        address: of its door, HOST:PORT.
        days: how long the certificates of server and sites are valid.
        created: when it was made.
    """

    PRIVATE: ClassVar[bool] = True

    federation: FolderName
    address: AddressText
    days: Days
    created: Moment


@dataclass(frozen=True)
class Coordinator:
    """A federation as its coordinator has it.

    Attributes:
        path: the folder.
        settings: what was settled.
        invitation: what sites are sent.
    """

    path: Path
    settings: FederationSettings
    invitation: Invitation

    @classmethod
    def create(
        cls, home: Path, name: str, address: Address, days: int, versions: dict[str, str], now: datetime
    ) -> Self:
        """Make all keys and certificates of a new federation, in a folder that is there as a whole or not at all.

        Raises:
            FederationError: there is one of this name.
        """
        path = coordinator_path(home, name)
        if path.exists():
            raise FederationError(f"{path}: there is a federation '{name}' already; nothing was changed")
        authority_key, signing_key = new_elliptic_key(), Ed25519PrivateKey.generate()
        authority = new_authority(name, authority_key, now)
        invitation = Invitation.by(signing_key, authority, name, address, versions, now)
        values = {"federation": name, "address": str(address), "days": days, "created": invitation.created}
        settings = FederationSettings.from_dict({"schema": 1, **values}, name, FederationError)
        with whole_folder(path) as folder:
            (folder / "sites").mkdir(mode=0o700)
            write_key(folder / "authority.key", authority_key)
            write_text(folder / "authority.pem", certificate_pem(authority))
            write_key(folder / "signing.key", signing_key)
            invitation.write(folder / "invitation.json")
            settings.write(folder / "federation.json")
            _write_server(folder, authority, settings, now)
        return cls(path, settings, invitation)

    @classmethod
    def open(cls, home: Path, name: str) -> Self:
        """The federation of this name.

        Raises:
            FederationError: there is none, files are missing, or they do not belong together.
        """
        path = coordinator_path(home, name)
        if not path.is_dir():
            raise FederationError(
                f"{path}: there is no federation '{name}' coordinated here; make one with: shiftscope federation init"
                f" {name} --address HOST:PORT"
            )
        require_files(path, _FILES, "move it away and make a new federation, to which every site joins anew")
        settings = FederationSettings.read(path / "federation.json", FederationError)
        invitation = Invitation.read(path / "invitation.json", FederationError)
        found = cls(path, settings, invitation)
        if {settings.federation, invitation.federation} != {name}:
            raise FederationError(
                f"{path}: federation.json is of '{settings.federation}', invitation.json of '{invitation.federation}',"
                f" the folder of '{name}'; restore it from its backup"
            )
        return found

    def renew(self, address: Address, days: int, versions: dict[str, str], now: datetime) -> Self:
        """A new key and certificate of the server, for an address that may be a new one; keys that sites pin stay.

        Whoever is interrupted asks once more: the settings are written first, and the rest follows from them.
        """
        authority = self.authority()
        fresh = Invitation.by(self.signing_key(), authority, self.settings.federation, address, versions, now)
        settings = self.settings.model_copy(update={"address": str(address), "days": days})
        with self.alone():
            settings.write(self.path / "federation.json")
            fresh.write(self.path / "invitation.json")
            _write_server(self.path, authority, settings, now)
        return type(self)(self.path, settings, fresh)

    def alone(self) -> BinaryIO:
        """One command at a time changes the folder: `with coordinator.alone():`, and never once more inside it.

        Sites are read within: those read before may have changed since.

        Raises:
            FederationError: the file system refuses the lock.
        """
        try:
            return locked(self.path / "lock")
        except OSError as problem:
            raise FederationError(
                f"{self.path}: cannot be locked: {problem.strerror}; mend the rights of the folder, or move it to a"
                " file system that knows locks"
            ) from None

    @property
    def address(self) -> Address:
        """Of the door."""
        return Address.parse(self.settings.address)

    def authority(self) -> x509.Certificate:
        """The certificate of the authority.

        Raises:
            FederationError: the file is not what the invitation says.
        """
        found = pem_certificate(self.path / "authority.pem")
        if found != self.invitation.authority_certificate:
            raise FederationError(
                f"{self.path / 'authority.pem'}: is not the authority of the invitation; restore both from one backup"
            )
        return found

    def authority_key(self) -> ec.EllipticCurvePrivateKey:
        """The key that certifies."""
        return read_elliptic_key(self.path / "authority.key")

    def signing_key(self) -> Ed25519PrivateKey:
        """The key that signs admissions and orders.

        Raises:
            FederationError: it cannot be used, or sites pinned another one.
        """
        key = read_signing_key(self.path / "signing.key")
        if key.public_key().public_bytes_raw() != bytes_of(self.invitation.signing_key):
            raise FederationError(
                f"{self.path / 'signing.key'}: is not the key that sites pinned; restore it and invitation.json from"
                " one backup"
            )
        return key

    def members(self) -> list[Member]:
        """All sites, removed ones too, by name."""
        found = [Member.read(path, FederationError) for path in sorted((self.path / "sites").glob("*.json"))]
        for member in found:
            if not issued_by(member.site_certificate, self.invitation.authority_certificate):
                raise FederationError(
                    f"{self.member_path(member.site)}: the certificate is not of this federation's authority; restore"
                    " the file from the backup, or remove it and accept the site anew"
                )
        return found

    def member(self, site: str) -> Member | None:
        """A site by its name, None where none of this name ever was admitted."""
        return next((member for member in self.members() if member.site == site), None)

    def keep(self, member: Member) -> None:
        """Write down what is known of a site, and its public key as Flower registers it."""
        key = read_public_key(bytes_of(member.node_key))
        write_text(self.public_key_path(member.site), openssh_line(key, member.site))
        member.write(self.member_path(member.site))

    def member_path(self, site: str) -> Path:
        """Where a site is kept."""
        return self.path / "sites" / f"{site}.json"

    def public_key_path(self, site: str) -> Path:
        """A site's public key as Flower registers it."""
        return self.path / "sites" / f"{site}.pub"


def _write_server(folder: Path, authority: x509.Certificate, settings: FederationSettings, now: datetime) -> None:
    key = new_elliptic_key()
    certifying = read_elliptic_key(folder / "authority.key")
    address = Address.parse(settings.address)
    certificate = server_certificate(authority, certifying, key.public_key(), address, now, settings.days)
    write_key(folder / "server.key", key, replace=True)
    write_text(folder / "server.pem", certificate_pem(certificate))
