"""Single values of sites' answers, as the coordinator may believe them: numbers within limits, or kept at the site."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from shiftscope.disclosure.field_rules import FEW, SUPPRESSED, suppressed_by
from shiftscope.plans import Plan

__all__ = ["few_names", "few_text", "is_count", "is_few", "is_kept", "is_number", "kept_names", "most_cases"]


def is_number(value: Any, low: float, high: float) -> TypeGuard[float]:
    """A number within limits, and so a finite one."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high


def is_count(value: Any, most: int, least: int = 0) -> TypeGuard[int]:
    """A whole number within limits."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def is_kept(value: Any) -> bool:
    """Whether a site's policy keeps the value at the site, and its marker stands there."""
    return suppressed_by(value) is not None


def is_few(value: Any) -> bool:
    """Whether that is because too few patients stand behind it."""
    return suppressed_by(value) == FEW


def few_names(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """Those of `kept_names` that are kept because too few patients stand behind them."""
    kept = facts.get(SUPPRESSED)
    return tuple(str(name) for name, key in kept.items() if key == FEW) if isinstance(kept, dict) else ()


def few_text(what: str) -> str:
    """Why a site keeps scores, and what would settle it."""
    return (
        f"too few patients for its policy (min_scored) stand behind {what}: fewer folds, a larger part to test or to"
        " validate on, more patients of the class or finding that has fewest, or a lower min_scored there would let"
        " them out"
    )


def kept_names(facts: Mapping[str, Any]) -> tuple[str, ...]:
    """All that a site's policy keeps of an answer, as its facts list it: fields, and arrays that are not there."""
    kept = facts.get(SUPPRESSED)
    return tuple(map(str, kept)) if isinstance(kept, dict) else ()


def most_cases(plan: Plan, site: str) -> int:
    """No site has more: twice what the plan knows of, for counts of a private profile are noisy."""
    return 2 * plan.sites[site].cases
