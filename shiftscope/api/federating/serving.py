"""At a site: follow the orders of a federation, and answer what the site's own policy lets out."""

import logging
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from shiftscope.api.federating.chosen_folders import joined_site_of
from shiftscope.api.profiling import profile
from shiftscope.api.site_listing import read_site
from shiftscope.devices import find_device
from shiftscope.disclosure.policies.admissibility import Refusal
from shiftscope.disclosure.releases.released_messages import Release, Withheld
from shiftscope.errors import FederationError
from shiftscope.federations.homes import RUNS
from shiftscope.federations.orders import OrderedProfile
from shiftscope.federations.site_folders import data_folder
from shiftscope.option_values import AnyPath
from shiftscope.printable_text import on_one_line, printable
from shiftscope.training.federation.payloads import Payload
from shiftscope.training.joined_sites.ordered_sites import AskedQuestion, OrderedSite
from shiftscope.training.joined_sites.site_computing import SiteComputing
from shiftscope.training.joined_sites.warm_processes import WarmProcess

__all__ = ["computing_at", "serve_joined_site"]

_LOGGER = logging.getLogger(__name__)

_ERRORS, _MOST_ERRORS = "errors.log", 10_000_000
"""Its name, and the bytes after which it becomes `errors.log.1`, in the place of the one before."""


def serve_joined_site(name: str | None = None, *, device: str = "auto", home: AnyPath | None = None) -> None:
    """Keep the site's connection to the coordinator, and answer what it asks, until Ctrl-C or SIGTERM.

    Args:
        name: of the federation; the only one that was joined here unless given.
        device: "auto", "cpu" or "cuda".
        home: where federations lie, in place of SHIFTSCOPE_HOME or ~/.shiftscope.

    Raises:
        FederationError: no site here has joined it, it was not admitted yet, its certificate cannot be shown, or its
            service runs already.
        UsageError: there is no such device.
    """
    from shiftscope.training.federation.flower.deployed.site_services import serve_site

    find_device(device)  # now, and not with the first question
    joined = joined_site_of(name, home)
    if joined.admission is None:
        raise FederationError(
            f"{joined.path}: the coordinator has not admitted this site yet; when its SITE.admission.json came back:"
            " shiftscope federation join SITE.admission.json"
        )
    with joined.only_service():
        member = joined.membership
        computing = WarmProcess(partial(computing_at, joined.path, member.site, device))
        site = OrderedSite(joined, computing, _teller(joined.path / _ERRORS))

        def answer(question: str, run: str, order: bytes, read: Callable[[], Payload]) -> Release | Withheld:
            return site.answer(AskedQuestion(question, run, order, read))

        _LOGGER.info("site '%s' of '%s' answers what %s lets out", member.site, member.federation, joined.policy)
        try:
            serve_site(joined, answer)
        finally:
            computing.close()


def computing_at(folder: Path, site: str, device: str) -> SiteComputing:
    """What computes for a joined site, on its images where they lie now.

    Args:
        folder: the site's, of the federation.
    """
    return SiteComputing(site, data_folder(folder), folder / RUNS, device, measured_profile)


def measured_profile(data: Path, site: str, options: OrderedProfile) -> Mapping[str, Any]:
    """A site's profile as an order asks for it; what only the owner can say stands in `site.toml` beside the images."""
    owner: dict[str, Any] = {"classes": options.classes} if options.classes else {}
    return profile(read_site(data, name=site, **owner), seed=options.seed, epsilon=options.epsilon).to_dict()


def _teller(path: Path) -> Callable[[BaseException | Refusal], None]:
    """Tells the site's own people: the service's log by a line, a file of the site's by the whole text."""

    def tell(what: BaseException | Refusal) -> None:
        if isinstance(what, Refusal):
            line, text = f"kept here ({what.rule}): {what.why}", ""
        else:
            line = f"kept here ({type(what).__name__}): {what}".splitlines()[0]
            text = printable("".join(traceback.format_exception(what)))
        line = on_one_line(line)  # whoever asks chooses names that stand in it
        _LOGGER.warning("%s", line)
        if path.exists() and path.stat().st_size > _MOST_ERRORS:
            path.replace(path.with_suffix(".log.1"))
        path.touch(mode=0o600, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now().isoformat(timespec='seconds')} {line}\n{text}\n")

    return tell
