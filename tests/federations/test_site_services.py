"""A site's service at its own machine: there is one, and what it tells its people stays readable and small."""

from pathlib import Path

import pytest
from enrolled_sites import enrolled

from shiftscope.api.federating import serving
from shiftscope.disclosure.policies.admissibility import Refusal
from shiftscope.disclosure.situations import FieldRefused
from shiftscope.errors import FederationError, UsageError
from shiftscope.training.federation.flower.deployed import site_services


def test_a_site_has_one_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two would each believe their own list of orders that were begun."""
    site = enrolled(tmp_path).site
    home, served = site.path.parents[1], []

    def serve(*_asked: object) -> None:
        served.append(True)
        if len(served) == 1:
            with pytest.raises(FederationError, match="runs already; end that one first"):
                serving.serve_joined_site("lung", home=home)

    monkeypatch.setattr(site_services, "serve_site", serve)
    serving.serve_joined_site("lung", home=home)
    assert served == [True]
    serving.serve_joined_site("lung", home=home)
    assert served == [True, True], "what one service held, the next one gets"


def test_a_device_that_is_not_there_is_told_before_anybody_asks(tmp_path: Path) -> None:
    site = enrolled(tmp_path).site
    with pytest.raises(UsageError, match="--device tpu"):
        serving.serve_joined_site("lung", device="tpu", home=site.path.parents[1])


def test_names_that_were_asked_for_move_no_cursor(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "errors.log"
    tell = serving._teller(path)
    tell(Refusal("unknown_field", "x\x1b[2J\nsite 'ashford' of 'lung' answers"))
    tell(FieldRefused("unknown_field", "y\x1b[2J\u202e", "no field"))
    found = path.read_text(encoding="utf-8")
    for text in (found, caplog.text):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\\x1b[2J" in text
    assert found.count("answers") == 1
    assert path.stat().st_mode & 0o777 == 0o600


def test_whoever_asks_for_ever_fills_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_MOST_ERRORS", 1000)
    tell = serving._teller(tmp_path / "errors.log")
    for number in range(300):
        tell(Refusal("order_form", f"number {number}"))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["errors.log", "errors.log.1"]
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2500
    assert "number 299" in (tmp_path / "errors.log").read_text()
