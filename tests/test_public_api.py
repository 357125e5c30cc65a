"""The package's public door: what it exports, how light it is, and that it is what the command line calls."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rehearsed_runs import rehearsal
from typer.models import OptionInfo

import shiftscope
from shiftscope.api.federating.collecting import collect_profiles
from shiftscope.api.site_listing import OwnerOptions
from shiftscope.cli import app
from shiftscope.dataframes import Tabular
from shiftscope.errors import InputError, PlanError, ProfileError, ShiftscopeError, UsageError
from shiftscope.plans import read_plan, write_plan

FROZEN = {
    *("read_site", "profile", "Profile", "diagnose", "recommend", "Plan", "train", "trial", "check", "watch", "report"),
    *("rehearse", "harmonize", "merge", "explain", "HARMONIZERS", "PERSONALIZERS", "CONTROLS"),
}
"""Names that stay."""

HEAVY = ("torch", "timm", "flwr", "sklearn", "monai", "skimage", "scipy", "pandas", "numpy", "pydantic")


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_frozen_names_are_there() -> None:
    assert set(shiftscope.__all__) >= FROZEN
    assert list(shiftscope.__all__) == sorted(shiftscope.__all__)
    assert set(dir(shiftscope)) >= set(shiftscope.__all__)
    assert set(shiftscope._HOMES) == set(shiftscope.__all__)


def test_importing_the_package_loads_nothing_heavy() -> None:
    heavy = f"import sys, shiftscope; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    assert python(heavy) == ""


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'profil'"):
        shiftscope.profil  # noqa: B018


@pytest.mark.slow
def test_every_name_can_be_imported_before_and_after_every_other() -> None:
    code = """
import sys, shiftscope
names = shiftscope.__all__
for first in names:
    for order in ([first, *names], [first, *reversed(names)]):
        for module in [name for name in sys.modules if name.split(".")[0] == "shiftscope"]:
            del sys.modules[module]
        import shiftscope
        for name in order:
            assert getattr(shiftscope, name) is not None
            assert getattr(shiftscope, name) is getattr(shiftscope, name)
print("all")
"""
    assert python(code) == "all"


COMMANDS = [command.callback for command in app.registered_commands if command.callback is not None]
OTHERWISE = {
    **{"site_dir": "source", "plan_out": "plan_output", "timeout": "timeout_s", "site": "name"},
    **{"sheet": "picture", "cases": "picture_cases"},
}
"""Name of a command's option -> what the function calls it."""

FUNCTIONS = {"export": "export_app"}
"""Command -> its function, where that is called otherwise: `export` alone says nothing in a program."""

OF_THE_SCREEN = {
    *("context", "form", "verbose", "show", "dry_run", "failures", "part", "key", "no_classes", "exit_zero", "more"),
}
"""Options that only say how an answer is shown, or that write what never leaves a site."""

COLLECTING = {"federation": "federation", "timeout": "timeout_s"}
"""Options with which `profile` collects the profiles of a federation's sites -> what `collect_profiles` calls them."""


@pytest.mark.parametrize("command", [one for one in COMMANDS if one.__name__ != "demo"], ids=lambda one: one.__name__)
def test_a_function_takes_what_its_command_takes_with_the_same_defaults(command) -> None:
    function = inspect.signature(getattr(shiftscope, FUNCTIONS.get(command.__name__, command.__name__)))
    owner = set(OwnerOptions.__annotations__)
    keywords = {name for name, item in function.parameters.items() if item.kind is item.KEYWORD_ONLY}
    positional = [name for name, item in function.parameters.items() if item.kind is item.POSITIONAL_OR_KEYWORD]
    assert len(positional) <= 2
    takes_owner = any(item.kind is item.VAR_KEYWORD for item in function.parameters.values())
    for name, item in inspect.signature(command).parameters.items():
        called = OTHERWISE.get(name, name)
        if name in OF_THE_SCREEN or (takes_owner and called in owner) or called in positional:
            continue
        if command.__name__ == "check" and name == "output":
            continue  # a screen for each suffix
        if command.__name__ == "profile" and name in COLLECTING:
            assert COLLECTING[name] in inspect.signature(collect_profiles).parameters
            continue
        assert called in keywords, name
        annotation = item.annotation
        options = [one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, OptionInfo)]
        default = function.parameters[called].default
        if options and item.default is not item.empty and default is not inspect.Parameter.empty:
            same = getattr(item.default, "value", item.default)
            if name in ("output", "data", "strategies", "policy", "keep", "budget", "allow_code"):
                continue  # None stands for a path or a list that follows from the others
            assert str(default) == str(same), name


