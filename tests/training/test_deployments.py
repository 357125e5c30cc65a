"""A deployment on a folder in which a command that was killed left its run going."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from shiftscope.training.federation.flower.deployed import deployments
from shiftscope.training.federation.flower.server import ROUNDS
from shiftscope.training.federation.flower.submissions.followed_runs import LOG


@pytest.mark.parametrize("begun", [True, False])
def test_the_last_run_is_stopped_before_its_traces_are_removed_and_another_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    """So that two never write into one folder; where none was begun, nothing is asked of the SuperLink."""
    done: list[tuple[str, bool]] = []

    def note(what: str) -> None:
        done.append((what, (tmp_path / ROUNDS).exists()))

    @contextmanager
    def submitted(*_: object) -> Iterator[tuple[None, None]]:
        note("begun")
        yield None, None

    (tmp_path / ROUNDS).write_text("{}\n", encoding="utf-8")
    if begun:
        (tmp_path / LOG).write_text("Successfully started run 7\n", encoding="utf-8")
    monkeypatch.setattr(deployments, "_stop", lambda *_: note("stopped"))
    monkeypatch.setattr(deployments, "submitted", submitted)
    for name in ("order_of", "_config", "follow", "failure_of_run"):
        monkeypatch.setattr(deployments, name, lambda *_: None)
    job = SimpleNamespace(out=tmp_path, path=tmp_path / "job.json", write=lambda _: None)
    coordinator = SimpleNamespace(settings=SimpleNamespace(federation="lung"))
    deployments.deploy(job, coordinator=coordinator, kind="train")  # type: ignore[arg-type]
    assert done == [("stopped", True)] * begun + [("begun", False)]
