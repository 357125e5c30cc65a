"""What a log says of refusals, however many there are."""

import logging

import pytest

from shiftscope.federations.services.refusal_lines import RefusalLines


def test_each_is_said_once_a_minute_and_what_is_too_much_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = 1000.0
    lines = RefusalLines(logging.getLogger("shiftscope.door"), 3, lambda: now)
    for stranger in range(1000):
        lines.say("one", "one is early")
        lines.say(stranger, f"{stranger} comes")
    assert [record.message for record in caplog.records] == [
        "refused: one is early",
        "refused: 0 comes",
        "refused: 1 comes",
    ]
    now += 59.9
    lines.say("one", "one is late")
    lines.say("two", "two is late")
    assert len(caplog.records) == 3
    now += 0.1
    lines.say("one", "one again")
    assert [record.message for record in caplog.records[3:]] == [
        "999 more refusals in one minute, which are not written down",
        "refused: one again",
    ]
    now += 60
    lines.say("one", "once more")
    assert [record.message for record in caplog.records[5:]] == ["refused: once more"]
