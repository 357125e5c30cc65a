"""docs/check.md says what `check` does: its commands run, its policy is one, its tables leave nothing out."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import yaml

from shiftscope.checks import BadFile, CheckResult, Finding, Limit, Policy, read_policy
from shiftscope.checks.policy import CATEGORIES, DEFAULT_QUESTIONS, DEFAULT_UNREADABLE
from shiftscope.cli.check_formats import CheckFormat
from shiftscope.phantoms import ANATOMIES, write_site

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", TEXT, flags=re.M | re.S)
    return [body for name, body in found if name == language]


def test_its_commands_run_in_order(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two deliveries of one hospital, and two other sites that are like it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    rng = np.random.default_rng(3)
    drawn = [ANATOMIES["ultrasound"](rng, size=48) for _ in range(160)]
    for k, name in enumerate(("ashford/2026-10", "ashford/2026-11", "borough", "carrow")):
        write_site(drawn[k::4], tmp_path / name, layout="manifest", format="png")
    for name in ("borough", "carrow"):
        assert run("profile", name, "-o", f"{name}.profile.json").code == 0
    (policy,) = blocks("toml")
    (tmp_path / "policy.toml").write_text(policy, encoding="utf-8")
    commands = [line for block in blocks("") for line in block.splitlines()]
    assert [command.split()[:2] for command in commands].count(["shiftscope", "check"]) == 4
    for command in commands:
        done = run(*shlex.split(command)[1:])
        assert done.code == 0, f"{command}\n{done.out}\n{done.err}"
    assert (tmp_path / "check.xml").exists()
    assert (tmp_path / "check.sarif").exists()


def test_its_policy_is_one(tmp_path: Path) -> None:
    (policy,) = blocks("toml")
    path = tmp_path / "policy.toml"
    path.write_text(policy, encoding="utf-8")
    assert read_policy(path).axes == {"noise": Limit(error=4)}


def test_every_field_category_form_and_default_is_documented() -> None:
    for name in (*CheckResult.model_fields, *Finding.model_fields, *BadFile.model_fields, *Limit.model_fields):
        assert f"`{name}`" in TEXT, name
    for name in (*Policy.model_fields, "schema", *CATEGORIES, "any"):
        assert f"`{name}`" in TEXT, name
    assert f"--format {'|'.join(CheckFormat)}" in TEXT
    assert f'`"{DEFAULT_UNREADABLE}"`' in TEXT
    for question, limit in DEFAULT_QUESTIONS.items():
        if limit.error is None:
            assert f"`warn = {limit.warn:g}`" in TEXT
            continue
        assert (f"`{limit.error:g}`" if question == "label" else f"`error = {limit.error:g}`") in TEXT


def test_its_action_and_hook_are_those_of_the_repository() -> None:
    steps, hooks = (yaml.safe_load(block) for block in blocks("yaml"))
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert set(steps["steps"][1]["with"]) <= set(action["inputs"])
    for name in (*action["inputs"], *action["outputs"]):
        assert f"`{name}`" in TEXT or f"{name}:" in TEXT or name == "python-version", name
    (known,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert hooks["repos"][0]["hooks"][0]["id"] == known["id"]
