"""At a site: what left it, what was kept, and the bytes of each message that left."""

from pathlib import Path

from shiftscope.api.federating.chosen_folders import chosen_home
from shiftscope.disclosure.releases.release_account import ReleaseAccount, ReplayedRelease
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.federations.homes import only_name
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.files import write_bytes
from shiftscope.option_values import AnyPath, as_path, as_whole_number
from shiftscope.records import MOST

__all__ = ["list_releases", "replay_release"]


def list_releases(name: str | None = None, *, limit: int | None = None, home: AnyPath | None = None) -> ReleaseAccount:
    """At a site: what its log of releases says, and whether it is whole.

    Args:
        name: of the federation; the only one here where it is left out.
        limit: how many entries are told, the newest; all of them where it is left out. All are counted and verified.
        home: where federations lie, in place of SHIFTSCOPE_HOME or ~/.shiftscope.

    Raises:
        FederationError: no site here has joined such a federation, or the log cannot be read at all.
    """
    site = _site(name, home)
    most = None if limit is None else as_whole_number("--limit", limit, 0, MOST)
    return ReleaseAccount.of(site.membership.federation, site.membership.site, site.releases, most)


def replay_release(name: str | None, entry: int, output: AnyPath, *, home: AnyPath | None = None) -> ReplayedRelease:
    """At a site: write the bytes that left with an entry of the log into a file, for its owner alone (mode 0600).

    They are what `message_of_bytes` reads: a line of JSON that says what follows, facts, arrays as NumPy writes them.

    Args:
        name: of the federation; the only one here where it is None.
        entry: its number in the log.
        output: the file to write.
        home: where federations lie, in place of SHIFTSCOPE_HOME or ~/.shiftscope.

    Raises:
        FederationError: there is no such entry, nothing left with it, or its bytes are gone or altered.
    """
    log = ReleaseLog(_site(name, home).releases)
    found = log.entry(as_whole_number("--entry", entry, 1, MOST))
    data, target = log.replay(found.number), as_path("output", output)
    write_bytes(target, data, private=True)
    return ReplayedRelease(entry=found, file=str(target), size=len(data))


def _site(name: str | None, home: AnyPath | None) -> JoinedSite:
    place: Path = chosen_home(home)
    return JoinedSite.open(place, only_name(place, name))
