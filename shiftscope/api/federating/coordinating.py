"""At the coordinator: make a federation, admit and remove sites, tell the SuperLink of them, open the door."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shiftscope.api.federating.chosen_folders import chosen_home
from shiftscope.errors import EngineError, FederationError, UsageError
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.enrolment_answers import EnrolmentStep, FederationSites
from shiftscope.federations.enrolment_documents.join_requests import JoinRequest
from shiftscope.federations.enrolments import admit, expel
from shiftscope.federations.federation_keys import require_fingerprint
from shiftscope.federations.federation_names import Address
from shiftscope.federations.homes import coordinator_path, only_name
from shiftscope.federations.package_versions import versions_here
from shiftscope.federations.services.doors import serve_door
from shiftscope.federations.services.folder_pages import PAGE, write_coordinator_pages
from shiftscope.federations.services.node_registrations import link_answers, node_states, register_all
from shiftscope.option_values import AnyPath, as_path, as_whole_number

__all__ = ["accept_site", "init_federation", "list_sites", "open_door", "register_sites", "remove_site"]

_POLL_S = 0.5


def init_federation(
    name: str, address: str, *, days: int = 730, renew: bool = False, home: AnyPath | None = None
) -> EnrolmentStep:
    """Make a federation: its keys, its certificates, its invitation, and a page that says how to start it.

    Args:
        name: what it is called.
        address: HOST:PORT at which sites reach its door.
        days: how long the certificates of server and sites are valid.
        renew: of a federation that is there, make a new certificate for the server; the address may be a new one.
        home: where federations lie, in place of SHIFTSCOPE_HOME or ~/.shiftscope.

    Raises:
        FederationError: there is one of this name, or, with `renew`, none.
        UsageError: an address or a number of days that cannot be.
    """
    place, found, now = chosen_home(home), _address(address), datetime.now(UTC)
    days = as_whole_number("--days", days, 1, 3650)
    if renew:
        made = Coordinator.open(place, name).renew(found, days, versions_here(), now)
    else:
        path = coordinator_path(place, name)
        if (path / PAGE).exists():
            raise FederationError(
                f"{path}: there is a federation '{name}' already, and nothing was changed; for a new certificate of its"
                f" server or a new address: shiftscope federation init {name} --address {found} --renew"
            )
        if path.exists():  # whoever was interrupted before the page was written goes on here
            made = Coordinator.open(place, name)
        else:
            made = Coordinator.create(place, name, found, days, versions_here(), now)
    write_coordinator_pages(made)
    restart = ("restart the SuperLink and the door; send the invitation anew if the address is a new one",)
    return EnrolmentStep(
        done=f"the federation '{name}' is {'renewed' if renew else 'made'}",
        facts={"fingerprint": made.invitation.fingerprint, "folder": str(made.path)},
        then=restart
        if renew
        else (
            f"start it as {made.path / PAGE} says, and back the folder up",
            f"send {made.path / 'invitation.json'} to every site, and compare the fingerprint by telephone",
            f"then: shiftscope federation accept {name} SITE.request.json",
        ),
    )


def accept_site(
    name: str,
    request: AnyPath,
    *,
    fingerprint: str | None = None,
    output: AnyPath | None = None,
    home: AnyPath | None = None,
) -> EnrolmentStep:
    """At the coordinator: admit the site of a request, and tell the SuperLink where it runs.

    Args:
        name: of the federation.
        request: the file that the site sent.
        fingerprint: of the site's key, as the site told it; another one is refused.
        output: where the admission is written, in place of SITE.admission.json.
        home: where federations lie, in place of SHIFTSCOPE_HOME or ~/.shiftscope.

    Raises:
        FederationError: the request is forged or for another federation, or its name or its key is taken.
    """
    coordinator, path = Coordinator.open(chosen_home(home), name), as_path("request", request)
    asked = JoinRequest.read(path, FederationError)
    require_fingerprint(asked.fingerprint, fingerprint, str(path))
    member, admission = admit(coordinator, asked, str(path), datetime.now(UTC))
    target = Path(f"{member.site}.admission.json") if output is None else as_path("output", output)
    admission.write(target)
    return EnrolmentStep(
        done=f"site '{member.site}' is admitted to '{name}'",
        facts={
            "fingerprint of its key": member.fingerprint,
            "certificate until": str(member.site_certificate.not_valid_after_utc.date()),
        },
        then=(
            "compare the fingerprint with the site by telephone, unless you gave it with --fingerprint; if it is"
            f" another one: shiftscope federation remove {name} {member.site}",
            f"send {target} to the site",
            _registration(coordinator),
        ),
    )


def remove_site(name: str, site: str, *, home: AnyPath | None = None) -> EnrolmentStep:
    """At the coordinator: take a site out. The door refuses its key at once, and it is never admitted again.

    Raises:
        FederationError: there is no such site.
    """
    coordinator = Coordinator.open(chosen_home(home), name)
    member = expel(coordinator, site, datetime.now(UTC))
    return EnrolmentStep(
        done=f"site '{site}' is removed from '{name}'",
        facts={"fingerprint of its key": member.fingerprint, "revoked certificates": ", ".join(member.revoked)},
        then=(
            _registration(coordinator),
            "to admit it anew, the site makes new keys (shiftscope federation join invitation.json --new-key) and sends"
            " its request",
        ),
    )


def list_sites(name: str | None = None, *, home: AnyPath | None = None) -> FederationSites:
    """At the coordinator: who is in a federation, and who was.

    Raises:
        FederationError: there is no such federation here.
    """
    place = chosen_home(home)
    coordinator = Coordinator.open(place, only_name(place, name))
    states = node_states(coordinator) if link_answers(coordinator) else None
    return FederationSites.of(coordinator, states, datetime.now(UTC))


def register_sites(name: str, *, wait_s: float = 0.0, home: AnyPath | None = None) -> EnrolmentStep:
    """At the coordinator: tell the running SuperLink which sites were accepted and which were removed.

    Args:
        name: of the federation.
        wait_s: seconds to wait for a SuperLink that is just starting.
        home: where federations lie, in place of SHIFTSCOPE_HOME or ~/.shiftscope.

    Raises:
        EngineError: the SuperLink is not running.
    """
    coordinator = Coordinator.open(chosen_home(home), name)
    deadline = time.monotonic() + wait_s
    while not link_answers(coordinator) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    done = register_all(coordinator)
    return EnrolmentStep(done=f"the SuperLink of '{name}' knows its sites", facts=done, then=())


def open_door(name: str, *, home: AnyPath | None = None) -> None:
    """At the coordinator: let sites in until Ctrl-C or SIGTERM.

    Raises:
        FederationError: there is no such federation here.
    """
    serve_door(Coordinator.open(chosen_home(home), name))


def _address(text: Any) -> Address:
    try:
        return Address.parse(str(text))
    except ValueError as problem:
        raise UsageError(f"--address {text}: {problem}") from None


def _registration(coordinator: Coordinator) -> str:
    """Tell the SuperLink, or say how to."""
    name = coordinator.settings.federation
    command = f"shiftscope federation register {name}"
    if not link_answers(coordinator):
        return f"the SuperLink is not running; it is told when it starts with systemd, or by: {command}"
    try:
        register_all(coordinator)
    except EngineError as problem:
        return f"the SuperLink could not be told ({problem}); try: {command}"
    return "the SuperLink was told"
