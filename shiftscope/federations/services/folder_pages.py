"""The page in each folder: how to start, what every file and port is for, what to back up, what to do when it fails."""

import shlex
from collections.abc import Mapping, Sequence
from importlib.resources import files

from shiftscope.federations.certificates import pem_certificate
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.services.flower_commands import (
    door_command,
    link_port,
    listening_host,
    register_command,
    serve_command,
    superlink_command,
    superlink_environment,
    write_connection,
)
from shiftscope.federations.services.unit_files import coordinator_units, site_units
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.files import write_text

__all__ = ["PAGE", "write_coordinator_pages", "write_site_pages"]

PAGE = "README.md"

_NO_POLICY = "There is no `policy.toml` in this folder, so **nothing leaves**, whoever asks."
_POLICY = (
    "`policy.toml` in this folder says what leaves; as `join` writes it, **nothing does**. The coordinator cannot"
    " change it, and `shiftscope federation doctor` says whether it can be read."
)


def write_coordinator_pages(coordinator: Coordinator) -> None:
    """Write the page, the unit files and where Flower finds the SuperLink; all follow from the folder."""
    write_connection(coordinator)
    units = coordinator_units(coordinator)
    for file, unit in units.items():
        write_text(coordinator.path / file, unit)
    environment, folder = superlink_environment(coordinator), coordinator.path
    text = _template("coordinator").format(
        name=coordinator.settings.federation,
        fingerprint=coordinator.invitation.fingerprint,
        address=coordinator.settings.address,
        superlink=_typed(environment, superlink_command(coordinator)),
        door=_typed({}, door_command(coordinator)),
        register=_typed({}, register_command(coordinator)),
        units=_installed(str(folder), list(units)),
        port=coordinator.address.port,
        host=listening_host(coordinator.address),
        link_port=link_port(coordinator),
        server_ends=pem_certificate(folder / "server.pem").not_valid_after_utc.date(),
        authority_ends=coordinator.authority().not_valid_after_utc.date(),
    )
    write_text(folder / PAGE, text + "\n")


def write_site_pages(site: JoinedSite) -> None:
    """Write the page, and the unit file once the site is admitted."""
    start, ends = _template("site-waiting").format(site=site.membership.site), ""
    if site.admission is not None:
        units = site_units(site)
        for file, unit in units.items():
            write_text(site.path / file, unit)
        command = _typed({}, serve_command(site))
        start = _template("site-ready").format(command=command, units=_installed(str(site.path), list(units)))
        ends = f", until {site.admission.site_certificate.not_valid_after_utc.date()}"
    text = _template("site").format(
        name=site.membership.federation,
        site=site.membership.site,
        coordinator=site.invitation.fingerprint,
        fingerprint=site.fingerprint,
        address=site.invitation.address,
        policy=_POLICY if site.policy.is_file() else _NO_POLICY,
        data=site.membership.data,
        start=start,
        ends=ends,
    )
    write_text(site.path / PAGE, text + "\n")


def _template(name: str) -> str:
    return (files("shiftscope.federations.services") / "pages" / f"{name}.md").read_text(encoding="utf-8").strip()


def _typed(environment: Mapping[str, str], command: Sequence[str]) -> str:
    """A command as it is typed into a shell, an option a line."""
    words = [f"{key}={shlex.quote(value)}" for key, value in environment.items()]
    lines = ["env " + " ".join(words)] if words else []
    for part in map(shlex.quote, command):
        if part.startswith("--") or not lines or (words and len(lines) == 1):
            lines.append(part)
        else:
            lines[-1] += f" {part}"
    return " \\\n  ".join(lines)


def _installed(folder: str, units: Sequence[str]) -> str:
    files = " ".join(shlex.quote(f"{folder}/{unit}") for unit in units)
    return f"cp {files} /etc/systemd/system/\nsystemctl daemon-reload\nsystemctl enable --now {' '.join(units)}"