def test_arrays_are_a_site() -> None:
    rng = np.random.default_rng(0)
    images = [rng.random((40, 40)).astype(np.float32) for _ in range(12)]
    masks = [np.zeros((40, 40), np.uint8) for _ in range(12)]
    for mask in masks:
        mask[10:20, 12:24] = 1
    site = shiftscope.site_of_arrays(images, name="a", masks=masks, one_image_per_patient=True)
    made = shiftscope.profile(site, device="cpu", jobs=1)
    assert (made.patients, made.masks, made.patient_source) == (12, 12, "one_file_per_patient")
    again = shiftscope.profile(
        shiftscope.site_of_arrays(images, name="b", masks=masks, patients=[f"{k}" for k in range(12)]),
        device="cpu",
        jobs=1,
    )
    assert again.patient_source == "manifest"
    assert again.fingerprint == made.fingerprint
    assert made.to_dict()["measures"] == again.to_dict()["measures"]


@pytest.mark.parametrize(
    ("images", "options", "says"),
    [
        ([], {}, "one array or more"),
        ([np.zeros(4)], {}, "shape"),
        ([np.full((8, 8), 1200.0)], {}, "expected 0, black, to 1, white"),
        ([np.zeros((8, 8), np.int32)], {}, "dtype int32"),
        ([np.full((8, 8), np.nan)], {}, "expected 0, black"),
        ([np.zeros((8, 8))], {"masks": [np.zeros((4, 4), int)]}, "its mask has the shape"),
        ([np.zeros((8, 8))], {"masks": [np.full((8, 8), 0.5)]}, "expected labels"),
        ([np.zeros((8, 8))], {"patients": ["a", "b"]}, "2 for 1 images"),
        ([np.zeros((8, 8))], {"patients": ["a"], "one_image_per_patient": True}, "one of them"),
        ([np.zeros((8, 8))], {"classes": ["be\nnign"]}, "character"),
    ],
)
def test_arrays_that_are_no_images_are_refused(images: list[np.ndarray], options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        shiftscope.site_of_arrays(images, name="a", **options)


def test_names_of_classes_of_arrays_leave_only_where_they_may() -> None:
    rng = np.random.default_rng(2)
    images = [rng.random((32, 32)) for _ in range(20)]
    given = {"name": "a", "classes": ["smith", "jones"] * 10, "one_image_per_patient": True}
    with pytest.raises(InputError, match=r"class_names"):
        shiftscope.profile(shiftscope.site_of_arrays(images, **given), device="cpu", jobs=1)
    site = shiftscope.site_of_arrays(images, **given, class_names=["smith", "jones"])
    assert shiftscope.profile(site, device="cpu", jobs=1).labels == {"smith": 10, "jones": 10}


def test_images_of_one_person_are_asked_about() -> None:
    image = np.random.default_rng(3).random((64, 64))
    site = shiftscope.site_of_arrays([image, image, 1 - image], name="a")
    with pytest.raises(InputError, match=r"one_image_per_patient=True") as asked:
        shiftscope.profile(site, device="cpu", jobs=1)
    assert "--patient-regex" not in str(asked.value)


def test_owner_options_beside_a_site_that_was_read_are_refused(fixtures: Path) -> None:
    site = shiftscope.read_site(fixtures / "both" / "early")
    with pytest.raises(UsageError, match="belongs to read_site"):
        shiftscope.profile(site, patient_regex="x")


def test_documents_are_tables(fixtures: Path) -> None:
    profiles = [
        shiftscope.profile(fixtures / "both" / name, device="cpu", jobs=1, one_file_per_patient=True)
        for name in ("early", "late")
    ]
    advice = shiftscope.recommend(profiles)
    plan = shiftscope.propose_plan(profiles, advice)
    for document in (*profiles, advice, shiftscope.diagnose(profiles), plan, shiftscope.explain("noise")):
        assert isinstance(document, Tabular)
        frame = document.to_dataframe()
        rows = document.to_rows()
        assert len(frame) == len(rows) > 0
        assert all(list(row) == list(frame.columns) for row in rows)
        drawn = document._repr_html_()
        assert drawn.startswith("<div>")
        assert document.headline()
    assert len(advice.to_dataframe()) == 5


def test_advice_is_for_the_network_that_was_asked_for(fixtures: Path, tmp_path: Path) -> None:
    profiles = [
        shiftscope.profile(fixtures / "both" / name, device="cpu", jobs=1, one_file_per_patient=True)
        for name in ("early", "late")
    ]
    assert shiftscope.recommend(profiles).recommendation.network == "pretrained"
    found = shiftscope.recommend(profiles, network="random", output=tmp_path / "plan.toml")
    assert found.recommendation.network == "random"
    assert 'weights = ""' in (tmp_path / "plan.toml").read_text(encoding="utf-8")
    with pytest.raises(UsageError, match="network: expected one of frozen, pretrained, random, got 'big'"):
        shiftscope.recommend(profiles, network="big")  # type: ignore[arg-type]
    with pytest.raises(PlanError, match="'a' was rehearsed and not profiled"):
        shiftscope.recommend(profiles, rehearsal=rehearsal({"shrinkage": 0.03}))


def test_a_rehearsal_of_the_same_sites_makes_the_advice_surer(fixtures: Path, tmp_path: Path) -> None:
    profiles = [
        shiftscope.profile(fixtures / "both" / name, device="cpu", jobs=1, one_file_per_patient=True)
        for name in ("early", "late")
    ]
    plan = shiftscope.propose_plan(profiles, shiftscope.recommend(profiles))
    made = rehearsal({"lp_ft": 0.2, "local": -0.1}, ("take_part",) * 2, plan={"sites": plan.sites, "model": "linear"})
    made.write(tmp_path / "rehearsal.json")
    found = shiftscope.recommend(profiles, rehearsal=tmp_path / "rehearsal.json").recommendation
    assert found.network == "frozen"
    gains = {each.action: each.gain.mean for each in found.predicted}
    before = {each.action: each.gain.mean for each in shiftscope.recommend(profiles).recommendation.predicted}
    assert gains["personalize"] > before["personalize"]
    assert any("the rehearsal of these sites" in reason for reason in found.because)


def test_the_plan_that_was_rehearsed_is_kept_and_its_margin_counts(fixtures: Path, tmp_path: Path) -> None:
    profiles = [
        shiftscope.profile(fixtures / "both" / name, device="cpu", jobs=1, one_file_per_patient=True)
        for name in ("early", "late")
    ]
    sites = shiftscope.propose_plan(profiles, shiftscope.recommend(profiles)).sites
    edited = {"sites": sites, "model": "linear", "rounds": 7, "margin": 0.3, "personalizer": "ditto"}
    gains = rehearsal({"lp_ft": 0.2, "local": -0.1}, ("take_part",) * 2, best="fedavg", plan=edited)
    path = tmp_path / "after.toml"
    wide = shiftscope.recommend(profiles, rehearsal=gains, output=path).recommendation
    assert wide.action == "pool"  # nothing gains .3 or more
    kept = read_plan(path)
    assert (kept.name, kept.rounds, kept.margin, kept.personalizer) == ("after", 7, 0.3, None)
    narrow = rehearsal(
        {"lp_ft": 0.2, "local": -0.1}, ("take_part",) * 2, plan={**edited, "margin": 0.01, "model": "linear"}
    )
    write_plan(kept.model_copy(update={"data": {"early": "images/early", "gone": "images/gone"}}), path)
    found = shiftscope.recommend(profiles, rehearsal=narrow, output=path).recommendation
    kept = read_plan(path)
    assert kept.data == {"early": "images/early"}
    assert (found.personalizer, kept.personalizer, kept.rounds) == ("lp_ft", "lp_ft", 7)
    assert kept.predicted is not None
    assert kept.predicted.personalizer == "lp_ft"
    (tmp_path / "notes.toml").write_text("mine = 1", encoding="utf-8")
    with pytest.raises(PlanError, match=r"notes\.toml"):
        shiftscope.recommend(profiles, rehearsal=narrow, output=tmp_path / "notes.toml")
    other = shiftscope.recommend(profiles, rehearsal=narrow, network="random", output=path).recommendation
    assert other.network == "random"
    assert read_plan(path).rounds != 7  # another network, another plan


def test_names_in_a_drawing_are_escaped() -> None:
    class Odd(Tabular):
        def headline(self) -> str:
            return "<script>"

        def to_rows(self) -> list[dict[str, object]]:
            return [{"<b>": "<img onerror=x>", "n": 1.23456}]

    drawn = Odd()._repr_html_()
    assert "<script>" not in drawn
    assert "<img" not in drawn
    assert "<b>&lt;script" in drawn
    assert "1.23" in drawn


def test_progress_and_messages_come_to_the_caller(caplog: pytest.LogCaptureFixture) -> None:
    steps: list[shiftscope.Progress] = []
    rng = np.random.default_rng(1)
    site = shiftscope.site_of_arrays([rng.random((32, 32)) for _ in range(5)], name="early")
    with caplog.at_level("INFO", logger="shiftscope"):
        made = shiftscope.profile(site, device="cpu", jobs=1, progress=steps.append)
    assert [step.done for step in steps] == list(range(1, made.cases + 1))
    assert {(step.total, step.unit) for step in steps} == {(5, "cases")}
    assert "early" in steps[0].doing
    assert any("each file counts as a patient" in message for message in caplog.messages)
    assert any("fewer than 10 patients" in message for message in caplog.messages)


PEOPLE = [f"p{k}" for k in range(4)]


def pictures(count: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(5)
    return [rng.random((24, 24)) for _ in range(count)]


def test_lists_go_by_position_whatever_index_they_have() -> None:
    import pandas as pd

    images, masks = pictures(), [np.full((24, 24), k, np.uint8) for k in range(4)]
    order = [2, 0, 3, 1]
    frame = pd.DataFrame({"image": images, "mask": masks, "person": PEOPLE, "label": list("abab")}, index=range(4))
    shuffled = frame.iloc[order]
    site = shiftscope.site_of_arrays(
        shuffled["image"], name="a", masks=shuffled["mask"], patients=shuffled["person"], classes=shuffled["label"]
    )
    for case, place in zip(site.cases, order, strict=True):
        assert case.held is not None
        image, mask = case.held
        assert mask is not None
        np.testing.assert_array_equal(image.pixels[0], images[place].astype(np.float32))
        assert mask.labels.max() == place
        assert (case.patient, case.label) == (PEOPLE[place], "abab"[place])


def test_what_is_an_array_of_an_image() -> None:
    plain = pictures(1)[0]
    forms = [plain, plain[..., None], plain.astype(">f8"), np.asfortranarray(plain), plain.tolist()]
    for form in forms:
        held = shiftscope.site_of_arrays([form], name="a").cases[0].held
        assert held is not None
        np.testing.assert_array_equal(held[0].pixels, plain.astype(np.float32)[None])
    sixteen = shiftscope.site_of_arrays([np.full((4, 4), 65535, ">u2")], name="a").cases[0].held
    assert sixteen is not None
    assert sixteen[0].pixels.max() == 1
    volume = shiftscope.site_of_arrays([np.zeros((3, 8, 8, 1))], name="a").cases[0].held
    assert volume is not None
    assert volume[0].pixels.shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("images", "options", "says"),
    [
        ([np.zeros((3, 8, 8))], {}, "three colours or three slices"),
        ([np.zeros((8, 8, 4))], {}, "4 channels"),
        ([np.zeros((8, 8, 2))], {}, "2 channels"),
        ([np.ma.masked_array(np.zeros((8, 8)))], {}, "masked array"),
        ([np.zeros((8, 8))], {"patients": [None]}, "none for image 0"),
        ([np.zeros((8, 8))], {"patients": [float("nan")]}, "none for image 0"),
        ([np.zeros((8, 8))], {"spacing_mm": (1, 1)}, "expected three"),
        ([np.zeros((8, 8))], {"spacing_mm": (1, -1, 1)}, "spacing_mm: expected a number"),
        ([np.zeros((8, 8))], {"class_names": "ab"}, "class_names: expected several items in a list"),
        ([np.zeros((8, 8))], {"classes": [3]}, "expected a name, as text"),
    ],
)
def test_arrays_that_can_mean_two_things_are_refused(
    images: list[np.ndarray], options: dict[str, object], says: str
) -> None:
    with pytest.raises(ShiftscopeError, match=says):
        shiftscope.site_of_arrays(images, **{"name": "a", **options})


def test_one_and_one_point_nought_are_one_person() -> None:
    site = shiftscope.site_of_arrays(pictures(), name="a", patients=[1, 1.0, np.int64(1), "1"])
    assert {case.patient for case in site.cases} == {"1"}


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda folder: shiftscope.read_site(folder, patient_regx="x"), "did you mean patient_regex"),
        (lambda folder: shiftscope.profile(folder, clases=["a"]), "did you mean classes"),
        (lambda folder: shiftscope.read_site(folder, classes="benign"), "classes: expected several items"),
        (lambda folder: shiftscope.read_site(folder, one_file_per_patient="no"), "expected True or False"),
        (lambda folder: shiftscope.profile(folder, seed=-1), "seed: expected a whole number"),
        (lambda folder: shiftscope.profile(folder, seed=True), "seed: expected a whole number"),
        (lambda folder: shiftscope.profile(folder, jobs=0), "jobs: expected a whole number"),
        (lambda folder: shiftscope.profile(folder, max_failures=True), "max_failures: expected a whole number"),
        (lambda folder: shiftscope.profile(folder, max_failures=1.5), "max_failures: expected a number, from 0 to 1"),
        (lambda folder: shiftscope.profile(folder, max_failures="5%"), "max_failures: expected a whole number"),
        (lambda folder: shiftscope.profile(folder, device="tpu"), "expected auto, cpu or cuda"),
        (lambda _: shiftscope.profile(3), "expected a path"),
        (lambda folder: shiftscope.recommend(str(folder)), "expected several items in a list"),
        (lambda _: shiftscope.merge([]), "parts: expected one or more"),
        (lambda _: shiftscope.report([]), "profiles: expected one or more"),
        (lambda _: shiftscope.report("a.profile.json"), "expected several items in a list"),
    ],
)
def test_an_option_that_is_none_is_told_before_anything_is_read(call, says: str, fixtures: Path) -> None:
    with pytest.raises(ShiftscopeError, match=says):
        call(fixtures / "both" / "early")


