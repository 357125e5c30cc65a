"""What kind of shift, how sure, between whom, because of what.

For: one answer to each of five questions about any two sites, and the reasons. In: profiles. Out: a `Diagnosis`.
`calibration` turns effects into probabilities, `verdicts` calls a shift, `causes` name what differs and where,
`removal` says what each harmonizer would take off, `texts` put it into sentences; `question_names` holds what the
questions are called, here and in the literature.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from shiftscope.dataframes import Tabular
from shiftscope.diagnosis.axis_verdicts import LIMITS, AxisVerdict, Limits, QuestionVerdicts
from shiftscope.diagnosis.causes.evidence import Evidence
from shiftscope.diagnosis.judged_sites import UNASKED, judged_few, judged_many
from shiftscope.diagnosis.listed_pairs import WHOLE, Listing
from shiftscope.diagnosis.removal import Removal, removals, without_each
from shiftscope.diagnosis.site_distances import SiteDistances
from shiftscope.diagnosis.texts.caveats import pair_caveats, site_caveats
from shiftscope.diagnosis.texts.standout_text import standouts, unchecked
from shiftscope.diagnosis.verdicts import Kind, Verdict, sum_up
from shiftscope.errors import ProfileError
from shiftscope.measures.question_names import CONCEPT
from shiftscope.profiles import Profile
from shiftscope.records import Document

__all__ = [
    "LIMITS",
    "AxisVerdict",
    "Diagnosis",
    "Evidence",
    "Kind",
    "Limits",
    "Listing",
    "PairVerdict",
    "Removal",
    "SiteDistances",
    "Verdict",
    "diagnose",
    "diagnosed",
]


class PairVerdict(Verdict):
    """The verdict on two sites."""

    a: str
    b: str


class Diagnosis(Document, Tabular):
    """The diagnosis of a federation.

    Attributes:
        kind: sums up appearance and structure over the sites.
        axes: question -> the strongest answer over the pairs.
        pairs: every pair; of more than a hundred sites those that `listing` says.
        by_site: every site against all others together.
        evidence: findings in sentences, the clearest first, each cause once; of more than a hundred sites the clearest.
        removed: what each harmonizer would remove of the shift in appearance, the most first; empty without one.
        removed_without: site -> the same between all others; of no site without which no such pair is left.
        caveats: what lowers the confidence, in sentences.
        listing: how much is listed, where that is not all; not in the document of up to a hundred sites.
    """

    kind: Kind
    axes: QuestionVerdicts
    pairs: tuple[PairVerdict, ...]
    by_site: dict[str, Verdict]
    evidence: tuple[Evidence, ...]
    removed: tuple[Removal, ...]
    removed_without: dict[str, tuple[Removal, ...]] = Field(default_factory=dict)
    caveats: tuple[str, ...]
    listing: Listing | None = None

    @model_serializer(mode="wrap")
    def _without_what_is_not_there(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Documents of few sites are what they were before there was a listing."""
        found: dict[str, Any] = serialise(self)
        return {key: value for key, value in found.items() if key != "listing" or value is not None}

    @property
    def compared(self) -> int:
        """How many pairs there are, listed or not."""
        return len(self.pairs) if self.listing is None else self.listing.pairs

    def headline(self) -> str:
        """The kind, of how many sites, and whether the same labels mean something else."""
        pairs = f"{self.compared} pair{'s' * (self.compared != 1)}"
        other = "; the same labels mean something else" * self.axes[CONCEPT].called
        return f"{self.kind}: {len(self.by_site)} sites, {pairs}{other}"

    def to_rows(self) -> list[dict[str, Any]]:
        """A row for each pair of sites that is listed, and question."""
        keys = (
            "effect",
            "low",
            "high",
            "probability",
            "p",
            "detectable",
            "called",
            "disputed",
            "axis",
            "held",
            "hidden",
        )
        return [
            {"a": pair.a, "b": pair.b, "question": question, **{key: getattr(answer, key) for key in keys}}
            for pair in self.pairs
            for question, answer in pair.axes.items()
        ]


def diagnose(profiles: Sequence[Profile], limits: Limits = LIMITS, whole: int = WHOLE) -> Diagnosis:
    """Diagnose a federation from its profiles; the order of the profiles does not matter.

    Args:
        profiles: of two sites or more.
        limits: what counts.
        whole: sites up to which every pair is listed.

    Raises:
        ProfileError: fewer than two profiles, or two of one site, or more sites than can be compared.
        NotComparable: profiles measured in different ways.
    """
    return diagnosed(profiles, limits, whole)[0]


def diagnosed(
    profiles: Sequence[Profile], limits: Limits = LIMITS, whole: int = WHOLE
) -> tuple[Diagnosis, SiteDistances]:
    """As `diagnose`, with how far the sites that were compared lie apart."""
    profiles = sorted(profiles, key=lambda profile: profile.site)
    _require_usable(profiles)
    large = [profile for profile in profiles if profile.patients >= limits.needed(profile.patient_source)]
    judged = judged_few if len(profiles) <= whole else judged_many
    found = judged(large, limits)
    if not found.pairs:
        kind: Kind = "insufficient"
        axes = UNASKED.axes
    else:
        axes = found.axes
        kind = sum_up(axes)
    unasked = {profile.site: UNASKED for profile in profiles}
    listed = found.listed
    names = combinations([profile.site for profile in profiles], 2) if found.listing is None else sorted(listed)
    diagnosis = Diagnosis(
        kind=kind,
        axes=axes,
        pairs=tuple(PairVerdict(a=a, b=b, **dict(listed.get((a, b), UNASKED))) for a, b in names),
        by_site={**unasked, **found.by_site},
        evidence=found.evidence,
        removed=removals(found.features),
        removed_without=without_each(found.features),
        caveats=(
            *site_caveats(profiles, limits),
            *pair_caveats(found.blind, found.pairs),
            *standouts(found.outlyingness),
            *unchecked(large),
        ),
        listing=found.listing,
    )
    return diagnosis, found.distances


def _require_usable(profiles: Sequence[Profile]) -> None:
    if len(profiles) < 2:
        raise ProfileError(f"got {len(profiles)} profile, expected two or more: a shift is a difference between sites")
    for one, two in pairwise(profiles):
        if one.site == two.site:
            raise ProfileError(f"two profiles are of a site named '{one.site}'; profile one again with --site NAME")
        one.require_comparable(two)
