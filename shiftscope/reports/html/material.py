"""What a report is made of, read from small files; no image among them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from shiftscope.diagnosis import Diagnosis, PairVerdict
from shiftscope.errors import EngineError, ProfileError
from shiftscope.plans import Plan, RunResult, network_of, read_plan
from shiftscope.profiles import Profile
from shiftscope.recommendation import Advice, AdviceBasis, advise, load_policy
from shiftscope.reports.html.figures.drawing import MOST_DRAWN
from shiftscope.reports.html.overviews.site_overview import Overview
from shiftscope.reports.questions import QUESTIONS
from shiftscope.shifts import Shift, SiteStatistics, compare_all, compare_pairs
from shiftscope.shifts.contrasts.compared_classes import contrasts_between
from shiftscope.shifts.units import capped

__all__ = ["MOST_TABLED", "Material", "SharedFile", "read_material", "strongest_pair", "with_comparison"]

MOST_TABLED = 16
"""Sites that a table of all pairs has room for."""

_MOST_SITES = 250  # whose pairs a page has room for
_MOST_TELLING = 9  # sites that stand for many: 36 pairs


@dataclass(frozen=True, slots=True)
class SharedFile:
    """One profile as it was shared.

    Attributes:
        profile: what it says.
        size: bytes on disk.
        sha256: of these bytes, so that a site can check that it is the file it gave away.
    """

    profile: Profile
    size: int
    sha256: str

    @classmethod
    def read(cls, path: Path) -> "SharedFile":
        """Read a profile, and the bytes it was read from.

        Raises:
            ProfileError: it is missing or not a profile.
        """
        profile = Profile.read(path, ProfileError)
        data = path.read_bytes()
        return cls(profile, len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class Material:
    """All that a report shows but pictures.

    Attributes:
        files: profiles by site, in alphabetical order.
        advice: diagnosis and recommendation; None for a single site, which has nobody to be compared with.
        shifts: (a, b) -> effects on every axis, of all pairs that were compared; of many sites, of the telling pairs.
        result: of the training run, None before it.
        plan: the job; the result's where none is given.
        overview: all pairs at a glance, of more than `MOST_TABLED` sites; None of fewer.
    """

    files: tuple[SharedFile, ...]
    advice: Advice | None = None
    shifts: dict[tuple[str, str], Shift] | None = None
    result: RunResult | None = None
    plan: Plan | None = None
    overview: Overview | None = None

    @property
    def profiles(self) -> list[Profile]:
        """The profiles, in the order of `files`."""
        return [file.profile for file in self.files]

    @property
    def left_out(self) -> set[str]:
        """Sites with too few patients to be compared."""
        if self.advice is None:
            return set()
        return {site for site, verdict in self.advice.diagnosis.by_site.items() if verdict.kind == "insufficient"}

    @property
    def drawn(self) -> list[Profile]:
        """Profiles whose curves are drawn and listed: all, where `figures` draw the first; of many sites the odd and
        the typical ones, and others spread evenly over the order, in that order."""
        if self.overview is None:
            return self.profiles
        known = {profile.site: profile for profile in self.profiles}
        return [known[site] for site in self.overview.drawn(MOST_DRAWN)]

    @property
    def compared(self) -> list[Profile]:
        """Profiles of the sites that were compared."""
        return [profile for profile in self.profiles if profile.site not in self.left_out]


def read_material(profiles: Sequence[Path], result: Path | None = None, plan: Path | None = None) -> Material:
    """Read what a report shows, and diagnose where there are two sites or more.

    Raises:
        ProfileError: a profile that cannot be read, two of one site, or more sites than a page draws.
        NotComparable: profiles measured in different ways.
        EngineError: the result cannot be read.
        PlanError: the plan cannot be read.
    """
    files = tuple(sorted(map(SharedFile.read, profiles), key=lambda file: file.profile.site))
    run = None if result is None else RunResult.read(result, EngineError)
    job = read_plan(plan) if plan is not None else run.plan if run is not None else None
    if len(files) < 2:
        return Material(files, result=run, plan=job)
    network = "pretrained" if job is None else network_of(job)
    if len(files) > _MOST_SITES:
        raise ProfileError(
            f"got {len(files)} profiles, and a page draws {_MOST_SITES} at the most; give those of some sites:"
            " `shiftscope recommend` takes all of them and says which ones differ"
        )
    advice = advise([file.profile for file in files], AdviceBasis(load_policy(), network))
    return with_comparison(Material(files, advice, result=run, plan=job))


def with_comparison(material: Material) -> Material:
    """With the effects between its sites: of every pair, or an overview and the telling pairs where they are many."""
    sites = [SiteStatistics.of(profile) for profile in material.compared]
    if material.advice is None or len(sites) < 2:
        return replace(material, shifts={})
    if len(sites) <= MOST_TABLED:
        return replace(material, shifts=dict(compare_all(sites).pairs))
    diagnosis = material.advice.diagnosis
    overview = Overview.of(material.compared, sites, diagnosis.pairs)
    wanted = {*combinations(sorted(overview.telling(_MOST_TELLING)), 2)}
    wanted |= {(pair.a, pair.b) for name in QUESTIONS if (pair := strongest_pair(diagnosis, name)) is not None}
    return replace(material, overview=overview, shifts=_compared(sites, sorted(wanted)))


def strongest_pair(diagnosis: Diagnosis, question: str) -> PairVerdict | None:
    """The pair that the answer to a question is about; None where it was not asked, or the pair is not listed."""
    answer = diagnosis.axes[question]
    if answer.effect is None:
        return None
    return next((pair for pair in diagnosis.pairs if pair.axes[question] == answer), None)


def _compared(sites: Sequence[SiteStatistics], wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Shift]:
    """Some pairs in the unit of all sites, as `compare_all` has them."""
    place = {site.site: index for index, site in enumerate(sites)}
    pairs = np.array([place[a] for a, _ in wanted]), np.array([place[b] for _, b in wanted])
    found = zip(compare_pairs(sites, pairs, capped(sites)), contrasts_between(sites, pairs, sites), strict=True)
    return {pair: replace(shift, contrasts=contrasts) for pair, (shift, contrasts) in zip(wanted, found, strict=True)}
