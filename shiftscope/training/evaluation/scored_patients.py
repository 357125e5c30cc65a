"""How many patients a score rests on, in the smallest group that it is made of: told to the site's gate, never sent.

A mean over a site's cases looks like an average of many, and can be one patient's score all the same: where one patient
alone has the class, where all others have nothing to outline and count as 1, or where one class has a single patient.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from shiftscope.plans import Plan
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.evaluation.scores import CaseScores, metrics_of

__all__ = ["patients_deciding", "patients_scored"]


def patients_deciding(samples: Sequence[Sample], plan: Plan) -> int:
    """Patients that the metric of the verdict rests on: of the smallest class, or of those with anything to outline.

    With two classes or more to outline, those of the class with fewest, too: a model that never says one class, and
    whoever has nothing of the other, count as 0 and 1. Taken off the mean over classes, they leave the others' scores.
    """
    if plan.task == "classification":
        return _smallest_class(samples, plan)
    outlined = _people(sample.patient for sample in samples if np.any(sample.target))
    classes = range(1, len(plan.classes) + 1) if len(plan.classes) > 1 else ()
    return min([outlined, *(_having(samples, number) for number in classes)])


def patients_scored(samples: Sequence[Sample], cases: CaseScores, plan: Plan) -> dict[str, int]:
    """Metric of the plan's task -> patients that it rests on.

    - of classes: the patients of the smallest class of the plan, 0 where one is missing;
    - "dice": those with anything to outline. Whoever has nothing counts as 1, or 0: taken off the sum, they leave the
      others' scores;
    - "surface_px": of these, those with an outline and a prediction;
    - with two classes or more, "KIND" and "KIND of CLASS": those of the class with fewest. What one of these figures
      hides the others would tell together, so they leave together.

    Args:
        cases: what was judged of the samples, in their order.
    """
    deciding, names = patients_deciding(samples, plan), metrics_of(plan)
    found = dict.fromkeys(names, deciding)
    surfaces = [name for name in names if name.startswith("surface_px")]
    few = (_defined(samples, cases, name) for name in surfaces)
    return found | dict.fromkeys(surfaces, min([deciding, *few]))


def _people(owners: Iterable[str]) -> int:
    """Whose cases they are: so many patients; 1 where one of them has more than half of the cases, and so of a mean."""
    cases = Counter(owners)
    return 1 if 2 * max(cases.values(), default=0) > cases.total() else len(cases)


def _smallest_class(samples: Sequence[Sample], plan: Plan) -> int:
    return min(
        (
            _people(sample.patient for sample in samples if sample.target == number)
            for number in range(len(plan.classes))
        ),
        default=0,
    )


def _having(samples: Sequence[Sample], number: int) -> int:
    return _people(sample.patient for sample in samples if np.any(np.asarray(sample.target) == number))


def _defined(samples: Sequence[Sample], cases: CaseScores, name: str) -> int:
    values = cases.get(name, np.full(len(samples), np.nan))
    return _people(sample.patient for sample, value in zip(samples, values, strict=True) if np.isfinite(value))
