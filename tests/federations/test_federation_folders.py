"""The folders: private, whole or not at all, and told by name where something is missing or another's."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from enrolled_sites import NOW, coordinator_at, enrolled, secrets_in, site_of

import shiftscope.federations.coordinator_folders as coordinator_folders
import shiftscope.federations.site_folders as site_folders
from shiftscope.errors import FederationError, ShiftscopeError
from shiftscope.federations.coordinator_folders import Coordinator
from shiftscope.federations.services.folder_pages import write_coordinator_pages, write_site_pages
from shiftscope.federations.services.unit_files import coordinator_units, site_units, systemd_word
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.files import whole_folder

AT_COORDINATOR = (
    *(
        "federation.json",
        "invitation.json",
        "authority.key",
        "authority.pem",
        "server.key",
        "server.pem",
        "signing.key",
    ),
)
AT_SITE = ("membership.json", "invitation.json", "authority.pem", "node.key", "tls.key")
SECRET = {"authority.key", "server.key", "signing.key", "node.key", "tls.key"}


def test_private_keys_are_their_owners_alone_and_lie_in_folders_that_are(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    found = set()
    for folder in (made.coordinator.path, made.site.path):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        for path in folder.rglob("*"):
            if path.is_file() and b"PRIVATE KEY" in path.read_bytes():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
                found.add(path.name)
    assert found == SECRET


@pytest.mark.parametrize("file", AT_COORDINATOR)
def test_a_file_that_is_missing_at_the_coordinator_is_named(tmp_path: Path, file: str) -> None:
    made = coordinator_at(tmp_path)
    (made.path / file).unlink()
    with pytest.raises(FederationError, match=rf"{re.escape(file)} \(.*\) is missing; restore the folder"):
        Coordinator.open(tmp_path, "lung")


@pytest.mark.parametrize("file", AT_SITE)
def test_a_file_that_is_missing_at_a_site_is_named(tmp_path: Path, file: str) -> None:
    made = enrolled(tmp_path)
    (made.site.path / file).unlink()
    with pytest.raises(FederationError, match=rf"{re.escape(file)} \(.*\) is missing; restore the folder"):
        JoinedSite.open(tmp_path / "ashford", "lung")


@pytest.mark.parametrize("file", ["authority.pem", "signing.key", "invitation.json"])
def test_a_file_of_another_federation_is_found_before_anything_is_signed(tmp_path: Path, file: str) -> None:
    made, other = enrolled(tmp_path / "a"), coordinator_at(tmp_path / "b")
    shutil.copy(other.path / file, made.coordinator.path / file)
    mixed = Coordinator.open(tmp_path / "a" / "coordinator", "lung")
    with pytest.raises(FederationError, match="restore"):
        (mixed.authority(), mixed.signing_key(), mixed.members())


def test_a_folder_under_another_name_is_refused(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    made.coordinator.path.rename(made.coordinator.path.with_name("brain"))
    with pytest.raises(FederationError, match="the folder of 'brain'"):
        Coordinator.open(tmp_path / "coordinator", "brain")
    made.site.path.rename(made.site.path.with_name("brain"))
    with pytest.raises(FederationError, match="is of 'lung'"):
        JoinedSite.open(tmp_path / "ashford", "brain")


def test_a_federation_is_never_made_over_another(tmp_path: Path) -> None:
    made = coordinator_at(tmp_path)
    before = {path: path.read_bytes() for path in made.path.rglob("*") if path.is_file()}
    with pytest.raises(FederationError, match="nothing was changed"):
        coordinator_at(tmp_path)
    site = site_of(made, tmp_path / "s")
    with pytest.raises(FederationError, match="joined 'lung' already"):
        site_of(made, tmp_path / "s")
    assert {path: path.read_bytes() for path in made.path.rglob("*") if path.is_file()} == before
    assert JoinedSite.open(tmp_path / "s", "lung").fingerprint == site.fingerprint


@pytest.mark.parametrize("calls", range(6))
def test_who_is_killed_halfway_leaves_no_half_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    """Whatever was written last, there is no folder of that name, and the command can be run again."""
    made = coordinator_at(tmp_path / "whole")
    for module, begin, folder in (
        (coordinator_folders, lambda: coordinator_at(tmp_path / "c"), tmp_path / "c" / "federations"),
        (site_folders, lambda: site_of(made, tmp_path / "s"), tmp_path / "s" / "joined"),
    ):
        count = iter(range(100))

        def killed(*arguments, real, count=count, **options) -> None:
            if next(count) == calls:
                raise KeyboardInterrupt
            real(*arguments, **options)

        with monkeypatch.context() as patch:
            for name in ("write_key", "write_text"):
                real = getattr(module, name)
                patch.setattr(module, name, lambda *a, real=real, killed=killed, **o: killed(*a, real=real, **o))
            try:
                begin()
            except KeyboardInterrupt:
                assert [path.name for path in folder.iterdir()] == []
                begin_again = True
            else:
                begin_again = False
        if begin_again:
            begin()
        assert [path.name for path in folder.iterdir()] == ["lung"]


def test_a_folder_is_filled_under_another_name(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a" / "b") as folder:
        assert folder.parent == tmp_path / "a"
        assert folder.name.startswith(".b.")
        (folder / "x").write_text("y")
        assert not (tmp_path / "a" / "b").exists()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert (tmp_path / "a" / "b" / "x").read_text() == "y"
    with pytest.raises(ShiftscopeError, match="move away what is there"), whole_folder(tmp_path / "a" / "b") as folder:
        (folder / "x").write_text("z")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert (tmp_path / "a" / "b" / "x").read_text() == "y"


def test_pages_and_units_hold_no_secret_and_name_every_file(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    (made.site.path / "policy.toml").touch()
    write_site_pages(made.site)
    for folder in (made.coordinator.path, made.site.path):
        secrets = secrets_in(folder)
        assert len(secrets) >= 10
        page = (folder / "README.md").read_text()
        assert "{" not in page
        for path in folder.rglob("*"):
            if path.is_file() and path.suffix != ".key":
                assert not [secret for secret in secrets if secret in path.read_bytes().replace(b"\n", b"")], path
        for path in folder.iterdir():
            named = (
                path.suffix == ".service" or path.name == "README.md" or f"`{path.name}{'/' * path.is_dir()}`" in page
            )
            assert named, path
    assert "**nothing leaves**" not in (made.site.path / "README.md").read_text()


def test_a_page_is_the_same_when_it_is_written_again(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    write_coordinator_pages(made.coordinator)
    write_site_pages(made.site)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_the_superlink_listens_on_the_loopback_alone_and_the_site_to_nobody(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    link, door = (text for _, text in sorted(coordinator_units(made.coordinator).items(), reverse=True))
    assert "flower-superlink --host 127.0.0.1 --port 19401" in link
    assert "--enable-supernode-auth" in link
    assert "federation door lung" in door
    (node,) = site_units(made.site).values()
    assert "federation serve lung" in node
    assert "--port" not in node
    assert f"ReadOnlyPaths={made.site.data}" in node


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd to ask")
def test_systemd_accepts_the_units_whatever_the_folder_is_called(tmp_path: Path) -> None:
    made = enrolled(tmp_path / "a b%c$d\"e'f")
    for name, text in {**coordinator_units(made.coordinator), **site_units(made.site)}.items():
        (tmp_path / name).write_text(text)
        done = subprocess.run(
            ["systemd-analyze", "verify", tmp_path / name], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "written"),
    [("a/b", "a/b"), ("a b", '"a b"'), ("50%", "50%%"), ("$HOME", "$$HOME"), ('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"')],
)
def test_a_word_of_a_unit_is_taken_literally(text: str, written: str) -> None:
    assert systemd_word(text) == written


def test_sites_are_kept_by_name(tmp_path: Path) -> None:
    made = coordinator_at(tmp_path)
    assert made.members() == []
    assert made.member("ashford") is None
    assert str(NOW.year) in made.settings.created
