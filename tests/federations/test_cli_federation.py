"""The commands: what they say, write and refuse, and what happens when they are run again."""

import json
import stat
import sys
from pathlib import Path

import pytest
from enrolled_sites import secrets_in
from typer.main import get_command

from shiftscope.cli import app
from shiftscope.federations.enrolment_documents.invitations import Invitation

COMMANDS = sorted(get_command(app).commands["federation"].commands)
FOLDER = Path("home") / "federations" / "lung"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHIFTSCOPE_HOME", str(tmp_path / "home"))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").touch()
    return tmp_path


@pytest.fixture
def begun(run) -> None:
    assert run("federation", "init", "lung", "--address", "127.0.0.1:19400").code == 0


@pytest.fixture
def asked(run, begun: None) -> str:  # noqa: ARG001 - the federation must be there
    """What the site was told."""
    done = run("federation", "join", FOLDER / "invitation.json", "--site", "ashford", "--data", "images")
    assert done.code == 0, done.err
    return done.out


def listed(run) -> dict:
    return json.loads(run("federation", "list", "--format", "json").out)


def test_the_commands_of_the_issue_are_there_and_each_shows_an_example(run) -> None:
    assert set(COMMANDS) >= {"init", "join", "accept", "list", "remove", "doctor", "door", "register"}
    for name in COMMANDS:
        done = run("federation", name, "--help")
        assert done.code == 0
        assert f"Example: shiftscope federation {name}" in " ".join(done.out.split())
        assert "--home" in done.out


def test_the_whole_way(run, asked: str) -> None:
    invited = json.loads(run("federation", "list", "--format", "json").out)["fingerprint"]
    assert invited in asked
    done = run("federation", "accept", "lung", "ashford.request.json")
    assert (done.code, done.err) == (0, "")
    assert "the SuperLink is not running" in " ".join(done.out.split())
    (site,) = listed(run)["sites"]
    assert site["fingerprint"] in asked
    assert site["fingerprint"] in done.out
    assert (site["site"], site["status"], site["node"], site["expired"]) == ("ashford", "admitted", None, False)
    done = run("federation", "join", "ashford.admission.json")
    assert done.code == 0
    assert "say in policy.toml what may leave" in done.out
    assert (Path("home") / "joined" / "lung" / "shiftscope-lung-site.service").is_file()
    table = run("federation", "list", "lung").out
    assert "1 site admitted; its SuperLink is not running" in table
    done = run("federation", "remove", "lung", "ashford")
    assert (done.code, listed(run)["sites"][0]["status"]) == (0, "removed")
    assert listed(run)["revoked"] == [site["certificate"]]
    assert "removed" in run("federation", "list", "lung").out


def test_each_command_can_be_run_again(run, asked: str) -> None:
    assert "nothing was changed" in " ".join(run("federation", "init", "lung", "--address", "127.0.0.1:1").err.split())
    again = run("federation", "join", FOLDER / "invitation.json")
    assert again.out == asked
    first = [run("federation", "accept", "lung", "ashford.request.json").out for _ in range(2)]
    assert first[0] == first[1]
    completed = [run("federation", "join", "ashford.admission.json").out for _ in range(2)]
    assert completed[0] == completed[1]
    removed = [run("federation", "remove", "lung", "ashford") for _ in range(2)]
    assert [one.code for one in removed] == [0, 0]
    assert removed[0].out == removed[1].out


def test_no_answer_holds_a_secret(run, home: Path, asked: str) -> None:
    said = [asked, run("federation", "accept", "lung", "ashford.request.json").out]
    said.append(run("federation", "join", "ashford.admission.json").out)
    said += [run("federation", "list", "--format", form).out for form in ("table", "json", "markdown")]
    for path in home.glob("*.json"):
        said.append(path.read_text())
    secrets = secrets_in(home / FOLDER) + secrets_in(home / "home" / "joined" / "lung")
    assert len(secrets) == 25
    assert not [text for text in said for secret in secrets if secret in text.encode()]


@pytest.mark.usefixtures("begun")
def test_what_was_read_on_the_telephone_decides(run) -> None:
    join = ("federation", "join", FOLDER / "invitation.json", "--site", "ashford", "--data", "images")
    done = run(*join, "--fingerprint", "0000 0000 0000 0000 0000 0000 0000 0000")
    assert (done.code, "Nothing was changed" in done.err) == (2, True)
    assert not (Path("home") / "joined").exists()
    assert run(*join, "--fingerprint", listed(run)["fingerprint"]).code == 0
    accept = ("federation", "accept", "lung", "ashford.request.json")
    assert run(*accept, "--fingerprint", "1234").code == 2
    assert listed(run)["sites"] == []
    assert not Path("ashford.admission.json").exists()


