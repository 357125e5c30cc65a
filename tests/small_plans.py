"""Plans to change one key of."""

from typing import Any

from shiftscope.plans import Plan, PlannedSite

__all__ = ["planned_sites", "small_plan"]


def planned_sites(names: Any, count: int) -> dict[str, PlannedSite]:
    """Sites of so many patients, with a case each."""
    return {name: PlannedSite(fingerprint="", patients=count, cases=count) for name in names}


def small_plan(**keys: Any) -> Plan:
    """Outlines with a small U-Net, on a budget of seconds, where `keys` say nothing else."""
    values = {
        "name": "x",
        "task": "segmentation",
        "classes": (),
        "model": "unet",
        "colour": False,
        "image_size": 32,
        "rounds": 10,
        "local_steps": 20,
        "batch_size": 8,
        "learning_rate": 0.01,
        "seeds": (0, 1, 2),
        "harmonizer": None,
        "personalizer": None,
    }
    return Plan(**(values | keys))
