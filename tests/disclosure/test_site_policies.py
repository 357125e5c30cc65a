"""A site's policy: strict to read, whole to write, and nothing is admitted that it does not say."""

from pathlib import Path
from typing import Any

import pytest
from small_orders import PLAN, SITES, profile_order, small_order
from small_plans import planned_sites, small_plan
from small_policies import HEALTHY, permissive

from shiftscope.disclosure.policies.admissibility import SiteCondition, admits
from shiftscope.disclosure.policies.policy_texts import find_site_policy, policy_text, read_site_policy, template_policy
from shiftscope.disclosure.policies.site_policy import SitePolicy
from shiftscope.errors import PolicyError
from shiftscope.federations.orders import Order, OrderedArm, OrderedProfile, fingerprint_of


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "policy",
    [SitePolicy(), permissive(), SitePolicy(kinds=("profile",), epsilon=0.5, axes=("noise",), plans=("a" * 64,))],
)
def test_a_policy_is_read_as_it_was_written(tmp_path: Path, policy: SitePolicy) -> None:
    assert read_site_policy(written(tmp_path, policy_text(policy))) == policy


def test_the_template_explains_every_key_and_allows_nothing(tmp_path: Path) -> None:
    text = template_policy()
    policy = read_site_policy(written(tmp_path, text))
    assert all(f"{key} = " in text for key in SitePolicy.model_fields)
    for order in (small_order(), profile_order()):
        assert admits(policy, order, HEALTHY) is not None


def test_no_file_is_no_policy_and_a_broken_one_is_an_error(tmp_path: Path) -> None:
    assert find_site_policy(tmp_path / "policy.toml") is None
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    for path in (written(tmp_path, "kinds = ["), tmp_path / "dangling"):
        with pytest.raises(PolicyError):
            find_site_policy(path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("kind = ['train']", "'kind' is not a key of a site's policy; did you mean 'kinds'?"),
        ("kinds = ['trains']", "'trains' is nothing that kinds can allow; did you mean 'train'?"),
        ("harmonizers = ['z-score']", "did you mean 'zscore'?"),
        ("axes = ['textures']", "did you mean 'texture'?"),
        ("metrics = ['dices']", "did you mean 'dice'?"),
        ("counts = ['patient']", "did you mean 'patients'?"),
        ("counts = ['qqqq']", "expected patients, cases, left_out, labels, acquisition, any"),
        ("kinds = 'train'", "key 'kinds'"),
        ("kinds = ['profile']", "key 'epsilon': expected a number such as 1.0"),
        ("epsilon = 0", "key 'epsilon'"),
        ("epsilon = 'off'", "key 'epsilon'"),
        ("min_patients = 0", "key 'min_patients'"),
        ("min_patients = 20.0", "key 'min_patients'"),
        ("max_rounds = -1", "key 'max_rounds'"),
        ("max_seconds = inf", "key 'max_seconds'"),
        ("own_code = 1", "key 'own_code'"),
        ("read_only = 'yes'", "key 'read_only'"),
        ("plans = ['abc']", "a plan's fingerprint"),
        ("methods = ['a', 3]", "key 'methods.1'"),
        ("[kinds]\nany = true", "key 'kinds'"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_would(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        read_site_policy(written(tmp_path, f"schema = 1\n{text}"))
    assert says in str(caught.value)


@pytest.mark.parametrize("text", ["", "schema = 2", "schema = '1'"])
def test_a_policy_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(PolicyError, match="schema"):
        read_site_policy(written(tmp_path, text))


HARMONIZED = OrderedArm(name="adapted", algorithm="fedavg", harmonizer="zscore", rounds=10)
OWN = small_plan(model="hospital_nets:outline", sites=planned_sites(SITES, 40))

REFUSED: list[tuple[str, dict[str, Any] | None, Order, dict[str, Any]]] = [
    ("policy", None, small_order(), {}),
    ("kinds", {"kinds": ("profile", "rehearse", "trial")}, small_order(), {}),
    ("kinds", {"kinds": ("train",)}, profile_order(), {}),
    ("methods", {"methods": ("fedavg",)}, small_order(), {}),
    ("methods", {"methods": ()}, small_order(), {}),
    ("methods", {"methods": ("fedavg",), "plans": ("a" * 64,)}, small_order(), {}),
    ("harmonizers", {"harmonizers": ("clahe",)}, small_order(arms=(HARMONIZED,)), {}),
    ("own_code", {"own_code": False}, small_order(plan=OWN), {}),
    ("own_code", {"own_code": False, "plans": (fingerprint_of(OWN),)}, small_order(plan=OWN), {}),
    ("max_rounds", {"max_rounds": 9}, small_order(), {}),
    ("max_seconds", {"max_seconds": 60.0}, small_order(), {"spent_s": 60.0}),
    ("max_seconds", {"max_seconds": 0.0}, small_order(), {}),
    ("min_patients", {"min_patients": 41}, small_order(), {}),
    ("min_patients", {}, small_order(), {"patients": None}),
    ("read_only", {"read_only": True}, small_order(), {"writable": True}),
    ("epsilon", {"epsilon": 1.0}, profile_order(), {}),
    ("epsilon", {"epsilon": 1.0}, profile_order(profile=OrderedProfile(epsilon=1.5)), {}),
]


@pytest.mark.parametrize(("rule", "policy", "order", "here"), REFUSED)
def test_what_is_not_allowed_is_refused_by_the_name_of_its_key(
    rule: str, policy: dict[str, Any] | None, order: Order, here: dict[str, Any]
) -> None:
    condition = SiteCondition(**({"patients": 40, "writable": False, "parameters": 400_000, "spent_s": 0.0} | here))
    refusal = admits(None if policy is None else permissive(**policy), order, condition)
    assert refusal is not None
    assert refusal.rule == rule
    assert ";" in refusal.why  # what would settle it


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ({}, small_order()),
        ({}, small_order(plan=OWN)),
        ({"methods": ("fedavg", "fedbn")}, small_order()),
        ({"methods": (), "plans": (fingerprint_of(PLAN),)}, small_order()),
        ({"max_rounds": 10}, small_order()),
        ({"min_patients": 40, "read_only": True}, small_order()),
        ({"epsilon": 1.0}, profile_order(profile=OrderedProfile(epsilon=1.0))),
        ({}, profile_order()),
    ],
)
def test_what_is_allowed_is_admitted(policy: dict[str, Any], order: Order) -> None:
    assert admits(permissive(**policy), order, HEALTHY) is None
