"""The profile: all that ever leaves a site."""

from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field

from shiftscope.errors import NotComparable, ShiftscopeError
from shiftscope.records import Array, Document, Real, Record
from shiftscope.sites import ONE_FILE, Declarations
from shiftscope.stats import Moments

__all__ = ["OTHER", "SEVERAL", "WITHHELD", "Area", "Count", "Privacy", "Profile", "Recipe", "Sketch", "Summary"]

Count = int | str
"""A number of patients, or "<10", or "hidden": any number, not told because it would give a small one away."""

CELL = 10
"""No published count of patients is smaller."""

OTHER, SEVERAL = "other", "several"
"""Two values of every tag: of patients whose own is shared by fewer than 10 or unknown, and of those with several."""

WITHHELD = "withheld"
"""A fingerprint that is not told: who knows all files but one could try that one."""


class Area(Record):
    """How the coordinates of a sketch go with the log area of the masks, over the same patients."""

    mean: Real
    var: Real
    cov: Array


class Sketch(Record):
    """Moments of one axis over patients, in the leading coordinates of the public basis.

    Attributes:
        n: patients.
        mean: (d,).
        cov: the lower triangle of the covariance, row by row, d (d + 1) / 2 numbers.
        area: the same patients' log area as a covariate, None where some have no mask.
        noise: standard deviation of the noise added to each coordinate of `mean` for differential privacy.
    """

    n: int
    mean: Array
    cov: Array
    area: Area | None = None
    noise: Real | None = None

    @classmethod
    def of(cls, moments: Moments, covariates: int = 0) -> "Sketch":
        """Pack moments; with one covariate, the last coordinate is the log area."""
        d = len(moments.mean) - covariates
        area = None
        if covariates:
            area = Area(mean=float(moments.mean[d]), var=float(moments.cov[d, d]), cov=moments.cov[d, :d])
        return cls(n=moments.n, mean=moments.mean[:d], cov=moments.cov[:d, :d][np.tril_indices(d)], area=area)

    @property
    def moments(self) -> Moments:
        """n, mean (d,) and covariance (d, d)."""
        d = len(self.mean)
        cov = np.zeros((d, d))
        cov[np.tril_indices(d)] = self.cov
        return Moments(self.n, self.mean, cov + np.tril(cov, -1).T, (self.noise or 0.0) ** 2)

    def moments_with_area(self, d: int) -> Moments | None:
        """The first `d` coordinates followed by the log area; None where there is no area."""
        if self.area is None:
            return None
        plain = self.moments.leading(d)
        link = self.area.cov[:d, None]
        cov = np.block([[plain.cov, link], [link.T, np.array([[self.area.var]])]])
        return Moments(self.n, np.append(plain.mean, self.area.mean), cov)


class Summary(Record):
    """One measure that a person can read, over patients.

    Attributes:
        unit: unit of mean, sd and edges.
        n: patients for whom it is defined.
        mean: mean over patients.
        sd: standard deviation over patients.
        edges: edges of the cells on a fixed public grid; neighbours are merged until each cell holds 10 patients.
        counts: patients in each cell, one fewer than edges.
    """

    unit: str
    n: int
    mean: Real
    sd: Real
    edges: tuple[Real, ...]
    counts: tuple[int, ...]


class Privacy(Record):
    """The promise of differential privacy under which a profile was made, and what the noise does to its numbers.

    Attributes:
        epsilon, delta: of the promise, for one patient more or less.
        mechanism: how it is kept.
        clipped: axis -> the norm that a patient's coordinates were pulled in to.
        count_noise: standard deviation of the noise in counts of patients.
        label_noise: the same for each class.
    """

    epsilon: float
    delta: float
    mechanism: str
    clipped: dict[str, Real]
    count_noise: Real
    label_noise: Real


class Recipe(Record):
    """How it was measured: profiles with different recipes are not comparable."""

    canvas: int
    resize: Literal["square, antialiased bilinear"] = "square, antialiased bilinear"
    slices: int
    extractor: str
    weights_sha256: str
    basis_sha256: str
    axes: dict[str, int]

    def difference(self, other: "Recipe") -> str | None:
        """The first thing done differently, with both values; None where all is alike."""
        for key, value in self:
            theirs = getattr(other, key)
            if value != theirs:
                return f"{key.replace('_', ' ')} is {_short(value)} against {_short(theirs)}"
        return None


class Profile(Document):
    """Aggregates of one site over patients; nothing of a single patient.

    Attributes:
        site: the site's name.
        version: of the shiftscope that made it.
        patients: number of patients measured.
        cases: number of cases measured.
        masks: how many of them have a mask.
        patient_source: "dicom", "manifest", "regex", "one_file_per_patient" by the word of the site's owner, or "file"
            when each file counts as a patient because nobody knows.
        layout: how the site's folder is laid out.
        fingerprint: hash of the site's content, so that training can tell that it was given the same data.
        seed: of the sample on which the canonical map was fitted.
        recipe: how it was measured.
        colour: whether the images of most patients truly have colour.
        depth: "2-D", "3-D" or "mixed".
        excluded: files left out, by reason.
        labelled: patients with a label.
        labels: patients by class.
        several_classes: patients whose images differ in class, who are in no count and sketch of a class.
        acquisition: patients by value of each allowlisted acquisition tag.
        sketches: moments by axis; null where the site has nothing to measure or too few patients.
        by_class: the same within each class of 10 patients or more, eight coordinates at most.
        measures: summaries by measure.
        quantiles: mean quantile function over patients at fixed levels, 0 to 1; null below 10 patients.
        spectrum: mean radial amplitude over patients; null below 10 patients.
        privacy: the promise of differential privacy it was made under; null for none.
    """

    SCHEMA: ClassVar[int] = 1

    site: Annotated[str, Field(min_length=1)]
    version: str
    patients: int
    cases: int
    masks: int
    patient_source: str
    layout: str
    fingerprint: str
    seed: int
    recipe: Recipe
    colour: bool
    depth: Literal["2-D", "3-D", "mixed"]
    excluded: dict[str, int]
    labelled: int
    labels: dict[str, Count]
    acquisition: dict[str, dict[str, Count]]
    sketches: dict[str, Sketch | None]
    by_class: dict[str, dict[str, Sketch]]
    measures: dict[str, Summary]
    quantiles: Array | None
    spectrum: Array | None
    privacy: Privacy | None = None
    several_classes: Count = 0

    @classmethod
    def from_dict(cls, value: Any, where: str, error: type[ShiftscopeError]) -> Self:
        """As every document; a part, which must not travel, is told apart from a damaged profile."""
        if isinstance(value, dict) and "part" in value:
            raise error(
                f"{where}: is a part, which stays at its site; expected a profile, made there with: shiftscope merge"
                " PART... -o SITE.profile.json"
            )
        return super().from_dict(value, where, error)

    @property
    def declared(self) -> Declarations:
        """What the owner's answers were, as far as the profile shows them; a private one withholds its classes."""
        return Declarations(
            classes=tuple(sorted(self.labels)) if self.privacy is None else None,
            one_file_per_patient=True if self.patient_source == ONE_FILE else None,
        )

    def require_comparable(self, other: "Profile") -> None:
        """Check that two profiles were measured in the same way.

        Raises:
            NotComparable: naming both sites, what differs and how to mend it.
        """
        if difference := self.recipe.difference(other.recipe):
            raise NotComparable(
                f"profiles of '{self.site}' and '{other.site}' were measured differently: {difference};"
                " profile one of them again with the same options and version"
            )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 40 else text[:12] + "..."
