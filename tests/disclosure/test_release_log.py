"""The log of releases: appended whole, replayed byte for byte, and what is wrong with it is found."""

import json
import multiprocessing
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from shiftscope.disclosure.releases import release_log
from shiftscope.disclosure.releases.log_entries import entries_at, head_at
from shiftscope.disclosure.releases.log_verification import verify_log
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import MOST_BYTES, Release, bytes_of_message, message_of_bytes
from shiftscope.errors import FederationError

ORDER = "a" * 64


def filled(folder: Path, count: int = 5) -> ReleaseLog:
    log = ReleaseLog(folder)
    for number in range(count):
        log.append(order=ORDER, question="train", outcome="released", data=b"payload %d" % number, seconds=1.5)
    return log


def rewritten(folder: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    path = folder / "releases.jsonl"
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))


def test_what_is_appended_is_told_and_replayed(tmp_path: Path) -> None:
    log = filled(tmp_path)
    log.append(order=ORDER, question="train", outcome="withheld", rule="finite")
    assert [row["number"] for row in log.rows()] == [1, 2, 3, 4, 5, 6]
    assert [log.replay(number) for number in range(1, 6)] == [b"payload %d" % number for number in range(5)]
    assert verify_log(tmp_path) == []
    assert log.seconds_of(ORDER) == 7.5
    assert log.seconds_of("b" * 64) == 0.0
    for number, says in ((6, "nothing left with entry 6"), (7, "no entry 7")):
        with pytest.raises(FederationError, match=says):
            log.replay(number)


@pytest.mark.parametrize("said", [{"order": ORDER, "spent_s": 7.5}, {}], ids=["first", "without sums"])
def test_a_log_of_an_earlier_version_goes_on(said: dict[str, object], tmp_path: Path) -> None:
    """Its head told seconds of the last order, too: a site that is updated answers on."""
    filled(tmp_path)
    path = tmp_path / "head.json"
    now = json.loads(path.read_text(encoding="utf-8"))
    assert now["schema"] == 2
    path.write_text(json.dumps({**now, "schema": 1, **said}), encoding="utf-8")
    assert verify_log(tmp_path) == []
    log = ReleaseLog(tmp_path)
    assert log.append(order=ORDER, question="train", outcome="released", data=b"new", seconds=1.0).number == 6
    assert log.seconds_of(ORDER) == 8.5
    assert verify_log(tmp_path) == []
    assert json.loads(path.read_text(encoding="utf-8")).keys() == now.keys()
    path.write_text(json.dumps({**now, "schema": 1, **said, "last": "forged"}), encoding="utf-8")
    with pytest.raises(FederationError, match="64 hexadecimal digits"):
        log.append(order=ORDER, question="train", outcome="released", data=b"more")


def test_a_field_may_be_as_large_as_a_message(tmp_path: Path) -> None:
    """What the gate lets out can be logged, else it would stay after all."""
    log = ReleaseLog(tmp_path)
    log.append(order=ORDER, question="train", outcome="released", data=b"much", fields={"tensors/w": MOST_BYTES})
    assert log.entry(1).size == MOST_BYTES
    with pytest.raises(ValidationError, match="less than or equal to 2147483648"):
        log.append(order=ORDER, question="train", outcome="released", fields={"tensors/w": MOST_BYTES + 1})
    assert verify_log(tmp_path) == []


def test_seconds_are_told_per_order_though_orders_take_turns(tmp_path: Path) -> None:
    log = ReleaseLog(tmp_path)
    for order, seconds in (("x", 1.0), ("y", 10.0), ("x", 2.0), ("y", 20.0), ("y", 30.0)):
        log.append(order=order, question="train", outcome="failed", rule="Failure", seconds=seconds)
    assert (log.seconds_of("x"), log.seconds_of("y")) == (3.0, 60.0)


