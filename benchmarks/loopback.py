"""Three planted hospitals on this machine, and a federation of theirs on its loopback: for benchmarks to import.

The federation is SuperLink, door and three services as processes, in TLS and with keys, each site under a policy that
allows everything.
"""

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

from shiftscope.api.federating.coordinating import list_sites, register_sites
from shiftscope.disclosure.policies.policy_texts import policy_text
from shiftscope.disclosure.policies.site_policy import SitePolicy
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolments import admit
from shiftscope.federations.federation_names import Address
from shiftscope.federations.services.flower_commands import (
    SITE_ENVIRONMENT,
    door_command,
    serve_command,
    superlink_command,
    superlink_environment,
)
from shiftscope.federations.services.folder_pages import write_coordinator_pages
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.phantoms import Hospital, draw_hospital, write_site
from shiftscope.plans import Plan, PlannedSite
from shiftscope.sites import fingerprint, read_site
from shiftscope.training.federation.flower.processes import Processes, adopting, free_port

NAME = "loopback"
SITES = {"a": (), "b": (("gamma", -0.7),), "c": (("noise", 1.0),)}
ONLINE_S, KILLED_S = 180.0, 5.0
ANY = ("any",)
EVERYTHING = SitePolicy(
    **dict.fromkeys(("kinds", "methods", "harmonizers", "axes", "measures", "metrics", "counts"), ANY),
    min_patients=1,
    min_scored=1,
    max_rounds=10_000,
    max_seconds=1e9,
    epsilon="none",
    read_only=False,
)


def provenance() -> dict[str, object]:
    """Where and when a page's numbers were measured."""
    return {
        "torch": torch.__version__.split("+")[0],
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "date": datetime.now(UTC).date(),
    }


def hospitals(root: Path, size: int) -> dict[str, Path]:
    """Three of 24 patients; each file is another patient's."""
    for number, (name, plants) in enumerate(SITES.items()):
        drawn = draw_hospital("ultrasound", Hospital(24, plants=plants), np.random.default_rng([3, number]), size=size)
        write_site(drawn, root / name, layout="images+masks", format="png")
    return {name: root / name for name in SITES}


def plan_of(data: Mapping[str, Path], **values: Any) -> Plan:
    """A U-Net for them, one seed."""
    sites = {name: read_site(path, name=name) for name, path in data.items()}
    planned = {
        name: PlannedSite(fingerprint=fingerprint(site), patients=24, cases=len(site.cases))
        for name, site in sites.items()
    }
    same = {
        "task": "segmentation",
        "classes": (),
        "model": "unet",
        "colour": False,
        "learning_rate": 0.01,
        "seeds": (0,),
        "sites": planned,
    }
    return Plan.model_validate({**same, **values})


@dataclass(slots=True)
class Loopback:
    """A federation's processes.

    Attributes:
        root: of every folder and log.
        coordinator: its folder.
        commands: "link", "door" or a site -> what starts it, and its environment.
        running: the same -> its processes.
    """

    root: Path
    coordinator: Coordinator
    commands: dict[str, tuple[list[str], dict[str, str]]] = field(default_factory=dict)
    running: dict[str, Processes] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Where the coordinator's federations lie."""
        return self.root / "home"

    def start(self, name: str) -> None:
        """Start one of them."""
        command, environment = self.commands[name]
        self.running[name] = Processes(environment, self.root, self.root / f"{name}.log")
        self.running[name].start(*command)

    def kill(self, name: str) -> None:
        """As a power cut: every process of it at once."""
        self.running[name].kin.kill(KILLED_S)
        self.running[name].stop()

    def wait_until_online(self) -> None:
        """Tell the SuperLink of the sites, and wait for them."""
        register_sites(NAME, wait_s=120, home=self.home)
        until = time.monotonic() + ONLINE_S
        while {site.state for site in list_sites(NAME, home=self.home).sites} != {"online"}:
            if time.monotonic() > until:
                raise SystemExit(f"sites did not come online within {ONLINE_S:g} s; see {self.root}/*.log")
            time.sleep(1)


@contextmanager
def federation(root: Path, data: Mapping[str, Path]) -> Iterator[Loopback]:
    """A running one of these sites, ended afterwards."""
    now = datetime.now(UTC)
    coordinator = Coordinator.create(root / "home", NAME, Address("127.0.0.1", free_port()), 30, {}, now)
    write_coordinator_pages(coordinator)
    made = Loopback(root, coordinator)
    made.commands["link"] = superlink_command(coordinator), superlink_environment(coordinator)
    made.commands["door"] = door_command(coordinator), {}
    for name, path in data.items():
        asking = JoinedSite.create(root / name, coordinator.invitation, name, path, now)
        _, admission = admit(coordinator, asking.request(now), "the request", now)
        site = asking.complete(admission, "the admission")
        site.policy.write_text(policy_text(EVERYTHING), encoding="utf-8")
        made.commands[name] = serve_command(site), SITE_ENVIRONMENT
    with adopting():
        try:
            for name in made.commands:
                made.start(name)
            made.wait_until_online()
            yield made
        finally:
            for processes in reversed(made.running.values()):
                processes.stop()
