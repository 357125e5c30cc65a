"""A varied public corpus: every anatomy under every change of appearance and structure, owed to no site."""

from collections.abc import Iterator

import numpy as np

from shiftscope.phantoms.anatomies import ANATOMIES
from shiftscope.phantoms.brain import CONTRASTS
from shiftscope.phantoms.phantom import Phantom
from shiftscope.phantoms.plants import APPEARANCE, SIGNED, STRUCTURE

__all__ = ["sample"]

_RARE = "inversion"


def sample(rng: np.random.Generator, n: int, *, size: int = 128) -> Iterator[Phantom]:
    """Draw `n` phantoms, anatomies in turn.

    A quarter are as drawn; the others carry one or two changes of appearance, and half of those one of structure, at
    severities uniform in 0.15..1. No annotation plants: masks are true.

    Args:
        rng: source of everything.
        n: how many.
        size: pixels along each side.
    """
    names = tuple(ANATOMIES)
    appearance = tuple(name for name in APPEARANCE if name != _RARE)
    structure = tuple(STRUCTURE)
    for index in range(n):
        anatomy = names[index % len(names)]
        options = {"contrast": str(rng.choice(list(CONTRASTS)))} if anatomy == "brain" else {}
        phantom = ANATOMIES[anatomy](rng, size=size, lesion_scale=float(np.exp(rng.normal(0, 0.3))), **options)
        if rng.random() < 0.25:
            yield phantom
            continue
        usable = [name for name in appearance if name != "colour_cast" or phantom.is_colour]
        chosen = list(rng.choice(usable, size=int(rng.integers(1, 3)), replace=False))
        if rng.random() < 0.04:
            chosen.append(_RARE)
        if rng.random() < 0.5:
            chosen.insert(0, str(rng.choice(structure)))
        for name in chosen:
            severity = rng.uniform(0.15, 1.0)
            if name in SIGNED and rng.random() < 0.5:
                severity = -severity
            if name == _RARE:
                severity = 1.0
            plant = STRUCTURE[name] if name in STRUCTURE else APPEARANCE[name]
            phantom = plant(phantom, severity, rng)
        yield phantom
