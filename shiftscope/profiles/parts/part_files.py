"""Parts of one site: raw sums in a file that stays there."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import fields
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, field_validator

from shiftscope.errors import NotComparable, ProfileError, ShiftscopeError
from shiftscope.measures.appearance.intensity import LEVELS
from shiftscope.measures.appearance.texture import RADII
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.features.extractors import Extractor
from shiftscope.profiles.parts.origins import Origin, recipe_of
from shiftscope.profiles.profile_document import Profile, Version
from shiftscope.profiles.sums.moment_sums import Exact
from shiftscope.profiles.sums.site_accumulator import SiteAccumulator
from shiftscope.records import Document, Misfit

__all__ = ["Part", "read_fit"]

_GAIN = "gain"
_ROUNDING = 1e-6  # of curves that were measured in float32


def _part_of_schema_1(values: dict[str, Any]) -> dict[str, Any]:
    """Sums were single numbers then, and harmonizers measured on all patients."""
    return {**values, "tally": _paired(values["tally"])} if isinstance(values.get("tally"), dict) else values


def _paired(value: Any) -> Any:
    """Every sum beside a rest of nothing, however deep it stands."""
    if not isinstance(value, dict):
        return value
    out = {key: _paired(item) for key, item in value.items()}
    if "squares" in out:
        sums = [out.pop("total", 0.0), out.pop("squares")]
        return {**out, "sums": [sums, [0.0, 0.0]]}
    if "outer" in out:
        out |= {key: None if out[key] is None else [out[key], _nothing(out[key])] for key in ("total", "outer")}
    return out


def _nothing(value: Any) -> Any:
    return [_nothing(item) for item in value] if isinstance(value, list) else 0.0


class Part(Document):
    """Unsuppressed sums over some patients of a site. Never leaves the site: it shows single patients.

    Attributes:
        part: what this file is, for whoever opens it.
        version: of the shiftscope that made it.
        origin: where the sums come from.
        fit: the canonical map they were measured with; null where none could be fitted, because no case could be read.
        tally: the sums over the patients, with every digit.
    """

    SCHEMA: ClassVar[int] = 2
    EARLIER: ClassVar[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {1: _part_of_schema_1}
    PRIVATE: ClassVar[bool] = True
    MOST_BYTES: ClassVar[int] = 512_000_000  # of three million cases

    part: Literal["raw sums, nothing suppressed: keep at the site"] = "raw sums, nothing suppressed: keep at the site"
    version: Version = Field(default_factory=lambda: metadata.version("shiftscope-fl"))
    origin: Origin
    fit: dict[str, Exact] | None
    tally: SiteAccumulator

    @field_validator("fit", mode="after")
    @classmethod
    def _is_a_map(cls, fit: dict[str, np.ndarray] | None) -> dict[str, np.ndarray] | None:
        """The curves of a canonical map: quantiles that rise from 0 to 1, and a gain for each ring."""
        if fit is None:
            return fit
        names = [field.name for field in fields(Canonical)]
        if sorted(fit) != sorted(names):
            raise Misfit("", sorted(fit), f"the curves {', '.join(names)}")
        for name, curve in fit.items():
            length = RADII if name == _GAIN else len(LEVELS)
            if curve.shape != (length,):
                raise Misfit(name, curve.shape, f"{length} numbers")
            if curve.min() < 0 or (name != _GAIN and (curve.max() > 1 or np.any(np.diff(curve) < -_ROUNDING))):
                raise Misfit(name, [float(curve.min()), float(curve.max())], "numbers from 0 on that rise to 1 at most")
        return fit

    @classmethod
    def of(cls, origin: Origin, canonical: Canonical | None, accumulator: SiteAccumulator) -> "Part":
        """From what was measured."""
        fit = None
        if canonical is not None:
            fit = {field.name: np.array(getattr(canonical, field.name)) for field in fields(canonical)}
        return cls(origin=origin, fit=fit, tally=accumulator)

    @classmethod
    def from_dict(cls, value: Any, where: str, error: type[ShiftscopeError]) -> Self:
        """As every document; a profile is distinguished from a damaged part."""
        if isinstance(value, dict) and "sketches" in value:
            raise error(
                f"{where}: is a profile, whose small counts are gone; expected a part, made with: shiftscope profile"
                " SITE_DIR --part NAME.part.json"
            )
        return super().from_dict(value, where, error)

    @property
    def canonical(self) -> Canonical | None:
        """The map that the sums were measured with."""
        return None if self.fit is None else Canonical(**self.fit)

    def summary(self) -> dict[str, Any]:
        """What it holds, in few plain values that stay at the site."""
        return {
            "site": self.origin.site,
            "patients": self.tally.patients,
            "cases": self.tally.cases,
            "masks": self.tally.masks,
            "labels": dict(sorted(self.tally.labels.items())),
            "excluded": self.origin.excluded,
        }

    def profile(self, epsilon: float | None = None) -> Profile:
        """The profile of this part alone, as if it were the whole site; with `epsilon` under differential privacy."""
        return self.tally.export(self.origin, epsilon)


def read_fit(path: Path, site: str, extractor: Extractor) -> Part:
    """Read the part whose canonical map shall be used for more images of the same site.

    Raises:
        ProfileError: no part, of another site, or without a map.
        NotComparable: measured differently from what is about to be measured.
    """
    part = Part.read(path, ProfileError)
    if part.origin.site != site:
        raise ProfileError(
            f"--fit {path}: is a part of site '{part.origin.site}', not of '{site}', and every site has its own map;"
            f" if they are one site, give --site {shlex.quote(part.origin.site)}"
        )
    if difference := part.origin.recipe.difference(recipe_of(extractor)):
        raise NotComparable(
            f"--fit {path}: was measured differently: {difference} now; give the same --features and --weights, or"
            " make that part again with this version"
        )
    if part.fit is None:
        raise ProfileError(f"--fit {path}: has no map, because none of its images could be read; give another part")
    return part
