"""What comes from elsewhere is limited before a parser sees it, and plain when it is through."""

import time
from pathlib import Path

import pytest

from shiftscope.checks import read_policy
from shiftscope.errors import PolicyError, ShiftscopeError
from shiftscope.parsing import DEPTH, read_json, read_toml, refuse_odd
from shiftscope.printable_text import on_one_line, printable, shown, unprintable

LIMIT = 250_000


def written(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "given"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a": [1, 2.5, null, true, "x"]}', {"a": [1, 2.5, None, True, "x"]}),
        (b"\xef\xbb\xbf{}", {}),
        (b"[" * DEPTH + b"]" * DEPTH, None),
        (b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\"[["}', None),
        (b'{"a": 9223372036854775807, "b": -9223372036854775808}', None),
        ('{"a": "Zürich\\n東京 \u00a0"}'.encode(), None),
    ],
)
def test_plain_json_is_read_as_it_is(tmp_path: Path, data: bytes, value: object) -> None:
    found = read_json(written(tmp_path, data), LIMIT, "a note", ShiftscopeError)
    refuse_odd(found, "here", ShiftscopeError)
    assert value is None or found == value


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"[" * 25 + b"]" * 25, "24 levels deep at the most, got 25 levels of brackets"),
        (b"[" * 200_000, "24 levels deep at the most, got 200000 levels"),
        (b'"' + b'\\"' * 100_000, "found something else"),
        (b'{"a": {"b": 1, "b": 2}}', "key 'a.b': expected each key once (got 'b' twice)"),
        (b'{"a": [1, -1e999]}', "key 'a.1': expected a finite number (got -1e999)"),
        (b'{"a": 9223372036854775808}', "key 'a': expected an integer of 64 bits (got 9223372036854775808)"),
        (b'{"a": ' + b"1" * 200_000 + b"}", "key 'a': expected an integer of 64 bits (got 111"),
        (b'{"a": "\\u001b[2J"}', r"key 'a': expected text without control, invisible or direction-changing"),
        (b'{"\\u202ea": 1}', "key 'top level': expected keys without control"),
        (b'{"a": "\\udc00"}', "key 'a': expected text"),
        (b"{}" + b" " * LIMIT, "of 0.25 MB at the most, got a larger file"),
        (b"\xff", "byte 0 is not UTF-8 text"),
        (b"{", "found something else"),
    ],
)
def test_what_is_not_plain_is_refused_at_once(tmp_path: Path, data: bytes, says: str) -> None:
    start = time.monotonic()
    with pytest.raises(ShiftscopeError) as caught:
        refuse_odd(read_json(written(tmp_path, data), LIMIT, "a note", ShiftscopeError), "here", ShiftscopeError)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a." * 100_000 + b"a = 1", "200 dots or brackets a line at the most, got 100000 dots"),
        (b"a = " + b"[" * 150 + b"]" * 150, "24 levels deep at the most, got 150 levels"),
        (b"a = " + b"[" * 1000, "200 dots or brackets a line at the most"),
        (b"a = " + b"1" * 5000, "expected a note in TOML: Exceeds the limit"),
        (b"a = 1\na = 2", "expected a note in TOML: Cannot overwrite a value"),
        (b"a = inf", "key 'a': expected a finite number (got inf)"),
        (b"a = 2024-01-01", "key 'a': expected text, a number, yes or no (got datetime.date(2024, 1, 1))"),
        (b"a = 0xFFFFFFFFFFFFFFFFFF", "key 'a': expected an integer of 64 bits"),
        (b'a = "\\u202E"', "key 'a': expected text without control"),
        (b".".join([b"a"] * 40) + b" = 1", "expected 24 levels at the most"),
    ],
)
def test_toml_is_held_to_the_same(tmp_path: Path, data: bytes, says: str) -> None:
    start = time.monotonic()
    with pytest.raises(ShiftscopeError) as caught:
        refuse_odd(read_toml(written(tmp_path, data), LIMIT, "a note", ShiftscopeError), "here", ShiftscopeError)
    assert says in str(caught.value)
    assert time.monotonic() - start < 5


def test_the_slowest_toml_within_the_limits_is_read_in_seconds(tmp_path: Path) -> None:
    line = b".".join([b"a"] * 199)
    data = b"".join(b"k%d.%s = 1\n" % (number, line) for number in range(600))[:LIMIT].rsplit(b"\n", 1)[0]
    start = time.monotonic()
    with pytest.raises(PolicyError, match="expected 24 levels at the most"):
        read_policy(written(tmp_path, data))
    assert time.monotonic() - start < 20


@pytest.mark.parametrize("text", ["\x1b", "\x00", "\x7f", "\u202e", "\u200b", "\ud800", "\ue000", "\ufeff", "\u2028"])
def test_what_cannot_be_shown_is_written_in_escapes(text: str) -> None:
    assert unprintable(f"a{text}b") == text
    assert printable(f"a{text}b\n").isascii()
    assert shown(f"a{text}b").isprintable()


@pytest.mark.parametrize("text", ["", "Zürich", "東京 1", "a|b<c>", "e\u0301", "אבג", "a\u00a0b", "🙂"])
def test_what_can_be_shown_stays(text: str) -> None:
    assert unprintable(text) is None
    assert printable(text) == text


def test_a_line_stays_one() -> None:
    assert on_one_line("a\nb\t\x1b[31m\u202eé") == "a\\nb\\t\\x1b[31m\\u202eé"
