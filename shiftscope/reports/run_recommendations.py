"""What to do after a run: it follows the verdict on the advice and each site's answer."""

from shiftscope.plans import RunResult
from shiftscope.reports.run_wording import advice_of, answers_of, has_local

__all__ = ["recommended"]

_TAKE = {
    "helped": "take the model of the advice",
    "no_difference": "take {baseline}, which is cheaper and as good",
    "harmed": "take {baseline}",
    "undecided": "take {baseline}, which is cheaper, until more is known",
}

_MOST_NAMES = 3
"""Sites that are named; of more, the number says enough."""


def recommended(result: RunResult) -> str:
    """One sentence: which model to take, and which sites should do otherwise."""
    plan, answers = result.plan, answers_of(result)
    alone, own, kept = answers["alone"], answers["own_model"], plan.personalizer
    if not has_local(result):
        return _TAKE[result.verdict].format(baseline=plan.baseline) if advice_of(plan) else ""
    if len(alone) == len(result.sites):
        return "let each site train its own model: none gains by taking part"
    if not advice_of(plan) and not (answers["take_part"] or own or alone):
        return "nothing is shown yet: more patients, seeds or folds may tell whether taking part pays"
    parts = [_TAKE[result.verdict if advice_of(plan) else "harmed"].format(baseline=plan.baseline)]
    if own and result.verdict != "helped":
        parts.append(f"an own model{f' ({kept})' if kept else ''} for {_named(own)}")
    if alone:
        parts.append(f"let {_named(alone)} stay alone")
    return "; ".join(parts)


def _named(sites: list[str]) -> str:
    if len(sites) > _MOST_NAMES:
        return f"{len(sites)} sites"
    quoted = [f"'{site}'" for site in sites]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
