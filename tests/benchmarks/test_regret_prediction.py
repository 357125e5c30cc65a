"""The policy of the advice: read from tables, fitted, judged without a family, on truths that were planted."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import aslib_files
import federations
import gain_rows
import numpy as np
import policy as policy_command
import policy_fits
import policy_pages
import pytest
import trained_gains
from gain_rows import GainRow
from made_up_outcomes import NAMES, inputs_of, outcome
from policies_of_advice import policy
from predicted_policies import PREDICTED, WITH_REHEARSAL, Learned
from rehearsed_advice import after_nothing_planted, after_training, gained_elsewhere
from tabled_outcomes import read_tabled
from trained_gains import TrainedGain

from shiftscope.recommendation.prediction.advice_policy import (
    ActionModel,
    AdvicePolicy,
    ModelledAction,
    Network,
    PolicyInputs,
    load_policy,
)

FAMILIES = [f"family {number}" for number in range(8)]
STRATEGIES: dict[ModelledAction, str] = {"harmonize": "zscore", "personalize": "lp_ft", "own_model": "local"}


def made_rows(seed: int = 0, noise: float = 0.01, count: int = 12) -> list[GainRow]:
    """From random weights a harmonizer gains .05 a unit of what it removes, from trained ones nothing; a model of its
    own gains .04 a unit of conflict and loses .02 or .05."""
    rng = np.random.default_rng(seed)
    found = []
    for family in FAMILIES:
        for number in range(count):
            removed, conflict = rng.exponential(2, 2)
            for network in ("frozen", "pretrained", "random"):
                inputs = PolicyInputs(network, removed=removed, conflict=conflict, smallest=60)
                values = dict(zip(("removed", "remains", "smallest", "conflict"), inputs.values(), strict=False))
                truth: dict[ModelledAction, float] = {
                    "harmonize": (0.05 if network == "random" else 0.0) * values["removed"],
                    "personalize": 0.04 * values["conflict"] - 0.02,
                    "own_model": 0.04 * values["conflict"] - 0.05,
                }
                found += [
                    _row(f"{family}-{number}", family, action, inputs, gain + rng.normal(0, noise), noise, gain)
                    for action, gain in truth.items()
                ]
    return found


def _row(
    name: str, family: str, action: ModelledAction, inputs: PolicyInputs, gain: float, error: float, rehearsed: float
) -> GainRow:
    strategy = STRATEGIES[action]
    lost = float(gain < -0.01)
    return GainRow(name, family, "classification", "made up", action, strategy, inputs, gain, error, lost, rehearsed)


@pytest.fixture(scope="module")
def fitted() -> AdvicePolicy:
    return policy_fits.fit_policy(made_rows(), {"made": "up"})


class TestFit:
    def test_planted_weights_are_found(self, fitted: AdvicePolicy) -> None:
        random, frozen = (fitted.model(network, "harmonize") for network in ("random", "frozen"))
        assert random.weights["removed"] == pytest.approx(0.05, abs=0.01)
        assert abs(frozen.weights.get("removed", 0.0)) < 0.005
        own = fitted.model("frozen", "personalize")
        assert own.weights["conflict"] == pytest.approx(0.04, abs=0.01)
        assert own.constant == pytest.approx(-0.02, abs=0.01)

    def test_an_input_that_works_against_its_sign_has_no_weight(self) -> None:
        rows = made_rows()
        turned = [
            GainRow(**{**{key: getattr(row, key) for key in row.__slots__}, "gain": -row.gain})
            if row.action == "harmonize"
            else row
            for row in rows
        ]
        assert not policy_fits.fit_policy(turned, {}).model("random", "harmonize").weights.get("removed")

    def test_intervals_hold_as_often_as_they_say_in_families_never_seen(self) -> None:
        rows = made_rows()
        fits = policy_fits.without_each_family(rows)
        held = [policy_pages._held(row, fits) for row in rows if row.network == "frozen"]
        assert 0.72 < np.mean(held) < 0.88

    def test_the_true_spread_is_what_noise_leaves(self, fitted: AdvicePolicy) -> None:
        """All scatter was noise: what is unsure beside it is little, and never said to be less than the least."""
        assert policy_fits.LEAST_SPREAD <= fitted.model("frozen", "personalize").spread < 0.008
        rng = np.random.default_rng(1)
        rows = [
            GainRow(
                **{
                    **{key: getattr(row, key) for key in row.__slots__},
                    "gain": row.gain + shift,
                }
            )
            for row, shift in zip(made_rows(), rng.normal(0, 0.04, 10**4), strict=False)
        ]
        assert policy_fits.fit_policy(rows, {}).model("frozen", "personalize").spread == pytest.approx(0.04, rel=0.3)

    def test_little_data_do_not_look_like_little_spread(self) -> None:
        assert policy_fits._spread(0.02**2, 0.0, 5) > policy_fits._spread(0.02**2, 0.0, 500) > 0.02

    def test_a_family_does_not_judge_itself(self) -> None:
        rows = made_rows(count=4)
        wild = [
            GainRow(
                **{
                    **{key: getattr(row, key) for key in row.__slots__},
                    "gain": 0.9 if row.family == FAMILIES[0] else row.gain,
                }
            )
            for row in rows
        ]
        fits, others = policy_fits.without_each_family(wild), policy_fits.without_each_family(rows)
        assert fits[FAMILIES[0]].actions == others[FAMILIES[0]].actions
        assert fits[FAMILIES[1]].actions != others[FAMILIES[1]].actions

    def test_training_is_a_share_of_what_was_rehearsed(self) -> None:
        rows = [
            GainRow(
                **{
                    **{key: getattr(row, key) for key in row.__slots__},
                    "rehearsed": 2 * row.gain if row.network == "pretrained" else row.gain,
                }
            )
            for row in made_rows()
        ]
        found = policy_fits.fit_policy(rows, {})
        assert found.transfer("pretrained", "own_model").scale == pytest.approx(0.5, abs=0.02)
        assert found.transfer("frozen", "own_model").scale == 1

    def test_the_site_spread_gives_the_share_that_lost(self) -> None:
        means, weights = np.full(10, 0.0), np.full(10, 0.1)
        spread = policy_fits._site_spread(means, weights, 0.2)
        assert spread == pytest.approx(0.01 / 0.8416, rel=0.05)


class TestPage:
    def test_it_says_what_is_advised_and_whether_intervals_hold(self, fitted: AdvicePolicy) -> None:
        rows = made_rows(count=4)
        page = policy_pages.policy_page(rows, fitted, {row.federation: outcome({}, noise=0.01) for row in rows})
        assert "| random | harmonize |" in page
        assert "**random** | classification | **all** | 32 |" in page
        assert "without the network" in page
        assert "| kind alone | 0." in page
        assert "nan" not in page

    def test_the_network_is_what_tells_whether_to_harmonize(self) -> None:
        rows = made_rows()
        advised = policy_pages.advised_elsewhere(rows, policy_fits.without_each_family(rows))
        kinds = {
            network: [each.decision.chosen.action for each in advised if each.row.network == network]
            for network in ("frozen", "random")
        }
        assert "harmonize" not in kinds["frozen"]
        assert kinds["random"].count("harmonize") + kinds["random"].count("both") > 40


class TestRows:
    def test_gains_are_those_of_the_tables(self, tmp_path: Path) -> None:
        items = [outcome({"local": -0.05, "quantile_map": 0.03}, family=name) for name in ("one", "two")]
        for item, known in zip(items, federations.federations(), strict=False):
            item.about["name"] = known.name
        aslib_files.write_aslib(items, inputs_of(items), tmp_path / "regret")
        name = items[0].name
        gains = [
            TrainedGain("random", "classification", name, "local", -0.05, -0.07, -0.1, -0.04, 3, 3),
            TrainedGain("tuned", "classification", name, "quantile_map", 0.03, 0.01, 0.0, 0.02, 0, 3),
            TrainedGain("tuned", "classification", "not rehearsed", "quantile_map", 0.03, 0.01, 0.0, 0.02, 0, 3),
        ]
        trained_gains.write_gains(gains, tmp_path / "regret" / "tuned.csv")
        rows = gain_rows.read_rows(tmp_path / "regret")
        found = {(row.federation, row.network, row.action): row for row in rows}
        frozen = found[name, "frozen", "harmonize"]
        assert (frozen.gain, frozen.strategy) == (pytest.approx(0.03, abs=1e-3), "quantile_map")
        assert frozen.inputs.removed == 1.5
        trained = found[name, "random", "own_model"]
        assert (trained.gain, trained.rehearsed, trained.lost) == (-0.07, -0.05, 1.0)
        assert trained.error == pytest.approx(0.03 / 4.3027, rel=1e-3)
        assert found[name, "pretrained", "harmonize"].gain == 0.01
        assert len([row for row in rows if row.network != "frozen"]) == 2

    def test_a_map_that_was_not_rehearsed_counts_as_the_one_it_is_made_of(self) -> None:
        assert gain_rows.rehearsed_as("polarity", {"quantile_map": 0}) == "quantile_map"
        assert gain_rows.rehearsed_as("polarity", {"polarity": 0, "quantile_map": 0}) == "polarity"


class TestPolicies:
    @staticmethod
    def _taken(kind: str, learned: Learned, item: outcome, folds: Sequence[int] = (0, 1)) -> str:  # type: ignore[valid-type]
        every = {**learned.from_profiles(), **learned.from_scores()}
        return NAMES[int(every[kind](item, folds).argmax())]

    @staticmethod
    def _rewarding(network: Network, spread: float = 0.005) -> AdvicePolicy:
        """Rewards what is removed on one network."""
        base = policy(spread)
        actions = tuple(
            ActionModel(**{**item.model_dump(), "weights": {"removed": 0.1}})
            if (item.network, item.action) == (network, "harmonize")
            else item
            for item in base.actions
        )
        return base.model_copy(update={"actions": actions})

    def test_what_is_predicted_is_taken_without_a_look_at_scores(self) -> None:
        item = outcome({"local": 0.3})
        rewarded, not_rewarded = (
            Learned({item.family: self._rewarding(network)}, inputs_of([item])) for network in ("frozen", "random")
        )
        assert self._taken(PREDICTED, rewarded, item) == "quantile_map"
        assert self._taken(PREDICTED, not_rewarded, item) == "fedavg"

    def test_what_is_unsure_is_fedavg_until_it_is_rehearsed(self) -> None:
        item = outcome({"quantile_map": 0.08}, noise=0.01)
        learned = Learned({item.family: self._rewarding("frozen", 0.3)}, inputs_of([item]))
        assert self._taken(PREDICTED, learned, item) == "fedavg"
        assert self._taken(WITH_REHEARSAL, learned, item) == "quantile_map"

    def test_a_rehearsal_outweighs_a_vague_prediction(self) -> None:
        item = outcome({"quantile_map": -0.1, "shrinkage": 0.1}, noise=0.01)
        learned = Learned({item.family: self._rewarding("frozen", 0.05)}, inputs_of([item]))
        assert self._taken(WITH_REHEARSAL, learned, item) == "shrinkage"


class TestAfterARehearsal:
    FITS: ClassVar[dict[str, AdvicePolicy]] = {FAMILIES[0]: policy(0.05)}

    @staticmethod
    def _row(strategy: str, gain: float, kind: str = "appearance") -> GainRow:
        row = _row("f", FAMILIES[0], "harmonize", PolicyInputs("random"), gain, 0.01, 0.0)
        return replace(row, strategy=strategy, kind=kind, lost=1.0)

    def test_what_the_advice_gained_is_what_was_trained_of_it(self) -> None:
        rehearsed = {"f": outcome({"quantile_map": 0.2, "quantile_map+local": 0.5}, noise=0.01)}
        (found,) = after_training([self._row("quantile_map", 0.3)], rehearsed, self.FITS, "random")
        assert (found.chosen.action, found.gain, found.lost) == ("harmonize", 0.3, 1.0)
        (found,) = after_training([self._row("polarity", 0.4)], rehearsed, self.FITS, "random")
        assert found.gain == 0.4  # rehearsed as the map that it is made of
        worse = {"f": outcome({"quantile_map": -0.2}, noise=0.01)}
        (found,) = after_training([self._row("quantile_map", 0.3)], worse, self.FITS, "random")
        assert (found.chosen.action, found.gain, found.lost) == ("pool", 0.0, 0.0)

    def test_what_was_not_trained_counts_for_nothing(self) -> None:
        """The map gains most, and the personalizer alone was trained."""
        rehearsed = {"f": outcome({"quantile_map": 0.2, "shrinkage": -0.2}, noise=0.01)}
        (found,) = after_training([self._row("ditto", 0.3)], rehearsed, self.FITS, "random")
        assert found.chosen.action == "pool"

    def test_federations_without_a_plant_are_judged_by_all_that_was_rehearsed(self) -> None:
        rows = [self._row("zscore", 0.0, "none"), replace(self._row("zscore", 0.0), federation="planted")]
        rehearsed = {"f": outcome({"quantile_map": 0.2}, noise=0.01)}
        (found,) = after_nothing_planted(rows, rehearsed, self.FITS, "random")
        assert (found.chosen.action, found.gain) == ("harmonize", None)
        assert gained_elsewhere(rows[0], rehearsed["f"], self.FITS[FAMILIES[0]]) == pytest.approx(0.2, abs=0.02)

    def test_tables_give_the_outcomes_that_they_were_made_of(self, tmp_path: Path) -> None:
        """But for their three decimals."""
        items = [outcome({"local": -0.05}, noise=0.02, seed=seed) for seed in (1, 2)]
        for item, known in zip(items, federations.federations(), strict=False):
            item.about["name"] = known.name
        aslib_files.write_aslib(items, inputs_of(items), tmp_path / "regret")
        found = read_tabled(tmp_path / "regret")
        assert [*found] == [item.name for item in items]
        for item in items:
            again = found[item.name]
            assert (again.sites, again.strategies, again.family) == (item.sites, item.strategies, item.family)
            for folds in (range(5), (0, 2)):
                one, other = again.on_folds(folds), item.on_folds(folds)
                np.testing.assert_allclose(one.gains, other.gains, atol=1e-3)
                np.testing.assert_allclose(one.errors, other.errors, rtol=0.1, atol=1e-3)


@pytest.mark.slow
def test_the_policy_of_the_package_is_what_the_committed_tables_give() -> None:
    results = Path(__file__).parents[2] / "docs" / "results" / "regret"
    rows = gain_rows.read_rows(results)
    found, kept = policy_fits.fit_policy(rows, policy_command.provenance_of(rows)), load_policy()
    assert found.personalizers == kept.personalizers
    for mine, theirs in zip(found.actions, kept.actions, strict=True):
        assert (mine.network, mine.action, mine.federations) == (theirs.network, theirs.action, theirs.federations)
        assert mine.constant == pytest.approx(theirs.constant, abs=2e-3)
        assert mine.half == pytest.approx(theirs.half, abs=2e-3)
        assert mine.weights == pytest.approx(theirs.weights, abs=2e-3)
    assert found.provenance["federations"] == kept.provenance["federations"]
