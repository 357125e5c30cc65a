"""Federations whose sites outline lesions: real ones, and one odd site of three with a shift that is known.

Nothing is printed. Shifts are of the lesions themselves (size, place, number), of how they are outlined (contours), and
some of those of classes, for comparison.
"""

from collections.abc import Iterator

from natural_federations import subsets_of_hospitals
from planted_federations import MILD, STRONG, Planter
from specs import FAMILIES, Change, Federation

__all__ = ["outline_federations"]

THINNED = (0, 30, 60)
SMALL = {"busi_outlines", "aplio300_outlines"}
"""Hospitals of fewer than 60 patients, of which 60 would be all once more."""

SIZE = 40
"""Patients of a planted site."""

CHANGES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("structure", "lesion size", ("lesion_scale",)),
    ("structure", "lesion place", ("lesion_location",)),
    ("structure", "lesion number", ("lesion_count",)),
    ("annotation", "contours", ("dilated_masks", "jagged_masks")),
    ("appearance", "gamma", ("gamma",)),
    ("appearance", "noise", ("noise",)),
    ("structure", "zoom", ("zoom",)),
    ("structure", "field of view", ("field_of_view",)),
)
"""Kind, name, and plants of the odd site. Contours: another annotator, wide and ragged."""

FAMILIES_IN_TURN = [name for name, about in FAMILIES.items() if about.outlined]


def outline_federations(family: str) -> Iterator[Federation]:
    """All of a family, natural ones first; none of a family without outlines."""
    about = FAMILIES[family]
    for natural in subsets_of_hospitals(family, about.outlined_hospitals, THINNED, "segmentation"):
        if natural.seed < THINNED[-1] or not natural.sites.keys() <= SMALL:
            yield natural
    if about.outlined:
        yield from _planted(family)


def _planted(family: str) -> Iterator[Federation]:
    """Every change once: heads of outlines take a minute a federation, so a family has a change mild or strong, and the
    next family has it the other way."""
    plant = Planter(family, "segmentation", (FAMILIES[family].outlined,), SIZE)
    yield plant("none", "nothing", 0.0, ({}, {}, {}))
    for place, (kind, name, members) in enumerate(CHANGES, FAMILIES_IN_TURN.index(family)):
        severity = (STRONG, MILD)[place % 2]
        yield plant.odd(kind, name, severity, _at(severity, *members))
    yield plant.odd("appearance", "inversion", STRONG, _at(STRONG, "inversion"))
    both = _at(STRONG, "gamma", "dilated_masks", "jagged_masks")
    yield plant.odd("appearance+annotation", "gamma and contours", STRONG, both)
    yield plant.odd("appearance+structure", "lesion size and noise", STRONG, _at(STRONG, "lesion_scale", "noise"))


def _at(severity: float, *members: str) -> Change:
    return tuple((member, severity) for member in members)
