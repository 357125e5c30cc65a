"""What a profile may hold when it leaves: its own schema, then every text in it, then what the policy keeps."""

import re
from collections.abc import Container, Mapping
from importlib import metadata
from typing import Any

from shiftscope.disclosure.field_rules import UNKNOWN
from shiftscope.disclosure.policies.site_policy import NOISELESS, allows
from shiftscope.disclosure.situations import FieldRefused, Situation
from shiftscope.errors import ProfileError
from shiftscope.images.acquisition import ALLOWED
from shiftscope.measures.features.extractors import DEFAULT
from shiftscope.profiles import Profile
from shiftscope.profiles.export import TEXTS
from shiftscope.profiles.privacy import MECHANISM
from shiftscope.profiles.profile_document import OTHER, SEVERAL
from shiftscope.sites.publishable_names import is_class_name, is_scanner_name

__all__ = ["profile_document"]

_TAGS = frozenset((*ALLOWED, "scanner"))
_MONTH = re.compile(r"(19|20|21)\d\d-(0[1-9]|1[0-2])")
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,6})?(e[+-]\d{1,2})?")

_CURVES = {"quantiles": "intensity", "spectrum": "texture"}
"""Curve -> the axis it goes with."""

_COUNTED: Mapping[str, tuple[Any, str]] = {
    "excluded": ({}, "left_out"),
    "acquisition": ({}, "acquisition"),
    "labelled": (0, "labels"),
    "labels": ({}, "labels"),
    "several_classes": ("hidden", "labels"),
    "by_class": ({}, "labels"),
}
"""Field -> what stands in it where it is kept at the site, and the family of counts that it tells."""

_NEEDED = ("patients", "cases")
"""Counts without which a profile says nothing."""


def profile_document(value: Any, where: str, situation: Situation) -> Any:
    """A profile as `Profile` has it, with what the policy keeps at the site left out in the schema's own terms.

    What was left out is told beside it, field by field: an axis that is null for want of patients is not among it.
    """
    profile = _as_profile(value, where)
    _require_texts(profile, where, situation)
    _require_noise(profile, where, situation)
    if profile.patients < situation.policy.min_patients:
        raise FieldRefused("min_patients", f"{where}.patients", f"{situation.policy.min_patients} patients or more")
    for family in _NEEDED:
        if not allows(situation.policy.counts, family):
            raise FieldRefused("counts", f"{where}.{family}", f"a policy whose counts allow {family}")
    kept = _without(value, where, situation)
    if kept != value:
        _as_profile(kept, where)
    return kept


def _as_profile(value: Any, where: str) -> Profile:
    if type(value) is not dict:
        raise FieldRefused("profile", where, "a profile")
    if unknown := [key for key in value if key not in ("schema", *Profile.model_fields)]:
        raise FieldRefused(UNKNOWN, f"{where}.{unknown[0]}", "a field of a profile")
    try:
        return Profile.from_dict(value, where, ProfileError)
    except ProfileError as problem:
        raise FieldRefused("profile", where, f"a profile that holds together ({problem})") from None


def _require_texts(profile: Profile, where: str, situation: Situation) -> None:
    """No text that is not the order's, the program's, or made of its vocabularies."""
    ordered = situation.order.profile
    if profile.site != situation.site:
        raise FieldRefused("site", f"{where}.site", "the site's own name")
    if profile.version != metadata.version("shiftscope-fl"):
        raise FieldRefused("version", f"{where}.version", "the version that is installed")
    if ordered is None or profile.seed != ordered.seed:
        raise FieldRefused("seed", f"{where}.seed", "the seed of the order")
    if profile.recipe.extractor != DEFAULT:
        raise FieldRefused("extractor", f"{where}.recipe.extractor", f"the extractor {DEFAULT}")
    if profile.privacy is not None and profile.privacy.mechanism != MECHANISM:
        raise FieldRefused("mechanism", f"{where}.privacy.mechanism", MECHANISM)
    for name in (*profile.labels, *profile.by_class):
        if name not in ordered.classes and not is_class_name(name):
            raise FieldRefused("class_name", f"{where}.labels", "classes of the order, or made of class words")
    for tag, counts in profile.acquisition.items():
        if tag not in _TAGS:
            raise FieldRefused(UNKNOWN, f"{where}.acquisition", f"tags: {', '.join(sorted(_TAGS))}")
        if odd := [text for text in counts if not _is_tag_value(tag, text)]:
            raise FieldRefused("tag_value", f"{where}.acquisition.{tag}.{odd[0]}", "a scanner, a number or a month")


def _is_tag_value(tag: str, text: str) -> bool:
    if text in (OTHER, SEVERAL):
        return True
    if tag in TEXTS:
        return is_scanner_name(text)
    return (_MONTH if tag == "month" else _NUMBER).fullmatch(text) is not None


def _require_noise(profile: Profile, where: str, situation: Situation) -> None:
    """As much of it as both the order and the policy ask for."""
    ordered, most = situation.order.profile, situation.policy.epsilon
    asked = None if ordered is None else ordered.epsilon
    limits = [float(limit) for limit in (asked, most) if limit is not None and limit != NOISELESS]
    found = None if profile.privacy is None else profile.privacy.epsilon
    if limits and (found is None or found > min(limits)):
        raise FieldRefused("epsilon", f"{where}.privacy", f"noise of epsilon {min(limits):g} or less")


def _without(value: dict[str, Any], where: str, situation: Situation) -> dict[str, Any]:
    """The same, less what the policy does not let out; each such field is noted."""
    policy, kept = situation.policy, dict(value)
    hidden = {axis for axis in value["sketches"] if not allows(policy.axes, axis)}
    gone = {f"sketches.{axis}": "axes" for axis, sketch in value["sketches"].items() if sketch and axis in hidden}
    gone |= {curve: "axes" for curve, axis in _CURVES.items() if value[curve] is not None and axis in hidden}
    for label, axes in value["by_class"].items():
        gone |= {f"by_class.{label}.{axis}": "axes" for axis in axes if axis in hidden}
    gone |= {f"measures.{name}": "measures" for name in value["measures"] if not allows(policy.measures, name)}
    kept["sketches"] = {axis: None if axis in hidden else sketch for axis, sketch in value["sketches"].items()}
    kept |= dict.fromkeys(curve for curve, axis in _CURVES.items() if axis in hidden)
    of_classes = {label: _less(axes, hidden) for label, axes in value["by_class"].items()}
    kept["by_class"] = {label: axes for label, axes in of_classes.items() if axes}
    if value.get("privacy"):
        kept["privacy"] = {**value["privacy"], "clipped": _less(value["privacy"]["clipped"], hidden)}
    kept["measures"] = {name: each for name, each in value["measures"].items() if f"measures.{name}" not in gone}
    for key, (nothing, family) in _COUNTED.items():
        if value.get(key, nothing) != nothing and not allows(policy.counts, family):
            kept[key], gone[key] = nothing, "counts"
    situation.suppressed.update({f"{where}.{key}": rule for key, rule in gone.items()})
    return kept


def _less(axes: Mapping[str, Any], hidden: Container[str]) -> dict[str, Any]:
    return {axis: each for axis, each in axes.items() if axis not in hidden}
