"""How sites judged a strategy's final model, as far as that can be believed."""

from collections.abc import Mapping
from typing import Any

from shiftscope.errors import EngineError
from shiftscope.training.algorithms.families import find_algorithm
from shiftscope.training.evaluation.fairness import off_budget
from shiftscope.training.federation.run_answers import read_evaluation
from shiftscope.training.runs.answer_values import most_cases
from shiftscope.training.runs.jobs import Arm, Job
from shiftscope.training.runs.states import Checkpoint, ReceivedEvaluation

__all__ = ["judged_models"]


def judged_models(
    said: Mapping[str, Mapping[str, Any]], job: Job, arm: Arm, state: Checkpoint
) -> tuple[dict[str, ReceivedEvaluation], dict[str, str]]:
    """Every answer in its form.

    Args:
        said: site -> the facts of its answer.
        state: of the strategy and seed in question, after its last round.

    Returns:
        Site -> its judgement, and site -> why what it said cannot be.
    """
    judged: dict[str, ReceivedEvaluation] = {}
    failures: dict[str, str] = {}
    for site, facts in said.items():
        try:
            judged[site] = read_evaluation(facts, job.plan, most_cases(job.plan, site))
        except EngineError as problem:
            failures[site] = str(problem)
    algorithm = find_algorithm(arm.algorithm)
    after_the_last = algorithm.federated(arm.rounds) + 1
    odd = off_budget(
        {site: found.spent for site, found in judged.items()},
        algorithm.steps_in_round(after_the_last, arm.rounds, job.plan.local_steps),
        "",
        {site: found.spent.passes + state.passes(site) for site, found in judged.items()},
        job.declared_passes(arm.name),
    )
    return {site: found for site, found in judged.items() if site not in odd}, failures | odd
