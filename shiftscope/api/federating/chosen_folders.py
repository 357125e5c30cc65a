"""Which federation a caller means: its home, and the coordinator's or the site's folder in it."""

from pathlib import Path

from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.homes import home_of, only_name
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.option_values import AnyPath, as_path

__all__ = ["chosen_home", "coordinator_of", "joined_site_of"]


def chosen_home(home: AnyPath | None) -> Path:
    """Where federations lie, for a caller who may have said so."""
    return home_of(None if home is None else as_path("home", home))


def coordinator_of(name: str | None, home: AnyPath | None = None) -> Coordinator:
    """The federation of that name that is coordinated here; the only one where no name is given.

    Raises:
        FederationError: there is none, or more than one without a name.
    """
    place = chosen_home(home)
    return Coordinator.open(place, only_name(place, name))


def joined_site_of(name: str | None, home: AnyPath | None = None) -> JoinedSite:
    """The same of a federation that a site here joined.

    Raises:
        FederationError: as `coordinator_of`.
    """
    place = chosen_home(home)
    return JoinedSite.open(place, only_name(place, name))
