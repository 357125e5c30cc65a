"""`federation released`: what left a site and what was kept, and the bytes of it."""

import json
import stat
from pathlib import Path

import numpy as np
import pytest
from enrolled_sites import Enrolled, enrolled

from shiftscope.api.federating.releasing import list_releases, replay_release
from shiftscope.disclosure.releases.release_log import ReleaseLog
from shiftscope.disclosure.releases.released_messages import Release, bytes_of_message, message_of_bytes, sizes_of
from shiftscope.errors import FederationError, UsageError

ORDER = "0a1b2c3d" * 8
SENT = Release({"stem": np.arange(6, dtype=np.float32).reshape(2, 3)}, {}, {"cases": 40})


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Enrolled:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIFTSCOPE_HOME", str(tmp_path / "ashford"))
    return enrolled(tmp_path)


@pytest.fixture
def log(made: Enrolled) -> ReleaseLog:
    """Two answers that left, the second of what stands in `SENT`, and two that were kept."""
    log = ReleaseLog(made.site.releases)
    log.append(order=ORDER, question="query.describe", outcome="released", data=b"facts", fields={"facts/site": 7})
    log.append(
        order=ORDER,
        question="train",
        outcome="released",
        data=bytes_of_message(SENT),
        fields=sizes_of(SENT),
        suppressed={"loss": "metrics", "patients": "counts", "labels": "counts"},
    )
    log.append(order=ORDER, question="evaluate", outcome="withheld", rule="finite")
    log.append(order="", question="order", outcome="withheld", rule="order_expired")
    return log


def test_the_log_lies_in_the_sites_folder(made: Enrolled, log: ReleaseLog) -> None:
    assert log.folder == made.site.path / "releases"
    assert "`releases/`" in (made.site.path / "README.md").read_text()


@pytest.mark.usefixtures("log")
def test_the_screen_says_what_left_what_was_kept_and_that_the_log_is_whole(run) -> None:
    done = run("federation", "released")
    assert (done.code, done.err) == (0, "")
    size = 7 + sum(sizes_of(SENT).values())
    head, *rest = done.out.replace("\n", " ").split("  the log lies in ")
    assert " ".join(head.split()) == (f"lung, site ashford: let out 2 answers ({size} bytes), kept 2; the log is whole")
    table = " ".join(rest[0].split())
    for cell in ("0a1b2c3d query.describe released", "counts 2,", "metrics 1", "finite", "order_expired"):
        assert cell in table
    assert ORDER not in table


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("options", "numbers"),
    [((), [1, 2, 3, 4]), (("--limit", "3"), [2, 3, 4]), (("--limit", "0"), []), (("--verify",), [])],
)
def test_the_newest_entries_are_shown_and_all_are_counted(run, options: tuple[str, ...], numbers: list[int]) -> None:
    answered = json.loads(run("federation", "released", "lung", "--format", "json", *options).out)
    assert [entry["number"] for entry in answered["entries"]] == numbers
    assert (answered["left"], answered["kept"], answered["cut"], answered["whole"], answered["problems"]) == (
        2,
        2,
        0,
        True,
        [],
    )


def test_a_screen_shows_twenty_and_every_other_form_all(run, log: ReleaseLog) -> None:
    for _ in range(21):
        log.append(order=ORDER, question="train", outcome="failed", rule="MemoryError")
    assert "the newest 20 of 25 entries are shown" in run("federation", "released").out
    assert len(json.loads(run("federation", "released", "--format", "json").out)["entries"]) == 25
    assert "query.describe" in run("federation", "released", "--format", "markdown").out


def test_nothing_logged_is_said_and_no_folder_is_made(run, made: Enrolled) -> None:
    done = run("federation", "released")
    assert (done.code, "nothing was logged yet" in done.out) == (0, True)
    assert not made.site.releases.exists()


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda log: (log.folder / "head.json").unlink(), "the head of the log is gone"),
        (lambda log: next((log.folder / "payloads").iterdir()).write_bytes(b"x"), "were altered"),
        (lambda log: changed(log, b'"withheld"', b'"released"'), "does not follow the line before it"),
        (lambda log: changed(log, b'"number":2', b'"number":"2"'), "line 2 is no entry"),
    ],
)
def test_a_log_that_was_changed_is_said_so_first_and_by_the_exit_code(run, log: ReleaseLog, harm, says: str) -> None:
    harm(log)
    for options in ((), ("--verify",), ("--format", "json")):
        done = run("federation", "released", *options)
        assert done.code == 1
        assert says in " ".join(done.out.split())
    assert "THE LOG IS NOT WHOLE" in run("federation", "released").out


def changed(log: ReleaseLog, old: bytes, new: bytes) -> None:
    """Every line with other words, the last alone as it was, so that its hash still is what the head says."""
    path = log.folder / "releases.jsonl"
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*(line.replace(old, new) for line in lines), last]))


def test_a_crash_is_counted_apart(log: ReleaseLog) -> None:
    with (log.folder / "releases.jsonl").open("ab") as file:
        file.write(b'{"number":5')
    assert list_releases().problems == (
        "the last line was cut after 11 bytes: a crash, and what it tells of never left",
    )
    log.append(order=ORDER, question="train", outcome="withheld", rule="finite")
    found = list_releases()
    assert (found.left, found.kept, found.cut, found.whole) == (2, 3, 1, True)


@pytest.mark.usefixtures("log")
def test_an_entry_is_replayed_to_the_bytes_that_left(run) -> None:
    done = run("federation", "released", "--entry", "2", "--to", "sent.bin")
    assert (done.code, done.err) == (0, "")
    assert "suppressed by counts" in " ".join(done.out.split())
    path = Path("sent.bin")
    assert path.read_bytes() == bytes_of_message(SENT)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = message_of_bytes(path.read_bytes())
    assert (again.tensors["stem"].tolist(), again.facts) == (SENT.tensors["stem"].tolist(), {"cases": 40})
    answered = json.loads(run("federation", "released", "--entry", "2", "--to", "sent.bin", "--format", "json").out)
    assert (answered["file"], answered["size"], answered["entry"]["number"]) == (
        "sent.bin",
        len(bytes_of_message(SENT)),
        2,
    )


@pytest.mark.usefixtures("log")
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--entry", "2"), "--entry N and --to FILE go together"),
        (("--to", "x"), "--entry N and --to FILE go together"),
        (("--entry", "0", "--to", "x"), "--entry"),
        (("--entry", "3", "--to", "x"), "nothing left with entry 3, it was withheld"),
        (("--entry", "5", "--to", "x"), "there is no entry 5 in the log of releases"),
        (("--limit", "-1"), "--limit"),
        (("brain",), "no site here has joined 'brain'"),
    ],
)
def test_what_cannot_be_shown_is_refused(run, options: tuple[str, ...], says: str) -> None:
    done = run("federation", "released", *options)
    assert done.code == 2
    assert says in " ".join(done.err.split())
    assert not Path("x").exists()


@pytest.mark.usefixtures("log")
def test_the_functions_refuse_what_the_options_cannot_say(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--limit: expected a whole number"):
        list_releases(limit=1.5)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--entry: expected a whole number"):
        replay_release(None, True, tmp_path / "x")
    with pytest.raises(FederationError, match="no site here has joined 'lung'"):
        list_releases("lung", home=tmp_path / "elsewhere")
