"""Names are safe in paths and commands, addresses are addresses."""

import pytest

from shiftscope.errors import FederationError
from shiftscope.federations.federation_names import Address, check_folder_name
from shiftscope.federations.homes import coordinator_path, home_of, only_name, site_path

REFUSED = [
    *(
        "",
        ".",
        "..",
        "../lung",
        "lung/../..",
        "/etc",
        "a/b",
        "a\\b",
        "a.b",
        "-lung",
        "lung-",
        "_",
        "a b",
        "a\nb",
        "a\x1b[2J",
    ),
    *("a\u202eb", "lüng", "a" * 41, "a\x00b", "~", "$(id)", "%n", "a;b", "'", "NAME\r"),
]


@pytest.mark.parametrize("name", ["a", "Lung", "lung-2026", "a_b", "0", "a" * 40])
def test_a_name_of_letters_digits_and_hyphens_is_one(name: str) -> None:
    assert check_folder_name("site", name) == name


@pytest.mark.parametrize("name", REFUSED)
def test_a_name_that_could_leave_its_folder_or_move_a_cursor_is_refused(name: str, tmp_path) -> None:
    for refuse in (coordinator_path, site_path):
        with pytest.raises(FederationError, match="expected 1 to 40 letters") as said:
            refuse(tmp_path, name)
        assert str(said.value).isprintable()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("fl.example.org:9400", "fl.example.org", 9400),
        ("127.0.0.1:1", "127.0.0.1", 1),
        ("[::1]:65534", "::1", 65534),
        ("localhost:80", "localhost", 80),
    ],
)
def test_an_address_is_read_and_written_the_same(text: str, host: str, port: int) -> None:
    assert Address.parse(text) == Address(host, port)
    assert str(Address.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        *("fl.example.org", "fl.example.org:", ":9400", "fl.example.org:0", "fl.example.org:65535", "::1:9400", "a:09"),
        *("https://fl.example.org:9400", "fl.example.org:9400/x", "a b:1", "-a:1", "a..b:1", "1.2.3:4", "999.1.1.1:5"),
        *("[127.0.0.1]:80", "[fl.example.org]:80", "a\n:1", "$(id):1", "a:1\n", f"{'a' * 64}:1"),
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected HOST:PORT"):
        Address.parse(text)


def test_the_home_is_what_was_given_or_what_the_environment_says(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIFTSCOPE_HOME", str(tmp_path / "b"))
    assert home_of(tmp_path / "a") == tmp_path / "a"
    assert home_of(None) == tmp_path / "b"
    monkeypatch.delenv("SHIFTSCOPE_HOME")
    assert home_of(None).name == ".shiftscope"


def test_the_only_federation_needs_no_name(tmp_path) -> None:
    with pytest.raises(FederationError, match="holds no federation"):
        only_name(tmp_path, None)
    site_path(tmp_path, "lung").mkdir(parents=True)
    (site_path(tmp_path, "lung").parent / ".half.part").mkdir()
    assert only_name(tmp_path, None) == "lung"
    coordinator_path(tmp_path, "brain").mkdir(parents=True)
    with pytest.raises(FederationError, match="say which: brain, lung"):
        only_name(tmp_path, None)
