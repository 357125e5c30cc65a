"""What a run's result rests on: the model, every strategy and class, who keeps which model, what it cost."""

from collections.abc import Iterable, Iterator, Sequence

from shiftscope.diagnosis.texts.phrases import number
from shiftscope.plans import ArmResult, Ledger, Plan, RunResult
from shiftscope.reports.kept_wording import known_figure, policies_of_run
from shiftscope.reports.run_wording import LOCAL
from shiftscope.reports.score_texts import gain, gain_interval, interval_head, level, mean_score, score
from shiftscope.reports.sheet import Grid, Lines

__all__ = ["EQUAL", "compared", "failures", "kept_models", "result_details", "strategies", "strategy_name"]

EQUAL = "equal_compute"
"""How a result calls the advice held to its baseline's compute."""

_CLASS = "dice of "
"""How a result calls the metric of one class of several in a mask."""

_DIGITS = 12
"""Of a hash, in a text: enough to tell files apart."""

_ITEMS = (
    ("MB to the sites", 1e6, "bytes_down"),
    ("MB from the sites", 1e6, "bytes_up"),
    ("seconds of computing", 1.0, "seconds"),
    ("MB of memory, peak", 1e6, "peak_bytes"),
)


def result_details(result: RunResult) -> Iterator[Lines | Grid]:
    """All that stands behind the first screen."""
    if EQUAL in result.arms:
        first = next(iter(result.arms))
        alike = {first: result.arms[first], EQUAL: result.arms[EQUAL]}
        rounds = " and ".join(str(arm.rounds) for arm in alike.values())
        yield strategies(result, alike, f"at equal compute, {result.metric}: {rounds} rounds")
    yield from _classes(result)
    if result.analyses:
        yield _analyses(result)
    if len(result.arms) > 1:
        yield from _lines("whom the mean hides", _hidden(result))
    yield from _lines("models the sites keep", kept_models(result))
    yield from _lines("the model", _model(result.plan))
    if result.ledger:
        yield _ledger(result)
    yield from _lines("sites that did not answer", failures(result))
    yield from _lines("what policies keep at the sites", policies_of_run(result))
    yield from _lines("notes", result.notes)


def strategies(result: RunResult, arms: dict[str, ArmResult], title: str, *, worst: bool = True) -> Grid:
    """One row each: how good, against the first, at its worst site where that is asked for, and how many it harms."""
    rows: list[Sequence[str]] = []
    for name, arm in arms.items():
        cells = (strategy_name(arm), score(arm.mean), gain(arm.difference), gain_interval(arm.difference))
        lowest = result.worst.get(name)
        at_worst = (score(None if lowest is None else lowest.score),) if worst else ()
        rows.append((*cells, *at_worst, str(len(arm.harmed)) if rows and name != LOCAL else ""))
    head = interval_head(arm.difference for arm in arms.values())
    columns = ("strategy", "mean#", "difference#", f"{head}#")
    return Grid(title, (*columns, *(("worst site#",) if worst else ()), "harmed#"), rows)


def strategy_name(arm: ArmResult) -> str:
    """What a strategy does to images, and its algorithm."""
    return f"{arm.harmonizer} + {arm.algorithm}" if arm.harmonizer else arm.algorithm


def compared(result: RunResult) -> tuple[str, str]:
    """The strategies that the verdict compares: the baseline and the advice, or in a run of many, the plan's own."""
    plan, arms = result.plan, result.arms
    if "baseline" in arms or not arms:
        return "baseline", "adapted"
    own = (plan.harmonizer, plan.personalizer or plan.baseline)
    return next(iter(arms)), next((name for name, arm in arms.items() if (arm.harmonizer, arm.algorithm) == own), "")


def _classes(result: RunResult) -> Iterator[Grid]:
    """A table for each class of masks with several: every site, its own model beside the two that are compared."""
    names = dict.fromkeys(name for scores in result.sites.values() for name in scores.also if name.startswith(_CLASS))
    for name in names:
        known = {arm for scores in result.sites.values() for arm in scores.also.get(name, {})}
        heads = dict(zip((LOCAL, *compared(result)), ("local", "baseline", "adapted"), strict=True))
        arms = {arm: head for arm, head in heads.items() if arm in known}
        rows = [(site, *(known_figure(scores, name, arm) for arm in arms)) for site, scores in result.sites.items()]
        yield Grid(f"{name}, test cases", ("site", *(f"{head}#" for head in arms.values())), rows)


