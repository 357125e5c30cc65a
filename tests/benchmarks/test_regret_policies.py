"""Who chooses what, and on what he is judged, on scores whose truth was made up."""

from collections.abc import Sequence

import numpy as np
import policies
import pytest
import scores
from early_rounds import FIRST_LOOK, HALVING
from made_up_outcomes import NAMES, outcome
from outcomes import Outcome

KINDS = (
    "none",
    "appearance",
    "structure",
    "labels",
    "concept",
    "annotation",
    "appearance+structure",
    "appearance+concept",
    "appearance+annotation",
)
RULED = (
    "fedavg",
    "quantile_map",
    "local",
    "fedavg",
    "fedavg",
    "fedavg",
    "quantile_map+local",
    "quantile_map",
    "quantile_map",
)


def taken(policy: policies.Policy, item: Outcome, folds: Sequence[int] = (0, 1)) -> str:
    return NAMES[int(policy(item, folds).argmax())]


class TestCrossFitting:
    @pytest.mark.parametrize("splits", [scores.halves, scores.one_out])
    def test_no_policy_is_asked_with_the_fold_it_is_scored_on(self, splits: object) -> None:
        """A strategy that is perfect in one fold and useless elsewhere must not be taken where that fold is scored."""
        item = outcome({})
        item.scores[:, 1, 3] = 1.0
        item.scores[:, 1, [0, 1, 2, 4]] = 0.5
        weights = scores.cross_fitted(policies.BEST, item, splits)  # type: ignore[arg-type]
        assert weights[3, 1] == 0

    def test_every_fold_counts_alike(self) -> None:
        item = outcome({}, noise=0.05)
        weights = scores.cross_fitted(policies.always("local"), item)
        np.testing.assert_allclose(weights, np.eye(len(NAMES))[[1] * 5])
        assert scores.judge(item, weights).score == pytest.approx(item.scores[:, 1].mean())

    def test_among_strategies_that_are_alike_nothing_is_gained_by_choosing(self) -> None:
        best = policies.BEST
        gains = [
            scores.judge(item, scores.cross_fitted(best, item)).gain.mean()
            for item in (outcome({}, noise=0.05, seed=seed) for seed in range(60))
        ]
        assert abs(np.mean(gains)) < 0.003
        flattered = [outcome({}, noise=0.05, seed=seed).scores.mean(axis=(0, 2)).max() - 0.8 for seed in range(60)]
        assert np.mean(flattered) > 0.008

    def test_the_oracle_has_no_regret_and_finds_what_gains(self) -> None:
        item = outcome({"shrinkage": 0.03, "local": -0.02})
        weights = scores.oracle_weights(item, policies.BEST)
        assert scores.judge(item, weights).score == pytest.approx(0.83)
        fixed = scores.judge(item, scores.cross_fitted(policies.always("shrinkage"), item))
        assert fixed.score == pytest.approx(0.83)


class TestPolicies:
    @pytest.mark.parametrize(("kind", "expected"), list(zip(KINDS, RULED, strict=True)))
    def test_the_rule_of_the_study(self, kind: str, expected: str) -> None:
        assert taken(policies.by_study(), outcome({}, kind=kind)) == expected

    def test_a_natural_group_has_the_kind_that_the_study_gives_it(self) -> None:
        assert taken(policies.by_study(), outcome({}, kind="natural", study="structure")) == "local"

    @pytest.mark.parametrize(
        ("harmonizer", "personalizer", "expected"),
        [
            (None, None, "fedavg"),
            ("quantile_map", None, "quantile_map"),
            (None, "fedper", "local"),
            ("quantile_map", "fedper", "quantile_map+local"),
        ],
    )
    def test_advice_is_taken_as_what_it_comes_to(
        self, harmonizer: str | None, personalizer: str | None, expected: str
    ) -> None:
        assert taken(policies.by_advice, outcome({}, harmonizer=harmonizer, personalizer=personalizer)) == expected

    def test_advice_that_was_not_rehearsed_is_an_error(self) -> None:
        with pytest.raises(KeyError, match="nyul was not rehearsed"):
            policies.by_advice(outcome({}, harmonizer="nyul"), (0, 1))

    def test_a_large_gain_is_taken_by_all_and_a_small_one_by_who_asks_for_no_proof(self) -> None:
        chosen = policies.chosen_by_scores()
        large, small = (outcome({"local": gain}, noise=0.02, seed=3) for gain in (0.1, 0.004))
        assert {taken(policy, large) for policy in chosen.values()} == {"local"}
        assert taken(chosen["rehearsal: best beyond its interval"], small) == "fedavg"
        assert taken(chosen["rehearsal: shrunken"], small) == "fedavg"

    def test_what_is_tried_for_the_advice_alone_is_nobody_elses_choice(self) -> None:
        item = outcome({"quantile_map": 0.2}, harmonizer="quantile_map")
        item.about["swept"] = []
        assert taken(policies.BEST, item) == "fedavg"
        assert taken(policies.by_advice, item) == "quantile_map"


