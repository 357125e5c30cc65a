"""The run: what it gave at each site, with intervals."""

from shiftscope.plans import Difference, Plan, RunResult
from shiftscope.profiles.profile_document import WITHHELD
from shiftscope.reports.html.figures.figure import Figure
from shiftscope.reports.html.figures.intervals import IntervalRow, draw_intervals
from shiftscope.reports.html.material import Material
from shiftscope.reports.sheet import Grid

__all__ = ["differences", "job", "mismatches"]

_KEY = "differences"


def differences(result: RunResult) -> Figure | None:
    """Advice minus baseline at every site and on average, None where there is nothing to compare."""
    named = [("mean over sites", result.difference, sum(scores.cases for scores in result.sites.values()))]
    named += [(site, scores.difference, scores.cases) for site, scores in result.sites.items()]
    rows = [row for label, difference, cases in named if (row := _row(label, difference, cases)) is not None]
    if not rows:
        return None
    title = f"The advice less its baseline, {result.metric}, site by site"
    says = (
        "Right of the line the advice did better than plain FedAvg on the same budget, left of it worse. A line that"
        " crosses 0 is a difference that chance alone could make. A diamond is a clear difference."
    )
    svg = draw_intervals(rows, _KEY, title, says, f"difference in {result.metric} on test cases")
    table = Grid(
        title,
        ("whose", "difference#", "95 % interval", "test cases (n)#"),
        [
            (label, f"{difference.mean:+.3f}", f"{difference.low:+.3f} to {difference.high:+.3f}", str(cases))
            for label, difference, cases in named
            if difference.mean is not None and difference.low is not None and difference.high is not None
        ],
    )
    return Figure(_KEY, title, says, svg, table)


def _row(label: str, difference: Difference, cases: int) -> IntervalRow | None:
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
            ("advice", methods or "none: the baseline alone"),
            ("baseline", plan.baseline),
            ("budget", f"{plan.rounds} rounds of {plan.local_steps} steps at each site, batches of {plan.batch_size}"),
            ("seeds", ", ".join(map(str, plan.every_seed))),
            (
                "patients",
                f"{plan.split.train:.0%} to train, {plan.split.val:.0%} to validate, {plan.split.test:.0%} to test,"
                " unless the data bring a split of their own",
            ),
        ],
    )


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
