"""Unit files for systemd: a federation's services start with the machine, and again where they end."""

import getpass
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.services.flower_commands import (
    FIRST_FREE_PORT,
    SITE_ENVIRONMENT,
    door_command,
    register_command,
    serve_command,
    superlink_command,
    superlink_environment,
)
from shiftscope.federations.site_folders import JoinedSite

__all__ = ["coordinator_units", "site_units", "systemd_word"]

_UNIT = """\
# {what}
[Unit]
Description={what}
After=network-online.target{after}
Wants=network-online.target
StartLimitIntervalSec=0

[Service]
User={user}
{environment}
ExecStart={command}
{more}Restart=always
RestartSec=5
UMask=0077
NoNewPrivileges=yes
PrivateTmp=yes
ProtectSystem=strict
ReadWritePaths={writes}
{reads}
[Install]
WantedBy=multi-user.target
"""

_LOW_PORT = "AmbientCapabilities=CAP_NET_BIND_SERVICE\n"
_MANY_SITES = "LimitNOFILE=65536\n"
_QUIET = ("OMP_NUM_THREADS", "NO_COLOR")


def coordinator_units(coordinator: Coordinator) -> dict[str, str]:
    """Name of the file -> what is in it: the SuperLink, and the door before it."""
    name, folder = coordinator.settings.federation, coordinator.path
    environment = superlink_environment(coordinator)
    link = f"shiftscope-{name}-superlink.service"
    registering = f"ExecStartPost=-{_line([*register_command(coordinator), '--wait', '60'])}\n"
    return {
        link: _unit(
            f"SuperLink of the federation {name}", superlink_command(coordinator), environment, folder, more=registering
        ),
        f"shiftscope-{name}-door.service": _unit(
            f"door of the federation {name}",
            door_command(coordinator),
            environment,
            folder,
            after=f" {link}",
            more=_MANY_SITES + (_LOW_PORT if coordinator.address.port < FIRST_FREE_PORT else ""),
        ),
    }


def site_units(site: JoinedSite) -> dict[str, str]:
    """The same of a site: its service, to which its images are read-only."""
    name = f"{site.membership.site} in the federation {site.membership.federation}"
    return {
        f"shiftscope-{site.membership.federation}-site.service": _unit(
            f"site {name}",
            serve_command(site),
            SITE_ENVIRONMENT,
            site.path,
            reads=f"ReadOnlyPaths={_quoted(str(site.data))}\n",
        )
    }


def systemd_word(text: str) -> str:
    """A word of a command in a unit file: quoted, specifiers and variables taken literally (systemd.service(5))."""
    return _quoted(text.replace("$", "$$"))


def _unit(
    what: str,
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    *,
    after: str = "",
    more: str = "",
    reads: str = "",
) -> str:
    settings = [f"{key}={value}" for key, value in environment.items() if key not in _QUIET]
    return _UNIT.format(
        what=what,
        after=after,
        user=getpass.getuser(),
        environment="\n".join(f"Environment={_quoted(item)}" for item in settings),
        command=_line(command),
        more=more,
        writes=_quoted(str(folder)),
        reads=reads,
    )


def _quoted(text: str) -> str:
    """A word outside commands, where variables are not replaced, and specifiers are."""
    text = text.replace("\\", "\\\\").replace("%", "%%")
    return text if re.fullmatch(r"[\w./:=,@%$+-]+", text) else '"' + text.replace('"', '\\"') + '"'


def _line(command: Sequence[str]) -> str:
    return " ".join(map(systemd_word, command))
