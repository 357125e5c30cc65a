"""Private keys: for their owner alone, never overwritten, never shown."""

import hashlib
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_ssh_public_key,
)

from shiftscope.errors import FederationError, ShiftscopeError
from shiftscope.federations.federation_keys import (
    digest,
    fingerprint,
    new_elliptic_key,
    openssh_line,
    public_bytes,
    read_elliptic_key,
    read_node_key,
    read_public_key,
    read_signing_key,
    require_fingerprint,
    write_key,
)


@pytest.mark.parametrize(
    ("make", "read", "openssh"),
    [
        (Ed25519PrivateKey.generate, read_signing_key, False),
        (new_elliptic_key, read_elliptic_key, False),
        (new_elliptic_key, read_node_key, True),
    ],
)
def test_a_key_is_read_as_it_was_written_and_is_its_owners_alone(tmp_path: Path, make, read, openssh: bool) -> None:
    key, path = make(), tmp_path / "a.key"
    write_key(path, key, openssh=openssh)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = read(path)
    assert again.public_key() == key.public_key()
    assert [one.name for one in tmp_path.iterdir()] == ["a.key"]


def test_a_key_is_never_overwritten_unless_a_new_one_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    write_key(path, new_elliptic_key())
    before = path.read_bytes()
    with pytest.raises(FederationError, match="never overwritten"):
        write_key(path, new_elliptic_key())
    assert path.read_bytes() == before
    (tmp_path / "link.key").symlink_to(tmp_path / "nowhere")
    with pytest.raises(FederationError, match="never overwritten"):
        write_key(tmp_path / "link.key", new_elliptic_key())
    write_key(path, new_elliptic_key(), replace=True)
    assert path.read_bytes() != before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_that_others_may_read_is_refused_with_the_command_that_mends_it(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a key"
    write_key(path, new_elliptic_key())
    path.chmod(mode)
    with pytest.raises(FederationError, match=f"chmod 600 '{path}'"):
        read_elliptic_key(path)


def wrong_keys() -> dict[str, bytes]:
    """What is no key of ours, though most of it is a key."""
    pem, plain = Encoding.PEM, PrivateFormat.PKCS8
    from cryptography.hazmat.primitives.serialization import NoEncryption

    ours = new_elliptic_key().private_bytes(pem, plain, NoEncryption())
    return {
        "empty": b"",
        "text": b"secret secret",
        "cut": ours[:-40],
        "another curve": ec.generate_private_key(ec.SECP256R1()).private_bytes(pem, plain, NoEncryption()),
        "rsa": rsa.generate_private_key(65537, 2048).private_bytes(pem, plain, NoEncryption()),
        "password": new_elliptic_key().private_bytes(pem, plain, BestAvailableEncryption(b"secret")),
        "large": ours + b" " * 10_000_000,
    }


@pytest.mark.parametrize("kind", list(wrong_keys()))
@pytest.mark.parametrize("read", [read_signing_key, read_elliptic_key, read_node_key])
def test_what_is_no_such_key_is_refused_and_nothing_of_it_is_said(tmp_path: Path, read, kind: str) -> None:
    path = tmp_path / "a.key"
    data = wrong_keys()[kind]
    path.write_bytes(data)
    path.chmod(0o600)
    with pytest.raises(FederationError, match=r"expected an? ") as said:
        read(path)
    for line in data[:2000].decode("latin-1").splitlines():
        assert not line.strip() or line.strip() not in str(said.value)
    assert said.value.__cause__ is None


@pytest.mark.parametrize("read", [read_signing_key, read_elliptic_key, read_node_key])
def test_a_key_that_is_missing_is_told_by_its_path(tmp_path: Path, read) -> None:
    with pytest.raises(ShiftscopeError, match=r"a\.key"):
        read(tmp_path / "a.key")


def test_a_fingerprint_is_the_first_half_of_sha_256_over_the_parts_and_their_lengths() -> None:
    data = (3).to_bytes(8, "big") + b"abc" + (0).to_bytes(8, "big")
    expected = hashlib.sha256(data).hexdigest()
    assert digest(b"abc", b"") == expected
    assert digest(b"ab", b"c") != digest(b"a", b"bc")
    assert fingerprint(expected).replace(" ", "") == expected[:32]
    assert [len(group) for group in fingerprint(expected).split()] == [4] * 8


def test_a_public_key_as_flower_reads_it_is_the_same_key() -> None:
    key = new_elliptic_key().public_key()
    line = openssh_line(key, "ashford")
    assert line.endswith(" ashford\n")
    assert load_ssh_public_key(line.encode()) == key
    assert read_public_key(public_bytes(key)) == key
    with pytest.raises(ValueError, match="P-384"):
        read_public_key(public_bytes(ec.generate_private_key(ec.SECP256R1()).public_key()))


def test_a_fingerprint_that_was_told_must_be_that_of_the_document() -> None:
    require_fingerprint("3f2a 91c0", None, "a.json")
    require_fingerprint("3f2a 91c0", " 3F2A91C0 ", "a.json")
    for other in ("3f2a", "3f2a 91c1", "", "3f2a 91c0 00"):
        with pytest.raises(FederationError, match=r"a\.json: has the fingerprint 3f2a 91c0"):
            require_fingerprint("3f2a 91c0", other, "a.json")
