"""The proxy between a site and its coordinator, where there is one, and connections through it."""

import http.client
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from shiftscope.federations.doctor.health_findings import HealthFinding, failed, fine, warned
from shiftscope.federations.services.mutual_tls import site_context
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.printable_text import on_one_line

__all__ = ["WAIT_S", "Proxy", "find_proxy", "https_link"]

WAIT_S = 10.0
"""How long an answer is waited for."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """What stands between.

    Attributes:
        host: its name.
        port: on which it listens.
        credentials: a password, which is sent to it and never shown; None where it wants none.
    """

    host: str
    port: int
    credentials: str | None = field(default=None, repr=False)


def find_proxy(site: JoinedSite) -> tuple[Proxy | None, HealthFinding]:
    """What the environment says of proxies; the site's service follows it."""
    host = site.address.host
    given = getproxies().get("https") or getproxies().get("all")
    if given is None:
        return None, fine("proxy", "none is set in this environment")
    if proxy_bypass(host):
        return None, fine("proxy", f"one is set, and NO_PROXY leaves {host} out")
    parts = urlsplit(given if "://" in given else f"http://{given}")
    try:
        proxy = Proxy(parts.hostname or "", parts.port or 80, _credentials(parts))
    except ValueError:
        proxy = Proxy("", 0)
    if not proxy.host or parts.scheme != "http":
        return None, failed("proxy", "HTTPS_PROXY is no address of a proxy", "set it to http://HOST:PORT, or unset it")
    remedy = "name the same proxy in the unit file (Environment=HTTPS_PROXY=...), or leave the coordinator out"
    found = f"connections go through {on_one_line(proxy.host)}, port {proxy.port}"
    return proxy, warned("proxy", found, f"{remedy}: NO_PROXY={host}")


def https_link(site: JoinedSite, proxy: Proxy | None) -> http.client.HTTPSConnection:
    """A connection that is not opened yet, to the door, in TLS as the site's service speaks it.

    Raises:
        FederationError: the site's certificate and its key do not belong together.
    """
    context, address = site_context(site), site.address
    if proxy is None:
        return http.client.HTTPSConnection(address.host, address.port, timeout=WAIT_S, context=context)
    link = http.client.HTTPSConnection(proxy.host, proxy.port, timeout=WAIT_S, context=context)
    known = {} if proxy.credentials is None else {"Proxy-Authorization": proxy.credentials}
    link.set_tunnel(address.host, address.port, known)
    return link


def _credentials(parts: SplitResult) -> str | None:
    """What a proxy wants to know of its user (RFC 7617)."""
    if parts.username is None:
        return None
    return "Basic " + b64encode(f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()).decode()
