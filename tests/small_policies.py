"""Policies to change one key of."""

from typing import Any

from shiftscope.disclosure.policies.admissibility import SiteCondition
from shiftscope.disclosure.policies.site_policy import SitePolicy

__all__ = ["HEALTHY", "permissive"]

HEALTHY = SiteCondition(patients=40, writable=False, parameters=400_000)

ANYTHING = ("any",)


def permissive(**keys: Any) -> SitePolicy:
    """Everything is allowed, where `keys` say nothing else."""
    lists = dict.fromkeys(("kinds", "methods", "harmonizers", "axes", "measures", "metrics", "counts"), ANYTHING)
    values = {
        "min_patients": 1,
        "min_scored": 1,
        "max_rounds": 10_000,
        "max_seconds": 1e9,
        "epsilon": "none",
        "own_code": True,
    }
    return SitePolicy(**(lists | values | {"read_only": False} | keys))
