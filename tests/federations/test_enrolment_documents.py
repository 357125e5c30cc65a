"""Invitation, request and admission: whole, signed, and refused when a byte of them is another one."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from enrolled_sites import NOW, Enrolled, enrolled, forged, secrets_in

from shiftscope.errors import FederationError
from shiftscope.federations.enrolment_documents.admissions import Admission
from shiftscope.federations.enrolment_documents.invitations import Invitation
from shiftscope.federations.enrolment_documents.join_requests import JoinRequest
from shiftscope.federations.enrolment_documents.members import Member
from shiftscope.federations.enrolment_documents.signed_documents import as_blob

KINDS = {"invitation": Invitation, "request": JoinRequest, "admission": Admission}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Enrolled:
    return enrolled(tmp_path_factory.mktemp("federation"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Enrolled:
    """Another federation of the same name, with a site of the same name."""
    return enrolled(tmp_path_factory.mktemp("another"))


def written(made: Enrolled, kind: str, path: Path) -> Path:
    assert made.site.admission is not None
    document = {
        "invitation": made.coordinator.invitation,
        "request": made.site.request(NOW),
        "admission": made.site.admission,
    }[kind]
    document.write(path)
    return path


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_document_is_read_as_it_was_written(made: Enrolled, kind: str, tmp_path: Path) -> None:
    path = written(made, kind, tmp_path / "a.json")
    read = KINDS[kind].read(path, FederationError)
    assert read.to_json() + "\n" == path.read_text(encoding="utf-8")
    assert path.stat().st_size < 3000


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_document_holds_a_private_key(made: Enrolled, kind: str, tmp_path: Path) -> None:
    data = written(made, kind, tmp_path / "a.json").read_bytes()
    for folder in (made.coordinator.path, made.site.path):
        secrets = secrets_in(folder)
        for key in folder.glob("*.key"):
            assert any(secret in key.read_bytes().replace(b"\n", b"") for secret in secrets), key
        assert not [secret for secret in secrets if secret in data]


CHANGED: list[tuple[str, dict[str, Any]]] = [
    ("invitation", {"federation": "lung2"}),
    ("invitation", {"address": "127.0.0.1:19401"}),
    ("invitation", {"created": "2026-11-30T09:00:01Z"}),
    ("invitation", {"versions": {"shiftscope": "0.1.1"}}),
    ("invitation", {"versions": {}}),
    ("request", {"federation": "lung2"}),
    ("request", {"pinned": "0" * 64}),
    ("request", {"created": "2026-11-30T09:00:01Z"}),
]


@pytest.mark.parametrize(("kind", "change"), CHANGED)
def test_a_changed_field_breaks_the_signature(made: Enrolled, kind: str, change: dict[str, Any], tmp_path) -> None:
    path = forged(written(made, kind, tmp_path / "a.json"), **change)
    with pytest.raises(FederationError, match="key 'signature': expected the signature of"):
        KINDS[kind].read(path, FederationError)


UNFIT: list[tuple[str, dict[str, Any], str]] = [
    ("invitation", {"federation": "../lung"}, "federation"),
    ("invitation", {"federation": "lu\u202eng"}, "federation"),
    ("invitation", {"address": "nowhere"}, "address"),
    ("invitation", {"address": "$(id):9400"}, "address"),
    ("invitation", {"authority": "AAAA"}, "authority"),
    ("invitation", {"authority": "not base64!"}, "authority"),
    ("invitation", {"authority": "A" * 8000}, "authority"),
    ("invitation", {"signing_key": as_blob(b"short")}, "signing_key"),
    ("invitation", {"signature": as_blob(b"short")}, "signature"),
    ("invitation", {"signature": ""}, "signature"),
    ("invitation", {"created": "yesterday"}, "created"),
    ("invitation", {"versions": {"a\x1b[2J": "1"}}, "versions"),
    ("invitation", {"versions": [1]}, "versions"),
    ("invitation", {"secret": 1}, "secret"),
    ("request", {"site": "../../etc/passwd"}, "site"),
    ("request", {"site": "ashford\n"}, "site"),
    ("request", {"site": "other"}, "certificate_request"),
    ("request", {"pinned": "zz"}, "pinned"),
    ("request", {"node_key": "AAAA"}, "node_key"),
    ("request", {"certificate_request": "AAAA"}, "certificate_request"),
    ("request", {"signature": None}, "signature"),
    ("admission", {"site": "other"}, "certificate"),
    ("admission", {"certificate": "AAAA"}, "certificate"),
    ("admission", {"node": "0" * 63}, "node"),
    ("admission", {"site": "a/b"}, "site"),
]


@pytest.mark.parametrize(("kind", "change", "key"), UNFIT)
def test_a_field_that_cannot_be_is_refused_by_its_name(
    made: Enrolled, kind: str, change: dict[str, Any], key: str, tmp_path: Path
) -> None:
    path = forged(written(made, kind, tmp_path / "a.json"), **change)
    with pytest.raises(FederationError, match=f"key '{key}") as said:
        KINDS[kind].read(path, FederationError)
    assert str(said.value).isprintable()
    assert len(str(said.value)) < 1000


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_field_is_needed(made: Enrolled, kind: str, tmp_path: Path) -> None:
    values = json.loads(written(made, kind, tmp_path / "a.json").read_text(encoding="utf-8"))
    for field in values:
        less = {key: value for key, value in values.items() if key != field}
        with pytest.raises(FederationError, match=field if field != "schema" else "schema"):
            KINDS[kind].from_dict(less, "a.json", FederationError)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1", '{"schema": 1}', '{"schema": 2}', "\x00" * 100])
def test_what_is_no_document_is_refused(kind: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(FederationError, match=r"a\.json"):
        KINDS[kind].read(tmp_path / "a.json", FederationError)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_large_file_is_refused_unread(made: Enrolled, kind: str, tmp_path: Path) -> None:
    path = written(made, kind, tmp_path / "a.json")
    path.write_text(path.read_text(encoding="utf-8") + " " * 10_000_000)
    with pytest.raises(FederationError, match=r"0\.065536 MB at the most"):
        KINDS[kind].read(path, FederationError)


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_kind_is_not_read_as_another(made: Enrolled, kind: str, tmp_path: Path) -> None:
    path = written(made, kind, tmp_path / "a.json")
    for name, document in KINDS.items():
        if name != kind:
            with pytest.raises(FederationError):
                document.read(path, FederationError)


def test_a_signature_of_one_kind_is_none_of_another(made: Enrolled) -> None:
    """The kind is signed too, so what a key said of an admission can never be read as an order."""
    assert made.site.admission is not None
    assert made.coordinator.invitation.statement().startswith(b"shiftscope invitation 1\n{")
    assert made.site.request(NOW).statement().startswith(b"shiftscope request 1\n{")
    assert made.site.admission.statement().startswith(b"shiftscope admission 1\n{")


def test_swapped_keys_are_refused(made: Enrolled, other: Enrolled, tmp_path: Path) -> None:
    theirs = other.coordinator.invitation
    for change in ({"authority": theirs.authority}, {"signing_key": theirs.signing_key}):
        path = forged(written(made, "invitation", tmp_path / "a.json"), **change)
        with pytest.raises(FederationError, match="key 'signature'"):
            Invitation.read(path, FederationError)
    asked = other.site.request(NOW)
    for change in ({"node_key": asked.node_key}, {"certificate_request": asked.certificate_request}):
        path = forged(written(made, "request", tmp_path / "b.json"), **change)
        with pytest.raises(FederationError, match="key 'signature'"):
            JoinRequest.read(path, FederationError)


def test_a_forger_who_signs_anew_has_another_fingerprint(made: Enrolled) -> None:
    """A signature alone shows that a file is whole. Who replaces a key too is found by the fingerprint."""
    known, key = made.coordinator.invitation, Ed25519PrivateKey.generate()
    fields = {
        **{name: value for name, value in known.to_dict().items() if name not in ("schema", "signature")},
        "signing_key": as_blob(key.public_key().public_bytes_raw()),
    }
    fake = Invitation.signed(key.sign, "a fake", fields)
    assert fake.authority == known.authority
    assert fake.fingerprint != known.fingerprint


def test_a_site_certificate_is_no_authority(made: Enrolled, tmp_path: Path) -> None:
    assert made.site.admission is not None
    path = forged(written(made, "invitation", tmp_path / "a.json"), authority=made.site.admission.certificate)
    with pytest.raises(FederationError, match="key 'authority': expected the certificate of an authority"):
        Invitation.read(path, FederationError)


def test_what_a_coordinator_keeps_of_a_site_is_checked_too(made: Enrolled, tmp_path: Path) -> None:
    path = made.coordinator.member_path("ashford")
    (tmp_path / "a.json").write_text(path.read_text())
    assert Member.read(tmp_path / "a.json", FederationError) == made.coordinator.member("ashford")
    for change in ({"site": "other"}, {"certificate": "AAAA"}, {"node": "x"}, {"revoked": ["zz"]}, {"removed": "no"}):
        (tmp_path / "b.json").write_text(path.read_text())
        with pytest.raises(FederationError, match=r"b\.json: key '"):
            Member.read(forged(tmp_path / "b.json", **change), FederationError)
