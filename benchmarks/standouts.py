"""How often a site is said to stand out that should not, and what a forged one can do to two others.

    python benchmarks/standouts.py DATA PROFILES CACHE > docs/results/standouts.md

Five tables: real sites beside the others of their group and in a group of another kind; planted federations of three
(`planted.py CACHE`), honest sites beside a changed one; what rests on one of the real sites; and forged covariances of
a site that claims a billion patients beside drawn ones, which are alike: by how much they can change the effect between
two others; and what an honest large site does to intervals. DATA and PROFILES as for `verdicts.py`.
"""

import argparse
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
from planted import BASES, load
from scenarios import profiles_of, scenarios
from verdicts import profiled

from shiftscope.checks import check
from shiftscope.diagnosis import LIMITS
from shiftscope.diagnosis.removal import MEASURED
from shiftscope.diagnosis.texts.standout_text import CHANGED, DISTANT
from shiftscope.profiles import Profile
from shiftscope.recommendation import advise
from shiftscope.shifts import UNLIKE, Outlyingness, SiteStatistics, compare_all
from shiftscope.shifts.differences import MomentTable, plain
from shiftscope.shifts.label_counts import LabelCounts
from shiftscope.shifts.units import capped, unit_at_width
from shiftscope.shifts.within_site_covariance import WithinSiteCovariance
from shiftscope.stats import Moments

SEED = 29
AXIS = "texture"
NOBODY = LabelCounts({}, {}, 0)
HARMONIZED = tuple(f"{prefix}_" for prefix in MEASURED.values())
LARGEST = (CHANGED, UNLIKE, DISTANT)

Measured = tuple[float, float, float]
"""Of one site, the largest over its axes: factor, spread (whichever way), distance."""


def measured(found: Sequence[Outlyingness]) -> Measured:
    return (
        max([one.influence.factor for one in found if one.influence], default=1.0),
        max(max(one.spread, 1 / one.spread) for one in found),
        max(one.distance for one in found),
    )


def of_sites(profiles: Sequence[Profile], harmonized: bool = False) -> dict[str, Measured]:
    """Every site that is compared with two others, on what harmonizers leave of its features or on all else."""
    large = [profile for profile in profiles if profile.patients >= LIMITS.needed(profile.patient_source)]
    outlying = compare_all([SiteStatistics.of(profile) for profile in large]).outlyingness
    kept = {
        site: [one for one in found if one.axis.startswith(HARMONIZED) == harmonized]
        for site, found in outlying.items()
    }
    return {site: measured(found) for site, found in kept.items() if found}


def row(name: str, sites: Sequence[Measured]) -> str:
    """How many, the largest of each measure, and how many are beyond each limit."""
    if not sites:
        return f"| {name} | 0 | | | | |"
    values = np.array(sites)
    named = int(np.sum(np.any(values >= LARGEST, axis=1)))
    cells = [
        f"{largest:.3g} ({int(np.sum(column >= limit))})"
        for largest, column, limit in zip(values.max(axis=0), values.T, LARGEST, strict=True)
    ]
    return f"| {name} | {len(values)} | {' | '.join(cells)} | {named} |"


def real(groups: dict[str, list[Profile]]) -> Iterator[str]:
    own = {group: of_sites(profiles) for group, profiles in groups.items()}
    yield row("real and fixture sites, beside their own group", [*chain(*(found.values() for found in own.values()))])
    after = [*chain(*(of_sites(profiles, harmonized=True).values() for profiles in groups.values()))]
    yield row("the same, features after each harmonizer", after)
    images = {group: profiles for group, profiles in groups.items() if not group.startswith("fixtures")}
    strangers = []
    for group, profiles in images.items():
        names = {profile.site for profile in profiles}
        for other, sites in images.items():
            stranger = sites[0]
            kind = {group.partition("_")[0], other.partition("_")[0]}
            if len(kind) == 2 and stranger.site not in names:
                found = of_sites([*profiles, stranger])
                strangers.extend([found[stranger.site]] if stranger.site in found else [])
    yield row("real sites beside a group of another organ", strangers)


def resting(groups: dict[str, list[Profile]]) -> Iterator[str]:
    """Advice and checks of each group of three or more, and whether they rest on one site."""
    for group, profiles in groups.items():
        large = [profile for profile in profiles if profile.patients >= LIMITS.needed(profile.patient_source)]
        if len(large) > 2:
            warned = sum("the advice rests on" in caveat for caveat in advise(profiles).diagnosis.caveats)
            checks = [check(one, [other for other in large if other is not one]) for one in large]
            outcomes = ", ".join(result.outcome for result in checks)
            rest = sum(any("the answer on" in caveat for caveat in result.caveats) for result in checks)
            yield f"| {group} | {len(large)} | {'yes' if warned else 'no'} | {outcomes} | {rest} |"


def planted(cache: Path) -> Iterator[str]:
    sites: dict[str, list[Measured]] = {
        "nothing planted": [],
        "honest, beside a changed site": [],
        "the changed site": [],
    }
    for base in BASES:
        if not (cache / f"{base}.pickle").exists():
            continue
        patients = {base: load(cache, base)}
        for n in (20, 40):
            for item in scenarios(patients, base, n, np.random.default_rng([SEED, n]), masks=True):
                if item.form != "odd":
                    continue
                for site, found in of_sites(profiles_of(item)).items():
                    group = "the changed site" if site == "c" else "honest, beside a changed site"
                    sites["nothing planted" if item.plant == "none" else group].append(found)
    for name, found in sites.items():
        yield row(f"planted, three sites: {name}", found)


