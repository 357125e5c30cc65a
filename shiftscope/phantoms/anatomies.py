"""The bodies that can be drawn."""

from collections.abc import Callable

from shiftscope.phantoms.brain import brain
from shiftscope.phantoms.chest import chest
from shiftscope.phantoms.endoscopy import endoscopy
from shiftscope.phantoms.phantom import Phantom
from shiftscope.phantoms.ultrasound import ultrasound

__all__ = ["ANATOMIES"]

ANATOMIES: dict[str, Callable[..., Phantom]] = {
    "ultrasound": ultrasound,
    "chest": chest,
    "brain": brain,
    "endoscopy": endoscopy,
}
"""name -> draw(rng, *, size=128, label=None, lesion_scale=1.0, ...) -> Phantom"""
