"""Certificates that the door refuses, each put into the folder of a site."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from enrolled_sites import Enrolled, enrolled

from shiftscope.federations.certificates import certificate_pem, server_certificate, site_certificate
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.site_folders import JoinedSite

NOW = datetime.now(UTC)

Spoil = Callable[[JoinedSite, Enrolled, Path], JoinedSite]
"""A site, its federation, an empty folder -> the site with what is in its folder now."""


def certify(site: JoinedSite, by: Coordinator, since: datetime = NOW, days: int = 100) -> None:
    """Another certificate of the same key in the site's folder."""
    key = site.tls_key().public_key()
    made = site_certificate(by.authority(), by.authority_key(), key, "ashford", since, days)
    (site.path / "site.pem").write_text(certificate_pem(made))


def ended(site: JoinedSite, made: Enrolled, _: Path) -> JoinedSite:
    certify(site, made.coordinator, NOW - timedelta(days=20), 10)
    return site


def early(site: JoinedSite, made: Enrolled, _: Path) -> JoinedSite:
    certify(site, made.coordinator, NOW + timedelta(days=20))
    return site


def of_another_authority(site: JoinedSite, _: Enrolled, folder: Path) -> JoinedSite:
    certify(site, enrolled(folder / "other", now=NOW).coordinator)
    return site


def for_a_server(site: JoinedSite, made: Enrolled, _: Path) -> JoinedSite:
    by, key = made.coordinator, site.tls_key().public_key()
    found = server_certificate(by.authority(), by.authority_key(), key, by.address, NOW, 100)
    (site.path / "site.pem").write_text(certificate_pem(found))
    return site


def without_any(site: JoinedSite, _: Enrolled, __: Path) -> JoinedSite:
    return replace(site, admission=None)
