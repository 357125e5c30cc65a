"""A federation on this machine's loopback, made by the commands of docs/operations.md: processes, TLS, keys."""

import os
import re
import shlex
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from small_policies import permissive

import shiftscope.cli as cli
from shiftscope.api.federating.coordinating import list_sites
from shiftscope.disclosure.policies.policy_texts import policy_text
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.services.flower_commands import superlink_command, superlink_environment
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.training.federation.flower.processes import Processes, adopting, free_port

__all__ = ["DeployedFederation", "deployed", "port_pair", "until"]

NAME, KILLED_S = "lung", 5.0
OPERATIONS = Path(__file__).resolve().parents[1] / "docs" / "operations.md"
RECORDER = Path(__file__).with_name("recording_door.py")


@dataclass
class DeployedFederation:
    """What runs.

    Attributes:
        folder: of everything; each party's home is the folder in it that is called as the party.
        means: what stands in the document -> what is meant here, for each party.
        running: "link", "door" or a site -> its processes.
    """

    folder: Path
    means: Mapping[str, Mapping[str, str]]
    running: dict[str, Processes] = field(default_factory=dict)

    @property
    def coordinator(self) -> Coordinator:
        """Its folder."""
        return Coordinator.open(self.home("coordinator"), NAME)

    def site(self, name: str) -> JoinedSite:
        """A site's folder."""
        return JoinedSite.open(self.home(name), NAME)

    @property
    def sent(self) -> Path:
        """All that sites sent, as it came to the door once TLS was off."""
        return self.folder / "sent.bin"

    def known_to_coordinator(self) -> bytes:
        """That, all of the coordinator's files, and what its processes said."""
        logs = [self.folder / f"{name}.log" for name in ("link", "door", "coordinator.commands")]
        files = [path for path in self.home("coordinator").rglob("*") if path.is_file()]
        return b"".join(path.read_bytes() for path in (self.sent, *logs, *files))

    def home(self, party: str) -> Path:
        """Where a party's federations lie."""
        return self.folder / party

    def carry_out(self, section: str, after: Mapping[str, Callable[[], None]] | None = None) -> None:
        """The commands of a section of the document, one after the other; those that go on are left running.

        Args:
            after: given of a command -> what people do once it was given.
        """
        for party, arguments in _commands_in(section):
            meant = [self.means[party].get(argument, argument) for argument in arguments]
            if meant[:2] in (["federation", "door"], ["federation", "serve"]):
                self.start("door" if meant[1] == "door" else party)
            else:
                self.command(party, meant)
            for given, act in (after or {}).items():
                if given in meant:
                    act()

    def command(self, party: str, arguments: list[str]) -> None:
        """A command of shiftscope, in this process; what it says goes to the party's log."""
        before, code = (sys.argv, Path.cwd(), os.environ.get("SHIFTSCOPE_HOME")), None
        sys.argv = ["shiftscope", *arguments]
        os.chdir(self.folder)
        os.environ["SHIFTSCOPE_HOME"] = str(self.home(party))
        try:
            with (
                (self.folder / f"{party}.commands.log").open("a", encoding="utf-8") as log,
                redirect_stdout(log),
                redirect_stderr(log),
            ):
                cli.main()
        except SystemExit as ended:
            code = ended.code
        finally:
            sys.argv = before[0]
            os.chdir(before[1])
            os.environ.pop("SHIFTSCOPE_HOME", None)
            if before[2] is not None:
                os.environ["SHIFTSCOPE_HOME"] = before[2]
        assert not code, f"{party}: {shlex.join(arguments)}: {self.log(f'{party}.commands')[-2000:]}"

    def start(self, name: str) -> None:
        """Start "link", "door" or a site, as their pages say."""
        if name == "link":
            environment, command = superlink_environment(self.coordinator), superlink_command(self.coordinator)
        elif name == "door":
            environment = {"SHIFTSCOPE_HOME": str(self.home("coordinator"))}
            command = [sys.executable, str(RECORDER), NAME, str(self.sent)]
        else:
            environment = {"SHIFTSCOPE_HOME": str(self.home(name)), "OMP_NUM_THREADS": "1"}
            command = [sys.executable, "-m", "shiftscope", "federation", "serve", NAME]
        self.running[name] = Processes(environment, self.folder, self.folder / f"{name}.log")
        self.running[name].start(*command)

    def kill(self, name: str) -> None:
        """As a power cut: every process of it at once."""
        self.running[name].kin.kill(KILLED_S)
        self.running[name].stop()

    def wait_for(self, *sites: str, seconds: float = 180) -> None:
        """Until these sites are online."""
        until(lambda: {self.state(site) for site in sites} == {"online"}, seconds, 1.0)

    def state(self, site: str) -> str | None:
        """What the SuperLink says of a site."""
        found = list_sites(NAME, home=self.home("coordinator")).sites
        return next(each.state for each in found if each.site == site)

    def log(self, name: str) -> str:
        """What it said, on one line."""
        path = self.folder / f"{name}.log"
        return " ".join(path.read_text(encoding="utf-8", errors="replace").split()) if path.exists() else ""


@contextmanager
def deployed(folder: Path, data: Mapping[str, Path]) -> Iterator[DeployedFederation]:
    """A running federation of these sites, each with a policy that allows everything; ended afterwards.

    Args:
        data: site -> its images.
    """
    address = {"fl.example.org:9400": f"127.0.0.1:{port_pair()}"}
    found = DeployedFederation(
        folder, {"coordinator": address, **{site: {"/data/lung": str(path)} for site, path in data.items()}}
    )

    def send_invitation() -> None:
        shutil.copy(found.coordinator.path / "invitation.json", folder)

    found.carry_out("Enrolment", {"init": send_invitation})
    for site in data:
        found.site(site).policy.write_text(policy_text(permissive()), encoding="utf-8")
    with adopting():
        try:
            found.start("link")
            found.carry_out("Services")
            found.wait_for(*data)
            yield found
        finally:
            for processes in reversed(found.running.values()):
                processes.stop()
            assert [processes.alive() for processes in found.running.values()] == [set()] * len(found.running)


def _commands_in(section: str) -> list[tuple[str, list[str]]]:
    """(party, arguments) of every command of shiftscope in a section of the document."""
    text = OPERATIONS.read_text(encoding="utf-8").split(f"## {section}\n")[1].split("\n## ")[0]
    found = re.findall(r"^(\w+)\$ shiftscope (.*)$", text, re.MULTILINE)
    assert found, section
    return [(party, shlex.split(rest)) for party, rest in found]


def port_pair() -> int:
    """A free port with a free one after it."""
    while True:
        port = free_port()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return port


def until(true: Callable[[], bool], seconds: float = 60, every: float = 0.3) -> None:
    """Wait for something to be true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(every)
