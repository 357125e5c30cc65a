"""The owner's word on the command line, and how check and train come by it without asking again."""

import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shiftscope.measures import AXES, MEASURES
from shiftscope.phantoms import ANATOMIES, write_site
from shiftscope.plans import PlannedSite, read_plan
from shiftscope.profiles import Profile, texts_of
from shiftscope.sites import Declarations, class_words

CLASSES = ("amber", "beige")
"""Of a study that calls its classes by colours."""


def films(folder: Path, seed: int, *, shared: bool = False, darker: float = 1.0) -> Path:
    """40 films in folders of classes that no list knows; with `shared`, names that suggest two films a patient."""
    rng = np.random.default_rng(seed)
    for number in range(40):
        pixels = ANATOMIES["chest"](rng, size=48).pixels
        name = f"{seed}{number // 2:03d}_{number % 2}" if shared else f"{number}"
        target = folder / CLASSES[number % 2] / f"{name}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 255 * darker).astype(np.uint8)).save(target)
    return folder


@pytest.fixture
def answered(tmp_path: Path, run) -> tuple[Path, Path]:  # type: ignore[no-untyped-def]
    """A site whose owner has said everything once, and the profile made of it."""
    folder = films(tmp_path / "ashford", 1, shared=True)
    first = run("profile", folder, "-o", tmp_path / "a.profile.json")
    assert first.code == 2
    assert "'amber', 'beige'" in first.err
    asked = ("--classes", "amber,beige")
    second = run("profile", folder, "-o", tmp_path / "a.profile.json", *asked)
    assert second.code == 2
    assert "begin alike, up to a number" in second.err
    done = run("profile", folder, "-o", tmp_path / "a.profile.json", *asked, "--one-file-per-patient")
    assert done.code == 0, done.err
    return folder, tmp_path / "a.profile.json"


