"""Names, paths and numbers of patients in every place that an answer has: none comes out of the gate in any form."""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_answers import HONEST, Exchange, outcome_of

from shiftscope.disclosure.releases.log_verification import verify_log
from shiftscope.disclosure.releases.released_messages import Release, bytes_of_message

SHAPES = (
    "Meyer, Anna {}",
    "/data/Meyer/Anna-{}.png",
    "PID{}",
    "1.2.840.113619.{}",
    "1950-01-{}",
    "anna.meyer{}@ward.example",
)
WANTED = 300
STRIDE = 8
"""A profile has a thousand places: one in so many."""


def texts() -> Iterator[str]:
    """Each once: of people, files, archives, studies, days, addresses."""
    number = 1000
    while True:
        number += 1
        yield SHAPES[number % len(SHAPES)].format(number)


def planted_in(value: Any, text: str) -> Iterator[Any]:
    """The value with the text in one place: instead of a leaf, as a key more, as an item more; of a list one item."""
    yield text
    if isinstance(value, dict):
        yield {**value, text: 1}
        yield {**value, text: text}
        for key, item in value.items():
            yield {(text if other == key else other): each for other, each in value.items()}
            yield from ({**value, key: other} for other in planted_in(item, text))
    elif isinstance(value, list):
        yield [*value, text]
        yield from ([other, *value[1:]] for other in planted_in(value[0], text) if value)


def in_facts(exchange: Exchange, text: str) -> Iterator[Exchange]:
    facts = dict(exchange.answer.facts)
    for found in planted_in(facts, text):
        if isinstance(found, dict):
            yield replace(exchange, answer=replace(exchange.answer, facts=found))


def in_arrays(exchange: Exchange, text: str) -> Iterator[Exchange]:
    """As a name, alone and behind an honest one; as content of honest and of other names."""
    for group in ("tensors", "statistics"):
        honest = [*getattr(exchange.answer, group)]
        for name in (text, *(f"{each}/{text}" for each in honest), *(f"{text}/{each}" for each in honest)):
            yield exchange.sending(group, **{name: np.zeros(3)})
        held = (np.array([text]), np.array(text, object), np.zeros(1, [(text, "f8")]))
        yield from (exchange.sending(group, **{name: array}) for name in honest for array in held)


def forms(text: str) -> list[bytes]:
    """How it could be written."""
    raw = text.encode()
    return [raw, text.lower().encode(), text.upper().encode(), raw[::-1], raw.hex().encode(), base64.b64encode(raw)]


def left(outcome: object) -> bytes:
    """All that a coordinator gets."""
    return bytes_of_message(outcome) if isinstance(outcome, Release) else str(getattr(outcome, "reason", "")).encode()


def plants() -> list[tuple[str, str, Exchange]]:
    """(question, what is planted, the answer with it); a text of its own for each."""
    given = texts()
    found = []
    for question, (_, exchange) in HONEST.items():
        for kind in (in_facts, in_arrays):
            count = sum(1 for _ in kind(exchange, "x"))
            for place in range(0, count, STRIDE if question == "query.profile" and kind is in_facts else 1):
                text = next(given)
                found.append((question, text, [*kind(exchange, text)][place]))
    return found


def test_what_is_planted_in_an_answer_stays_at_the_site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)  # a crash is not what is tried here
    planted = plants()
    assert len({text for _, text, _ in planted}) > WANTED
    assert {question for question, *_ in planted} == HONEST.keys()
    outcomes = []
    for question, text, exchange in planted:
        outcome = outcome_of(exchange, tmp_path / question)[0]
        outcomes.append((text, left(outcome)))
        assert not isinstance(outcome, Release), (question, text, exchange.answer.facts)
    everything = b"".join(sent for _, sent in outcomes)
    logs = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for text, _ in outcomes:
        assert not [form for form in forms(text) if form in everything or form in logs], text
    assert sum(len((tmp_path / question / "releases.jsonl").read_bytes().splitlines()) for question in HONEST) == len(
        planted
    )
    assert all(verify_log(tmp_path / question) == [] for question in HONEST)


@pytest.mark.parametrize("question", HONEST)
def test_what_an_error_says_stays_at_the_site(question: str, tmp_path: Path) -> None:
    """In its message, its arguments, its class and its cause, and in the class of a base of it."""
    text = next(texts())

    def problems() -> Iterator[BaseException]:
        base = type(text, (Exception,), {})
        yield from (kind(text) for kind in (ValueError, OSError, RuntimeError, SystemExit, UnicodeError, base))
        yield FileNotFoundError(2, "No such file", text)
        yield type("Wrapped", (base, ValueError), {"__str__": lambda _: text})(text)
        caused = RuntimeError("x")
        caused.__cause__ = ValueError(text)
        yield caused

    for problem in problems():

        def work(_asked: object, problem: BaseException = problem) -> Any:
            raise problem

        outcome, log, heard = outcome_of(HONEST[question][1], tmp_path, work=work)
        assert heard == [problem]
        assert not [form for form in forms(text) if form in left(outcome)]
        assert not [form for form in forms(text) if form in json.dumps(log.rows()).encode()]


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    """A gate without rules would be caught."""
    exchange = HONEST["train"][1].saying(site="Meyer, Anna 1001")
    assert forms("Meyer, Anna 1001")[0] in left(Release(facts=exchange.answer.facts))
    assert forms("Meyer, Anna 1001")[0] not in left(outcome_of(exchange, tmp_path)[0])
