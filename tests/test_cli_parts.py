"""`profile --part`, `profile --fit` and `merge` on the command line."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import ANATOMIES, write_site
from shiftscope.profiles import Key, Options, Part, Profile, SiteAccumulator, part_of_site
from shiftscope.profiles.parts.origins import Origin
from shiftscope.sites import read_site

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two deliveries of one hospital, and both in one folder."""
    rng = np.random.default_rng(0)
    drawn = [replace(ANATOMIES["ultrasound"](rng, size=48), patient=f"mrn{k:02d}") for k in range(22)]
    root = tmp_path_factory.mktemp("years")
    for name, phantoms in {"2023": drawn[:13], "2024": drawn[13:], "all": drawn}.items():
        write_site(phantoms, root / name, layout="manifest", format="png")
    return root


@pytest.fixture(scope="module")
def parts(years: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of one site, its profile, and a part of another site."""
    root = tmp_path_factory.mktemp("parts")
    for name, year, site in (("a", "2023", "ashford"), ("b", "2024", "2024")):
        made, _ = part_of_site(read_site(years / year, name=site), load_extractor(), Options(), key=Key(bytes(32)))
        made.write(root / f"{name}.part.json")
        made.profile().write(root / f"{name}.profile.json")
    return root


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_two_years_become_one_profile(run, years: Path, here: Path) -> None:
    """By the commands of docs/profile.md."""
    for year in ("2023", "2024"):
        (here / year).symlink_to(years / year)
    text = (ROOT / "docs" / "profile.md").read_text(encoding="utf-8")
    first, second, last = (line.split()[1:] for line in text.splitlines() if line.startswith("shiftscope "))
    for command in (first, second):
        done = run(*command)
        assert done.code == 0
        assert f"{command[5]} holds raw sums that show single patients: keep it at the site" in done.err
    assert Part.read(here / "ashford-2024.part.json").tally.patients == 9
    merged = run(*last)
    assert merged.code == 0
    assert "22 cases of 22 patients" in merged.out
    assert not merged.err
    whole = run("profile", years / "all", "--site", "ashford", "--fit", "ashford-2023.part.json", "-o", "w.json")
    assert whole.code == 0
    one, other = (json.loads((here / name).read_text()) for name in ("ashford.profile.json", "w.json"))
    for key in ("fingerprint", "patients", "labels", "acquisition", "seed", "recipe"):
        assert one[key] == other[key], key
    shown = run("merge", last[2], last[1], "-o", "shown.json", "--show")
    assert shown.out == (here / "shown.json").read_text() == (here / "ashford.profile.json").read_text()


def test_every_field_of_a_part_is_documented() -> None:
    text = (ROOT / "docs" / "profile.md").read_text(encoding="utf-8")
    for field in (*Part.model_fields, *Origin.model_fields, *SiteAccumulator.__dataclass_fields__):
        assert f"`{field}`" in text, field


def test_a_part_of_too_few_patients_is_told_when_it_is_published(run, years: Path, here: Path) -> None:
    run("profile", years / "2024", "--part", "a.part.json")
    merged = run("merge", "a.part.json", "--format", "json")
    assert "fewer than 10 patients (9): only counts are exported" in merged.err
    assert Profile.read(here / "2024.profile.json").patients == json.loads(merged.out)["patients"] == 9


@pytest.mark.usefixtures("here")
def test_a_part_is_summed_up_for_the_site(run, years: Path) -> None:
    done = run("profile", years / "2024", "--part", "a.part.json", "--format", "json")
    answer = json.loads(done.out)
    assert (answer["site"], answer["patients"], answer["cases"]) == ("2024", 9, 9)
    assert sum(answer["labels"].values()) == 9


def test_a_folder_of_which_nothing_can_be_read_is_an_empty_part(run, here: Path) -> None:
    (here / "images").mkdir()
    (here / "images" / "a.png").write_text("no image")
    done = run("profile", here, "--part", "a.part.json")
    assert done.code == 0
    assert "it holds no patient" in done.err
    assert "a.part.json: no part holds a patient" in run("merge", "a.part.json").err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["merge"], "Missing argument"),
        (["merge", "absent.part.json"], "absent.part.json: cannot be read"),
        (["merge", "a.part.json", "a.part.json"], "a.part.json is given twice"),
        (["merge", "a.part.json", "b.part.json"], "a.part.json is a part of site 'ashford', b.part.json of '2024'"),
        (["merge", "a.profile.json"], "a.profile.json: is a profile, whose small counts are gone"),
        (["recommend", "a.profile.json", "a.part.json"], "a.part.json: is a part, which stays at its site"),
        (["profile", "{years}/2024", "--part", "x.json"], "--part x.json: expected a name that ends in .part.json"),
        (["profile", "{years}/2024", "--part", "x.part.json", "-o", "x.json"], "-o is for a profile"),
        (["profile", "{years}/2024", "--part", "x.part.json", "--show"], "--show is for a profile"),
        (["profile", "{years}/2024", "--fit", "a.part.json"], "is a part of site 'ashford', not of '2024'"),
        (["profile", "{years}/2024", "--fit", "a.profile.json"], "a.profile.json: is a profile"),
    ],
)
def test_what_cannot_be_merged_is_exit_2_and_one_line(
    run, years: Path, parts: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], says: str
) -> None:
    monkeypatch.chdir(parts)
    before = sorted(parts.iterdir())
    done = run(*(argument.format(years=years) for argument in arguments))
    assert done.code == 2
    assert says in done.err
    assert "Traceback" not in done.err
    assert not done.out
    assert sorted(parts.iterdir()) == before