def test_a_check_takes_the_answers_from_the_baseline(answered, tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    """A job has no option for it; another site's baseline lends the names of classes and not who is a patient."""
    _, base = answered
    new = films(tmp_path / "delivery", 2, shared=True)
    done = run("check", new, "--against", base, "--format", "json")
    assert done.code == 0, done.err
    assert {item["name"] for item in json.loads(done.out)["findings"]} >= {"appearance", "label"}
    other = run("check", new, "--against", base, "--site", "borough")
    assert other.code == 2
    assert "nothing says who the patients are" in other.err
    assert "names of classes as in the baseline: amber, beige" in other.err
    (new / "site.toml").write_text("one_file_per_patient = true\n", encoding="utf-8")
    assert run("check", new, "--against", base, "--site", "borough").code == 0


def test_a_check_asks_about_a_class_that_the_baseline_does_not_have(answered, tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    _, base = answered
    new = films(tmp_path / "delivery", 2, shared=True)
    (new / "SMITH_JOHN").mkdir()
    next((new / "amber").iterdir()).rename(new / "SMITH_JOHN" / "1.png")
    done = run("check", new, "--against", base)
    assert done.code == 2
    assert "1 names of classes may be anybody's" in done.err
    assert "SMITH" not in done.err + done.out
    shown = run("check", new, "--against", base, "--name-files")
    assert "'SMITH_JOHN'" in shown.err


def test_a_baseline_without_classes_makes_none_of_folders(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    base = tmp_path / "a.profile.json"
    answers = ("--no-classes", "--one-file-per-patient")
    assert run("profile", films(tmp_path / "2023", 1), "-o", base, *answers).code == 0
    assert Profile.read(base).labels == {}
    assert run("check", films(tmp_path / "2024", 2), "--against", base).code == 0


@pytest.mark.slow
def test_training_takes_the_answers_from_the_plan(answered, tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    folder, base = answered
    other = films(tmp_path / "borough", 3, darker=0.6)
    (other / "site.toml").write_text('classes = ["amber", "beige"]\n', encoding="utf-8")
    assert run("profile", other, "-o", tmp_path / "b.profile.json").code == 0
    assert run("recommend", base, tmp_path / "b.profile.json", "-o", tmp_path / "plan.toml").code == 0
    plan = read_plan(tmp_path / "plan.toml")
    assert plan.sites["ashford"].known == Declarations(classes=CLASSES, one_file_per_patient=True)
    assert plan.sites["borough"].known == Declarations(classes=CLASSES)
    text = (tmp_path / "plan.toml").read_text()
    for key, value in {"rounds": "1", "local_steps": "1", "image_size": "32", "seeds": "[0]"}.items():
        text = "\n".join(f"{key} = {value}" if line.startswith(f"{key} =") else line for line in text.splitlines())
    (tmp_path / "plan.toml").write_text(text)
    data = ("--data", f"ashford={folder}", "--data", f"borough={other}")
    done = run("train", tmp_path / "plan.toml", *data, "--engine", "inline", "-o", tmp_path / "run")
    assert done.code == 0, done.err


def test_a_plan_of_an_older_version_says_nothing_of_the_owner() -> None:
    assert PlannedSite(fingerprint="", patients=1, cases=1).known == Declarations()
    assert PlannedSite(fingerprint="", patients=1, cases=1, classes=()).known == Declarations(classes=())


def test_a_part_and_its_key_are_their_owners(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    """Parts of one folder share a key without a word; parts elsewhere need to be given it."""
    first, second = films(tmp_path / "one", 1), films(tmp_path / "two", 2)
    answers = ("--no-classes", "--one-file-per-patient", "--site", "ashford")
    made = run("profile", first, *answers, "--part", tmp_path / "1.part.json")
    assert made.code == 0, made.err
    fit = ("--fit", tmp_path / "1.part.json")
    assert run("profile", second, *answers, "--part", tmp_path / "2.part.json", *fit).code == 0
    assert run("merge", tmp_path / "1.part.json", tmp_path / "2.part.json", "-o", tmp_path / "m.profile.json").code == 0
    away = tmp_path / "away" / "2.part.json"
    assert run("profile", second, *answers, "--part", away, *fit).code == 0
    refused = run("merge", tmp_path / "1.part.json", away)
    assert refused.code == 2
    assert "mark patients with different keys" in refused.err
    key = ("--key", tmp_path / "shiftscope.key")
    assert run("profile", second, *answers, "--part", away, *fit, *key).code == 0
    assert run("merge", tmp_path / "1.part.json", away, "-o", tmp_path / "m.profile.json").code == 0
    if os.name == "posix":
        for path in (away, tmp_path / "1.part.json", tmp_path / "shiftscope.key"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert run("profile", first, *answers, *key, "-o", tmp_path / "keyed.profile.json").code == 0


def test_every_text_of_a_profile_is_told_with_its_origin(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    """What is not listed is the same in every profile: fields, axes, measures, units, reasons and marks."""
    rng = np.random.default_rng(0)
    site = write_site(
        [ANATOMIES["brain"](rng, size=48, label=("benign", "amber")[k % 2]) for k in range(24)],
        tmp_path / "site",
        layout="manifest",
        format="dicom",
    )
    (site / "images" / "cut.dcm").write_bytes(b"")
    with (site / "manifest.csv").open("a", encoding="utf-8") as table:
        table.write("images/cut.dcm,,,zz\n")
    done = run("profile", site, "--classes", "amber", "-o", tmp_path / "a.profile.json", "--show")
    assert done.code == 0, done.err
    profile = Profile.read(tmp_path / "a.profile.json")
    listed = {text for _, text, _ in texts_of(profile, Declarations(classes=("amber",)))}
    fixed = {*Profile.model_fields, *AXES, *MEASURES, *(measure.unit for measure in MEASURES.values()), "schema"}
    fixed |= {"n", "mean", "cov", "area", "var", "noise", "unit", "sd", "edges", "counts", "<10", "hidden", "empty"}
    fixed |= {*type(profile.recipe).model_fields, *profile.acquisition, profile.depth}
    assert set(texts_in(profile.to_dict())) <= listed | fixed
    assert "labels: 'amber', a class, named by the site's owner" in done.err
    assert "labels: 'benign', a class, made of shipped class words" in done.err
    assert "acquisition.scanner: 'PHANTOM WORKS Spin One', a scanner of 10 patients or more" in done.err
    assert done.out == (tmp_path / "a.profile.json").read_text()


def texts_in(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in texts_in(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts_in(item)]
    return [value] if isinstance(value, str) else []


def test_patients_of_two_classes_are_in_none_and_reported(tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    """One breast benign, the other malignant: the alphabet decided once."""
    rng = np.random.default_rng(2)
    rows = ["image,label,patient"]
    for number in range(60):
        Image.fromarray((ANATOMIES["chest"](rng, size=32).pixels * 255).astype(np.uint8)).save(
            tmp_path / f"{number}.png"
        )
        label = ("benign", "malignant")[number % 2 if number < 24 else number // 2 % 2]
        rows.append(f"{number}.png,{label},p{number // 2}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    done = run("profile", tmp_path, "--site", "a", "-o", tmp_path / "a.profile.json")
    assert done.code == 0, done.err
    assert "images of one patient differ in class, for 12 patients: they are counted in no class" in done.err
    profile = Profile.read(tmp_path / "a.profile.json")
    assert (profile.patients, profile.several_classes, profile.labelled) == (30, 12, 18)


def test_the_list_of_class_words_can_be_seen(run) -> None:  # type: ignore[no-untyped-def]
    assert json.loads(run("explain", "classes", "--format", "json").out)["classes"] == sorted(class_words())
    assert "malignant" in run("explain", "classes").out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--classes", "a", "--no-classes"), "--classes and --no-classes: expected one of them"),
        (("--classes", "a,,b"), "key 'classes.1': expected a name"),
        (
            ("--one-file-per-patient", "--patient-regex", "p"),
            "--patient-regex and --one-file-per-patient: expected one of them",
        ),
        (("--key", "k"), "--key k: there is no such file; the first part of a site makes it"),
        (("--part", "5/4"), "'5/4': expected i/n, the i-th of n parts"),
        (("--part", "2/4"), "--part 2/4: nobody said who is a patient"),
        (("--harmonized-sample", "20"), "harmonized_sample: expected a whole number"),
        (("-o", "east.part.json"), "expected a name for a profile, and this is one of a part or a key"),
        (("--site-file", "nowhere.toml"), "nowhere.toml: cannot be read"),
    ],
)
def test_contradictions_are_reported(fixtures: Path, run, options: tuple[str, ...], says: str) -> None:  # type: ignore[no-untyped-def]
    done = run("profile", fixtures / "twins" / "east", *options)
    assert done.code == 2
    assert says in done.err


def test_epsilon_asks_for_what_one_patient_could_change(fixtures: Path, tmp_path: Path, run) -> None:  # type: ignore[no-untyped-def]
    pytest.importorskip("opendp", reason="opendp is not installed; it comes with shiftscope-fl[privacy]")
    folder, out = fixtures / "twins" / "east", ("-o", tmp_path / "a.profile.json")
    unknown = run("profile", folder, *out, "--epsilon", "8")
    assert unknown.code == 2
    assert "nothing says who the patients of" in unknown.err
    undeclared = run("profile", folder, *out, "--epsilon", "8", "--one-file-per-patient")
    assert undeclared.code == 2
    assert 'depth = "2-D"' in undeclared.err
    declared = tmp_path / "said.toml"
    declared.write_text(
        'layout = "images+masks"\ndepth = "2-D"\ncolour = false\nhas_masks = true\none_file_per_patient = true\n'
    )
    few = run("profile", folder, *out, "--epsilon", "8", "--site-file", declared)
    assert few.code == 2
    assert "are needed, or the noise would drown the site" in few.err
    assert not (tmp_path / "a.profile.json").exists()
