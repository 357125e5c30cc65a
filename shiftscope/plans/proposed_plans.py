"""The plan that carries out an advice, before anybody edits it."""

import re
from collections.abc import Sequence

from shiftscope.errors import PlanError
from shiftscope.plans.packaged_weights import PACKAGED
from shiftscope.plans.plan import FILE_NAME, Plan, PlannedSite
from shiftscope.printable_text import shown
from shiftscope.profiles import Profile
from shiftscope.recommendation import Recommendation

__all__ = ["propose_plan"]

_ENCODER = "tf_efficientnet_lite0"
"""Small enough for a workstation, and pip can fetch its trained weights: every site starts alike, whatever its cache
holds. How it compares with random weights is in docs/models.md."""


def propose_plan(profiles: Sequence[Profile], advice: Recommendation, name: str) -> Plan:
    """The plan that carries out `advice`, at a budget a workstation without a GPU can run.

    Raises:
        PlanError: the sites have neither masks nor two classes, so there is nothing to train; or `name` is no name.
    """
    if re.fullmatch(FILE_NAME, name) is None:
        raise PlanError(
            f"{shown(name)}: a plan is called as its file, and its run's folder as the plan: expected letters, digits,"
            " '.', '_' and '-', a letter or digit first; choose another name for the file"
        )
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
        model="smp.Unet" if segments else _ENCODER,
        encoder=_ENCODER if segments else None,
        weights="imagenet",
        weights_sha256=PACKAGED[_ENCODER].sha256,
        colour=all(profile.colour for profile in profiles),
        image_size=96,
        rounds=10,
        local_steps=20,
        batch_size=8,
        learning_rate=3e-3,
        seeds="auto",
        harmonizer=advice.harmonizer,
        personalizer=advice.personalizer,
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