@pytest.mark.usefixtures("begun")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("init", "../lung", "--address", "a:1"), "expected 1 to 40 letters"),
        (("init", "brain", "--address", "nowhere"), "expected HOST:PORT"),
        (("init", "brain", "--address", "a:1", "--days", "0"), "--days"),
        (("init", "brain", "--address", "a:1", "--renew"), "no federation 'brain' coordinated here"),
        (("join", "missing.json"), "missing.json: cannot be read"),
        (("join", FOLDER / "invitation.json"), "--site NAME --data DIR"),
        (("join", FOLDER / "invitation.json", "--site", "a/b", "--data", "images"), "expected 1 to 40 letters"),
        (("join", FOLDER / "invitation.json", "--site", "a", "--data", "nowhere"), "expected a folder"),
        (("join", FOLDER / "federation.json"), "expected the invitation.json of a coordinator"),
        (("join", FOLDER / "signing.key"), "found something else"),
        (("accept", "lung", FOLDER / "invitation.json"), "invitation.json: key"),
        (("accept", "brain", "x"), "no federation 'brain' coordinated here"),
        (("remove", "lung", "ashford"), "its sites: none"),
        (("list", "brain"), "no federation 'brain' coordinated here"),
        (("doctor", "brain"), "no federation 'brain' is coordinated or joined here"),
        (("door", "brain"), "no federation 'brain' coordinated here"),
        (("register", "lung"), "does not listen on 127.0.0.1, port 19401"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_settle_it(run, arguments, says: str) -> None:
    done = run("federation", *arguments)
    assert done.code == 2
    assert says in " ".join(done.err.split())
    assert "Traceback" not in done.err


@pytest.mark.usefixtures("asked")
def test_a_site_that_has_joined_keeps_its_name_and_may_move_its_images(run, home: Path) -> None:
    done = run("federation", "join", FOLDER / "invitation.json", "--site", "birchwood")
    assert (done.code, "joined 'lung' as site 'ashford'" in done.err) == (2, True)
    (home / "moved").mkdir()
    assert run("federation", "join", FOLDER / "invitation.json", "--data", "moved").code == 0
    settled = json.loads((home / "home" / "joined" / "lung" / "membership.json").read_text())
    assert settled["data"] == str(home / "moved")


@pytest.mark.usefixtures("asked")
def test_of_two_federations_at_a_site_one_must_be_named(run) -> None:
    assert run("federation", "init", "brain", "--address", "127.0.0.1:19500").code == 0
    invitation = FOLDER.with_name("brain") / "invitation.json"
    assert run("federation", "join", invitation, "--site", "ash", "--data", "images").code == 0
    done = run("federation", "list")
    assert (done.code, "say which: brain, lung" in done.err) == (2, True)


@pytest.mark.usefixtures("begun")
def test_renewing_keeps_what_sites_pinned(run, home: Path) -> None:
    before = Invitation.read(home / FOLDER / "invitation.json")
    server = (home / FOLDER / "server.pem").read_bytes()
    done = run("federation", "init", "lung", "--address", "fl.example.org:443", "--renew")
    after = Invitation.read(home / FOLDER / "invitation.json")
    assert done.code == 0
    assert (after.fingerprint, after.address) == (before.fingerprint, "fl.example.org:443")
    assert (home / FOLDER / "server.pem").read_bytes() != server
    assert stat.S_IMODE((home / FOLDER / "server.key").stat().st_mode) == 0o600
    assert "| 8443 on 127.0.0.1 |" in (home / FOLDER / "README.md").read_text()
    door = (home / FOLDER / "shiftscope-lung-door.service").read_text()
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in door


@pytest.mark.usefixtures("asked")
def test_new_keys_are_made_on_demand_alone(run, home: Path) -> None:
    key = home / "home" / "joined" / "lung" / "node.key"
    before = key.read_bytes()
    run("federation", "accept", "lung", "ashford.request.json")
    run("federation", "join", "ashford.admission.json")
    done = run("federation", "join", FOLDER / "invitation.json", "--new-key")
    assert done.code == 0
    assert key.read_bytes() != before
    assert not key.with_name("admission.json").exists()
    done = run("federation", "join", "ashford.admission.json")
    assert (done.code, "this site's key is" in done.err) == (2, True)


@pytest.mark.usefixtures("begun")
def test_who_was_interrupted_before_the_page_goes_on(run, home: Path) -> None:
    key, page = home / FOLDER / "signing.key", home / FOLDER / "README.md"
    before, text = key.read_bytes(), page.read_text()
    page.unlink()
    assert run("federation", "init", "lung", "--address", "127.0.0.1:19400").code == 0
    assert (key.read_bytes(), page.read_text()) == (before, text)


@pytest.mark.usefixtures("asked")
def test_a_folder_that_cannot_be_opened_is_a_finding(run, home: Path) -> None:
    (home / FOLDER / "signing.key").unlink()
    (home / "home" / "joined" / "lung" / "node.key").unlink()
    done = run("federation", "doctor", "--format", "json")
    assert done.code == 1
    for one, file in zip(json.loads(done.out)["examinations"], ("signing.key", "node.key"), strict=True):
        (finding,) = one["findings"]
        assert (finding["check"], finding["status"]) == ("folder", "fail")
        assert file in finding["found"]
        assert "restore the folder" in finding["remedy"]


def test_what_is_not_installed_is_asked_for(run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["shiftscope.cli.federation"], "find_spec", lambda _: None)
    done = run("federation", "list")
    assert (done.code, "pip install 'shiftscope-fl[train]'" in done.err) == (2, True)
    assert run("federation", "--help").code == 0


@pytest.mark.usefixtures("asked")
def test_the_doctor_answers_with_a_code(run) -> None:
    done = run("federation", "doctor", "--format", "json")
    assert done.code == 1
    found = json.loads(done.out)["examinations"]
    assert [one["place"] for one in found] == ["coordinator", "site ashford"]
    assert [one["healthy"] for one in found] == [False, False]
    table = run("federation", "doctor", "lung")
    assert table.code == 1
    assert "Remedy: start it" in " ".join(table.out.split())
