"""From what the sites say of all strategies to a `RehearsalResult`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from shiftscope.plans import Cost, Difference, Plan, RehearsalSite, RehearsedScore, RehearsedStrategy
from shiftscope.training.evaluation.claims import harmed_sites
from shiftscope.training.evaluation.estimates import Estimate, FoldLayout, estimate
from shiftscope.training.evaluation.participation import Choices, participation
from shiftscope.training.rehearsals.rehearsed_strategies import OWN, REFERENCE, STANDS_FOR, Rehearsed
from shiftscope.training.rehearsals.table_rehearsals import HeadScores

__all__ = ["RehearsalAccount", "expected_gains"]

_ONE = FoldLayout((0,))
"""A site says one number for all of its folds."""


@dataclass(frozen=True, slots=True)
class RehearsalAccount:
    """What the coordinator knows after the last question.

    Attributes:
        said: site -> its scores; a site that withholds them, or did not answer, is missing.
        patients: site -> part -> patients; sites that did not answer are missing.
        withheld: site -> why its scores stay at home.
        equivalent: strategy -> others that came to the same on these data, and were not rehearsed beside it.
        kept: site -> what its policy keeps at the site.
    """

    plan: Plan
    strategies: Sequence[Rehearsed]
    said: Mapping[str, HeadScores]
    patients: Mapping[str, Mapping[str, int]]
    withheld: Mapping[str, str]
    equivalent: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kept: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def rehearsed(self, costs: Mapping[str, Cost]) -> tuple[RehearsedStrategy, ...]:
        """Every strategy, FedAvg first.

        Args:
            costs: strategy -> what it took.
        """
        gains = {each.name: self._gain(each.name) for each in self.strategies if each.name != REFERENCE}
        expected = expected_gains(gains)
        return tuple(
            self._strategy(each, gains.get(each.name), expected.get(each.name, 0.0), costs[each.name])
            for each in self.strategies
        )

    def best(self, rehearsed: Sequence[RehearsedStrategy]) -> str:
        """The largest expected gain, where it exceeds the margin; else FedAvg."""
        first = max(rehearsed, key=lambda each: each.expected or 0.0)
        return first.name if (first.expected or 0.0) > self.plan.margin else REFERENCE

    def equal_to(self, best: str) -> tuple[str, ...]:
        """Strategies whose difference from the best includes 0."""
        others = [each.name for each in self.strategies if each.name != best]
        intervals = {name: self._minus(best, name).interval() for name in others}
        return tuple(
            name
            for name, found in intervals.items()
            if found.low is None or found.high is None or found.low <= 0 <= found.high
        )

    def sites(self, best: str) -> dict[str, RehearsalSite]:
        """What each site should do: alone, with FedAvg's head, or with one of its own within the federation."""
        return {site: self._site(site, best) for site in self.plan.sites}

    def _site(self, site: str, best: str) -> RehearsalSite:
        patients, kept = dict(self.patients.get(site, {})), tuple(self.kept.get(site, ()))
        if site not in self.said:
            return RehearsalSite(patients=patients, withheld=self.withheld.get(site, "it did not answer"), kept=kept)
        method = next(each.method for each in self.strategies if each.name == best)
        shared: dict[str, None] = {REFERENCE: None}
        own: dict[str, None] = {"lp_ft": None, "shrinkage": None}
        if method != "local":
            (own if method in OWN else shared)[best] = None
        found = self.said[site]
        answer = participation(
            Choices("local", tuple(shared), tuple(own)),
            found.spread,
            {
                name: [_defined(found.means[name] - found.means[REFERENCE])]
                for name in ("local", *shared, *own)
                if name != REFERENCE
            },
            self._rng,
            _ONE,
            self.plan.margin,
        ).answer
        return RehearsalSite(answer=answer, patients=patients, kept=kept)

    def _strategy(self, rehearsed: Rehearsed, gain: Estimate | None, expected: float, cost: Cost) -> RehearsedStrategy:
        name = rehearsed.name
        always = () if rehearsed.harmonizer else STANDS_FOR.get(rehearsed.method, ())
        of_sites = {} if gain is None else {site: self._gain(name, [site]) for site in self.said}
        scores = {site: _defined(found.means[name]) for site, found in self.said.items()}
        defined = [score for score in scores.values() if score is not None]
        nothing = Difference(mean=0.0, low=0.0, high=0.0)
        return RehearsedStrategy(
            name=name,
            harmonizer=rehearsed.harmonizer,
            method=rehearsed.method,
            score=float(np.mean(defined)) if defined else None,
            gain=nothing if gain is None else gain.interval(),
            expected=expected,
            harm=0.0 if gain is None else self._harm(of_sites),
            harmed=harmed_sites(of_sites, self.plan.margin),
            sites={
                site: RehearsedScore(
                    score=score,
                    validation=_defined(self.said[site].validation.get(name, float("nan"))),
                    gain=nothing if gain is None else of_sites[site].interval(),
                )
                for site, score in scores.items()
            },
            cost=cost,
            stands_for=(*always, *self.equivalent.get(name, ())),
        )

    def _harm(self, of_sites: Mapping[str, Estimate]) -> float | None:
        """The chance that a site loses more than the margin, mean over the sites of which it is known."""
        known = [float((each.draws < -self.plan.margin).mean()) for each in of_sites.values() if len(each.draws)]
        return float(np.mean(known)) if known else None

    def _gain(self, name: str, sites: Sequence[str] | None = None) -> Estimate:
        return self._minus(name, REFERENCE, sites)

    def _minus(self, better: str, other: str, sites: Sequence[str] | None = None) -> Estimate:
        """The mean over sites of one strategy's score less another's."""
        chosen = self.said if sites is None else {site: self.said[site] for site in sites}
        return estimate(
            {site: found.spread.between(better, other) for site, found in chosen.items()},
            {site: [_defined(found.means[better] - found.means[other])] for site, found in chosen.items()},
            self._rng(),
            _ONE,
        )

    def _rng(self) -> np.random.Generator:
        """One fixed stream for all intervals."""
        return np.random.default_rng(len(self.strategies))


def expected_gains(gains: Mapping[str, Estimate]) -> dict[str, float]:
    """Each gain times the share of its variance that strategies really differ by, the rest being chance.

    Gains vary about 0 with variance t², by moments the mean of their squares less the mean of their squared errors
    (James & Stein 1961, with unequal errors); a gain with error e is taken as t² / (t² + e²) of itself.
    """
    known = {name: each for name, each in gains.items() if each.mean is not None and each.patients_se is not None}
    if not known:
        return {}
    squares = np.array([(each.mean or 0.0) ** 2 for each in known.values()])
    errors = np.array([(each.patients_se or 0.0) ** 2 for each in known.values()])
    real = max(0.0, float((squares - errors).mean()))
    return {
        name: float((each.mean or 0.0) * real / (real + error)) if real > 0 else 0.0
        for (name, each), error in zip(known.items(), errors, strict=True)
    }


def _defined(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
