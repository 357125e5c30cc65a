"""Federations of one source's patients with a shift that is known, of classes. Nothing is printed.

Shifts of lesions (size, place, number) and of contours are those of outlines: `outline_federations`.
"""

from collections.abc import Iterator

from specs import FAMILIES, Change, Federation, SiteSpec, plain

__all__ = ["MILD", "STRONG", "Planter", "planted_federations"]

MILD, STRONG = 0.5, 1.0
SIZE, SMALL = 60, 30
"""Patients of a planted site."""

DRAWS = 6
"""Divisions of a source's patients, taken in turn: chance in one of them must not run through a whole family."""

APPEARANCE = ("gamma", "contrast", "window", "inversion", "noise", "blur", "downsampling", "bias_field")
STRUCTURE = ("zoom", "field_of_view")
SIGNED = ("gamma", "contrast", "zoom")
"""Plants that go the other way at one of three sites that all differ."""

CLASSES = (0.4, 0.8)
SWAPPED = (0.15, 0.35)
THRESHOLDS = (0.25, 0.5)


class Planter:
    """Three sites of one source, with the names that go with them.

    Args:
        family: whose sources are taken in turn.
        task: what is trained.
        sources: others than the family's for classes.
        patients: of a site, unless a federation says otherwise.
    """

    def __init__(
        self, family: str, task: str = "classification", sources: tuple[str, ...] = (), patients: int = SIZE
    ) -> None:
        self.family, self.task, self.patients = family, task, patients
        self.about = FAMILIES[family]
        self.sources = sources or self.about.sources
        self.count = 0

    def __call__(
        self,
        kind: str,
        plant: str,
        severity: float,
        changes: tuple[dict[str, object], ...],
        form: str = "odd",
        source: str | None = None,
        **shared: object,
    ) -> Federation:
        """A federation of three parts, each with its changes; draws in turn, sources too unless one is given."""
        chosen, draw = source or self.sources[self.count % len(self.sources)], self.count % DRAWS
        self.count += 1
        sites = {
            name: SiteSpec(chosen, draw, part, 3, **{"patients": self.patients, **shared, **change})  # type: ignore[arg-type]
            for part, (name, change) in enumerate(zip("abc", changes, strict=True))
        }
        name = f"{plain(self.family)}-{chosen}-{plain(plant)}-{severity:g}-{form}-{draw}"
        if size := shared.get("patients"):
            name += f"-of{size}"
        return Federation(name, self.family, kind, plant, severity, form, draw, "", sites, self.task)

    def odd(self, kind: str, plant: str, severity: float, change: Change, **more: object) -> Federation:
        """The last site has a change, and whatever else is named."""
        return self(kind, plant, severity, ({}, {}, {"change": change, **more}))


def planted_federations(family: str) -> Iterator[Federation]:
    """All of a family: one odd site of three, or all three different, two severities, and pairs of kinds."""
    plant = Planter(family)
    about = plant.about
    for patients in (SIZE, SIZE, SMALL):
        yield plant("none", "nothing", 0.0, ({}, {}, {}), patients=patients)
    for step, severity in enumerate((MILD, STRONG)):
        for name in (*APPEARANCE, *(("colour_cast",) if about.colour else ())):
            if name != "inversion" or severity == STRONG:
                yield plant.odd("appearance", name, severity, ((name, severity),))
        for name in STRUCTURE:
            yield plant.odd("structure", name, severity, ((name, severity),))
        yield plant("labels", "class ratio", CLASSES[step], ({}, {}, {}), tilt=CLASSES[step])
        yield plant.odd("concept", "swapped labels", SWAPPED[step], (), swapped=SWAPPED[step])
        if about.graded:
            cut = THRESHOLDS[step]
            yield plant.odd("concept", "another threshold", cut, (), threshold=cut)
        if about.findings:
            yield plant("concept", "another finding", 1.0, ({}, {}, {}), source=about.findings, finding=True)
    for name, kind in (("gamma", "appearance"), ("blur", "appearance"), ("zoom", "structure")):
        back = ((name, -STRONG if name in SIGNED else MILD),)
        yield plant(kind, name, STRONG, ({"change": back}, {}, {"change": ((name, STRONG),)}), "all")
    yield plant("labels", "class ratio", CLASSES[1], ({}, {}, {}), "all", tilt=CLASSES[1], graded=True)
    yield plant("concept", "swapped labels", SWAPPED[1], tuple({"swapped": share} for share in (0.0, *SWAPPED)), "all")
    yield from _pairs(plant)


def _pairs(plant: Planter) -> Iterator[Federation]:
    both = "appearance+structure"
    yield plant.odd(both, "gamma and zoom", STRONG, (("zoom", STRONG), ("gamma", STRONG)))
    yield plant.odd(both, "noise and field of view", STRONG, (("field_of_view", STRONG), ("noise", STRONG)))
    yield plant.odd("appearance+concept", "blur and swapped", STRONG, (("blur", STRONG),), swapped=SWAPPED[1])
    yield plant.odd("appearance+concept", "inversion and swapped", STRONG, (("inversion", 1.0),), swapped=SWAPPED[0])
    changed: dict[str, object] = {"change": (("gamma", STRONG),)}
    yield plant("appearance+labels", "gamma and class ratio", STRONG, ({}, {}, changed), tilt=CLASSES[1])
    yield plant.odd("structure+concept", "zoom and swapped", STRONG, (("zoom", STRONG),), swapped=SWAPPED[1])