def test_a_wrong_job_leaves_nothing_behind(fixtures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    profiles = [shiftscope.profile(fixtures / "both" / name, device="cpu") for name in ("early", "late")]
    plan = shiftscope.propose_plan(profiles, shiftscope.recommend(profiles))
    with pytest.raises(UsageError, match="no 'Inline'; expected flower, inline, deploy"):
        shiftscope.train(plan, engine="Inline")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="strategies: expected several items"):
        shiftscope.trial(plan, strategies="zscore")
    with pytest.raises(UsageError, match=r"alpha: expected a number, from 0.0001 to 0.5"):
        shiftscope.watch(("base", profiles[0]), [("2026-01", profiles[1])], alpha=float("nan"))
    with pytest.raises(PlanError, match="name"):
        shiftscope.train(plan.model_copy(update={"name": "../elsewhere"}))
    with pytest.raises(UsageError, match="is a Site"):
        shiftscope.train(plan, {"early": shiftscope.site_of_arrays(pictures(), name="early")})  # type: ignore[dict-item]
    assert not list(tmp_path.iterdir())


def test_documents_are_compared_by_what_they_say(fixtures: Path) -> None:
    first, again = (shiftscope.profile(fixtures / "both" / "early", device="cpu") for _ in range(2))
    other = shiftscope.profile(fixtures / "both" / "late", device="cpu")
    assert first == again != other
    assert len({first, again, other}) == 2
    assert repr(first).startswith("<Profile: early: ")


