"""A site's folder of a federation that it joins: its keys, whom it believes, and where its images lie."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, ClassVar, Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from shiftscope.errors import FederationError
from shiftscope.federations.certificates import certificate_pem, issued_by
from shiftscope.federations.enrolment_documents.admissions import Admission
from shiftscope.federations.enrolment_documents.invitations import Invitation
from shiftscope.federations.enrolment_documents.join_requests import JoinRequest
from shiftscope.federations.enrolment_documents.node_keys import node_identity
from shiftscope.federations.enrolment_documents.signed_documents import Moment, bytes_of, moment
from shiftscope.federations.federation_keys import (
    fingerprint,
    new_elliptic_key,
    public_bytes,
    read_elliptic_key,
    read_node_key,
    write_key,
)
from shiftscope.federations.federation_names import Address, FolderName
from shiftscope.federations.homes import POLICY, RELEASES, RUNS, require_files, site_path
from shiftscope.files import bytes_in, locked, whole_folder, write_text
from shiftscope.printable_text import shown
from shiftscope.records import Document, Text

__all__ = ["JoinedSite", "Membership", "data_folder"]

_FILES = {
    "membership.json": "its name and its data folder",
    "invitation.json": "whom it believes",
    "authority.pem": "the certificate of the federation's authority",
    "node.key": "the key that it is known by",
    "tls.key": "the key of its certificate",
}
"""What must be there once a site asked to join: file -> what it is."""

_ADMISSION, _CERTIFICATE = "admission.json", "site.pem"


class Membership(Document):
    """What a site has settled (`membership.json`); yours to edit where the data move.

    Attributes:
        federation: which one it joins.
        site: its name there.
        data: the folder with its images. Nobody else names it: what a coordinator says of folders is not read.
        since: when it asked to join.
    """

    PRIVATE: ClassVar[bool] = True

    federation: FolderName
    site: FolderName
    data: Text
    since: Moment


@dataclass(frozen=True)
class JoinedSite:
    """A federation as one of its sites has it.

    Attributes:
        path: the folder.
        membership: what was settled.
        invitation: whom the site believes: these keys are pinned, and no others.
        admission: the coordinator's answer; None before it came.
    """

    path: Path
    membership: Membership
    invitation: Invitation
    admission: Admission | None

    @classmethod
    def create(cls, home: Path, invitation: Invitation, site: str, data: Path, now: datetime) -> Self:
        """Make a site's keys, in a folder that is there as a whole or not at all.

        Raises:
            FederationError: the site has joined a federation of this name already.
        """
        path = site_path(home, invitation.federation)
        if path.exists():
            raise FederationError(f"{path}: a site here has joined '{invitation.federation}' already")
        membership = _membership(invitation, site, data, now)
        with whole_folder(path) as folder:
            write_key(folder / "node.key", new_elliptic_key(), openssh=True)
            write_key(folder / "tls.key", new_elliptic_key())
            write_text(folder / "authority.pem", certificate_pem(invitation.authority_certificate))
            invitation.write(folder / "invitation.json")
            membership.write(folder / "membership.json")
        return cls(path, membership, invitation, None)

    @classmethod
    def open(cls, home: Path, name: str) -> Self:
        """The federation of this name that a site here has joined.

        Raises:
            FederationError: there is none, files are missing, or they do not belong together.
        """
        path = site_path(home, name)
        if not path.is_dir():
            raise FederationError(
                f"{path}: no site here has joined '{name}'; join with: shiftscope federation join invitation.json"
                " --site NAME --data DIR"
            )
        require_files(path, _FILES, "move it away and join anew, and ask the coordinator to remove the site first")
        membership = Membership.read(path / "membership.json", FederationError)
        invitation = Invitation.read(path / "invitation.json", FederationError)
        answer = path / _ADMISSION
        admission = Admission.read(answer, FederationError) if answer.is_file() else None
        found = cls(path, membership, invitation, admission)
        if not name == membership.federation == invitation.federation:
            raise FederationError(
                f"{path}: membership.json is of '{membership.federation}', invitation.json of"
                f" '{invitation.federation}'; restore the folder from its backup"
            )
        if admission is not None:
            found.require_ours(admission, str(answer))
        return found

    def request(self, now: datetime) -> JoinRequest:
        """What is sent to the coordinator; the same keys each time."""
        return JoinRequest.by(self.membership.site, self.node_key(), self.tls_key(), self.invitation, now)

    def believe(self, invitation: Invitation, where: str) -> Self:
        """The same site with a later invitation of the same coordinator, whose address may be a new one.

        Raises:
            FederationError: it is of other keys than those pinned.
        """
        if invitation.identity != self.invitation.identity:
            raise FederationError(
                f"{where}: this invitation has the fingerprint {invitation.fingerprint}, and this site has pinned"
                f" {self.invitation.fingerprint}: it is of another coordinator, or forged. Ask the coordinator by"
                f" telephone; only if there is a new federation of the same name, move {self.path} away and join anew"
            )
        if invitation.created >= self.invitation.created:
            invitation.write(self.path / "invitation.json")
            return type(self)(self.path, self.membership, invitation, self.admission)
        return self

    def settle(self, data: Path) -> Self:
        """The same site with its images in another folder."""
        membership = self.membership.model_copy(update={"data": str(data)})
        membership.write(self.path / "membership.json")
        return type(self)(self.path, membership, self.invitation, self.admission)

    def renew_keys(self) -> Self:
        """New keys, for a site that was removed or whose keys may be known to others; it must be admitted anew."""
        (self.path / _ADMISSION).unlink(missing_ok=True)
        (self.path / _CERTIFICATE).unlink(missing_ok=True)
        write_key(self.path / "node.key", new_elliptic_key(), openssh=True, replace=True)
        write_key(self.path / "tls.key", new_elliptic_key(), replace=True)
        return type(self)(self.path, self.membership, self.invitation, None)

    def complete(self, admission: Admission, where: str) -> Self:
        """The same site, admitted.

        Raises:
            FederationError: the admission is not for this site and its key, or not by the coordinator it believes.
        """
        self.require_ours(admission, where)
        write_text(self.path / _CERTIFICATE, certificate_pem(admission.site_certificate))
        admission.write(self.path / _ADMISSION)
        return type(self)(self.path, self.membership, self.invitation, admission)

    def require_ours(self, admission: Admission, where: str) -> None:
        """Refuse an admission of another federation, site, key or coordinator.

        Raises:
            FederationError: saying which.
        """
        site, federation = self.membership.site, self.membership.federation
        if not self.invitation.has_signed(bytes_of(admission.signature), admission.statement()):
            raise FederationError(
                f"{where}: is not signed by the coordinator of '{federation}' that this site believes"
                f" ({self.invitation.fingerprint}): it was changed or cut, or is another federation's; ask the"
                " coordinator for it once more"
            )
        if admission.federation != federation or admission.site != site:
            raise FederationError(
                f"{where}: admits site '{admission.site}' to '{admission.federation}', and this is site '{site}' of"
                f" '{federation}'; take the file that is for you"
            )
        if admission.node != node_identity(self.node_key().public_key()):
            raise FederationError(
                f"{where}: admits the key {fingerprint(admission.node)}, and this site's key is {self.fingerprint};"
                " send the coordinator the request of the present key, made anew by: shiftscope federation join"
                " invitation.json"
            )
        certified = admission.site_certificate
        if not issued_by(certified, self.invitation.authority_certificate) or not _same_key(certified, self.tls_key()):
            raise FederationError(
                f"{where}: its certificate is not for this site's TLS key, or not by the federation's authority; send"
                " the coordinator the request once more"
            )

    @property
    def address(self) -> Address:
        """Of the coordinator's door."""
        return Address.parse(self.invitation.address)

    @property
    def data(self) -> Path:
        """The folder with the site's images, as `membership.json` says now: they may move while a service runs.

        Raises:
            FederationError: the file cannot be read.
        """
        return data_folder(self.path)

    @property
    def policy(self) -> Path:
        """What the site lets out; where there is no such file, nothing leaves."""
        return self.path / POLICY

    @property
    def releases(self) -> Path:
        """The folder with the log of what left; none where nothing was ever asked."""
        return self.path / RELEASES

    @property
    def runs(self) -> Path:
        """The folder of what runs keep at the site."""
        return self.path / RUNS

    def taken(self) -> dict[str, int]:
        """What orders left at the site: "releases" and "runs/RUN" -> bytes."""
        runs = sorted(self.runs.iterdir()) if self.runs.is_dir() else []
        return {RELEASES: bytes_in(self.releases), **{f"{RUNS}/{run.name}": bytes_in(run) for run in runs}}

    @property
    def fingerprint(self) -> str:
        """What the site is known by, as people compare it."""
        return fingerprint(node_identity(self.node_key().public_key()))

    def only_service(self) -> BinaryIO:
        """What one service of this site holds as long as it runs: two would begin orders that the other has begun.

        Raises:
            FederationError: another one runs.
        """
        lock = self.path / "service.lock"
        try:
            return locked(lock, wait=False)
        except BlockingIOError:
            raise FederationError(
                f"{self.path}: the service of this site runs already; end that one first, with systemctl stop where"
                " systemd started it"
            ) from None
        except OSError as problem:
            raise FederationError(f"{lock}: cannot be locked: {problem.strerror}; mend the rights of it") from None

    def node_key(self) -> ec.EllipticCurvePrivateKey:
        """The key that the site is known by."""
        return read_node_key(self.path / "node.key")

    def tls_key(self) -> ec.EllipticCurvePrivateKey:
        """The key of the certificate that it shows at the door."""
        return read_elliptic_key(self.path / "tls.key")


def data_folder(path: Path) -> Path:
    """Where the images of a site lie, whose folder of a federation this is.

    Raises:
        FederationError: its `membership.json` cannot be read.
    """
    return Path(Membership.read(path / "membership.json", FederationError).data)


def _same_key(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> bool:
    return public_bytes(certificate.public_key()) == public_bytes(key.public_key())  # type: ignore[arg-type]


def _membership(invitation: Invitation, site: str, data: Path, now: datetime) -> Membership:
    values = {"federation": invitation.federation, "site": site, "data": str(data), "since": moment(now)}
    return Membership.from_dict({"schema": Membership.SCHEMA, **values}, f"site {shown(site)}", FederationError)
