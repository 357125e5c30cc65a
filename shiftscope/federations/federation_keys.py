"""Private keys on disk, and what of them may be shown: public keys and fingerprints.

The coordinator signs with Ed25519 (RFC 8032); a site signs with ECDSA on P-384, as Flower's node authentication wants
it, and certificates hold keys of that curve too.
"""

import hashlib
import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
    load_ssh_private_key,
)

from shiftscope.errors import FederationError
from shiftscope.files import write_bytes
from shiftscope.parsing import read_bytes
from shiftscope.printable_text import shown

__all__ = [
    "digest",
    "fingerprint",
    "new_elliptic_key",
    "openssh_line",
    "public_bytes",
    "read_elliptic_key",
    "read_node_key",
    "read_public_key",
    "read_signing_key",
    "require_fingerprint",
    "write_key",
]

_MOST_BYTES = 10_000
_GROUPS = 8


def new_elliptic_key() -> ec.EllipticCurvePrivateKey:
    """A new key on P-384."""
    return ec.generate_private_key(ec.SECP384R1())


def write_key(
    path: Path,
    key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey,
    *,
    openssh: bool = False,
    replace: bool = False,
) -> None:
    """Write a private key for its owner alone (mode 0600), whole or not at all.

    Args:
        path: of the file.
        key: what is written, unencrypted: a service starts without anybody who could type a password.
        openssh: in the form of OpenSSH, which Flower reads; else PKCS #8 as PEM, which TLS reads.
        replace: over the key that is there, because the person asked for a new one.

    Raises:
        FederationError: there is a file already.
    """
    if not replace and (path.exists() or path.is_symlink()):
        raise FederationError(f"{path}: there is a key already, and it is never overwritten; move it away first")
    form = PrivateFormat.OpenSSH if openssh else PrivateFormat.PKCS8
    write_bytes(path, key.private_bytes(Encoding.PEM, form, NoEncryption()), private=True)


def read_signing_key(path: Path) -> Ed25519PrivateKey:
    """The coordinator's signing key.

    Raises:
        FederationError: it is missing, others may read it, or it is no such key.
    """
    key = _load(path, load_pem_private_key)
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path, "an Ed25519 key as PEM")
    return key


def read_elliptic_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key of a certificate; as `read_signing_key`."""
    return _on_curve(path, _load(path, load_pem_private_key), "a P-384 key as PEM")


def read_node_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The key of a site; as `read_signing_key`."""
    return _on_curve(path, _load(path, load_ssh_private_key), "a P-384 key of OpenSSH")


def read_public_key(der: bytes) -> ec.EllipticCurvePublicKey:
    """A public key on P-384 from its DER form.

    Raises:
        ValueError: it is something else.
    """
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("expected a public key") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        raise ValueError("expected a public key on the curve P-384")
    return key


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """A public key in DER form (SubjectPublicKeyInfo)."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def openssh_line(key: ec.EllipticCurvePublicKey, comment: str) -> str:
    """A public key as Flower registers it: one line of OpenSSH."""
    return f"{key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} {comment}\n"


def digest(*parts: bytes) -> str:
    """SHA-256 over parts, each with its length before it, in 64 hexadecimal digits."""
    sums = hashlib.sha256()
    for part in parts:
        sums.update(len(part).to_bytes(8, "big") + part)
    return sums.hexdigest()


def fingerprint(hexadecimal: str) -> str:
    """The first 128 bits of a digest as people compare them by telephone: eight groups of four digits."""
    return " ".join(hexadecimal[4 * group : 4 * group + 4] for group in range(_GROUPS))


def require_fingerprint(found: str, expected: str | None, where: str) -> None:
    """Refuse a document whose fingerprint is not the one that was told by telephone, where one was.

    Raises:
        FederationError: they differ.
    """
    if expected is not None and "".join(expected.lower().split()) != found.replace(" ", ""):
        raise FederationError(
            f"{where}: has the fingerprint {found}, and --fingerprint says {shown(expected)}: it is another one's, or"
            " was exchanged on its way. Nothing was changed; telephone again, and ask for the file once more"
        )


def _load(path: Path, loader: Callable[[bytes, None], Any]) -> object:
    data = _private_bytes(path)
    try:
        return loader(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it wants a password
        return None


def _private_bytes(path: Path) -> bytes:
    data = read_bytes(path, _MOST_BYTES, "a private key", FederationError)
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise FederationError(
            f"{path}: others may read this private key; take their rights away with: chmod 600 {shlex.quote(str(path))}"
            "; and if anybody may have copied it, make a new one (docs/federation.md)"
        )
    return data


def _on_curve(path: Path, key: object, expected: str) -> ec.EllipticCurvePrivateKey:
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP384R1):
        raise _no_key(path, expected)
    return key


def _no_key(path: Path, expected: str) -> FederationError:
    return FederationError(f"{path}: expected {expected}, without a password; restore the file from a backup")
