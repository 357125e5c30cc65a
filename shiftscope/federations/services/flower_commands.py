"""Flower's commands, exactly as coordinator and site start them, and the environment that they start in."""

import os
import sys
from ipaddress import ip_address
from pathlib import Path

from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.federation_names import Address
from shiftscope.federations.homes import HOME_VARIABLE
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.files import write_text

__all__ = [
    "CONNECTION",
    "FIRST_FREE_PORT",
    "SITE_ENVIRONMENT",
    "door_command",
    "flower_environment",
    "flower_tool",
    "link_port",
    "listening_host",
    "register_command",
    "serve_command",
    "superlink_command",
    "superlink_environment",
    "write_connection",
]

CONNECTION = "federation"
"""What the coordinator's SuperLink is called in Flower's own configuration, for `flwr run` and its kin."""

FIRST_FREE_PORT = 1024
"""Ports below are opened by root, or by who has the capability."""

_ABOVE = 8000
_LOOPBACK = "127.0.0.1"


def flower_tool(name: str) -> str:
    """A command of the installation that this interpreter belongs to, whatever PATH says."""
    return str(Path(sys.executable).with_name(name))


def link_port(coordinator: Coordinator) -> int:
    """The SuperLink's port on the coordinator's loopback: the one after the door's, or 8000 after a privileged one."""
    port = coordinator.address.port
    return port + (1 if port >= FIRST_FREE_PORT else _ABOVE)


def listening_host(address: Address) -> str:
    """Where the door listens: on the loopback where the address lies there, else on all of the machine's addresses."""
    if address.is_number and ip_address(address.host).is_loopback:
        return address.host
    return "::" if ":" in address.host else "0.0.0.0"


def superlink_command(coordinator: Coordinator) -> list[str]:
    """The SuperLink, on the loopback alone.

    Flower serves its control interface, which starts jobs and registers nodes and asks nobody who he is, on the same
    port as that of the sites. So this port is never open to others; sites come in by the door.

    What it knows it keeps in memory: no weights lie on this machine's disk after a run, and a database that is slower
    than the sites does not lose their answers. Sites are registered anew when it starts again; a run that it carried is
    resumed as a new one either way.
    """
    folder = coordinator.path
    return [
        *(flower_tool("flower-superlink"), "--host", _LOOPBACK, "--port", str(link_port(coordinator))),
        *("--ssl-ca-certfile", str(folder / "authority.pem"), "--ssl-certfile", str(folder / "server.pem")),
        *("--ssl-keyfile", str(folder / "server.key"), "--enable-supernode-auth"),
        "--disable-runtime-dependency-installation",
    ]


def superlink_environment(coordinator: Coordinator) -> dict[str, str]:
    """For the SuperLink and for Flower's commands at the coordinator."""
    return {**flower_environment(coordinator.path / "flower"), HOME_VARIABLE: str(coordinator.path.parents[1])}


def door_command(coordinator: Coordinator) -> list[str]:
    """What listens to sites, and passes on what sites may ask."""
    return _ours("door", coordinator.settings.federation, coordinator.path)


def register_command(coordinator: Coordinator) -> list[str]:
    """What tells the SuperLink which sites were accepted and which removed."""
    return _ours("register", coordinator.settings.federation, coordinator.path)


SITE_ENVIRONMENT = {"FLWR_TELEMETRY_ENABLED": "0", "PYTHONUNBUFFERED": "1"}
"""For a site's service."""


def serve_command(site: JoinedSite) -> list[str]:
    """A site's service: it opens connections to the coordinator's door, and listens on no port."""
    return _ours("serve", site.membership.federation, site.path)


def flower_environment(folder: Path) -> dict[str, str]:
    """Our own commands first, a folder of Flower's own, nothing sent anywhere and nothing installed."""
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.defpath]),
        "FLWR_HOME": str(folder),
        "FLWR_TELEMETRY_ENABLED": "0",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        "NO_COLOR": "1",
    }


def write_connection(coordinator: Coordinator) -> None:
    """Write where Flower's commands find the SuperLink (`flower/config.toml`)."""
    authority = str(coordinator.path / "authority.pem").replace("\\", "\\\\").replace('"', '\\"')
    text = (
        f'[superlink]\ndefault = "{CONNECTION}"\n\n[superlink.{CONNECTION}]\n'
        f'address = "{_LOOPBACK}:{link_port(coordinator)}"\nroot-certificates = "{authority}"\n'
    )
    write_text(coordinator.path / "flower" / "config.toml", text, private=True)


def _ours(command: str, name: str, folder: Path) -> list[str]:
    return [sys.executable, "-m", "shiftscope", "federation", command, name, "--home", str(folder.parents[1])]
