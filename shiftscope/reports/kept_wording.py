"""What sites keep at the site by their policies, told apart in every text from zero and from what is undefined."""

from collections.abc import Sequence

from shiftscope.plans import RehearsalResult, RunResult, SiteScores
from shiftscope.reports.score_texts import mean_score

__all__ = [
    "KEPT",
    "SCORES_KEPT",
    "case_cell",
    "case_words",
    "known_figure",
    "known_score",
    "policies_of_rehearsal",
    "policies_of_run",
    "rehearsed_patients",
]

KEPT = "kept"
"""In the place of a number."""

SCORES_KEPT = "scores kept"
"""In the place of an answer that would rest on them."""


def case_cell(scores: SiteScores) -> str:
    """A site's test cases."""
    return KEPT if "cases" in scores.kept else str(scores.cases)


def known_score(scores: SiteScores, metric: str, strategy: str) -> str:
    """A strategy's mean score at a site, by the result's metric."""
    return _known(scores, metric, scores.scores.get(strategy, ()))


def known_figure(scores: SiteScores, metric: str, strategy: str) -> str:
    """The same by a further metric: of one class, say."""
    return _known(scores, metric, scores.also.get(metric, {}).get(strategy, ()))


def _known(scores: SiteScores, metric: str, series: Sequence[float | None]) -> str:
    return KEPT if metric in scores.kept and {*series} <= {None} else mean_score(series)


def case_words(result: RunResult) -> str:
    """n = 40 test cases; of how many sites that is, where some keep theirs."""
    telling = [scores for scores in result.sites.values() if "cases" not in scores.kept]
    if not telling:
        return "the number of test cases kept at the sites"
    of = f" of {len(telling)} of {len(result.sites)} sites" if len(telling) < len(result.sites) else ""
    return f"n = {sum(scores.cases for scores in telling)} test cases{of}"


def policies_of_run(result: RunResult) -> list[str]:
    """A line for each site that keeps something."""
    return [_line(site, scores.kept) for site, scores in result.sites.items() if scores.kept]


def policies_of_rehearsal(result: RehearsalResult) -> list[str]:
    """The same of a rehearsal."""
    return [_line(name, site.kept) for name, site in result.sites.items() if site.kept]


def rehearsed_patients(result: RehearsalResult, site: str) -> str:
    """A site's patients, of all parts."""
    found = result.sites[site]
    return KEPT if "patients" in found.kept else str(sum(found.patients.values()))


def _line(site: str, kept: tuple[str, ...]) -> str:
    return f"'{site}' keeps {', '.join(kept)} at the site"
