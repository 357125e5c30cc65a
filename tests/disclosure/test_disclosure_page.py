"""docs/disclosure.md names every question, key, rule and kind of error that there is."""

import re
from pathlib import Path

import test_refusals

from shiftscope.disclosure.answer_rules import RULES
from shiftscope.disclosure.failure_kinds import FAILURE_KINDS, OTHER_FAILURE
from shiftscope.disclosure.policies.site_policy import COUNTS, METRICS, SitePolicy

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "disclosure.md").read_text(encoding="utf-8")
NAMED = set(re.findall(r"`([\w.]+)`", PAGE))


def test_every_question_key_family_and_kind_of_error_is_on_the_page() -> None:
    kinds = {kind.__name__ for kind in FAILURE_KINDS}
    assert {*RULES, *SitePolicy.model_fields, *METRICS, *COUNTS, *kinds, OTHER_FAILURE} <= NAMED


def test_every_rule_is_on_the_page() -> None:
    """Rules are the first arguments of what refuses; those that tests provoke are among them."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "shiftscope" / "disclosure").rglob("*.py")]
    calls = r"(?:FieldRefused|Refusal|number|amount|truth|digest|listed_in|whole|Leaf|_not_listed|_too_much|_require)"
    written = {rule for source in sources for rule in re.findall(rf'\b{calls}\(\s*(?:[\w.() ]+, )?"(\w+)"', source)}
    tables = (test_refusals.BY_POLICY, test_refusals.BY_QUESTION, test_refusals.BY_ANSWER, test_refusals.BY_ORDER)
    provoked = {row[0] for table in tables for row in table}
    assert len(written) > 30
    assert written | provoked <= NAMED, sorted((written | provoked) - NAMED)
