"""The run: what it gave at each site, with intervals."""

from collections.abc import Sequence

from shiftscope.plans import Difference, Plan, RunResult, schedule
from shiftscope.profiles.profile_document import WITHHELD
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.html.figures.intervals import IntervalRow, draw_intervals
from shiftscope.reports.html.material import Material
from shiftscope.reports.kept_wording import KEPT, case_cell
from shiftscope.reports.run_wording import LOCAL, budget_words, gain_of_sharing
from shiftscope.reports.score_texts import gain, gain_interval, level
from shiftscope.reports.sheet import Grid

__all__ = ["differences", "gains", "job", "mismatches"]

_MEAN = "mean over sites"
_ENDS = 12  # sites of either end that are drawn where there are more than of both

_Named = Sequence[tuple[str, Difference, str]]
"""Whose, the difference, and the test cases behind it, or that the site keeps their number."""


def differences(result: RunResult) -> Figure | None:
    """Advice minus baseline at every site and on average, None where there is nothing to compare."""
    named = [(_MEAN, result.difference, _cases(result))]
    named += [(site, scores.difference, case_cell(scores)) for site, scores in result.sites.items()]
    title = f"The advice less its baseline, {result.metric}, site by site"
    says = (
        f"Right of the line the advice did better than plain {result.plan.baseline} on the same budget, left of it"
        f" worse; less than {result.margin:g} counts for nothing. A line that crosses 0 is a difference that chance"
        " alone could make. A diamond is a clear difference."
    )
    return _drawn(named, "differences", title, says, result.metric)


def gains(result: RunResult) -> Figure | None:
    """The baseline's model minus each site's own, at every site and on average; None where no site trained alone."""
    alone = result.arms.get(LOCAL)
    named = [(_MEAN, alone.difference, _cases(result))] if alone else []
    named += [
        (site, scores.differences.get(LOCAL, Difference()), case_cell(scores)) for site, scores in result.sites.items()
    ]
    shared = [(label, gain_of_sharing(difference), cases) for label, difference, cases in named]
    title = f"The shared model less the site's own, {result.metric}, site by site"
    says = (
        f"Right of the line the model that all sites share by {result.plan.baseline} does better than the one that the"
        " site trains alone in as many steps, left of it worse. A line that crosses 0 is a difference that chance alone"
        " could make. A diamond is a clear difference."
    )
    return _drawn(shared, "gains", title, says, result.metric)


def _cases(result: RunResult) -> str:
    """Of the sites that tell theirs."""
    telling = [scores.cases for scores in result.sites.values() if "cases" not in scores.kept]
    return str(sum(telling)) if telling else KEPT


def _drawn(named: _Named, key: str, title: str, says: str, metric: str) -> Figure | None:
    rows = [row for label, difference, cases in named if (row := _row(label, difference, cases)) is not None]
    if not rows:
        return None
    sites = sorted((row for row in rows if row.label != _MEAN), key=lambda row: row.value)
    if len(sites) > 2 * _ENDS:
        rows = [*(row for row in rows if row.label == _MEAN), *sites[:_ENDS], *sites[-_ENDS:]]
        says += f" Of {len(sites)} sites the {_ENDS} lowest and the {_ENDS} highest are drawn; the table has all."
    svg = draw_intervals(rows, key, title, says, f"difference in {metric} on test cases")
    table = Grid(
        title,
        ("whose", "difference#", "interval", "confidence", "test cases (n)#"),
        [
            (label, gain(difference), gain_interval(difference), level(difference), cases)
            for label, difference, cases in named
            if difference.mean is not None and difference.low is not None and difference.high is not None
        ],
    )
    return Figure(key, title, says, svg, table)


def _row(label: str, difference: Difference, cases: str) -> IntervalRow | None:
    mean, low, high = difference.mean, difference.low, difference.high
    if mean is None or low is None or high is None:
        return None
    text = f"{mean:+.3f} [{low:+.3f}, {high:+.3f}], n = {cases}"
    return IntervalRow(label, mean, low, high, text, strong=low > 0 or high < 0)


def job(plan: Plan) -> Grid:
    """What is trained, and on which budget."""
    methods = " and ".join(name for name in (plan.harmonizer, plan.personalizer) if name)
    classes = f", classes {', '.join(plan.classes)}" if plan.classes else ""
    return Grid(
        f"The job: {plan.name}",
        ("what", "plan"),
        [
            ("task", f"{plan.task}{classes}"),
            ("model", f"{plan.model}, {plan.image_size} px, {'colour' if plan.colour else 'grey'}"),
            ("weights", _weights(plan)),
            ("advice", methods or "none: the baseline alone"),
            ("baseline", plan.baseline),
            ("budget", f"{budget_words(plan)} at each site, batches of {plan.batch_size}"),
            ("seeds", _seeds(plan)),
            ("patients", _patients(plan)),
        ],
    )


def _weights(plan: Plan) -> str:
    stands = f"{plan.weights or 'random'}{f', of {plan.encoder}' if plan.encoder else ''}"
    return f"{stands}, SHA-256 {plan.weights_sha256}" if plan.weights_sha256 else stands


def _seeds(plan: Plan) -> str:
    after = ", ".join(str(analysis.seeds) for analysis in schedule(plan.folds)) if plan.seeds == "auto" else ""
    return f"until it is decided, looked at after {after}" if after else ", ".join(map(str, plan.every_seed))


def _patients(plan: Plan) -> str:
    split = plan.split
    own = "unless the data bring a split of their own"
    if plan.folds > 1:
        return f"{plan.folds} folds, so that every patient is tested on, {own}"
    return f"{split.train:.0%} to train, {split.val:.0%} to validate, {split.test:.0%} to test, {own}"


def mismatches(material: Material) -> list[str]:
    """Where profiles, plan and result do not speak of the same thing, in sentences."""
    plan, advice = material.plan, material.advice
    if plan is None:
        return []
    known = {profile.site: profile for profile in material.profiles}
    sentences = [
        f"'{site}' is in the plan, and no profile of it was given." for site in plan.sites if site not in known
    ]
    sentences += [f"'{site}' has a profile, and is not in the plan." for site in known if site not in plan.sites]
    for site, planned in plan.sites.items():
        found = known[site].fingerprint if site in known else ""
        if (
            found
            and planned.fingerprint
            and WITHHELD not in (found, planned.fingerprint)
            and found != planned.fingerprint
        ):
            sentences.append(f"The images of '{site}' were others when the plan was made: fingerprints differ.")
    run = material.result
    if run is not None and run.plan.model_copy(update={"data": {}}) != plan.model_copy(update={"data": {}}):
        sentences.append("The result is of another plan than the one given.")
    wanted = None if advice is None else (advice.recommendation.harmonizer, advice.recommendation.personalizer)
    if wanted is not None and wanted != (plan.harmonizer, plan.personalizer):
        sentences.append("The plan does something else than is advised here.")
    return sentences
