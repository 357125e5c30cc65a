"""How the sites of a federated medical-imaging project differ, what to do about it, and whether it paid.

`from shiftscope import profile, recommend, train`: what `__all__` lists is public and stays; modules below this one may
change. Nothing heavy is imported before a name is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shiftscope.api.advising import diagnose, propose_plan, recommend
    from shiftscope.api.checking import check
    from shiftscope.api.copying import harmonize
    from shiftscope.api.explaining import explain
    from shiftscope.api.exporting import export_app
    from shiftscope.api.job_running import rehearse, train, trial
    from shiftscope.api.merging import merge
    from shiftscope.api.monitoring import watch
    from shiftscope.api.profiling import profile
    from shiftscope.api.reporting import report
    from shiftscope.api.site_listing import read_site
    from shiftscope.errors import ShiftscopeError
    from shiftscope.harmonizers import HARMONIZERS
    from shiftscope.plans import Plan, read_plan
    from shiftscope.profiles import Profile
    from shiftscope.progress import Progress
    from shiftscope.sites import Site, site_of_arrays
    from shiftscope.training.algorithms.families import CONTROLS, PERSONALIZERS

__all__ = [
    "CONTROLS",
    "HARMONIZERS",
    "PERSONALIZERS",
    "Plan",
    "Profile",
    "Progress",
    "ShiftscopeError",
    "Site",
    "check",
    "diagnose",
    "explain",
    "export_app",
    "harmonize",
    "merge",
    "profile",
    "propose_plan",
    "read_plan",
    "read_site",
    "recommend",
    "rehearse",
    "report",
    "site_of_arrays",
    "train",
    "trial",
    "watch",
]

_HOMES = {
    "CONTROLS": "training.algorithms.families",
    "HARMONIZERS": "harmonizers",
    "PERSONALIZERS": "training.algorithms.families",
    "Plan": "plans",
    "Profile": "profiles",
    "Progress": "progress",
    "ShiftscopeError": "errors",
    "Site": "sites",
    "check": "api.checking",
    "diagnose": "api.advising",
    "explain": "api.explaining",
    "export_app": "api.exporting",
    "harmonize": "api.copying",
    "merge": "api.merging",
    "profile": "api.profiling",
    "propose_plan": "api.advising",
    "read_plan": "plans",
    "read_site": "api.site_listing",
    "recommend": "api.advising",
    "rehearse": "api.job_running",
    "report": "api.reporting",
    "site_of_arrays": "sites",
    "train": "api.job_running",
    "trial": "api.job_running",
    "watch": "api.monitoring",
}
"""Public name -> the module that it is imported from when it is first used."""


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib import metadata

        return metadata.version("shiftscope-fl")
    if name not in _HOMES:
        raise AttributeError(f"module 'shiftscope' has no attribute {name!r}")
    found = getattr(import_module(f"shiftscope.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
