"""The plan that carries out an advice, before anybody edits it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shiftscope.errors import PlanError
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.plans.plan import FILE_NAME, Plan, PlannedGain, PlannedSite
from shiftscope.printable_text import shown
from shiftscope.profiles import Profile
from shiftscope.recommendation import Network, Recommendation

__all__ = ["propose_plan", "with_advice"]

_ENCODER = "tf_efficientnet_lite0"
"""Small enough for a workstation, and pip can fetch its trained weights: every site starts alike, whatever its cache
holds. How it compares with random weights is in docs/models.md."""


def propose_plan(profiles: Sequence[Profile], advice: Recommendation, name: str) -> Plan:
    """The plan that carries out `advice`, at a budget a workstation without a GPU can run.

    Raises:
        PlanError: the sites have neither masks nor two classes, so there is nothing to train; `name` is no name; or the
            advice is for a frozen encoder, and masks are to be learned.
    """
    _require_file_name(name)
    profiles = sorted(profiles, key=lambda profile: profile.site)
    classes = tuple(sorted({label for profile in profiles for label in profile.labels}))
    segments = all(profile.masks for profile in profiles)
    if not segments and len(classes) < 2:
        raise PlanError(
            "the profiles hold neither masks at every site nor two classes: there is nothing to train;"
            " profile folders with masks/ or class folders, or a manifest with a mask or label column"
        )
    return Plan(
        name=name,
        task="segmentation" if segments else "classification",
        classes=() if segments else classes,
        **_network(advice.network, segments),
        colour=all(profile.colour for profile in profiles),
        image_size=96,
        rounds=10,
        local_steps=20,
        batch_size=8,
        learning_rate=3e-3,
        seeds="auto",
        harmonizer=advice.harmonizer,
        personalizer=advice.personalizer,
        predicted=_expected(advice, len(profiles)),
        sites={
            profile.site: PlannedSite(
                fingerprint=profile.fingerprint,
                patients=profile.patients,
                cases=profile.cases,
                cluster=advice.clusters.get(profile.site, 0),
                classes=profile.declared.classes,
                one_file_per_patient=bool(profile.declared.one_file_per_patient),
            )
            for profile in profiles
        },
    )


def with_advice(plan: Plan, advice: Recommendation, name: str, data: Mapping[str, str]) -> Plan:
    """The plan as its operator edited it, with what is advised now.

    Args:
        plan: that was rehearsed; it holds no folders.
        advice: that rests on the rehearsal.
        name: of the plan.
        data: site -> folder; those of its sites are kept.

    Raises:
        PlanError: `name` is no name.
    """
    _require_file_name(name)
    update = {
        "name": name,
        "harmonizer": advice.harmonizer,
        "personalizer": advice.personalizer,
        "predicted": _expected(advice, len(plan.sites)),
        "data": {site: folder for site, folder in data.items() if site in plan.sites},
        "sites": {
            site: planned.model_copy(update={"cluster": advice.clusters.get(site, planned.cluster)})
            for site, planned in plan.sites.items()
        },
    }
    return plan.model_copy(update=update)


def _require_file_name(name: str) -> None:
    if re.fullmatch(FILE_NAME, name) is None:
        raise PlanError(
            f"{shown(name)}: a plan is called as its file, and its run's folder as the plan: expected letters, digits,"
            " '.', '_' and '-', a letter or digit first; choose another name for the file"
        )


def _network(network: Network, segments: bool) -> dict[str, Any]:
    """The keys of a plan that say what is trained."""
    trained = {"weights": "imagenet", "weights_sha256": PACKAGED[_ENCODER].sha256}
    if network == "random":
        return {"model": "unet" if segments else _ENCODER}
    if network == "pretrained":
        return {"model": "smp.Unet", "encoder": _ENCODER, **trained} if segments else {"model": _ENCODER, **trained}
    if segments:
        raise PlanError(
            "a frozen encoder has a linear head for classes only, and the sites have masks: ask for the plan of another"
            " network, pretrained or random"
        )
    return {"model": "linear", "encoder": _ENCODER, **trained}


def _expected(advice: Recommendation, sites: int) -> PlannedGain | None:
    """What the advised strategy is expected to gain; None where it is to train as it is, or to rehearse."""
    chosen = next((each for each in advice.predicted if each.action == advice.action), None)
    if chosen is None or advice.action == "pool":
        return None
    gain = chosen.gain
    ends = [min(max(value, -1.0), 1.0) for value in (gain.mean, gain.low, gain.high)]
    return PlannedGain(
        harmonizer=advice.harmonizer,
        personalizer=advice.personalizer,
        network=advice.network,
        sites=sites,
        mean=ends[0],
        low=ends[1],
        high=ends[2],
    )
