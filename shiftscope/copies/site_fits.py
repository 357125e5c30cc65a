"""A harmonizer made ready for one site, as a run would make it, also where the site had no part in the run."""

from collections import defaultdict
from dataclasses import dataclass, field, replace

import numpy as np

from shiftscope.errors import InputError, PlanError, Unreadable
from shiftscope.harmonizers import HARMONIZERS, Statistics
from shiftscope.images import as_seen, canvas
from shiftscope.plans import Plan
from shiftscope.progress import Progress, Report, silent
from shiftscope.sites import Case, Site, fingerprint, load
from shiftscope.training.data.model_inputs import channels, usable
from shiftscope.training.data.splits import divide
from shiftscope.training.runs.kept_references import own_statistics

__all__ = ["FittedHarmonizer", "as_planned", "check_copies", "fit_site"]


@dataclass(frozen=True, slots=True)
class FittedHarmonizer:
    """A harmonizer ready for one site.

    Attributes:
        harmonizer: a key of `HARMONIZERS`.
        plan: whose canvas and colour it was fitted on.
        own: what the site knows of itself.
        reference: what the federation agreed on.
        cases: how many cases `own` comes from.
        fitted_on: which cases these are, for people.
    """

    harmonizer: str
    plan: Plan
    own: Statistics = field(default_factory=dict)
    reference: Statistics = field(default_factory=dict)
    cases: int = 0
    fitted_on: str = "nothing has to be fitted"


def check_copies(plan: Plan) -> str:
    """The plan's harmonizer, where it makes pictures of pictures.

    Raises:
        PlanError: there is none, or there is nothing to write for it.
    """
    name = plan.harmonizer
    if name is None:
        raise PlanError('harmonizer: "": the plan leaves images as they are, there is nothing to write; name one')
    if name not in HARMONIZERS:
        raise PlanError(f"harmonizer: no {name!r}; expected {', '.join(HARMONIZERS)}")
    if HARMONIZERS[name].mix is not None:
        raise PlanError(f"harmonizer: {name} acts on batches while training only; no image is changed for good")
    if HARMONIZERS[name].on == "features":
        raise PlanError(f"harmonizer: {name} works on features, never on pixels; there is no picture to write")
    if HARMONIZERS[name].on == "colour" and not plan.colour:
        raise PlanError(f"harmonizer: {name} works on colour, and the plan's images are grey; choose another one")
    return name


def as_planned(site: Site, plan: Plan) -> Site:
    """The site under the name the plan has for it: its own, or that of the planned site with the same data."""
    if site.name in plan.sites:
        return site
    mark = fingerprint(site)
    found = [name for name, planned in plan.sites.items() if planned.fingerprint == mark]
    return replace(site, name=found[0]) if found else site


def fit_site(site: Site, plan: Plan, reference: Statistics, where: str, progress: Report = silent) -> FittedHarmonizer:
    """What the harmonizer needs to know of the site, from canvases of the plan's size, as in training.

    Of a site in the plan the training cases count, by the plan's split. A site that joins later, or that holds only
    cases to test on, is fitted on all cases; neither masks nor labels take part in the fit.

    Args:
        where: the reference's file, for errors.
        progress: called after every case that was learned from.

    Raises:
        PlanError: see `check_copies`.
        InputError: the reference does not fit, or no image could be read.
    """
    name = check_copies(plan)
    chosen = HARMONIZERS[name]
    if not chosen.exchanges:
        return FittedHarmonizer(name, plan)
    cases, fitted_on = _learnt_from(site, plan)
    patients: dict[str, list[np.ndarray]] = defaultdict(list)
    read = 0
    for done, case in enumerate(cases, start=1):
        try:
            image, _ = load(case)
        except Unreadable:
            continue  # counted, and named, where copies are written
        finally:
            progress(Progress(f"fitting {name}", done, len(cases), "cases"))
        if chosen.on == "geometry":
            if image.spacing_mm is None:
                raise InputError(
                    f"site {site.name}: {case.images[0]} does not say how large a pixel is, and {name} needs that;"
                    " choose another harmonizer, or give DICOM or NIfTI files"
                )
            patients[case.patient].append(np.array([image.spacing_mm, image.pixels.shape[:3]], dtype=np.float64))
        else:
            pixels = channels(canvas(as_seen(image), plan.image_size), plan.colour)
            patients[case.patient].append(pixels.astype(np.float16).astype(np.float32))  # rounded as samples are kept
        read += 1
    if not read:
        raise InputError(f"site {site.name}: none of its {len(cases)} cases could be read; mend the files")
    own = own_statistics(chosen, list(patients.values()), reference, where)
    return FittedHarmonizer(name, plan, own, reference, read, fitted_on)


def _learnt_from(site: Site, plan: Plan) -> tuple[list[Case], str]:
    """The cases a site's statistics come from, and why these."""
    everything = list(site.cases)
    if site.name not in plan.sites:
        return everything, f"all {len(everything)} cases: the plan has no site {site.name!r}"
    with_target = [case for case in everything if (case.masks if plan.task == "segmentation" else case.label)]
    if not with_target:
        return everything, f"all {len(everything)} cases: none has what the plan trains on"
    brought = {case.split for case in with_target} - {None}
    if brought and "train" not in brought:
        return everything, f"all {len(everything)} cases: none of them is for training"
    if len({case.patient for case in with_target}) < 2:
        return everything, f"all {len(everything)} cases: there is one patient, and no split"
    parts = divide(usable(site, plan), plan.split, site.name)
    return parts["train"], f"{len(parts['train'])} training cases, as the plan splits them"
