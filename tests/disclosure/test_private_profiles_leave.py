"""A profile under differential privacy passes the gate, and stays one whatever the policy keeps of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_answers import HONEST, PROFILE, SITE, outcome_of
from small_policies import permissive

from shiftscope.disclosure.releases.released_messages import Release, Withheld
from shiftscope.errors import ProfileError
from shiftscope.federations.orders import OrderedProfile
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Patient, Profile, SiteAccumulator
from shiftscope.profiles.parts.origins import Origin
from shiftscope.sites import Declarations, Site

pytest.importorskip("opendp", reason="opendp is not installed; it comes with shiftscope-fl[privacy]")

AXES = ("intensity", "texture", "layout", "boundary")


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    """Of 400 patients, at epsilon 8."""
    rng = np.random.default_rng(0)
    accumulator = SiteAccumulator()
    for number in range(400):
        coordinates = {axis: rng.normal(size=4) for axis in AXES}
        label = "benign" if number % 3 else "malignant"
        accumulator.add(Patient(1, 1, label, coordinates, {}, {}, frozenset({"2-D"}), False))
    declared = Declarations(layout="images", depth="2-D", colour=False, has_masks=True)
    site = Site(SITE, Path(SITE), "images", (), "manifest", (), {}, declared)
    return accumulator.export(Origin.of(site, 0, load_extractor(), {}, cases=()), 8.0).to_dict()


def left(values: dict[str, Any], folder: Path, asked: float | None, **policy: Any) -> Release | Withheld:
    order = PROFILE.model_copy(update={"profile": OrderedProfile(epsilon=asked)})
    exchange = HONEST["query.profile"][1].saying(profile=values)
    return outcome_of(exchange, folder, order, permissive(**policy))[0]


@pytest.mark.parametrize(
    ("asked", "policy", "leaves"),
    [
        (8.0, {}, "whole"),
        (8.0, {"epsilon": 8.0}, "whole"),
        (None, {}, "whole"),
        (None, {"epsilon": 8.0}, "epsilon"),
        (4.0, {"epsilon": 8.0}, "epsilon"),
        (8.0, {"epsilon": 4.0}, "epsilon"),
    ],
)
def test_it_is_noised_as_much_as_order_and_policy_ask(
    values: dict[str, Any], asked: float | None, policy: dict[str, Any], leaves: str, tmp_path: Path
) -> None:
    outcome = left(values, tmp_path, asked, **policy)
    if leaves == "whole":
        assert isinstance(outcome, Release)
        assert outcome.facts == {"profile": values}
    else:
        assert outcome == Withheld(f"withheld: {leaves}")


def test_what_is_kept_of_it_is_kept_of_its_promise_too(values: dict[str, Any], tmp_path: Path) -> None:
    policy = {"axes": ("texture",), "measures": (), "counts": ("patients", "cases")}
    outcome = left(values, tmp_path, 8.0, **policy)
    assert isinstance(outcome, Release)
    profile = Profile.from_dict(outcome.facts["profile"], "what left", ProfileError)
    assert profile.privacy is not None
    assert [*profile.privacy.clipped] == ["texture"]
    assert (profile.labels, profile.labelled) == ({}, 0)
    kept = {name.removeprefix("profile.") for name in outcome.facts["suppressed"]}
    assert kept >= {"sketches.intensity", "sketches.layout", "sketches.boundary", "labels", "labelled"}
    assert "sketches.texture" not in kept


def test_another_promise_is_not_let_out(values: dict[str, Any], tmp_path: Path) -> None:
    forged = {**values, "privacy": {**values["privacy"], "mechanism": "noise for Meyer, Anna"}}
    assert left(forged, tmp_path, 8.0) == Withheld("withheld: mechanism")
    assert isinstance(left(values, tmp_path, 8.0), Release)


def test_classes_that_the_order_names_may_leave_and_others_only_in_class_words(tmp_path: Path) -> None:
    honest = HONEST["query.profile"][1]
    named = {"adenoma serratum": 22, "malignant": 18}
    exchange = honest.saying(profile={**honest.answer.facts["profile"], "labels": named})
    assert outcome_of(exchange, tmp_path)[0] == Withheld("withheld: class_name")
    order = PROFILE.model_copy(update={"profile": OrderedProfile(classes=("adenoma serratum",))})
    assert isinstance(outcome_of(exchange, tmp_path, order)[0], Release)
