"""Results of schema 1 as those of schema 2, whose words mean more.

Schema 1 called every difference that it could not tell from 0 `no_difference`. Now that is a claim: it stays one where
the old interval bears it out, and is `undecided` elsewhere. The margin of schema 1 was half a point, and in no plan.
"""

from typing import Any

__all__ = ["result_of_schema_1", "trial_of_schema_1"]

MARGIN = 0.005


def result_of_schema_1(values: dict[str, Any]) -> dict[str, Any]:
    """Plain values of a run's result; what does not fit is left for the reader to refuse."""
    plan, arms = values.get("plan"), values.get("arms")
    seeds = plan.get("seeds") if isinstance(plan, dict) else None
    judged = _judged(values) if "verdict" in values else values  # none is made up for a run
    now = {**judged, "margin": MARGIN, "seeds": seeds}
    if isinstance(arms, dict):
        now["arms"] = {name: _judged_arm(arm) for name, arm in arms.items()}
    return now


def trial_of_schema_1(values: dict[str, Any]) -> dict[str, Any]:
    """Plain values of a trial's result."""
    now, rungs = {**values, "margin": MARGIN}, values.get("rungs")
    if isinstance(rungs, list):
        now["rungs"] = [_judged_rung(rung) for rung in rungs]
    return now


def _judged_rung(rung: Any) -> Any:
    entries = rung.get("strategies") if isinstance(rung, dict) else None
    if not isinstance(entries, dict):
        return rung
    return {**rung, "strategies": {name: _judged(entry) for name, entry in entries.items()}}


def _judged_arm(arm: Any) -> Any:
    judged = _judged(arm)
    if isinstance(judged, dict) and isinstance(judged.get("ungated"), dict):
        judged["ungated"] = _judged(judged["ungated"])
    return judged


def _judged(outcome: Any) -> Any:
    """With the verdict that its interval bears out."""
    if not isinstance(outcome, dict) or outcome.get("verdict", "no_difference") != "no_difference":
        return dict(outcome) if isinstance(outcome, dict) else outcome
    difference = outcome.get("difference")
    ends = [difference.get(end) for end in ("low", "high")] if isinstance(difference, dict) else [None]
    borne_out = all(isinstance(end, int | float) and abs(end) <= MARGIN for end in ends)
    return {**outcome, "verdict": "no_difference" if borne_out else "undecided"}
