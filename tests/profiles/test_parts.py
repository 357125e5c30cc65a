"""Parts of a site: exact on disk, merged to the profile of the whole, refused where their sum would mean nothing."""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shiftscope.errors import NotComparable, ProfileError
from shiftscope.measures import AXES
from shiftscope.measures.canonical_maps import Canonical
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import ANATOMIES, Phantom, write_site
from shiftscope.profiles import (
    Key,
    Options,
    Part,
    Patient,
    Profile,
    SiteAccumulator,
    merge,
    part_of_site,
    profile_site,
    read_fit,
)
from shiftscope.profiles.parts.origins import Origin, recipe_of
from shiftscope.sites import fingerprint, fingerprint_of, read_site

EXTRACTOR = load_extractor()
KEY = Key(bytes(32))
RECIPE = recipe_of(EXTRACTOR)
NAMES = ("first.part.json", "second.part.json", "third.part.json", "fourth.part.json")


def assert_close(one: Any, other: Any, tolerance: float, where: str = "") -> None:
    """Equal values, but for floats, which may differ by `tolerance`."""
    assert type(one) is type(other), where
    if isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_close(one[key], other[key], tolerance, f"{where}.{key}")
    elif isinstance(one, np.ndarray):
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance, err_msg=where)
    elif isinstance(one, float):
        assert abs(one - other) <= tolerance, where
    else:
        assert one == other, where


def drawn(n: int, anatomy: str, **options: int) -> list[Phantom]:
    """Patients with names of their own; the second and the third image are of one patient."""
    rng = np.random.default_rng(4)
    made = [replace(ANATOMIES[anatomy](rng, size=48, **options), patient=f"mrn-{k:03d}") for k in range(n)]
    made[2] = replace(made[2], patient=made[1].patient)
    return made


def written(folder: Path, phantoms: Sequence[Phantom], ends: Sequence[int], format: str) -> list[Path]:
    """The whole site, and its parts up to each of `ends`, as folders."""
    folders = [write_site(phantoms, folder / "whole", layout="manifest", format=format)]  # type: ignore[arg-type]
    for number, (start, end) in enumerate(zip((0, *ends), ends, strict=False)):
        part = phantoms[start:end]
        folders.append(write_site(part, folder / f"part{number}", layout="manifest", format=format))  # type: ignore[arg-type]
    return folders


def in_parts(folders: Sequence[Path]) -> list[tuple[str, Part]]:
    """Each folder as a part that went through its file; the first fits the map of all."""
    out: list[tuple[str, Part]] = []
    for folder in folders:
        first = read_fit(folders[0].with_suffix(".part.json"), "ashford", EXTRACTOR) if out else None
        site = read_site(folder, name="ashford")
        made, _ = part_of_site(site, EXTRACTOR, Options(seed=len(out)), first=first, key=KEY)
        made.write(folder.with_suffix(".part.json"))
        out.append((folder.name, Part.read(folder.with_suffix(".part.json"))))
    return out


@pytest.mark.parametrize(
    ("anatomy", "format", "ends", "options"),
    [("ultrasound", "png", (24, 35, 38), {}), ("brain", "nifti", (8, 15, 22), {"depth": 4})],
    ids=["2-D", "3-D"],
)
def test_merged_parts_are_the_whole(
    tmp_path: Path, anatomy: str, format: str, ends: tuple[int, ...], options: dict[str, int]
) -> None:
    """Counts are equal, and all else is within the rounding of float32 batches; so is what training checks."""
    folders = written(tmp_path, drawn(ends[-1], anatomy, **options), ends, format)
    (tmp_path / "part2" / "images" / "torn.png").write_bytes(b"\x89PNG")
    shutil.copy(tmp_path / "part2" / "images" / "torn.png", tmp_path / "whole" / "images")
    for folder in (tmp_path / "part2", tmp_path / "whole"):
        with (folder / "manifest.csv").open("a") as manifest:
            manifest.write("images/torn.png,,,mrn-999\n")
    parts = in_parts(folders[1:])
    merged = merge(parts)
    site = read_site(folders[0], name="ashford")
    whole, _ = profile_site(site, EXTRACTOR, Options(), first=parts[0][1])
    assert (whole.patients, whole.cases, whole.masks) == (ends[-1] - 1, ends[-1], ends[-1])
    assert sum(whole.excluded.values()) == 1
    assert whole.sketches["canonical_deep"] is not None
    assert_close(merged.model_dump(), whole.model_dump(), 1e-6)
    assert merged.fingerprint == fingerprint(site)


