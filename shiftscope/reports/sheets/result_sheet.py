"""A run's result as a sheet: did the advice pay, for whom, and at what cost?"""

from collections.abc import Iterable, Sequence
from statistics import fmean

from shiftscope.plans import ArmResult, Difference, Ledger, RunResult
from shiftscope.reports.sheet import Grid, Lines, Sheet

__all__ = ["VERDICTS", "change", "result_sheet"]

EQUAL = "equal_compute"
"""How a result calls the advice held to its baseline's compute."""

VERDICTS = {
    "helped": "the advice paid",
    "no_difference": "no difference that the test cases can show",
    "harmed": "the advice did harm",
}


def result_sheet(result: RunResult) -> Sheet:
    """The verdict, the sites, the strategies, who keeps which model, what it cost, and who did not answer."""
    blocks: list[Lines | Grid] = [_verdict(result), _sites(result)]
    arms = {name: arm for name, arm in result.arms.items() if name != EQUAL}
    if len(arms) > 1:
        blocks.append(_strategies(result, arms, f"strategies at equal steps, {result.metric}, mean over sites"))
    if EQUAL in result.arms:
        first = next(iter(result.arms))
        alike = {first: result.arms[first], EQUAL: result.arms[EQUAL]}
        rounds = " and ".join(str(arm.rounds) for arm in alike.values())
        blocks.append(_strategies(result, alike, f"at equal compute, {result.metric}: {rounds} rounds"))
    if len(result.arms) > 1:
        blocks += _lines("whom the mean hides", _hidden(result))
    blocks += _lines("models the sites keep", _kept(result))
    if result.ledger:
        blocks.append(_ledger(result))
    failed = [
        f"{entry.arm}, seed {entry.seed}, round {entry.round}: {site} {reply}"
        for entry in result.rounds
        for site, reply in entry.replies.items()
        if reply != "ok"
    ]
    return [*blocks, *_lines("sites that did not answer", failed), *_lines("notes", result.notes)]


def _verdict(result: RunResult) -> Lines:
    plan = result.plan
    names = [name for name in (plan.harmonizer, plan.personalizer) if name]
    adapted = " + ".join(names) or f"{plan.baseline} alone"
    alone = result.worst if len(result.arms) < 2 else {}  # the table of strategies tells it where there is one
    return Lines(
        f"{result.verdict}: {VERDICTS[result.verdict]}" if names else f"trained: {adapted}",
        [
            f"{adapted} against {plan.baseline}, {result.metric}, mean over sites: {change(result.difference)}"
            if names
            else f"nothing to compare {plan.baseline} with",
            f"{plan.rounds} rounds of {plan.local_steps} steps, seeds {', '.join(map(str, plan.seeds))},"
            f" engine {result.engine}, {result.cost.bytes / 1e6:.1f} MB, {result.cost.seconds:.0f} s",
            *(f"worst site, {arm}: {worst.site} {worst.score:.3f}" for arm, worst in alone.items()),
            *(f"harmed: {site}" for site in result.harmed),
        ],
    )


def _sites(result: RunResult) -> Grid:
    """Every site under the first two strategies."""
    return Grid(
        f"test cases, {result.metric}",
        ("site", "cases#", "baseline#", "adapted#", "difference#", "95 %"),
        [
            (
                site,
                str(scores.cases),
                _mean(scores.scores.get("baseline", ())),
                _mean(scores.scores.get("adapted", ())),
                "" if scores.difference.mean is None else f"{scores.difference.mean:+.3f}",
                _interval(scores.difference),
            )
            for site, scores in result.sites.items()
        ],
    )


def _strategies(result: RunResult, arms: dict[str, ArmResult], title: str) -> Grid:
    """One row each: how good, against the first, at its worst site, and how many sites it harms."""
    rows: list[Sequence[str]] = []
    for name, arm in arms.items():
        worst = result.worst.get(name)
        rows.append(
            (
                _called(arm),
                "-" if arm.mean is None else f"{arm.mean:.3f}",
                "" if arm.difference.mean is None else f"{arm.difference.mean:+.3f}",
                _interval(arm.difference),
                "-" if worst is None else f"{worst.score:.3f}",
                str(len(arm.harmed)) if rows else "",
            )
        )
    return Grid(title, ("strategy", "mean#", "difference#", "95 %#", "worst site#", "harmed#"), rows)


def _hidden(result: RunResult) -> Iterable[str]:
    """Each strategy's worst site, and whom it harms, by name."""
    for name, arm in result.arms.items():
        worst = result.worst.get(name)
        told = ([f"worst at {worst.site}"] if worst else []) + [f"harms {site}" for site in arm.harmed]
        if told:
            yield f"{_named(name, arm)}: {', '.join(told)}"


def _kept(result: RunResult) -> Iterable[str]:
    """In words: where a strategy's own models are not used, and what they would have scored."""
    base = _called(next(iter(result.arms.values()))) if result.arms else "baseline"
    for site, scores in result.sites.items():
        for name, kept in scores.kept_baseline.items():
            if not any(kept) or name not in result.arms:
                continue
            which = _named(name, result.arms[name])
            own, used = (_mean(table.get(name, ())) for table in (scores.ungated, scores.scores))
            yield (
                f"site {site} keeps {base}'s model for {sum(kept)} of {len(kept)} seeds: those of {which} are worse"
                f" on its validation cases (on test cases {own}, with what is kept {used})"
            )


def _ledger(result: RunResult) -> Grid:
    """Measured, and in brackets how many times the prediction that is."""
    rows = []
    for name, book in result.ledger.items():
        label = _called(result.arms[name]) if name in result.arms and name != EQUAL else name.replace("_", " ")
        for title, unit, key in _ITEMS:
            expected, measured = _amount(book, key)
            rows.append(
                (
                    label,
                    title,
                    "-" if expected is None else _number(expected / unit),
                    "-" if measured is None else _number(measured / unit),
                    f"{measured / expected:.2f}" if measured is not None and expected else "-",
                )
            )
            label = ""
    return Grid(
        "cost over all sites, rounds and seeds, predicted before and measured after",
        ("strategy", "what", "predicted#", "measured#", "ratio#"),
        rows,
    )


_ITEMS = (
    ("MB to the sites", 1e6, "bytes_down"),
    ("MB from the sites", 1e6, "bytes_up"),
    ("seconds of computing", 1.0, "seconds"),
    ("MB of memory, peak", 1e6, "peak_bytes"),
)


def _amount(book: Ledger, key: str) -> tuple[float | None, float | None]:
    return getattr(book.predicted.total, key) if book.predicted else None, getattr(book.measured, key)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _called(arm: ArmResult) -> str:
    return f"{arm.harmonizer} + {arm.algorithm}" if arm.harmonizer else arm.algorithm


def _named(name: str, arm: ArmResult) -> str:
    return _called(arm) + (" at equal compute" if name == EQUAL else "")


def _lines(title: str, lines: Iterable[str]) -> list[Lines | Grid]:
    told = list(lines)
    return [Lines(title, told)] if told else []


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.3f}" if known else "-"


def _interval(difference: Difference) -> str:
    if difference.low is None or difference.high is None:
        return ""
    return f"{difference.low:+.3f} to {difference.high:+.3f}"


def change(difference: Difference) -> str:
    """A difference with its interval."""
    if difference.mean is None:
        return "undefined"
    return f"{difference.mean:+.3f}, 95 % [{_interval(difference).replace(' to ', ', ')}]"
