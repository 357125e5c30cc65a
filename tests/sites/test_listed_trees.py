"""Listing a site: the cases that were planted, whatever the tree is called, each folder looked at once."""

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from shiftscope.sites import Case, Declarations, read_site
from shiftscope.sites.layouts.spellings import stem_of
from shiftscope.sites.listings.file_paths import FilePaths, below, folder_of, in_order, name_of, opening_of, texts_of
from shiftscope.sites.templates.name_matching import LonePiece, Steps, fits
from shiftscope.sites.templates.template import Template

LETTERS = "abAB12_-. é"
"""Of names that are drawn: what parts words, what sorts before a slash, another case, another Unicode form."""

SUFFIXES = (".png", ".PNG", ".nii.gz", ".Nii.GZ", ".nii", ".tif", ".dcm")


def drawn_name(rng: random.Random, letters: str = LETTERS) -> str:
    """Of one to eight signs, that neither begins nor ends in what has a meaning of its own."""
    return "x" + "".join(rng.choice(letters) for _ in range(rng.randrange(8))) + "z"


def drawn_names(rng: random.Random, count: int) -> list[str]:
    """Different from one another also without case."""
    return list({drawn_name(rng).lower(): None for _ in range(count)})


def plant(root: Path, *paths: str) -> None:
    """Empty files: of these layouts only names are read."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


@pytest.mark.parametrize("seed", range(8))
def test_images_find_their_masks_and_masks_without_an_image_are_left_out(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    names = [name.replace(".", "") for name in drawn_names(rng, 12)]
    names = sorted({f"case {number} {name}" for number, name in enumerate(names)})
    masked, tail = set(rng.sample(names, 6)), rng.choice(("", "_mask", "-seg"))
    suffixes = {name: rng.choice((".png", ".jpg")) for name in names}
    plant(tmp_path, *[f"images/{name}{suffixes[name]}" for name in names])
    plant(tmp_path, *[f"masks/{name}{tail}.png" for name in masked], "masks/of nobody.png")
    site = read_site(tmp_path, given=Declarations(one_file_per_patient=True))
    assert list(site.cases) == [
        Case(
            name,
            (tmp_path / "images" / f"{name}{suffixes[name]}",),
            (tmp_path / "masks" / f"{name}{tail}.png",) if name in masked else (),
            patient=name,
        )
        for name in names
    ]
    assert site.excluded == {"mask_without_image": (tmp_path / "masks" / "of nobody.png",)}


@pytest.mark.parametrize("seed", range(8))
def test_templates_read_what_was_planted(tmp_path: Path, seed: int) -> None:
    """Patients in classes, folders that sort otherwise as text than name by name ("a" before "a-b"), several masks."""
    rng = random.Random(seed)
    people = ["a", "a-b", "a b", "ab", *drawn_names(rng, 3)]
    planted: dict[str, Case] = {}
    for label in ("benign", "malignant"):
        for patient in rng.sample(people, 5):
            for number in range(rng.randint(1, 3)):
                folder = f"{label}/{patient}"
                drawings = [
                    f"{folder}/v{number}_mask{tail}.png" for tail in rng.sample(("", "_1", "_2"), rng.randint(0, 3))
                ]
                plant(tmp_path, f"{folder}/v{number}.png", *drawings)
                masks = tuple(sorted(tmp_path / mask for mask in drawings))
                name = f"{folder}/v{number}"
                planted[name] = Case(name, (tmp_path / f"{name}.png",), masks, label, patient)
    given = Declarations(layout="{class}/{patient}/{case}.png", mask="{class}/{patient}/{case}_mask*.png")
    site = read_site(tmp_path, given=given)
    assert list(site.cases) == [planted[name] for name in sorted(planted)]


def test_no_folder_is_listed_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, *[f"patient{number % 7}/view{number}.png" for number in range(30)])
    listed: Counter[str] = Counter()
    scandir = os.scandir

    def counted(folder: Path) -> object:
        listed[str(folder)] += 1
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", counted)
    assert len(read_site(tmp_path).cases) == 30
    assert listed == dict.fromkeys([str(tmp_path), *[str(tmp_path / f"patient{number}") for number in range(7)]], 1)


def test_a_site_below_the_current_folder_has_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, "images/1.png", "masks/1.png")
    monkeypatch.chdir(tmp_path)
    case = read_site(Path()).cases[0]
    assert (case.images, case.masks) == ((Path("images/1.png"),), (Path("masks/1.png"),))


# ------------------------------------------------------------------ paths as text


@pytest.mark.parametrize("count", [0, 1, 3])
def test_paths_kept_as_text_are_a_tuple_of_paths(count: int) -> None:
    paths = tuple(Path("/data", f"a {number}.png") for number in range(count))
    kept = FilePaths(map(str, paths))
    assert (kept == paths, paths == kept, hash(kept) == hash(paths), bool(kept)) == (True, True, True, bool(count))
    assert (len(kept), [*kept], kept[:2], kept[-1:], repr(kept)) == (
        count,
        [*paths],
        paths[:2],
        paths[-1:],
        repr(paths),
    )
    assert texts_of(kept) == texts_of(paths) == tuple(map(str, paths))
    assert kept != FilePaths(["/data/other"])
    assert kept != (*paths, Path("/data/other"))
    if count:
        assert (kept[0], kept[-1]) == (paths[0], paths[-1])
    with pytest.raises(IndexError):
        kept[count]


@pytest.mark.parametrize("root", [".", "/", "/data/site", "site", ".."])
def test_paths_as_text_are_taken_apart_as_paths_are(root: str) -> None:
    rng = random.Random(0)
    folder = Path(root)
    paths = [folder.joinpath(*[drawn_name(rng) for _ in range(rng.randint(1, 4))]) for _ in range(60)]
    for path in paths:
        assert name_of(str(path)) == path.name
        assert below(str(path), opening_of(folder)) == path.relative_to(folder).as_posix()
        assert Path(folder_of(str(path)) or path.anchor) == path.parent
    paths += [folder / name for name in ("a/z", "a", "a-b/z", "a b/z", "a.b", "a/b/z", "b")]
    assert sorted(map(str, paths), key=in_order) == [*map(str, sorted(paths))]
    assert sorted(map(str, paths)) != [*map(str, sorted(paths))]


def test_stems_lack_the_suffix_of_an_image_and_no_other() -> None:
    rng = random.Random(0)
    for _ in range(200):
        name = drawn_name(rng)
        assert [stem_of(name + suffix) for suffix in SUFFIXES] == [name] * len(SUFFIXES)
        assert [stem_of(name + end) for end in (".gz", ".x", "png", ".png.", ".")] == [
            name + end for end in (".gz", ".x", "png", ".png.", ".")
        ]
    assert [stem_of(name) for name in (".png", "", ".", "a.png.png", "a.png.gz")] == [
        ".png",
        "",
        ".",
        "a.png",
        "a.png.gz",
    ]


# ------------------------------------------------------------------ names that fit in one way


@pytest.mark.parametrize("seed", range(20))
def test_a_lone_piece_fits_as_the_search_from_separator_to_separator(seed: int) -> None:
    """What is taken in one step is what trying every end gives, with fields that are known and without."""
    rng = random.Random(seed)
    known = {"patient": drawn_name(rng, "aA_")}
    for _ in range(300):
        opening, closing = ("".join(rng.choice("aA_1") for _ in range(rng.randrange(3))) for _ in "oc")
        piece = rng.choice(("{case}", "*", "{split}", "{date}", "{channel}", ""))
        text = f"{opening}{piece}{closing}{rng.choice(('', '_{patient}'))}"
        try:
            wanted = Template.of(text).names[0]
        except ValueError:
            continue
        lone = LonePiece.of(wanted, known)
        assert lone is not None
        inner = rng.choice(("", "a", "A_1", "train", "2023-05", drawn_name(rng, "aA_1")))
        name = text.replace(piece or "\0", inner).replace("{patient}", rng.choice((known["patient"].upper(), "x")))
        only = lone.fit(name, name.lower())
        assert ([] if only is None else [only]) == [*fits(wanted, name, known, Steps(text, [name]))]
        shorter = name[: rng.randrange(len(name) + 1)]
        only = lone.fit(shorter, shorter.lower())
        assert ([] if only is None else [only]) == [*fits(wanted, shorter, known, Steps(text, [shorter]))]
    overlapping = Template.of("ab*ba").names[0]
    assert LonePiece.of(overlapping, {}).fit("aba", "aba") is None
    assert [*fits(overlapping, "aba", {}, Steps("", []))] == []
    assert LonePiece.of(Template.of("{case}_{date}").names[0], {}) is None
