"""Who is compared with whom: the new profile against one baseline, or against all other sites together.

Against several, the reference is the mean of their means, each site counted alike, with the uncertainty of each: what
`recommend` says of a site against all others (`Shifts.by_site`). Pooling their patients instead would let the largest
site stand for the federation, and would take the differences between them for spread of patients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shiftscope.checks.policy import JUDGED, LABELS, Policy
from shiftscope.diagnosis.judged_pairs import Pair
from shiftscope.errors import ProfileError
from shiftscope.profiles import Profile, Summary
from shiftscope.shifts import Outlyingness, Shift, SiteStatistics, compare_all, compare_one

__all__ = ["Reference", "refer"]


@dataclass(frozen=True, slots=True)
class Reference:
    """A new profile and what it is held against, by names that differ.

    Attributes:
        new: the new profile.
        baselines: sorted by name, all of them.
        left_out: sentences: baselines that are not compared, and why.
        shift: the new profile against the baselines that are compared, n of the new one first; without effects where
            either site has too few patients.
        pairs: the comparisons with each of them, keyed in alphabetical order; none where nothing could be compared.
        outlyingness: of every site that is compared among all of them, empty with one baseline.
        short: sites with too few patients, name -> (patients, patients needed).
        statistics: of all profiles by name, ready to compare.
    """

    new: Profile
    baselines: tuple[Profile, ...]
    left_out: tuple[str, ...]
    shift: Shift
    pairs: Mapping[Pair, Shift]
    outlyingness: Mapping[str, tuple[Outlyingness, ...]]
    short: Mapping[str, tuple[int, int]]
    statistics: Mapping[str, SiteStatistics]

    @property
    def compared(self) -> list[Profile]:
        """The baselines that are compared."""
        return [profile for profile in self.baselines if profile.site not in self.short]

    @property
    def whom(self) -> str:
        """The baselines in a sentence."""
        return f"'{self.baselines[0].site}'" if len(self.baselines) == 1 else f"{len(self.baselines)} other sites"

    @property
    def patients(self) -> tuple[int, int]:
        """New ones, and those of the baselines together."""
        return self.new.patients, sum(profile.patients for profile in self.baselines)

    def required(self, policy: Policy) -> list[str]:
        """Axes without which nothing can be said: the policy's, else those that most baselines have."""
        return [*self.usual()] if policy.require is None else [*policy.require]

    def usual(self) -> dict[str, list[str]]:
        """Axes that more than half of the baselines have, or either of two, and the baselines that lack them."""
        lacking = {axis: self.lacking(axis, self.compared) for axis in JUDGED}
        count = len(self.compared)
        return {axis: sites for axis, sites in lacking.items() if len(sites) < (count / 2 if count > 2 else count)}

    def lacking(self, axis: str, profiles: Sequence[Profile]) -> list[str]:
        """Sites that have not got an axis on which patients vary."""
        return [profile.site for profile in profiles if not _has(self.statistics[profile.site], axis)]

    def missing(self, policy: Policy) -> list[str]:
        """Axes that are required and could not be compared, though others could."""
        return [axis for axis in self.required(policy) if self.pairs and self.shift.on(axis) is None]

    def having(self, axis: str) -> int:
        """Baselines that are compared on an axis."""
        return sum(shift.on(axis) is not None for shift in self.pairs.values())

    def without(self, name: str) -> "Reference":
        """The same without one of the baselines that are compared. The pairs keep the unit of all, and
        nobody's outlyingness is known."""
        kept = tuple(profile for profile in self.baselines if profile.site != name)
        pairs = {pair: shift for pair, shift in self.pairs.items() if name not in pair}
        less = replace(self, baselines=kept, pairs=pairs, outlyingness={})
        names = sorted([self.new.site, *(profile.site for profile in less.compared)])
        shift = compare_one([self.statistics[site] for site in names], names.index(self.new.site))
        return replace(less, shift=shift)

    def measures(self) -> dict[str, Summary]:
        """Measures of all baselines that are compared, each site counted alike."""
        sites = [profile.measures for profile in self.compared]
        if not sites:
            return {}
        return {name: _joined([site[name] for site in sites]) for name in sites[0] if all(name in s for s in sites)}


def refer(new: Profile, baselines: Sequence[Profile], policy: Policy) -> Reference:
    """Compare `new` with `baselines`.

    With several baselines the new site's own is left out: the reference is the other sites.

    Raises:
        ProfileError: no baseline, or two of one site.
        NotComparable: profiles measured in different ways.
    """
    if not baselines:
        raise ProfileError("got no baseline, expected one or more: give --against BASELINE")
    for profile in baselines:
        profile.require_comparable(new)
    others = [profile for profile in baselines if len(baselines) == 1 or profile.site != new.site]
    left_out = [f"the own baseline of '{new.site}' is left out: the reference is the other sites"] * (
        0 < len(others) < len(baselines)
    )
    if not others:
        raise ProfileError(
            f"{len(baselines)} baselines are all of '{new.site}' itself; give one of them, or those of other sites"
        )
    new, others = _named_apart(new, others)
    short = {
        profile.site: (profile.patients, needed)
        for profile in (new, *others)
        if profile.patients < (needed := policy.needed(profile.patient_source))
    }
    large = [profile for profile in others if profile.site not in short]
    shift, pairs, outlyingness = Shift(()), dict[Pair, Shift](), dict[str, tuple[Outlyingness, ...]]()
    statistics = {profile.site: SiteStatistics.of(profile) for profile in (new, *others)}
    if large and new.site not in short:
        found = compare_all([statistics[site] for site in sorted([new.site, *(profile.site for profile in large)])])
        shift = found.by_site[new.site]
        pairs = {pair: item for pair, item in found.pairs.items() if new.site in pair}
        outlyingness = {**found.outlyingness}
    return Reference(new, tuple(others), tuple(left_out), shift, pairs, outlyingness, short, statistics)


def _named_apart(new: Profile, others: Sequence[Profile]) -> tuple[Profile, list[Profile]]:
    """Baselines sorted by name; a site's own gets another name than its new profile."""
    ordered = sorted(others, key=lambda profile: profile.site)
    names = [profile.site for profile in ordered]
    for name in names:
        if names.count(name) > 1:
            raise ProfileError(f"two baselines are of a site named '{name}'; give one of them")
    if names != [new.site]:
        return new, ordered
    return (
        new.model_copy(update={"site": f"{new.site} (new)"}),
        [ordered[0].model_copy(update={"site": f"{new.site} (baseline)"})],
    )


def _has(site: SiteStatistics, axis: str) -> bool:
    """Whether a site has an axis on which patients vary."""
    if axis == LABELS:
        return len(site.labels.low) > 1
    moments = site.plain.get(axis)
    return moments is not None and float(np.trace(moments.cov)) > 0


def _joined(sites: Sequence[Summary]) -> Summary:
    """The mean of the sites' means as the mean of all their patients, with the deviation that gives it its error."""
    if len(sites) == 1:
        return sites[0]
    n = sum(site.n for site in sites)
    error = sum(site.sd**2 / site.n for site in sites) / len(sites) ** 2
    mean = sum(site.mean for site in sites) / len(sites)
    return sites[0].model_copy(update={"n": n, "mean": mean, "sd": float(np.sqrt(error * n))})
