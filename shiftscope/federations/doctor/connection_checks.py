"""The way from a site to the coordinator, step by step: name, TCP, TLS, and whether the site is let in."""

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime

from shiftscope.federations.doctor.admission_checks import admission
from shiftscope.federations.doctor.health_findings import HealthFinding, failed, fine, warned
from shiftscope.federations.doctor.proxies import WAIT_S, Proxy, find_proxy, https_link
from shiftscope.federations.services.tls_failures import tls_failure
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.printable_text import on_one_line

__all__ = ["connection"]


def connection(site: JoinedSite, now: datetime) -> Iterator[HealthFinding]:
    """Every step to the coordinator, up to the first that fails."""
    proxy, finding = find_proxy(site)
    yield finding
    if finding.status == "fail":
        return
    steps = [] if proxy is not None else [_name(site), _tcp(site)]
    for finding in (*steps, _tls(site, proxy)):
        if finding is not None:
            yield finding
            if finding.status == "fail":
                return
    yield from admission(site, proxy, now)


def _name(site: JoinedSite) -> HealthFinding:
    host = site.address.host
    if site.address.is_number:
        return fine("DNS", f"{host} is a number, and is not looked up")
    try:
        found = {entry[4][0] for entry in socket.getaddrinfo(host, site.address.port, type=socket.SOCK_STREAM)}
    except OSError as problem:
        return failed(
            "DNS",
            f"the name {host} is not found: {problem.strerror or problem}",
            "ask your network's people for the name, or the coordinator for an invitation with a number",
        )
    return fine("DNS", f"{host} is {', '.join(sorted(map(str, found)))}")


def _tcp(site: JoinedSite) -> HealthFinding:
    address = site.address
    try:
        socket.create_connection((address.host, address.port), timeout=WAIT_S).close()
    except TimeoutError:
        return failed(
            "TCP",
            f"{address} does not answer within {WAIT_S:g} s: a firewall on the way drops what is sent",
            f"let your firewall pass TCP to {address}; at the coordinator, open the port",
        )
    except ConnectionRefusedError:
        return failed(
            "TCP",
            f"{address} refuses: the machine is there, and nobody listens on the port",
            "the coordinator starts the door (README.md in its folder says how), or a firewall rejects",
        )
    except OSError as problem:
        return failed(
            "TCP", f"{address} is not reached: {problem.strerror or problem}", "check the network and the address"
        )
    return fine("TCP", f"{address} answers")


def _tls(site: JoinedSite, proxy: Proxy | None) -> HealthFinding:
    link = https_link(site, proxy)
    try:
        link.connect()
        ends = _end_of(link.sock)
    except OSError as problem:
        if failure := tls_failure(site, problem):
            return failed("TLS", failure.found, failure.remedy)
        where = f"the proxy {proxy.host}, port {proxy.port}," if proxy is not None else str(site.address)
        return failed(
            "TLS", f"{where} does not connect: {on_one_line(str(problem))}", "ask who runs it to let TCP pass to there"
        )
    finally:
        link.close()
    days = (ends - datetime.now(UTC)).days
    if days < 30:
        return warned(
            "TLS",
            f"the coordinator's certificate ends in {days} days",
            f"the coordinator runs: shiftscope federation init {site.membership.federation} --address {site.address}"
            " --renew",
        )
    return fine("TLS", f"the coordinator's certificate is of this federation's authority, until {ends.date()}")


def _end_of(connected: object) -> datetime:
    if not isinstance(connected, ssl.SSLSocket):
        raise OSError("no TLS")
    found = connected.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)
