"""Telling the coordinator's SuperLink which sites were accepted and which were removed, by Flower's own commands."""

import json
import os
import subprocess
from socket import create_connection
from typing import Any

from shiftscope.errors import EngineError
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolment_documents.members import Member
from shiftscope.federations.services.flower_commands import (
    CONNECTION,
    flower_tool,
    link_port,
    superlink_environment,
)
from shiftscope.printable_text import on_one_line

__all__ = ["link_answers", "node_states", "register_all"]

_GONE = "unregistered"
_IN_USE = "already in use"
_WAIT_S = 60.0
_SHOWN = 300


def link_answers(coordinator: Coordinator) -> bool:
    """Whether something listens where the SuperLink does."""
    try:
        create_connection(("127.0.0.1", link_port(coordinator)), timeout=2).close()
    except OSError:
        return False
    return True


def register_all(coordinator: Coordinator) -> dict[str, str]:
    """Register every accepted site at the running SuperLink, and unregister every removed one.

    Returns:
        site -> "registered", "was registered" or "unregistered".

    Raises:
        EngineError: the SuperLink is not running, or refuses.
    """
    _require_link(coordinator)
    with coordinator.alone():
        return _registered(coordinator)


def _registered(coordinator: Coordinator) -> dict[str, str]:
    states, done = node_states(coordinator), {}
    for member in coordinator.members():
        for node in member.former_nodes:
            if states.get(node, _GONE) != _GONE:
                _flwr(coordinator, "unregister", node)
                done[member.site] = "unregistered"
        if member.removed is None:
            known = states.get(member.node or "", _GONE) != _GONE
            done[member.site] = "was registered" if known else _register(coordinator, member)
    return done


def node_states(coordinator: Coordinator) -> dict[str, str]:
    """Flower's number of each node -> registered, online, offline or unregistered.

    Raises:
        EngineError: the SuperLink does not answer.
    """
    nodes = _flwr(coordinator, "list")["nodes"]
    return {str(node["node-id"]): str(node["status"]) for node in nodes}


def _register(coordinator: Coordinator, member: Member) -> str:
    public = str(coordinator.public_key_path(member.site))
    try:
        answer = _flwr(coordinator, "register", public, "--name", member.site)
    except EngineError as problem:
        if _IN_USE in str(problem):  # registered, and interrupted before its number was written down
            return "was registered"
        raise
    coordinator.keep(member.model_copy(update={"node": str(answer["node-id"])}))
    return "registered"


def _require_link(coordinator: Coordinator) -> None:
    if not link_answers(coordinator):
        raise EngineError(
            f"the SuperLink of '{coordinator.settings.federation}' does not listen on 127.0.0.1, port"
            f" {link_port(coordinator)}; start it ({coordinator.path / 'README.md'} says how), then register once more"
        )


def _flwr(coordinator: Coordinator, verb: str, *arguments: str) -> dict[str, Any]:
    """What `flwr supernode VERB` answers."""
    tool = flower_tool("flwr")
    first, *options = arguments or ("",)
    command = [tool, "supernode", verb, *filter(None, [first]), CONNECTION, *options, "--format", "json"]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **superlink_environment(coordinator)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_WAIT_S,
            check=False,
        )
    except FileNotFoundError:
        raise EngineError(f"{tool}: not found; run: pip install 'shiftscope-fl[train]'") from None
    except subprocess.TimeoutExpired:
        raise EngineError(f"flwr supernode {verb}: no answer within {_WAIT_S:g} s; is the SuperLink busy?") from None
    answer = _last_object(done.stdout)
    if done.returncode != 0 or not answer.get("success", False):
        said = on_one_line(str(answer.get("error-message") or done.stderr.strip() or done.stdout.strip()))[-_SHOWN:]
        raise EngineError(f"flwr supernode {verb} failed with code {done.returncode}: {said}")
    return answer


def _last_object(text: str) -> dict[str, Any]:
    """The JSON object at the end of what Flower prints; its talk may stand before it."""
    start = text.find("{")
    try:
        found = json.loads(text[start:]) if start >= 0 else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