class TestFewRounds:
    def test_a_trial_of_two_rounds_takes_what_leads_then(self) -> None:
        item = outcome({"local": 0.1})
        item.early[FIRST_LOOK][:, NAMES.index("shrinkage")] += 0.3
        assert taken(policies.chosen_by_scores()["trial of two rounds"], item) == "shrinkage"

    def test_what_is_slow_to_start_is_dropped_by_halving(self) -> None:
        """Half of the four strategies go on from the first rung, half of those from the second."""
        item = outcome({"local": 0.1, "shrinkage": 0.05, "quantile_map": 0.02})
        halving = policies.chosen_by_scores()["successive halving"]
        assert taken(halving, item) == "local"
        item.early[HALVING[0]][:, NAMES.index("local")] -= 0.5
        assert taken(halving, item) == "shrinkage"
        item.early[HALVING[-1]][:, NAMES.index("fedavg")] += 0.5
        assert taken(halving, item) == "fedavg"

    def test_no_early_score_of_a_fold_is_used_where_it_is_judged(self) -> None:
        item = outcome({})
        for scores_then in item.early.values():
            scores_then[:, 1, 3] += 0.1
            scores_then[:, 1, [0, 1, 2, 4]] -= 0.1
        for name in ("trial of two rounds", "successive halving"):
            weights = scores.cross_fitted(policies.chosen_by_scores()[name], item, scores.one_out)
            assert weights[3, 1] == 0

    def test_nobody_looks_at_rounds_that_were_not_run(self) -> None:
        assert policies.policies(NAMES).keys() - policies.policies(NAMES, early=False).keys() == {
            "trial of two rounds",
            "successive halving",
        }


class TestHarm:
    def test_losses_are_counted_site_by_site_and_shown_where_they_are_sure(self) -> None:
        item = outcome({}, noise=0.004)
        item.scores[0, 1] -= 0.1
        found = scores.judge(item, scores.cross_fitted(policies.always("local"), item))
        assert found.harmed.tolist() == [True, False, False]
        assert found.surely_harmed.tolist() == [True, False, False]
        noisy = outcome({"local": -0.012}, noise=0.08, seed=1)
        assert not scores.judge(noisy, scores.cross_fitted(policies.always("local"), noisy)).surely_harmed.any()

    def test_who_does_worse_than_alone(self) -> None:
        item = outcome({"local": 0.05})
        found = scores.judge(item, scores.cross_fitted(policies.always("fedavg"), item))
        assert found.worse_than_alone.all()
        assert not scores.judge(item, scores.cross_fitted(policies.always("local"), item)).worse_than_alone.any()


class TestOverFamilies:
    def test_a_family_counts_once_however_many_federations_it_has(self) -> None:
        found = scores.over_families([1.0] * 50 + [0.0], ["large"] * 50 + ["small"])
        assert found.mean == pytest.approx(0.5)
        assert (found.low, found.high) == (0, 1)

    def test_the_interval_is_as_wide_as_families_differ_not_as_federations_do(self) -> None:
        rng = np.random.default_rng(0)
        families = [f"f{number}" for number in range(8) for _ in range(40)]
        values = np.repeat(rng.normal(0, 1, 8), 40) + rng.normal(0, 0.1, 320)
        found = scores.over_families(values.tolist(), families)
        assert found.high - found.low > 0.7

    @pytest.mark.parametrize(("count", "expected"), [(7, False), (8, True)])
    def test_no_claim_from_fewer_than_eight_families(self, count: int, expected: bool) -> None:
        found = scores.over_families([0.1] * count, [f"f{number}" for number in range(count)])
        assert found.off_zero is expected

    def test_no_family_chooses_for_itself(self) -> None:
        family_of = {"x": "one", "y": "two", "z": "three"}
        candidates = {"loud": {"x": 1.0, "y": 0.5, "z": 0.5}, "steady": {"x": 0.6, "y": 0.6, "z": 0.6}}
        chosen = scores.chosen_elsewhere(candidates, family_of)
        assert chosen == {"one": "steady", "two": "loud", "three": "loud"}