def patients(seed: int, n: int) -> list[Patient]:
    """Patients of every kind: with and without masks, labels, tags, colour; a gap here and there."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(n):
        masked = rng.random() < 0.8
        axes = ["intensity", "texture", "features_deep", *(["colour"] if rng.random() < 0.5 else [])]
        axes += ["morphology", "boundary", "intensity_outside", "lesion"] if masked else []
        coordinates = {axis: rng.normal(3, 2, size=AXES[axis].width) for axis in axes}
        if rng.random() < 0.2:
            coordinates["texture"][3] = np.nan
        measured = ("brightness", "noise", "snr", "log_area", "roughness")
        numbers = {name: np.asarray(rng.normal(50, 30)) for name in measured}
        numbers |= {"quantiles": np.sort(rng.random(33)), "amplitude": rng.random(24)}
        label = [None, "benign", "malignant"][rng.integers(3)]
        tags = {"manufacturer": "GE", "model": str(rng.choice(["A", "B"]))} if rng.random() < 0.7 else {}
        depth = frozenset({"2-D"} if rng.random() < 0.97 else {"2-D", "3-D"})
        out.append(Patient(2, int(masked), label, coordinates, numbers, tags, depth, "colour" in coordinates))
    return out


def canonical(curve: np.ndarray) -> Canonical:
    return Canonical(**{name: curve[: 24 if name == "gain" else 33] for name in Canonical.__dataclass_fields__})


FIT = canonical(np.linspace(0.0, 1 / 3, 33))


def part(
    people: Sequence[Patient], ids: Sequence[int] | None = None, fit: Canonical | None = FIT, **changes: object
) -> Part:
    """The part that holds `people`, known as `ids`."""
    accumulator = SiteAccumulator()
    for person in people:
        accumulator.add(person)
    names = tuple(sorted(f"{k:064x}" for k in (ids if ids is not None else range(len(people)))))
    origin = Origin(
        site="here",
        layout="manifest",
        patient_source="manifest",
        seed=0,
        recipe=RECIPE,
        excluded={"truncated": 1},
        people=names,
        cases=names,
    )
    return Part.of(origin.model_copy(update=changes), fit, accumulator)


def reread(made: Part) -> Part:
    return Part.from_dict(json.loads(made.to_json()), "here", ProfileError)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 70), st.lists(st.integers(0, 70), max_size=3), st.randoms())
def test_any_split_in_any_order_is_the_whole(seed: int, n: int, cuts: list[int], random: Any) -> None:
    """Parts may be empty and come in any order, and each has gone through its file."""
    people = patients(seed, n)
    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    parts = []
    for number, (start, end) in enumerate(pairwise(edges)):
        unread = {"cases": (f"{10**6 + number:064x}",)} if start == end else {}
        parts.append((NAMES[number], reread(part(people[start:end], range(start, end), **unread))))
    in_order = merge(parts)
    random.shuffle(parts)
    assert merge(parts).to_json() == in_order.to_json()
    whole = part(people).profile().model_dump()
    whole["excluded"] = {"truncated": len(parts)}
    whole["fingerprint"] = fingerprint_of(case for _, each in parts for case in each.origin.cases)
    assert_close(in_order.model_dump(), whole, 1e-9)


def test_a_part_keeps_every_digit(tmp_path: Path) -> None:
    made = part(patients(0, 30))
    made.write(tmp_path / "a.part.json")
    text = (tmp_path / "a.part.json").read_text()
    again = Part.read(tmp_path / "a.part.json")
    assert {"morphology", "boundary", "colour"} <= made.tally.plain.keys()
    assert made.tally.joint.keys() & made.tally.by_class["benign"].keys()
    assert text.startswith('{\n "schema": 2,\n "part": "raw sums, nothing suppressed: keep at the site"')
    assert again.to_json() == made.to_json()
    for axis, sums in made.tally.plain.items():
        np.testing.assert_array_equal(again.tally.plain[axis].outer, sums.outer)
    assert again.canonical is not None
    np.testing.assert_array_equal(next(iter(again.fit.values())), np.linspace(0.0, 1 / 3, 33))  # type: ignore[union-attr]


def test_counts_too_small_in_every_part_are_told_once_they_are_large_together() -> None:
    people = [replace(person, label="benign" if k % 2 else "malignant") for k, person in enumerate(patients(1, 36))]
    parts = [part(people[start : start + 12], range(start, start + 12)) for start in (0, 12, 24)]
    assert {mark for each in parts for mark in each.profile().labels.values()} == {"hidden"}
    assert {label: each.tally.labels[label] for each in parts for label in ("benign", "malignant")} == {
        "benign": 6,
        "malignant": 6,
    }
    assert merge(list(zip(NAMES, parts, strict=False))).labels == {"benign": 18, "malignant": 18}


def test_an_older_part_lacks_a_measure_that_was_added_and_the_whole_does_then() -> None:
    """Counted of all patients or of none; nothing else may be missing."""
    parts = [(name, part(patients(seed, 12), range(12 * seed, 12 * seed + 12))) for seed, name in enumerate(NAMES[:2])]
    assert merge(parts).measures["snr"].n == 24
    older = json.loads(parts[0][1].to_json())
    del older["tally"]["histograms"]["snr"]
    again = [(NAMES[0], Part.from_dict(older, "here", ProfileError)), parts[1]]
    for some in (again, again[::-1], again[:1]):
        whole = merge(some)
        assert "snr" not in whole.measures
        assert whole.measures["noise"].n == 12 * len(some)


def of_schema_1(value: Any) -> Any:
    """Sums as single numbers, and no sample, as parts were."""
    if not isinstance(value, dict):
        return value
    out = {key: of_schema_1(item) for key, item in value.items() if key != "sample"}
    if "outer" in out and out["outer"] is not None:
        out |= {key: np.sum(out[key], axis=0).tolist() for key in ("total", "outer")}
    if "sums" in out:
        total, squares = np.sum(out.pop("sums"), axis=0).tolist()
        out |= {"total": total, "squares": squares}
    return out


def test_a_part_of_schema_1_is_read_and_added_to_one_of_today() -> None:
    people = patients(3, 40)
    today, earlier = part(people[:20], range(20)), part(people[20:], range(20, 40))
    values = {**of_schema_1(json.loads(earlier.to_json())), "schema": 1}
    assert isinstance(values["tally"]["plain"]["intensity"]["total"][0], float)
    again = Part.from_dict(values, "here", ProfileError)
    merged, known = (merge([(NAMES[0], today), (NAMES[1], other)]) for other in (again, earlier))
    assert_close(merged.model_dump(), known.model_dump(), 1e-9)


def test_parts_with_and_without_a_sample_are_not_added() -> None:
    """Of one all patients were harmonized, as in parts of schema 1."""
    today, earlier = part(TWELVE), part(patients(4, 12), range(20, 32))
    today.tally.sample.limit = 256
    with pytest.raises(NotComparable, match="with --harmonized-sample 256, .* with all; make .* again"):
        merge([(NAMES[0], today), (NAMES[1], earlier)])


def test_a_part_names_nobody(tmp_path: Path) -> None:
    folder, *_ = written(tmp_path, drawn(4, "ultrasound"), (4,), "png")
    made, _ = part_of_site(read_site(folder, name="ashford"), EXTRACTOR, Options(), key=KEY)
    text = made.to_json()
    assert not re.search(r"mrn-|images/|\.png", text)
    assert str(tmp_path) not in text
    assert len(made.origin.people) == 3


def test_files_of_one_name_in_two_folders_are_different_patients(tmp_path: Path) -> None:
    """Where each file counts as a patient, it is its content that tells it apart from another part's."""
    phantoms = [replace(phantom, patient="") for phantom in drawn(9, "ultrasound")]
    for name, chosen in {"a": phantoms[:5], "b": phantoms[5:], "c": phantoms[3:5]}.items():
        write_site(chosen, tmp_path / name, layout="images+masks", format="png")
    a, b, c = in_parts([tmp_path / name for name in "abc"])
    assert merge([a, b]).patients == 9
    assert merge([a, b]).patient_source == "file"
    with pytest.raises(ProfileError, match="a and c share 2 patients"):
        merge([a, b, c])


