"""What a rehearsal's result rests on: what is expected, each site's gains, whom what harms, what it cost."""

from collections.abc import Iterator

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.plans import RehearsalResult, RehearsedScore, RehearsedStrategy
from shiftscope.reports.kept_wording import policies_of_rehearsal
from shiftscope.reports.rehearsal_wording import (
    by_reason,
    expected_gain,
    frozen_words,
    harmed_words,
    own_model_of,
    ranked,
)
from shiftscope.reports.score_texts import gain, gain_interval, interval_head, score
from shiftscope.reports.sheet import Grid, Lines

__all__ = ["rehearsal_details"]


def rehearsal_details(result: RehearsalResult) -> Iterator[Lines | Grid]:
    """All that stands behind the first screen."""
    if len(result.strategies) > 1:
        yield _gains(result)
    if harmful := [harmed_words(item) for item in ranked(result) if item.harmed]:
        yield Lines("sites that are shown to be harmed", harmful)
    if withheld := [f"'{site}': {item.withheld}" for site, item in result.sites.items() if item.withheld]:
        yield Lines("sites whose scores stay with them", withheld)
    if kept := policies_of_rehearsal(result):
        yield Lines("what policies keep at the sites", kept)
    yield _costs(result)
    if result.left_out:
        reasons = by_reason(result.left_out)
        yield Lines("not rehearsed", [f"{', '.join(names)}: {reason}" for reason, names in reasons.items()])
    digest = f"weights of SHA-256 {result.encoder.sha256[:12]}..."
    yield Lines("the encoder", [frozen_words(result), f"{result.encoder.model}, {digest}"])
    if result.notes:
        yield Lines("notes", result.notes)


def _gains(result: RehearsalResult) -> Grid:
    """At each site: what the best does there, or the own model where FedAvg is the best, and what scores highest."""
    best = result.strategy(result.best)
    other = own_model_of(result) if best is result.strategies[0] else best
    scores = {} if other is None else other.sites
    gains = {site: scores.get(site, RehearsedScore()).gain for site in result.sites}
    rows = []
    for site, difference in gains.items():
        known = [item for item in ranked(result) if _score(item, site) is not None]
        top = max(known, key=lambda item: _score(item, site) or 0.0, default=None)
        highest = (top.name, score(_score(top, site))) if top else ("", "-")
        rows.append((site, gain(difference), gain_interval(difference), *highest))
    return Grid(
        f"at each site: {f'gain of {other.name} over FedAvg, and ' if other else ''}the highest score",
        ("site", "gain#", interval_head(gains.values()), "highest", f"{result.metric}#"),
        rows,
    )


def _score(strategy: RehearsedStrategy, site: str) -> float | None:
    return strategy.sites.get(site, RehearsedScore()).score


def _costs(result: RehearsalResult) -> Grid:
    """What is expected of each strategy, what it took, and what else would do the same."""
    rows = [
        (
            item.name,
            "-" if item.expected is None else f"{expected_gain(result, item):+.3f}",
            number(item.cost.bytes / 1e6),
            number(item.cost.seconds),
            ", ".join(item.stands_for),
        )
        for item in ranked(result)
    ]
    title = "what is expected of each strategy, noise taken off, and what it took"
    return Grid(title, ("strategy", "expected#", "MB#", "s#", "stands for"), rows)
