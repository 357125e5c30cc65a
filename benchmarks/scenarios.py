"""Federations with a known shift, drawn from the measured bases of `planted.py`: what is true of every pair of sites.

No patient is at two sites. Where a base is too small for sites of n patients, the scenario is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations

import numpy as np
from planted import BASES, Change

from shiftscope.diagnosis.verdicts import QUESTIONS
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import ANNOTATION, APPEARANCE, class_partition, partition
from shiftscope.profiles import Patient, Profile, SiteAccumulator
from shiftscope.profiles.parts.origins import Origin, recipe_of

__all__ = ["FAINT", "Measured", "Scenario", "Truth", "kind_of", "profiles_of", "scenarios"]

NAMES = ("a", "b", "c")
VALUES = ("log_area", "eccentricity", "centroid_x", "components")
MASK_AXES = frozenset({"morphology", "boundary", "intensity_outside", "lesion"})
SEVERITIES = (0.3, 0.6, 0.8, 1.0)  # of populations: half, 1.1, 1.6 and 2.6 deviations between the sites
FAINT = 0.3
POPULATIONS = 3  # times that patients are divided anew

Truth = dict[str, bool | None]
"""Question -> whether that shift was planted; None where it cannot be said."""

Measured = Mapping[str, Mapping[Change, list[Patient]]]
"""base -> change -> patients: all as they are, the second half under a change."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One planted federation.

    Attributes:
        base: its name.
        n: patients a site.
        plant: what was planted, for people.
        severity: 0 for nothing.
        form: "two" sites, "odd" (one of three differs), "all" (three that differ).
        masks: whether the masks are used.
        sites: patients of each.
        truth: pair of sites -> what is true of it.
    """

    base: str
    n: int
    plant: str
    severity: float
    form: str
    masks: bool
    sites: tuple[list[Patient], ...]
    truth: Mapping[tuple[str, str], Truth]

    def whole(self) -> Truth:
        """What is true of the federation: of any pair."""
        out: Truth = {}
        for question in QUESTIONS:
            found = [truth[question] for truth in self.truth.values()]
            out[question] = True if True in found else None if None in found else False
        return out


def kind_of(truth: Truth) -> str | None:
    """The kind that is true, None where it cannot be said."""
    if truth["appearance"] is None or truth["structure"] is None:
        return None
    kinds = {
        (False, False): "none",
        (True, False): "appearance",
        (False, True): "structural",
        (True, True): "mixed",
    }
    return kinds[bool(truth["appearance"]), bool(truth["structure"])]


def said(**known: bool | None) -> Truth:
    """A truth, False where nothing is given."""
    return {question: known.get(question, False) for question in QUESTIONS}


def said_of(change: Change, **known: bool | None) -> Truth:
    """The truth of a change of images or masks."""
    names = {name for name, _ in change}
    return said(
        appearance=bool(names & {*APPEARANCE}),
        structure=bool(names - {*APPEARANCE} - {*ANNOTATION}),
        annotation=bool(names & {*ANNOTATION}),
        **known,
    )


def without_masks(patients: Sequence[Patient]) -> list[Patient]:
    """The same patients had nobody drawn a mask."""
    return [
        replace(
            patient,
            masks=0,
            coordinates={axis: row for axis, row in patient.coordinates.items() if axis not in MASK_AXES},
        )
        for patient in patients
    ]


def scenarios(
    measured: Measured, base: str, n: int, rng: np.random.Generator, *, masks: bool, nulls: int = 30
) -> Iterator[Scenario]:
    """All scenarios of one base at one number of patients a site.

    Args:
        measured: the bases; another anatomy is taken from another base.
        base: key of `measured`.
        n: patients a site.
        rng: draws the patients.
        masks: whether masks are used; without, what masks alone would show is not planted.
        nulls: scenarios without a shift.
    """
    draw = _Draw(measured, base, n, rng, masks and BASES[base].masks)
    if 2 * n > len(draw.plain):
        return
    for _ in range(nulls):
        yield draw.scenario("none", 0.0, "two", draw.apart([(), ()]), [said()])
    if 3 * n <= len(draw.plain):
        for _ in range(nulls // 2):
            yield draw.scenario("none", 0.0, "odd", draw.apart([(), (), ()]), [said()] * 3)
    for change in measured[base]:
        if change and (draw.masks or not {name for name, _ in change} & {*ANNOTATION}):
            yield from draw.changed(change)
    if n <= draw.half:
        for _ in range(POPULATIONS):
            yield from draw.populations()
        yield from draw.other_anatomies()


class _Draw:
    """Draws sites of one base."""

    def __init__(self, measured: Measured, base: str, n: int, rng: np.random.Generator, masks: bool) -> None:
        self.base, self.n, self.rng, self.masks = base, n, rng, masks
        half = len(measured[base][()]) // 2
        kept = [i for i, patient in enumerate(measured[base][()]) if patient.masks or not masks]
        second = [i - half for i in kept if i >= half]
        self.measured = {
            **measured,
            base: {change: [found[i] for i in second] for change, found in measured[base].items()},
        }
        self.plain = [measured[base][()][i] for i in kept]
        self.half = len(second)
        self.first = len(self.plain) - self.half  # patients of the first half, measured as they are only

    def scenario(
        self, plant: str, severity: float, form: str, sites: Sequence[list[Patient]], truths: Sequence[Truth]
    ) -> Scenario:
        """With the truths in the order of the pairs."""
        kept = tuple(list(site) if self.masks else without_masks(site) for site in sites)
        pairs = combinations(NAMES[: len(kept)], 2)
        truth = dict(zip(pairs, truths, strict=True))
        return Scenario(self.base, self.n, plant, severity, form, self.masks, kept, truth)

    def apart(self, changes: Sequence[Change]) -> list[list[Patient]]:
        """Sites of different patients, each under its change."""
        second = list(self.rng.permutation(self.half))
        first = list(self.rng.permutation(self.first))
        sites: list[list[Patient]] = [[] for _ in changes]
        for place in sorted(range(len(changes)), key=lambda index: not changes[index]):
            if changes[place]:
                own, second = second[: self.n], second[self.n :]
                sites[place] = [self.measured[self.base][changes[place]][i] for i in own]
            else:
                pool = self.rng.permutation(first + [self.first + i for i in second])
                chosen = pool[: self.n]
                first, second = (
                    [i for i in first if i not in chosen],
                    [i for i in second if self.first + i not in chosen],
                )
                sites[place] = [self.plain[i] for i in chosen]
        if any(len(site) < self.n for site in sites):
            return []
        return sites

    def changed(self, change: Change) -> Iterator[Scenario]:
        """One site under a change against one, or two, as they are; and three under different severities."""
        name, severity = " + ".join(plant for plant, _ in change), abs(change[0][1])
        truth = said_of(change)
        if self.n > self.half:
            return
        yield self.scenario(name, severity, "two", self.apart([(), change]), [truth])
        three = self.apart([(), (), change])
        if three:
            yield self.scenario(name, severity, "odd", three, [said(), truth, truth])
        mild = next((other for other in self.measured[self.base] if _milder(other, change)), None)
        all_three = self.apart([(), mild, change]) if mild else []
        if mild and all_three:
            yield self.scenario(name, severity, "all", all_three, [said_of(mild), truth, truth])

    def populations(self) -> Iterator[Scenario]:
        """Other lesions or another class ratio, of patients as they are or with something else planted beside it."""
        labels = [patient.label or "" for patient in self.plain]
        classes = len({*labels}) > 1
        extra = {"label": None} if classes else {}
        beside = [(("gamma", s),) for s in (-0.6, 0.6)] + [(("blur", 0.6),), (("noise", 0.6),), (("speckle", 0.6),)]
        beside = [change for change in self.measured[self.base] if change in beside]
        for severity in SEVERITIES:
            for value in VALUES if self.masks else ():
                numbers = [float(patient.numbers.get(value, np.nan)) for patient in self.plain]
                varies = np.mean(np.array(numbers) != np.nanmedian(numbers)) > 0.3
                sites = self.divided(numbers, severity) if varies else []
                if sites:
                    yield self.scenario(value, severity, "two", sites, [said(structure=True, **extra)])
            if classes:
                sites = self.divided(labels, severity)
                if sites:
                    yield self.scenario("class ratio", severity, "two", sites, [said(label=True)])
        if 2 * self.n > self.half:
            return
        drawn = [change for change in self.measured[self.base] if change and change[0][0] == "dilated_masks"][:1]
        for change in beside + (drawn if self.masks else []):
            truth = said_of(change)
            name = change[0][0]
            if self.masks:
                sites = self.divided(
                    [float(patient.numbers.get("log_area", np.nan)) for patient in self.plain], 0.8, change
                )
                yield self.scenario(f"log_area + {name}", 0.8, "two", sites, [{**truth, "structure": True, **extra}])
            if classes:
                yield self.scenario(
                    f"class ratio + {name}", 0.8, "two", self.divided(labels, 0.8, change), [{**truth, "label": True}]
                )

    def divided(self, values: list[float] | list[str], severity: float, change: Change = ()) -> list[list[Patient]]:
        """Two sites that differ in a value or in classes, the last one under a change too."""
        pool = np.arange(len(self.plain)) if not change else self.first + np.arange(self.half)
        chosen = self.rng.permutation(pool)[: 2 * self.n]
        own = [values[i] for i in chosen]
        if isinstance(own[0], str):
            if len({*own}) < 2:
                return []
            members = class_partition([str(value) for value in own], severity, self.rng)
        else:
            members = partition(np.array(own, dtype=float), severity, self.rng)
        second = [*self.plain[: self.first], *self.measured[self.base][change]] if change else self.plain
        return [[self.plain[i] for i in chosen[members == 0]], [second[i] for i in chosen[members == 1]]]

    def other_anatomies(self) -> Iterator[Scenario]:
        """A share of the patients of one site has another anatomy; whether that looks different too cannot be said."""
        if self.masks or not self.base.startswith("phantom") or "endoscopy" in self.base:
            return
        for other in ("phantom_ultrasound", "phantom_chest", "phantom_brain"):
            if other == self.base or other not in self.measured:
                continue
            for severity in SEVERITIES:
                one, two = self.apart([(), ()])
                strangers = self.rng.permutation(len(self.measured[other][()]))[: round(severity * self.n)]
                two = [self.measured[other][()][i] for i in strangers] + two[len(strangers) :]
                bare = [[replace(patient, label=None) for patient in site] for site in (one, two)]
                truth = said(structure=True, appearance=None)
                yield self.scenario("anatomy", severity, "two", bare, [truth])


def _milder(other: Change, change: Change) -> bool:
    """Whether it is the same single change, in the same direction or not, at the lowest severity."""
    if len(other) != 1 or len(change) != 1 or other == change:
        return False
    return other[0][0] == change[0][0] and abs(other[0][1]) == min(SEVERITIES) and abs(change[0][1]) == max(SEVERITIES)


@cache
def _origin(name: str) -> Origin:
    recipe = recipe_of(load_extractor())
    return Origin(
        site=name, layout="manifest", patient_source="manifest", seed=0, recipe=recipe, excluded={}, people=(), cases=()
    )


def profiles_of(scenario: Scenario) -> list[Profile]:
    """The profiles that the sites would send."""
    out = []
    for name, patients in zip(NAMES, scenario.sites, strict=False):
        accumulator = SiteAccumulator()
        for patient in patients:
            accumulator.add(patient)
        out.append(accumulator.export(_origin(name)))
    return out