def test_neither_turns_nor_nonsense_make_anybody_read_the_whole_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever has two orders asked in turn, or sends what is no order, has a site read more and more."""
    filled(tmp_path, 3)
    log, read = ReleaseLog(tmp_path), []
    monkeypatch.setattr(release_log, "entries_at", lambda folder: read.append(folder) or entries_at(folder))
    for seconds in (1.0, 2.0, 4.0):
        for order in ("x", "", "y"):
            log.append(order=order, question="train", outcome="failed", rule="Failure", seconds=seconds)
            assert log.seconds_of(ORDER) == 4.5
    assert [log.seconds_of(order) for order in ("x", "", "y")] == [7.0, 7.0, 7.0]
    assert len(read) == 1, "once after a start"
    assert verify_log(tmp_path) == []


def naive(folder: Path, order: str) -> float:
    """Seconds of an order, line by line."""
    path = folder / "releases.jsonl"
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return sum(entry["seconds"] for entry in map(json.loads, lines) if entry["order"] == order)


def with_half(path: Path) -> None:
    """Somebody puts another file in the place of the lines."""
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    (path.parent / "new").write_bytes(b"".join(lines[len(lines) // 2 :]))
    (path.parent / "new").replace(path)
    (path.parent / "head.json").unlink(missing_ok=True)


def with_others(path: Path) -> None:
    """Somebody edits the lines where they lie."""
    if path.exists():
        path.write_bytes(path.read_bytes().replace(b'"seconds":1.0', b'"seconds":10.5'))
        (path.parent / "head.json").unlink(missing_ok=True)


def with_a_cut_line(path: Path) -> None:
    """A crash comes while a line is written."""
    with path.open("ab") as file:
        file.write(b'{"number":')


def moved_away(path: Path) -> None:
    """Somebody begins a new log."""
    for name in (path.name, "head.json"):
        (path.parent / name).unlink(missing_ok=True)


STEPS = st.one_of(
    st.tuples(st.sampled_from(["x", "y", ""]), st.sampled_from([0.0, 1.0, 2.5])),
    st.sampled_from(["another process", with_half, with_others, with_a_cut_line, moved_away]),
)


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(STEPS, max_size=10))
def test_sums_of_seconds_are_those_of_the_lines_whatever_becomes_of_the_file(
    steps: list[object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("log")
    log, other = ReleaseLog(folder), ReleaseLog(folder)
    for step in steps:
        if isinstance(step, tuple):
            log.append(order=step[0], question="train", outcome="failed", rule="Failure", seconds=step[1])
        elif isinstance(step, str):
            other.append(order="x", question="train", outcome="failed", rule="Failure", seconds=1.0)
        else:
            step(folder / "releases.jsonl")  # type: ignore[operator]
        assert [log.seconds_of(order) for order in ("x", "y", "")] == [naive(folder, o) for o in ("x", "y", "")]


def test_an_empty_log_is_whole(tmp_path: Path) -> None:
    assert verify_log(tmp_path) == []
    assert ReleaseLog(tmp_path).rows() == []


def test_only_its_owner_can_read_what_left(tmp_path: Path) -> None:
    filled(tmp_path / "log", 1)
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o700
    for path in (tmp_path / "log" / "payloads").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: [*lines[:2], *lines[3:]], "line 3 is entry 4: lines are missing or were moved"),
        (lambda lines: lines[1:], "line 1 is entry 2"),
        (lambda lines: lines[:4], "the log has 4 entries, and its head knows of 5"),
        (lambda _: [], "the log has 0 entries"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "line 2 is entry 3"),
        (lambda lines: [*lines, lines[-1]], "line 6 is entry 5"),
        (lambda lines: [lines[0].replace(b"released", b"withheld"), *lines[1:]], "line 2 does not follow"),
        (lambda lines: [*lines[:4], lines[4].replace(b"1.5", b"0.5")], "does not go with its head"),
        (lambda lines: [lines[0], b"{}\n", *lines[2:]], "line 2 is no entry"),
        (lambda lines: [*lines[:4], lines[4][:-1]], "the last line was cut"),
    ],
)
def test_what_is_wrong_is_found(change: Callable[[list[bytes]], list[bytes]], says: str, tmp_path: Path) -> None:
    filled(tmp_path)
    rewritten(tmp_path, change)
    assert any(says in problem for problem in verify_log(tmp_path)), verify_log(tmp_path)


def test_no_bit_of_a_line_can_be_turned_unseen(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    whole = (tmp_path / "releases.jsonl").read_bytes()
    rng = np.random.default_rng(0)
    for place in [*rng.choice(len(whole), 300, replace=False), len(whole) - 1]:
        data = bytearray(whole)
        data[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "releases.jsonl").write_bytes(bytes(data))
        assert verify_log(tmp_path), place


def test_bytes_that_were_altered_or_are_gone_are_found(tmp_path: Path) -> None:
    log = filled(tmp_path, 2)
    first, second = (tmp_path / "payloads" / f"{row['sha256']}.bin" for row in log.rows())
    first.write_bytes(b"payload 9")
    second.unlink()
    assert [problem.split(": ")[-1] for problem in verify_log(tmp_path)] == [
        "the bytes of entry 1 were altered",
        "No such file or directory",
    ]
    with pytest.raises(FederationError, match="altered"):
        log.replay(1)


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_line_that_a_crash_cut_off_is_taken_away_and_noted(cut: int, tmp_path: Path) -> None:
    """The crash came while the line was written: the head does not know of it, and nothing was sent."""
    log = filled(tmp_path, 3)
    whole = (tmp_path / "releases.jsonl").read_bytes()
    head = (tmp_path / "head.json").read_bytes()
    log.append(order=ORDER, question="train", outcome="released", data=b"never sent", seconds=1.0)
    line = (tmp_path / "releases.jsonl").read_bytes()[len(whole) :]
    (tmp_path / "releases.jsonl").write_bytes(whole + line[:cut])
    (tmp_path / "head.json").write_bytes(head)
    assert verify_log(tmp_path) == [
        f"the last line was cut after {cut} bytes: a crash, and what it tells of never left"
    ]
    assert len(log.rows()) == 3
    log.append(order=ORDER, question="train", outcome="released", data=b"sent", seconds=1.0)
    assert [(row["outcome"], row["rule"]) for row in log.rows()[3:]] == [("cut", f"{cut} bytes"), ("released", "")]
    assert verify_log(tmp_path) == []
    assert log.replay(5) == b"sent"
    assert log.seconds_of(ORDER) == 5.5


def test_a_crash_between_the_line_and_the_head_loses_neither(tmp_path: Path) -> None:
    log = filled(tmp_path, 2)
    head = (tmp_path / "head.json").read_bytes()
    log.append(order=ORDER, question="train", outcome="released", data=b"third", seconds=1.0)
    (tmp_path / "head.json").write_bytes(head)
    assert verify_log(tmp_path) == []
    log.append(order=ORDER, question="train", outcome="released", data=b"fourth", seconds=1.0)
    assert [log.replay(number) for number in (3, 4)] == [b"third", b"fourth"]
    assert (verify_log(tmp_path), log.seconds_of(ORDER)) == ([], 5.0)


def appending(folder: str) -> None:
    filled(Path(folder), 10_000)


@pytest.mark.slow
def test_killed_at_any_instant_it_is_whole_but_for_a_cut_line(tmp_path: Path) -> None:
    """`kill -9` of a process that appends without end, five times over, in one log."""
    before = 0
    for instant in range(5):
        process = multiprocessing.get_context("spawn").Process(target=appending, args=(str(tmp_path),))
        process.start()
        while (head := head_at(tmp_path)) is None or head.entries < before + 3 + instant:
            assert process.is_alive()
            time.sleep(0.005)
        process.kill()
        process.join()
        assert all("the last line was cut" in problem for problem in verify_log(tmp_path))
        log = ReleaseLog(tmp_path)
        log.append(order=ORDER, question="train", outcome="withheld", rule="finite")
        assert verify_log(tmp_path) == []
        before = log.rows()[-1]["number"]
    assert before > 20


@pytest.mark.slow
def test_two_processes_take_turns(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=filled, args=(tmp_path, 20)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert [row["number"] for row in ReleaseLog(tmp_path).rows()] == [*range(1, 41)]
    assert verify_log(tmp_path) == []


@pytest.mark.slow
def test_a_log_is_whole_while_somebody_appends_to_it(tmp_path: Path) -> None:
    """Lines and head are read at one instant: a head read later would know of lines that were not read."""
    process = multiprocessing.get_context("spawn").Process(target=filled, args=(tmp_path, 150))
    process.start()
    while process.is_alive():
        assert verify_log(tmp_path) == []
    process.join()
    assert (process.exitcode, verify_log(tmp_path), len(ReleaseLog(tmp_path).rows())) == (0, [], 150)


@pytest.mark.skipif(os.geteuid() == 0, reason="whoever may do anything can write anywhere")
def test_a_log_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FederationError, match="cannot be written: Permission denied; nothing leaves before it can"):
        filled(tmp_path / "log", 1)


def test_a_log_where_something_else_lies_says_what_to_do(tmp_path: Path) -> None:
    """As root, too, for whom no folder is closed."""
    (tmp_path / "log").write_text("mine", encoding="utf-8")
    with pytest.raises(FederationError, match="cannot be written: File exists; nothing leaves before it can"):
        filled(tmp_path / "log", 1)
    assert (tmp_path / "log").read_text(encoding="utf-8") == "mine"


ARRAYS = st.dictionaries(
    st.text(max_size=8),
    hnp.arrays(st.sampled_from([np.float32, np.float64, np.int64, np.bool_]), hnp.array_shapes(min_dims=0, min_side=0)),
    max_size=3,
)
FACTS = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    ),
    max_size=3,
)


@settings(max_examples=100, deadline=None)
@given(tensors=ARRAYS, statistics=ARRAYS, facts=FACTS)
def test_every_message_is_had_again_from_its_bytes(
    tensors: dict[str, np.ndarray], statistics: dict[str, np.ndarray], facts: dict[str, object]
) -> None:
    data = bytes_of_message(Release(tensors, statistics, facts))
    found = message_of_bytes(data)
    assert found.facts == json.loads(json.dumps(facts))
    for mine, theirs in ((tensors, found.tensors), (statistics, found.statistics)):
        assert [*mine] == [*theirs]
        for name, array in mine.items():
            assert (array.dtype, array.shape) == (theirs[name].dtype, theirs[name].shape)
            assert array.tobytes() == theirs[name].tobytes()
    assert bytes_of_message(found) == data


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"{}\n", b'{"facts": 2, "arrays": []}\n{}x', b'{"facts": 9, "arrays": []}\n{}']
)
def test_other_bytes_are_no_message(data: bytes) -> None:
    with pytest.raises(FederationError, match="no message that left"):
        message_of_bytes(data)
