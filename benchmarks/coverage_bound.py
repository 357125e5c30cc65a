"""How narrow an interval over five folds can be at all, if it is to hold the truth however much trainings differ."""

import numpy as np
from coverage_learner import FOLDS
from scipy import stats
from scipy.optimize import linprog

SHARE, AIM = 1 / FOLDS + 1 / (FOLDS - 1), 0.945
SPREADS = (0, 0.1, 0.2, 0.35, 0.5, 0.7, 1, 1.4, 2, 2.8, 4, 6, 10, 20)
"""Standard deviation of trainings, as far as folds show it, over that of a fold's patients."""


def narrowest() -> float:
    """Least mean half width where trainings do not differ, in units of the patients' standard error.

    A rule says for each pair of |error| and variance of the folds' means whether the interval holds the truth. Rules,
    randomised ones included, are the solutions of a linear programme: coverage at every spread is linear in them, so is
    the width. Patients' variance is taken as known. What it gives bounds all estimators of that coverage from below.
    """
    spread_edges = np.exp(np.linspace(np.log(0.01), np.log(3000), 130))  # in units of a fold's patients' variance
    error_edges = np.concatenate([np.linspace(0, 6, 61), np.exp(np.linspace(np.log(6), np.log(400), 60))[1:]])

    def shares(spread: float) -> np.ndarray:
        variances = np.diff(stats.chi2(FOLDS - 1).cdf((FOLDS - 1) * spread_edges / (1 + spread**2)))
        errors = 2 * np.diff(stats.norm.cdf(error_edges / np.sqrt(1 + SHARE * FOLDS * spread**2)))
        return np.outer(variances, errors).ravel()

    variances = np.diff(stats.chi2(FOLDS - 1).cdf((FOLDS - 1) * spread_edges))
    width = np.outer(variances, np.diff(error_edges)).ravel()
    held = np.array([shares(spread) for spread in SPREADS])
    return float(linprog(width, A_ub=-held, b_ub=-np.full(len(held), AIM), bounds=(0, 1), method="highs").fun)
