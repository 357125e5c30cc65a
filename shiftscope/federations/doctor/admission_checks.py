"""Whether a site's certificate and key are let in, and whether its clock agrees: asked as a SuperNode would ask."""

import email.utils
import http.client
import json
import struct
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shiftscope.federations.doctor.health_findings import HealthFinding, failed, fine, warned
from shiftscope.federations.doctor.proxies import Proxy, https_link
from shiftscope.federations.services.doors import ACTIVATE, KEY_HEADER, NOT_ACTIVATED
from shiftscope.federations.services.tls_failures import tls_failure
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.printable_text import on_one_line

__all__ = ["admission", "clock"]

_CLOCK = timedelta(seconds=30)
_TOO_FAR = timedelta(seconds=300)
"""Flower refuses a SuperNode whose clock is further off."""

_NO_INTERVAL_S = 1.0
"""A heartbeat that Flower refuses, once it has found the key: so a SuperNode is asked about and none is begun."""

_FOUND = 2003
_MOST_BYTES = 100_000


def admission(site: JoinedSite, proxy: Proxy | None, now: datetime) -> Iterator[HealthFinding]:
    """Ask the door about this site's key as a SuperNode would, with a heartbeat that begins nothing."""
    link = https_link(site, proxy)
    key = site.node_key()
    body = _activation(key.public_key())
    sent = datetime.now(UTC)
    try:
        link.request(
            "POST", ACTIVATE, body=body, headers={**_signed(key, sent), "content-type": "application/protobuf"}
        )
        reply = link.getresponse()
        text, date = reply.read(_MOST_BYTES), reply.getheader("date")
    except (OSError, http.client.HTTPException) as problem:
        if failure := tls_failure(site, problem):
            yield failed("admission", failure.found, failure.remedy)
        else:
            said = on_one_line(str(problem))
            yield failed("door", f"it gave no answer: {said}", "ask the coordinator whether it runs")
        return
    finally:
        link.close()
    yield from clock(date, now + (datetime.now(UTC) - sent) / 2)
    yield _let_in(site, reply.status, text)


def clock(date: str | None, now: datetime) -> Iterator[HealthFinding]:
    """How far this machine's time is from that of an answer; silent where the answer names none."""
    try:
        there = email.utils.parsedate_to_datetime(date or "")
    except ValueError:
        return
    off = now - there.replace(tzinfo=UTC)
    seconds = off / timedelta(seconds=1)
    said = f"this machine's clock is {abs(seconds):.0f} s {'ahead of' if seconds > 0 else 'behind'}"
    if abs(off) >= _TOO_FAR:
        yield failed("clock", f"{said} the coordinator's, and Flower refuses 300 s", "set it: timedatectl set-ntp true")
    elif abs(off) >= _CLOCK:
        yield warned("clock", f"{said} the coordinator's", "set it: timedatectl set-ntp true")
    else:
        yield fine("clock", "it agrees with the coordinator's")


def _let_in(site: JoinedSite, status: int, text: bytes) -> HealthFinding:
    name, member = site.membership.federation, site.membership.site
    code, detail = _answer(text)
    if status == 400 and code == _FOUND:
        return fine("admission", f"the coordinator knows this site's key, {site.fingerprint}")
    if code == NOT_ACTIVATED:
        found, _, remedy = on_one_line(detail).partition("; ")
        return failed(
            "admission",
            found or "the coordinator does not know this site's key",
            remedy
            or f"if this key was accepted, the coordinator runs: shiftscope federation register {name}; if not, send it"
            f" {member}.request.json; after a removal, make new keys first: shiftscope federation join invitation.json"
            " --new-key",
        )
    if status == 401:
        return failed(
            "admission",
            "the coordinator refuses this site's signature: the clocks differ by more than 300 s, or the key does not"
            " fit",
            "set the clock: timedatectl set-ntp true",
        )
    if status == 503:
        return failed(
            "admission", "the door is open, and the SuperLink behind it is not running", "the coordinator starts it"
        )
    return failed(
        "admission",
        f"what answers at {site.address} is no door of a federation (HTTP {status})",
        "check the address with the coordinator; a proxy that answers by itself must leave the coordinator out",
    )


def _pem(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def _activation(key: ec.EllipticCurvePublicKey) -> bytes:
    """Flower's ActivateNodeRequest: field 1 the key as PEM, field 2 the seconds between heartbeats (protobuf)."""
    pem = _pem(key)
    length = bytes([len(pem) & 0x7F | 0x80, len(pem) >> 7])  # 128 to 16,383 bytes
    return b"\x0a" + length + pem + b"\x11" + struct.pack("<d", _NO_INTERVAL_S)


def _signed(key: ec.EllipticCurvePrivateKey, at: datetime) -> dict[str, str]:
    """The headers by which a SuperNode shows who it is."""
    time = at.isoformat()
    signature = key.sign(time.encode(), ec.ECDSA(hashes.SHA256()))
    return {
        KEY_HEADER: b64encode(_pem(key.public_key())).decode(),
        "flwr-timestamp": time,
        "flwr-signature": b64encode(signature).decode(),
    }


def _answer(text: bytes) -> tuple[int, str]:
    try:
        found = json.loads(text)
        return int(found["code"]), str(found.get("detail", ""))
    except (ValueError, KeyError, TypeError):
        return 0, ""