def forged(cov: np.ndarray, gap: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A covariance that is none, or of any size, along, across or turned against a difference, or of any shape."""
    d, size = len(gap), 10.0 ** rng.uniform(-6, 6)
    across = np.eye(d) - np.outer(gap, gap) / (gap @ gap)
    turned, mixed = np.linalg.solve(cov, gap), rng.standard_normal((d, d)) * 10.0 ** rng.uniform(-3, 3, d)
    shapes = (0 * cov, cov, np.outer(gap, gap), across @ cov @ across, np.outer(turned, turned), mixed @ mixed.T)
    return np.asarray(size * shapes[rng.integers(len(shapes))])


def forgeries(trials: int) -> Iterator[str]:
    """Effects of 1 or more between two of `count` honest sites, and what one forged site makes of them."""
    rng = np.random.default_rng(SEED)
    for count in (2, 3, 5, 10):
        changes, missed = [], 0
        for n, d in ((40, 4), (100, 8)) * trials:
            mix = np.eye(d) + rng.standard_normal((d, d)) / np.sqrt(d)
            rows = [(rng.standard_normal((n, d)) + 0.7 * rng.standard_normal(d)) @ mix.T for _ in range(count)]
            moments = [Moments.of(values) for values in rows]
            cov = forged(np.mean([one.cov for one in moments], axis=0), moments[0].mean - moments[1].mean, rng)
            moments.append(Moments(10**9, moments[0].mean + rng.standard_normal(d), cov))
            sites = [SiteStatistics(f"s{k}", one.n, {AXIS: one}, {}, None, {}, NOBODY) for k, one in enumerate(moments)]
            alone, among = compare_all(sites[:-1]), compare_all(sites)
            found = np.array(measured(among.outlyingness[f"s{count}"])) >= LARGEST
            for pair, shift in alone.pairs.items():
                before, after = shift.on(AXIS), among.pairs[pair].on(AXIS)
                if before is not None and after is not None and before.value >= 1:
                    changes.append(max(after.value, 1e-3) / before.value)
                    missed += max(changes[-1], 1 / changes[-1]) >= CHANGED and not found[:2].any()
        doubled = int(np.sum(np.maximum(changes, 1 / np.array(changes)) >= CHANGED))
        yield f"| {count} | {len(changes)} | {max(changes):.2f} | {min(changes):.1g} | {doubled} | {missed} |"


def giants(draws: int) -> Iterator[str]:
    """Two sites alike and a large one, all honest: the effect between the two in the unit as it is, in one of the same
    weights and the freedom that these truly have, and in one of all patients."""
    rng = np.random.default_rng(SEED)
    pair = np.array([0]), np.array([1])
    for n, d, giant in ((20, 4, 2000), (80, 8, 2000), (160, 16, 5000)):
        for effect in (1.0, 10.0):
            found = np.zeros((draws, 3, 3))
            for draw in range(draws):
                rows = [rng.standard_normal((k, d)) for k in (n, n, giant)]
                rows[0][:, 0] += np.sqrt(effect)
                moments = [Moments.of(values) for values in rows]
                sites = [
                    SiteStatistics(f"s{k}", one.n, {AXIS: one}, {}, None, {}, NOBODY) for k, one in enumerate(moments)
                ]
                unit = unit_at_width(AXIS, capped(sites))(d)
                weights = np.array([site.plain[AXIS].n - 1 for site in capped(sites)])
                truly = float(weights.sum() ** 2 / np.sum(weights**2 / np.array([n - 1, n - 1, giant - 1])))
                units = (unit, replace(unit, freedom=truly), WithinSiteCovariance.of(moments))
                for place, one in enumerate(units):
                    distribution = plain(MomentTable.of(moments), *pair).distributions(lambda _, one=one: one)
                    (low,), (high,) = distribution.interval()
                    found[draw, place] = distribution.value[0], low <= effect <= high, high - low
            cells = [f"{value:.2f}, {held:.3f}, {width:.2f}" for value, held, width in found.mean(axis=0)]
            yield f"| {n}, {n}, {giant} | {d} | {effect:.0f} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("profiles", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--draws", type=int, default=1500)
    options = parser.parse_args()
    known = [base for base in BASES if (options.cache / f"{base}.pickle").exists()]
    print("<!-- made by benchmarks/standouts.py: do not edit -->")
    print(f"Machine: {platform.machine()}, 2 cores, Python {platform.python_version()}; seed {SEED};", end=" ")
    print(f"{time.strftime('%Y-%m-%d')}.\n")
    print(f"Sites beyond a limit ({CHANGED:g}, {UNLIKE:g}, {DISTANT:g}) in brackets. Planted: {', '.join(known)}.\n")
    print("| sites | | effect of two others changed by | spread, or one over it | distance | named |")
    print("|---|---:|---:|---:|---:|---:|")
    groups = profiled(options.data, options.profiles, unsaid=False)
    for line in chain(real(groups), planted(options.cache)):
        print(line, flush=True)
    print("\nAdvice, and each site checked against the others of its group: whether they rest on one site.\n")
    print("| group | sites | advice rests on one | checks | rest on one |")
    print("|---|---:|---|---|---:|")
    for line in resting(groups):
        print(line, flush=True)
    print("\nOne forged site of a billion patients beside honest ones: effects of 1 or more between two of these.\n")
    print("| honest sites | effects between two | largest change | smallest | by 2 or more | of these not named |")
    print("|---:|---:|---:|---:|---:|---:|")
    for line in forgeries(options.trials):
        print(line, flush=True)
    print("\nAn honest large site. Mean effect, share of 95 % intervals that hold the truth, their mean width.\n")
    print("| patients | coordinates | true effect | as it is | with the freedom of its weights | of all patients |")
    print("|---|---:|---:|---:|---:|---:|")
    for line in giants(options.draws):
        print(line, flush=True)


if __name__ == "__main__":
    main()
