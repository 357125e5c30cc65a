"""Federations of a coordinator and its sites, made in a moment at any time."""

import json
from base64 import b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolments import admit
from shiftscope.federations.federation_names import Address
from shiftscope.federations.services.folder_pages import write_coordinator_pages, write_site_pages
from shiftscope.federations.site_folders import JoinedSite

NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
ADDRESS = Address("127.0.0.1", 19400)


@dataclass(frozen=True)
class Enrolled:
    """A coordinator and one site that it admitted."""

    coordinator: Coordinator
    site: JoinedSite


def coordinator_at(home: Path, name: str = "lung", *, now: datetime = NOW, address: Address = ADDRESS) -> Coordinator:
    """A new federation."""
    made = Coordinator.create(home, name, address, 730, {"shiftscope": "0.1.0"}, now)
    write_coordinator_pages(made)
    return made


def site_of(coordinator: Coordinator, home: Path, name: str = "ashford", *, now: datetime = NOW) -> JoinedSite:
    """A site that asks to join."""
    data = home / "images"
    data.mkdir(parents=True, exist_ok=True)
    (data / "one.png").touch()
    return JoinedSite.create(home, coordinator.invitation, name, data, now)


def enrolled(home: Path, *, now: datetime = NOW, address: Address = ADDRESS, site: str = "ashford") -> Enrolled:
    """A federation with a site that is admitted, each with its page."""
    coordinator = coordinator_at(home / "coordinator", now=now, address=address)
    asking = site_of(coordinator, home / site, site, now=now)
    _, admission = admit(coordinator, asking.request(now), "the request", now)
    joined = asking.complete(admission, "the admission")
    write_site_pages(joined)
    return Enrolled(coordinator, joined)


def secrets_in(folder: Path) -> list[bytes]:
    """What of a folder's private keys must be nowhere else: the secret numbers, plain, in hexadecimal and in base64."""
    found = []
    for path in folder.glob("*.key"):
        data = path.read_bytes()
        key = (load_ssh_private_key if b"OPENSSH" in data else load_pem_private_key)(data, None)
        if isinstance(key, Ed25519PrivateKey):
            secret = key.private_bytes_raw()
        else:
            secret = key.private_numbers().private_value.to_bytes(48, "big")
        found += [secret, secret.hex().encode()]
        found += [b64encode(b"\0" * shift + secret)[4:-4] for shift in range(3)]  # wherever in the text it begins
    return found


def forged(path: Path, **changes: Any) -> Path:
    """The same document with other values, its signature as it was."""
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **changes}), encoding="utf-8")
    return path
