"""What reading a site's cases gave, in one table for the people there: what they hold, and what of it looks odd."""

import statistics
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shiftscope.images.oddities import ODDITIES
from shiftscope.sites.readings.case_readings import PICTURE, CaseReading
from shiftscope.sites.readings.mask_habits import MaskHabits
from shiftscope.sites.site import Site

__all__ = ["SiteReading"]

BLACK, WHITE = 0.005, 0.995
"""Mean of what a model sees, from 0 to 1, outside which an image shows nothing."""

FAR = 6.0
"""Deviations from the median case beyond which an image's brightness is reported."""

RARE = 0.1
"""Share of the cases below which those of a modality are reported as exceptions."""

MANY_SLICES = 4
"""Cases of a patient from which single slices look like parts of a volume."""

_KINDS = 3  # sizes and modalities that are listed one by one
_MOST = 1_000  # different sizes that are counted: a site of cut-out pictures has as many as cases


def _floats() -> "array[float]":
    return array("f")


@dataclass(slots=True)
class SiteReading:
    """What reading the cases of a site gave, added up: some bytes a case, however large it is.

    Attributes:
        site: whose.
        read: cases that were read.
        failed: those that could not be, by reason.
    """

    site: Site
    read: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    _modalities: Counter[str] = field(default_factory=Counter)
    _sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    _depths: Counter[int] = field(default_factory=Counter)
    _colours: Counter[bool] = field(default_factory=Counter)
    _lone: int = 0
    _odd: Counter[str] = field(default_factory=Counter)
    _ends: dict[str, tuple[float, str]] = field(default_factory=dict)
    _first: dict[str, str] = field(default_factory=dict)
    _lows: "array[float]" = field(default_factory=_floats)
    _highs: "array[float]" = field(default_factory=_floats)
    _brightness: "array[float]" = field(default_factory=_floats)
    _pixels_mm: "array[float]" = field(default_factory=_floats)
    _slices_mm: "array[float]" = field(default_factory=_floats)
    _notes: list[str] = field(default_factory=list)
    _masks: MaskHabits = field(default_factory=MaskHabits)

    def add(self, case: CaseReading) -> None:
        """Count a case that was read."""
        self.read += 1
        z, y, x = case.shape
        if (y, x) in self._sizes or len(self._sizes) < _MOST:
            self._sizes[y, x] += 1
        self._note("modality " + case.modality, case.name)
        self._modalities[case.modality] += 1
        self._depths[z] += 1
        self._lone += z == 1 and case.modality in ("CT", "MR", "PT")
        self._colours[case.colour] += 1
        self._lows.append(case.values[0])
        self._highs.append(case.values[1])
        self._brightness.append(case.brightness)
        self._ends["darkest"] = min(self._ends.get("darkest", (1.0, case.name)), (case.brightness, case.name))
        self._ends["brightest"] = max(self._ends.get("brightest", (0.0, case.name)), (case.brightness, case.name))
        if case.spacing_mm is not None:
            self._slices_mm.append(case.spacing_mm[0])
            self._pixels_mm.append(case.spacing_mm[2])
        for code in case.odd:
            self._odd[code] += 1
            self._note(code, case.name)
        if case.mask is not None:
            self._masks.add(case.mask)

    def fail(self, reason: str) -> None:
        """Count a file that could not be used."""
        self.failed[reason] += 1

    def add_note(self, sentence: str) -> None:
        """Add what was found odd while measuring; it may name cases."""
        self._notes.append(sentence)

    def to_dict(self) -> dict[str, Any]:
        """The table: what -> what was found, as text, and the odd things, most suspicious first."""
        return {"found": self._found(), "odd": self.oddities()}

    def _found(self) -> dict[str, str]:
        site, cases = self.site, Counter(case.patient for case in self.site.cases)
        fewest, most = (min(cases.values()), max(cases.values())) if cases else (0, 0)
        each = f"{fewest} to {most} cases each" if fewest < most else f"{most} case{'s' * (most != 1)} each"
        rows = {
            "cases": f"{self.read} read of {len(site.cases)}",
            "patients": f"{len(cases)}, {each}",
            "modality": _listed(self._modalities),
            "size": self._sizes_text(),
            "pixel": f"{_span(self._pixels_mm)} mm" if self._pixels_mm else "not stated",
            "values": self._values_text(),
            "brightness": f"{_span(self._brightness)} (mean; a model sees 0 as black, 1 as white)",
            "masks": self._masks_text(),
            "left out": _listed(self.failed, len(self.failed)) if self.failed else "nothing",
        }
        if self._slices_mm and max(self._depths, default=1) > 1:
            rows["pixel"] += f", slices {_span(self._slices_mm)} mm"
        return rows

    def _sizes_text(self) -> str:
        sizes = {f"{y} x {x}": count for (y, x), count in self._sizes.items()}
        depths = [depth for depth in self._depths if depth > 1]
        slices = f"; {_span(depths)} slices" if depths else ""
        return _listed(Counter(sizes)) + slices

    def _values_text(self) -> str:
        if not self.read:
            return "none"
        middle = f"{statistics.median(self._lows):.3g} to {statistics.median(self._highs):.3g}"
        unit = "; 1 is full white" if set(self._modalities) == {PICTURE} and max(self._highs) <= 1 else ""
        return f"{_span((*self._lows, *self._highs))}, in the middle case {middle}{unit}"

    def _masks_text(self) -> str:
        masks = self._masks
        if not masks.count:
            return "none"
        labels = f", labels up to {masks.top_label}" if masks.top_label > 1 else ""
        area = f"{_span([100 * share for share in masks.shares])} % of the image"
        return f"{masks.count}: {masks.empty} empty, {self._odd['mask_full']} nearly full, {area}{labels}"

    def oddities(self, *, named: bool = True) -> list[str]:
        """Sentences, most suspicious first: what the cases show together, each case's own oddities, how it was read.

        Args:
            named: whether they may name cases and folders; where others read them, how the folder was read is left out.
        """
        sentences = [*self._together(named), *self._by_case(named)]
        return [*self._notes, *sentences, *self.site.notes] if named else sentences

    def _together(self, named: bool) -> Iterator[str]:
        yield from self._masks.notes()
        middle = statistics.median(self._brightness) if self.read else 0.0
        for end, (brightness, case) in self._ends.items():
            name = f", {case}," if named else ""
            if not BLACK <= brightness <= WHITE:
                yield f"the {end} image{name} shows nothing: {brightness:.3f} where 0 is black and 1 is white"
            elif abs(brightness - middle) > FAR * _spread(self._brightness, middle):
                yield f"the {end} image{name} is far from the rest: {brightness:.2f}, the middle one is {middle:.2f}"
        rare = [name for name, count in self._modalities.items() if count < RARE * self.read]
        if rare:
            listed = ", ".join(
                f"{each} ({self._modalities[each]}{self._where('modality ' + each, True)})" for each in rare
            )
            few = sum(self._modalities[each] for each in rare)
            yield f"{few} cases are of another modality than the rest{f': {listed}' if named else ''}"
        elif len(self._modalities) > 1:
            listed = f": {_listed(self._modalities)}" if named else ""  # a header's text, whatever stands there
            yield f"several modalities{listed}; give each as a site of its own where models differ"
        patients = len({case.patient for case in self.site.cases})
        if 2 * self._lone > self.read and len(self.site.cases) >= MANY_SLICES * patients:
            yield (
                f"{self._lone} of {self.read} cases are single slices of CT, MR or PET, and a patient has"
                f" {len(self.site.cases) / patients:.0f} of them: each counts as an image of its own. Where volumes are"
                " meant, list in a manifest.csv a folder for each series (column image) and one file for its mask"
                " (column mask)"
            )
        if len(self._colours) > 1:
            yield f"{self._colours[True]} images have colour, and {self._colours[False]} are grey"

    def _by_case(self, named: bool) -> list[str]:
        codes = sorted(self._odd, key=list(ODDITIES).index)
        return [
            f"in {self._odd[code]} of {self.read} cases{self._where(code, named)}: {ODDITIES[code]}" for code in codes
        ]

    def _where(self, what: str, named: bool) -> str:
        return f", first {self._first[what]}" if named else ""

    def _note(self, what: str, name: str) -> None:
        self._first.setdefault(what, name)


def _listed(counts: Mapping[str, int], most: int = _KINDS) -> str:
    """The commonest with their counts, and how many others there are."""
    named = Counter(counts).most_common()
    listed = ", ".join(f"{name} ({count})" for name, count in named[:most])
    return listed + (f" and {len(named) - most} others" if len(named) > most else "")


def _span(values: Sequence[float]) -> str:
    if not len(values):
        return "none"
    low, high = (f"{end:.3g}" for end in (min(values), max(values)))
    return low if low == high else f"{low} to {high}"


def _spread(values: Sequence[float], middle: float) -> float:
    """The deviation, from the median of distances so that outliers do not widen it; at least .05."""
    return max(0.05, 1.4826 * statistics.median(abs(value - middle) for value in values))