def test_an_empty_part_has_no_map_and_adds_its_bad_files(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_text("no image")
    empty, failures = part_of_site(read_site(tmp_path, name="here"), EXTRACTOR, Options(), key=KEY)
    assert (len(failures), empty.fit, empty.tally.patients) == (1, None, 0)
    empty.write(tmp_path / "empty.part.json")
    full = part(patients(0, 12), patient_source="manifest")
    merged = merge([("empty", empty), ("full", full)])
    assert (merged.patients, merged.excluded) == (12, {"not_an_image": 1, "truncated": 1})
    assert merged.layout == "images, manifest"
    with pytest.raises(ProfileError, match=r"--fit .*empty.part.json: has no map"):
        read_fit(tmp_path / "empty.part.json", "here", EXTRACTOR)
    with pytest.raises(ProfileError, match="empty: no part holds a patient"):
        merge([("empty", empty)])


OTHER = canonical(np.ones(33))
NEWER = RECIPE.model_copy(update={"axes": {**RECIPE.axes, "texture": 99}})
RESNET = RECIPE.model_copy(update={"extractor": "resnet18"})
TWELVE = patients(3, 12)
UNEVEN = {
    "limit": 256,
    "patients": [{"mark": f"{k:064x}", "coordinates": {"zscore_deep": [0.0] * k}} for k in (16, 15)],
}


@pytest.mark.parametrize(
    ("other", "error", "says"),
    [
        (
            lambda: part(TWELVE, range(12, 24), site="there"),
            ProfileError,
            "first.part.json is a part of site 'here', second.part.json of 'there'",
        ),
        (
            lambda: part(TWELVE, range(12, 24), recipe=RESNET),
            NotComparable,
            "first.part.json and second.part.json were measured differently: extractor is",
        ),
        (
            lambda: part(TWELVE, range(12, 24), recipe=NEWER),
            NotComparable,
            "second.part.json: was measured by version",
        ),
        (
            lambda: part(TWELVE, range(12, 24), patient_source="file"),
            NotComparable,
            "first.part.json identifies patients by manifest, second.part.json by file",
        ),
        (
            lambda: part(TWELVE, range(12, 24), fit=OTHER),
            NotComparable,
            "make second.part.json again with --fit first.part.json",
        ),
        (lambda: part(TWELVE, range(11, 23)), ProfileError, "first.part.json and second.part.json share 1 patient,"),
        (
            lambda: part(TWELVE, range(12)),
            ProfileError,
            "first.part.json and second.part.json are parts of the same images",
        ),
        (
            lambda: part([replace(p, coordinates={"texture": np.ones(5)}) for p in TWELVE], range(12, 24)),
            ProfileError,
            "second.part.json: its sums do not fit the other parts'",
        ),
    ],
    ids=["site", "extractor", "version", "patient source", "map", "patient", "copy", "widths"],
)
def test_parts_that_do_not_add_up_are_refused(other: Callable[[], Part], error: type[Exception], says: str) -> None:
    with pytest.raises(error) as caught:
        merge([(NAMES[0], part(TWELVE)), (NAMES[1], other())])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def shared_out(listing: str, n: int, *given: int, people: int = 12) -> list[tuple[str, Part]]:
    """The i-th of n parts of a listing, for each i."""
    return [
        (
            f"{listing}-{i}.part.json",
            part(patients(i, people), range(100 * i, 100 * i + people), share=(i, n), listing=f"{ord(listing):064x}"),
        )
        for i in given
    ]


def test_parts_of_one_listing_are_each_there_once() -> None:
    assert merge(shared_out("a", 2, 2, 1)).patients == 24
    with pytest.raises(ProfileError, match="parts of a folder are missing: 1/3, 3/3; make them"):
        merge(shared_out("a", 3, 2))
    again = [("copy.part.json", part(patients(9, 12), range(900, 912), share=(1, 2), listing=f"{ord('a'):064x}"))]
    with pytest.raises(ProfileError, match=r"a-1.part.json and copy.part.json are both part 1/2 of one folder: give"):
        merge([*shared_out("a", 2, 1, 2), *again])


def test_a_folder_that_changed_between_its_parts_is_no_whole() -> None:
    """Blocks shift by a patient who came meanwhile, so that another one is in neither part."""
    with pytest.raises(ProfileError, match=r"a-1.part.json and b-2.part.json are not parts of the same images.*2/2 of"):
        merge([*shared_out("a", 2, 1), *shared_out("b", 2, 2)])


def test_copies_in_two_parts_of_one_listing_are_as_in_the_whole_and_in_two_folders_one_patient() -> None:
    """One picture under two names is two patients of a folder, where its owner says one file per patient."""
    (name, first), (other, second) = shared_out("a", 2, 1, 2)
    people = tuple(sorted({*second.origin.people[1:], first.origin.people[0]}))
    copied = second.model_copy(update={"origin": second.origin.model_copy(update={"people": people})})
    assert merge([(name, first), (other, copied)]).patients == 24
    elsewhere = copied.model_copy(
        update={"origin": copied.origin.model_copy(update={"share": (1, 1), "listing": "", "cases": people})}
    )
    with pytest.raises(ProfileError, match=r"a-1.part.json and c.part.json share 1 patient, whose images belong in"):
        merge([(name, first), (other, second), ("c.part.json", elsewhere)])


def test_copies_that_lie_in_two_parts_are_refused_as_in_one_folder() -> None:
    """Fewer than a quarter are an odd export; files that could not be read may all be empty."""
    people, twins = patients(5, 24), [f"{k:064x}" for k in range(4)]

    def pair(copies: int, unread: int = 0) -> list[tuple[str, Part]]:
        out = []
        for i in (1, 2):
            own = [f"{1000 * i + k:064x}" for k in range(12 - copies)]
            cases = tuple(sorted([*twins[:copies], *own, *["e" * 64] * unread]))
            made = part(people[12 * i - 12 : 12 * i], range(100 * i, 100 * i + 12), cases=cases)
            made.tally.cases = 12
            out.append((NAMES[i], made))
        return out

    assert merge(pair(3)).patients == merge(pair(3, unread=9)).patients == 24
    with pytest.raises(ProfileError, match="8 of 24 cases are the very case of another part: one person under several"):
        merge(pair(4))


def test_one_of_ten_thousand_parts_lacks_the_others() -> None:
    """Told in no time, whatever the number."""
    with pytest.raises(ProfileError, match="missing: 1/10000, 2/10000, 3/10000, 4/10000, 5/10000 and others"):
        merge(shared_out("a", 10_000, 9_000))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda made: made["tally"]["plain"]["texture"].update(total=[1.0]), "a sum of shape (1,)"),
        (lambda made: made["tally"]["plain"]["texture"].update(total=[None] * 8), "expected finite numbers"),
        (lambda made: made["tally"]["histograms"]["noise"].update(n=3), "64 cells that hold 12 patients of 3"),
        (lambda made: made["tally"].update(extra=1), "key 'tally.extra'"),
        (lambda made: made["tally"]["histograms"].pop("noise"), "was measured by version"),
        (
            lambda made: made["tally"].update(depths={"2-D": -3}),
            "key 'tally.depths': expected names with counts of 1 or",
        ),
        (lambda made: made["tally"].update(depths={"2-D": 10**9}), "key 'tally.depths': expected 2-D and 3-D, 12 each"),
        (lambda made: made["tally"].update(depths={"4-D": 3}), "key 'tally.depths': expected 2-D and 3-D"),
        (
            lambda made: made["tally"]["curves"]["amplitude"].update(n=10**9),
            "key 'tally.curves.amplitude.n': expected 12",
        ),
        (lambda made: made["tally"].update(curves={}), "key 'tally.curves': expected the curves quantiles, amplitude"),
        (
            lambda made: made["tally"]["curves"]["quantiles"].update(total=[[1.0]] * 2, outer=[[[1.0]]] * 2),
            "key 'tally.curves.quantiles.total': expected 33 numbers (got '1 numbers')",
        ),
        (lambda made: made["tally"].update(patients="12"), "key 'tally.patients'"),
        (lambda made: made["tally"].update(masks=True), "key 'tally.masks'"),
        (lambda made: made["tally"].update(cases=12.0), "key 'tally.cases'"),
        (lambda made: made["tally"].update(several_classes=-5), "key 'tally.several_classes'"),
        (lambda made: made["tally"].update(several_classes=13), "key 'tally.several_classes': expected 12 at the most"),
        (lambda made: made["tally"].update(labels={"a": True}), "key 'tally.labels': expected names with counts"),
        (lambda made: made["tally"]["plain"]["texture"].update(total=["1"] * 8), "expected finite numbers"),
        (lambda made: made["origin"].update(share=[3, 2]), "key 'origin.share': expected the i-th of n parts"),
        (lambda made: made["origin"].update(share=[1, 10**9]), "key 'origin.share.1'"),
        (lambda made: made["tally"].update(sample=UNEVEN), "key 'tally.sample.patients': expected 16, as others have"),
        (lambda made: made.update(schema=3), "schema 3 is not the schema 2"),
        (lambda made: made.update(part="x"), "key 'part'"),
    ],
    ids=[
        *("shape", "gap", "histogram", "extra", "measure", "depth", "depths", "dimensions", "curve", "curves", "level"),
        *("text", "boolean", "float", "fewer", "several", "label", "texts", "share", "shares", "widths", "schema"),
        "mark",
    ],
)
def test_damaged_parts_are_told_in_one_line(damage: Callable[[Any], object], says: str) -> None:
    values = json.loads(part(TWELVE).to_json())
    damage(values)
    with pytest.raises(ProfileError) as caught:
        merge([("here", Part.from_dict(values, "here", ProfileError))])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_profile_is_no_part_and_a_part_no_profile() -> None:
    made = part(TWELVE)
    with pytest.raises(ProfileError, match="here: is a profile, whose small counts are gone"):
        Part.from_dict(json.loads(made.profile().to_json()), "here", ProfileError)
    with pytest.raises(ProfileError, match="here: is a part, which stays at its site"):
        Profile.from_dict(json.loads(made.to_json()), "here", ProfileError)


def test_a_map_is_for_its_own_site_and_recipe(tmp_path: Path) -> None:
    path = tmp_path / "a.part.json"
    part(TWELVE).write(path)
    assert read_fit(path, "here", EXTRACTOR).canonical is not None
    with pytest.raises(ProfileError, match="is a part of site 'here', not of 'there'"):
        read_fit(path, "there", EXTRACTOR)
    part(TWELVE, recipe=RESNET).write(path)
    with pytest.raises(NotComparable, match=r"--fit .* was measured differently: extractor is resnet18 against"):
        read_fit(path, "here", EXTRACTOR)