def test_a_site_prints_no_patient() -> None:
    site = shiftscope.site_of_arrays(pictures(), name="a", patients=["MRN-1", "MRN-2", "MRN-3", "MRN-4"])
    assert repr(site) == "<Site 'a': 4 cases of 4 patients, layout images>"


def test_one_baseline_needs_no_list_and_a_site_is_checked(fixtures: Path) -> None:
    base = shiftscope.profile(fixtures / "both" / "early", device="cpu", name="ward")
    assert shiftscope.check(base, base.model_copy(update={"site": "other"})).outcome in ("passed", "inconclusive")
    with pytest.raises(ProfileError):
        shiftscope.check(base, [])
    delivery = shiftscope.read_site(fixtures / "both" / "late", name="ward")
    found = shiftscope.check(delivery, base, device="cpu")
    assert found.source == "delivery"
    assert found.outcome == "failed"


def test_every_explanation_is_a_row() -> None:
    found = shiftscope.explain()
    rows = found.to_rows()
    assert len(rows) == len(found.items)
    assert {"name", "kind", "formula"} <= set(rows[0])
    assert found._repr_html_().startswith("<div>")


def test_the_version_is_the_distributions() -> None:
    from importlib import metadata

    assert shiftscope.__version__ == metadata.version("shiftscope-fl")
    assert "import_module" not in dir(shiftscope)