def _analyses(result: RunResult) -> Grid:
    """Each look at the result of a run that trains seeds until it is decided."""
    rows = [
        (str(item.seeds), gain(item.difference), gain_interval(item.difference), level(item.difference), item.verdict)
        for item in result.analyses
    ]
    return Grid("analyses of the difference", ("seeds", "difference#", "interval", "confidence", "verdict"), rows)


def _model(plan: Plan) -> Iterator[str]:
    """What was trained, what it started from, and whose code it is."""
    stands = f" on {plan.encoder}" if plan.encoder else ""
    if plan.weights:
        digest = f", SHA-256 {plan.weights_sha256[:_DIGITS]}..." if plan.weights_sha256 else ""
        yield f"{plan.model}{stands}, starts from {plan.weights} weights{digest}"
    else:
        yield f"{plan.model}{stands}, starts from random weights"
    for what, own in (("loss", plan.loss), ("augmentation", plan.augment)):
        if own:
            yield f"{what}: {own}"
    if plan.balance:
        yield "batches hold the classes equally often"
    for package, code in plan.code.items():
        version = f" {code.version}" if code.version else ""
        yield f"own code of {package}{version}, SHA-256 {code.sha256[:_DIGITS]}..."


def failures(result: RunResult) -> list[str]:
    """Sites that did not answer, with the round."""
    return [
        f"{entry.arm}, seed {entry.seed}, round {entry.round}: {site} {reply}"
        for entry in result.rounds
        for site, reply in entry.replies.items()
        if reply != "ok"
    ]


def kept_models(result: RunResult) -> list[str]:
    """In words: where a strategy's own models are not used, and what they would have scored."""
    base = strategy_name(next(iter(result.arms.values()))) if result.arms else "baseline"
    out = []
    for site, scores in result.sites.items():
        for name, kept in scores.kept_baseline.items():
            if not any(kept) or name not in result.arms:
                continue
            which = _named(name, result.arms[name])
            own, used = (mean_score(table.get(name, ())) for table in (scores.ungated, scores.scores))
            out.append(
                f"site {site} keeps {base}'s model for {sum(kept)} of {len(kept)} seeds: those of {which} are worse"
                f" on its validation cases (on test cases {own}, with what is kept {used})"
            )
    return out


def _hidden(result: RunResult) -> Iterable[str]:
    """Each strategy's worst site, and whom it harms, by name."""
    for name, arm in result.arms.items():
        worst = result.worst.get(name)
        if name == LOCAL:  # what it does to whom, taking part answers
            continue
        parts = ([f"worst at {worst.site}"] if worst else []) + [f"harms {site}" for site in arm.harmed]
        if parts:
            yield f"{_named(name, arm)}: {', '.join(parts)}"


def _ledger(result: RunResult) -> Grid:
    """Measured, and how many times the prediction that is."""
    rows = []
    for name, book in result.ledger.items():
        label = strategy_name(result.arms[name]) if name in result.arms and name != EQUAL else name.replace("_", " ")
        for title, unit, key in _ITEMS:
            expected, measured = _amount(book, key)
            rows.append(
                (
                    label,
                    title,
                    "-" if expected is None else number(expected / unit),
                    "-" if measured is None else number(measured / unit),
                    number(measured / expected) if measured is not None and expected else "-",
                )
            )
            label = ""
    return Grid(
        "cost over all sites, rounds and seeds, predicted before and measured after",
        ("strategy", "what", "predicted#", "measured#", "ratio#"),
        rows,
    )


def _amount(book: Ledger, key: str) -> tuple[float | None, float | None]:
    return getattr(book.predicted.total, key) if book.predicted else None, getattr(book.measured, key)


def _named(name: str, arm: ArmResult) -> str:
    return strategy_name(arm) + (" at equal compute" if name == EQUAL else "")


def _lines(title: str, lines: Iterable[str]) -> Iterator[Lines]:
    known = list(lines)
    if known:
        yield Lines(title, known)
