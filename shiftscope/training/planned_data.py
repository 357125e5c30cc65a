"""The sites of a plan and their images: in folders on this machine, or at hospitals that know their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shiftscope.errors import UsageError
from shiftscope.plans import Plan
from shiftscope.sites import Site
from shiftscope.training.data.model_inputs import read_planned
from shiftscope.training.plan_checks import folders_of
from shiftscope.training.run_options import RunOptions

__all__ = ["PlannedData", "planned_data"]


@dataclass(frozen=True, slots=True)
class PlannedData:
    """What is known here of the images before a job begins.

    Attributes:
        folders: site -> absolute folder; empty where only the site knows.
        sites: name -> its cases; none of a federation's, which check theirs before they answer.
        nodes: site -> its node in a federation's SuperLink; none on one machine.
    """

    folders: dict[str, str]
    sites: dict[str, Site]
    nodes: dict[str, str]


def planned_data(plan: Plan, data: Mapping[str, Path], options: RunOptions) -> PlannedData:
    """The sites of the plan.

    Args:
        data: site -> folder; wins over the plan's own `data`.

    Raises:
        PlanError: as `folders_of`.
        InputError: a site's data cannot be used.
        UsageError: folders, or a way to find patients, are given for hospitals that have their own.
        EngineError: the federation's SuperLink is not running, or a site is not in the federation.
    """
    if options.federation is None:
        paths = folders_of(plan, data)
        sites = {site: read_planned(plan, site, path, options.patient_regex) for site, path in paths.items()}
        return PlannedData({site: str(path) for site, path in paths.items()}, sites, {})
    if data:
        raise UsageError(
            f"--data {next(iter(data))}=...: sites of a federation know where their images lie; leave it out"
        )
    if options.patient_regex is not None:
        raise UsageError(
            "--patient-regex: sites of a federation say themselves who is a patient, in site.toml beside their images;"
            " leave it out"
        )
    from shiftscope.training.federation.flower.deployed.deployments import nodes_of  # Flower takes seconds

    return PlannedData(dict.fromkeys(plan.sites, ""), {}, nodes_of(options.federation, list(plan.sites)))
