"""Profiles that nobody can have measured: `recommend` refuses each in one line with file, key, got and expected.

docs/profile.md shows them all; SHIFTSCOPE_REWRITE_GOLDEN=1 writes the table anew.
"""

import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from honest_documents import PROFILES, Values
from mutations import as_json

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "profile.md"
BEGIN, END = "<!-- forgeries -->\n", "<!-- end of forgeries -->"

GONE = object()
Change = dict[str, Any] | Callable[[Values], object]


def changed(values: Values, change: Change) -> Values:
    """A copy with other values at some paths, or with whatever a function does to it."""
    tree = copy.deepcopy(values)
    if not isinstance(change, dict):
        change(tree)
        return tree
    for path, value in change.items():
        *above, last = path.split("/")
        here = tree
        for step in above:
            here = here[int(step)] if isinstance(here, list) else here[step]
        if value is GONE:
            del here[last]
        elif isinstance(here, list):
            here[int(last)] = value
        else:
            here[last] = value
    return tree


def times(factor: float, *path: str) -> Callable[[Values], object]:
    """Every number of a list times a factor."""

    def change(tree: Values) -> None:
        here = tree
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = [factor * number for number in here[path[-1]]]

    return change


def turned(key: str) -> Callable[[Values], object]:
    return lambda tree: tree.update({key: tree[key][::-1]})


TEXTURE, NOISE, BRIGHT = "sketches/texture", "sketches/noise", "measures/brightness"
BENIGN = "by_class/benign/texture"

FORGERIES: list[tuple[str, str, Change, str]] = [
    # patients
    ("no patients in a sketch", "masks-a", {f"{TEXTURE}/n": 0}, "sketches.texture.n"),
    ("fewer than no patients", "masks-a", {f"{TEXTURE}/n": -5}, "sketches.texture.n"),
    ("a sketch of more patients than the site has", "masks-a", {f"{TEXTURE}/n": 10**9}, "sketches.texture.n"),
    ("a few more patients", "masks-a", {f"{TEXTURE}/n": 41, f"{TEXTURE}/area": None}, "sketches.texture.n"),
    ("too few patients for a sketch", "masks-a", {f"{TEXTURE}/n": 19, f"{TEXTURE}/area": None}, "sketches.texture.n"),
    ("half a patient", "masks-a", {f"{TEXTURE}/n": 39.5}, "sketches.texture.n"),
    ("patients as text", "masks-a", {"patients": "40"}, "patients"),
    ("patients as yes or no", "masks-a", {"patients": True}, "patients"),
    ("no patient at all", "masks-a", {"patients": 0}, "patients"),
    ("more patients than there are people", "masks-a", {"patients": 10**11, "cases": 10**11}, "patients"),
    ("fewer cases than patients", "masks-a", {"cases": 39}, "cases"),
    ("more masks than cases", "masks-a", {"masks": 41}, "masks"),
    ("masks below nothing", "masks-a", {"masks": -1}, "masks"),
    ("more labels than patients", "classes-a", {"labelled": 69}, "labelled"),
    ("labels that do not add up", "classes-a", {"labels/benign": 33}, "labelled"),
    ("more than all of several classes", "classes-a", {"several_classes": 10}, "several_classes"),
    ("a class of nobody", "classes-a", {"labels/benign": 0}, "labels.benign"),
    ("a class that is too small to be published", "classes-a", {"labels/benign": 9}, "labels.benign"),
    ("a count in words", "classes-a", {"labels/benign": "many"}, "labels.benign"),
    ("small counts for a large rest", "classes-a", {"labels": {"a": "<10", "b": "<10"}, "by_class": {}}, "labelled"),
    ("more scans than patients", "masks-a", {"acquisition/bits/12": 41}, "acquisition.bits"),
    ("files left out below nothing", "masks-a", {"excluded": {"empty": -3}}, "excluded.empty"),
    ("files left out for a reason of its own", "masks-a", {"excluded": {"tired": 3}}, "excluded"),
    # moments
    ("a negative variance", "masks-a", {f"{TEXTURE}/cov/0": -0.6}, "sketches.texture.cov"),
    ("negative variances throughout", "masks-a", times(-1.0, "sketches", "noise", "cov"), "sketches.noise.cov"),
    ("correlations above 1", "masks-a", {f"{TEXTURE}/cov/1": 2.0}, "sketches.texture.cov"),
    (
        "no covariance although all entries could be",
        "masks-a",
        {f"{NOISE}/cov": [1, 0.9, 1, 0.9, -0.9, 1, 0, 0, 0, 1]},
        NOISE.replace("/", "."),
    ),
    ("too short a covariance", "masks-a", {f"{TEXTURE}/cov": [1.0, 0.0, 1.0]}, "sketches.texture.cov"),
    ("a mean that is null", "masks-a", {f"{TEXTURE}/mean/0": None}, "sketches.texture.mean"),
    ("means as text", "masks-a", {f"{TEXTURE}/mean": ["0", "0", "0", "0"]}, "sketches.texture.mean"),
    ("no coordinates", "masks-a", {f"{TEXTURE}/mean": [], f"{TEXTURE}/cov": []}, "sketches.texture.mean"),
    ("a mean where no patient can be", "masks-a", {f"{TEXTURE}/mean/0": 80.0}, "sketches.texture.mean"),
    ("a mean beyond all numbers", "masks-a", {f"{TEXTURE}/mean/0": 1e300}, "sketches.texture.mean"),
    ("a spread that no patients have", "masks-a", times(1e4, "sketches", "texture", "cov"), "sketches.texture"),
    (
        "an odd number of coordinates",
        "masks-a",
        {f"{TEXTURE}/mean": [0.0] * 3, f"{TEXTURE}/cov": [1, 0, 1, 0, 0, 1], f"{TEXTURE}/area": None},
        "sketches.texture.mean",
    ),
    (
        "more coordinates than the patients allow",
        "masks-a",
        {f"{TEXTURE}/mean": [0.0] * 8, f"{TEXTURE}/cov": [0.0] * 36, f"{TEXTURE}/area": None},
        "sketches.texture.n",
    ),
    (
        "more coordinates than the axis has",
        "masks-a",
        {f"{NOISE}/mean": [0.0] * 8, f"{NOISE}/cov": [0.0] * 36, f"{NOISE}/area": None},
        "sketches.noise.mean",
    ),
    (
        "an area without spread that varies with texture",
        "masks-a",
        {f"{TEXTURE}/area/var": 0.0},
        "sketches.texture.area.cov",
    ),
    ("an area with a negative variance", "masks-a", {f"{TEXTURE}/area/var": -1.0}, "sketches.texture.area.var"),
    ("another area for one axis", "masks-a", {f"{TEXTURE}/area/mean": 0.5}, "sketches.texture.area.mean"),
    ("an area of some patients", "masks-a", {f"{TEXTURE}/n": 30}, "sketches.texture.n"),
    (
        "an area of the area",
        "masks-a",
        lambda tree: tree["sketches"]["morphology"].update(area=tree["sketches"]["noise"]["area"]),
        "sketches.morphology.area",
    ),
    ("noise without a promise", "masks-a", {f"{TEXTURE}/noise": 0.5}, "sketches.texture.noise"),
    ("an axis of its own", "masks-a", lambda tree: tree["sketches"].update(aura=tree["sketches"]["noise"]), "sketches"),
    ("a later version's axis", "masks-a", {"recipe/axes/aura": 1, "sketches/aura": None}, "recipe.axes"),
    ("an axis that is missing", "masks-a", {NOISE: GONE}, "sketches"),
    # classes
    (
        "a class without a published count",
        "classes-a",
        lambda tree: tree["by_class"].update(odd=tree["by_class"]["benign"]),
        "by_class",
    ),
    ("a class of more patients than it has", "classes-a", {f"{BENIGN}/n": 35}, "by_class.benign.texture.n"),
    ("a class of too few patients", "classes-a", {f"{BENIGN}/n": 9}, "by_class.benign.texture.n"),
    ("classes that leave one patient", "classes-a", {f"{BENIGN}/n": 33}, "by_class.*.texture.n"),
    (
        "classes that are not in the whole",
        "classes-a",
        lambda tree: tree["by_class"]["benign"]["texture"].update(mean=[2.0, 2.0, 2.0, 2.0]),
        "by_class.*.texture",
    ),
    (
        "classes wider than the site",
        "classes-a",
        times(9.0, "by_class", "benign", "texture", "cov"),
        "by_class.*.texture",
    ),
    ("a class where the site has nothing", "classes-a", {TEXTURE: None}, "by_class.benign.texture.n"),
    # measures
    (
        "a measure of more patients",
        "masks-a",
        {f"{BRIGHT}/n": 50, f"{BRIGHT}/counts": [18, 32]},
        "measures.brightness.n",
    ),
    ("counts that do not add up", "masks-a", {f"{BRIGHT}/counts": [18, 21]}, "measures.brightness.counts"),
    ("a negative count", "masks-a", {f"{BRIGHT}/counts": [-10, 50]}, "measures.brightness.counts.0"),
    ("a cell of one patient", "masks-a", {f"{BRIGHT}/counts": [1, 39]}, "measures.brightness.counts"),
    ("a cell too many", "masks-a", {f"{BRIGHT}/counts": [10, 10, 20]}, "measures.brightness.counts"),
    ("edges that fall", "masks-a", {f"{BRIGHT}/edges": [255.0, 63.75, 0.0]}, "measures.brightness.edges"),
    ("edges off the public grid", "masks-a", {f"{BRIGHT}/edges": [0.0, 65.0, 255.0]}, "measures.brightness.edges"),
    ("edges on half the grid", "masks-a", {f"{BRIGHT}/edges": [0.0, 63.75, 127.5]}, "measures.brightness.edges"),
    ("a mean far outside its cells", "masks-a", {f"{BRIGHT}/mean": 200.0}, "measures.brightness.sd"),
    ("a mean of another world", "masks-a", {"measures/noise/mean": 1e7}, "measures.noise.mean"),
    ("a negative deviation", "masks-a", {f"{BRIGHT}/sd": -4.0}, "measures.brightness.sd"),
    ("another unit", "masks-a", {f"{BRIGHT}/unit": "lux"}, "measures.brightness.unit"),
    (
        "a measure of its own",
        "masks-a",
        lambda tree: tree["measures"].update(aura=tree["measures"]["noise"]),
        "measures",
    ),
    # curves
    ("quantiles that fall", "masks-a", turned("quantiles"), "quantiles"),
    ("quantiles above 1", "masks-a", {"quantiles/32": 1.5}, "quantiles"),
    ("too few quantiles", "masks-a", {"quantiles": [0.0, 1.0]}, "quantiles"),
    ("a negative amplitude", "masks-a", {"spectrum/3": -0.1}, "spectrum"),
    ("a table for a curve", "masks-a", {"spectrum": [[1.0, 2.0], [3.0, 4.0]]}, "spectrum"),
    # privacy
    ("noise that excuses everything", "private-a", {"privacy/count_noise": 1e6}, "privacy.count_noise"),
    ("a promise without an end", "private-a", {"privacy/epsilon": 0.0}, "privacy.epsilon"),
    ("a promise beside exact tags", "private-a", {"acquisition": {"bits": {"8": 801}}}, "acquisition"),
    ("a promise that leaves out an axis", "private-a", {"privacy/clipped/texture": GONE}, "privacy.clipped"),
    ("more patients than the noise can add", "private-a", {f"{TEXTURE}/n": 900}, "sketches.texture.n"),
    ("a private sketch without its noise", "private-a", {f"{TEXTURE}/noise": None}, "sketches.texture.noise"),
    # names and marks
    ("a name that moves the cursor", "masks-a", {"site": "\x1b[2Jearly"}, "site"),
    ("a name that reads backwards", "masks-a", {"site": "early\u202eetal"}, "site"),
    ("half a character", "masks-a", {"site": "\ud800"}, "site"),
    ("two lines for a name", "masks-a", {"site": "early\nlate"}, "site"),
    ("no name", "masks-a", {"site": " "}, "site"),
    ("a name that shows nothing", "masks-a", {"site": "\u3164"}, "site"),
    ("a name with a mark that shows nothing", "masks-a", {"site": "early\ufe0f"}, "site"),
    ("a name with a space behind it", "masks-a", {"site": "early "}, "site"),
    ("a name without an end", "masks-a", {"site": "x" * 201}, "site"),
    ("a class that hides in another", "classes-a", {"labels/beni\u200bgn": 10}, "labels"),
    ("a class too many", "classes-a", {"labels": {f"class {k:03d}": 10 for k in range(101)}}, "labels"),
    ("a tag too many", "classes-a", {"acquisition": {f"tag {k:02d}": {} for k in range(21)}}, "acquisition"),
    (
        "a scanner too many",
        "classes-a",
        {"acquisition/scanner": dict.fromkeys(map(str, range(501)), 10)},
        "acquisition",
    ),
    ("fewer than no patient of several classes", "classes-a", {"several_classes": -5}, "several_classes"),
    ("a fingerprint that is none", "masks-a", {"fingerprint": "f" * 63}, "fingerprint"),
    ("patients told apart by guess", "masks-a", {"patient_source": "guess"}, "patient_source"),
    ("a folder like no other", "masks-a", {"layout": "heap"}, "layout"),
    ("a version in words", "masks-a", {"version": "latest"}, "version"),
    ("a seed of 65 bits", "masks-a", {"seed": 2**64}, "seed"),
    ("a field of its own", "masks-a", {"diagnosis": "none"}, "diagnosis"),
    ("a field that is missing", "masks-a", {"masks": GONE}, "masks"),
]

FILES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    (
        "a number without end",
        lambda data: data.replace(b'"patients": 40', b'"patients": 1e999'),
        "key 'patients': expected a finite number (got 1e999)",
    ),
    (
        "not a number",
        lambda data: data.replace(b'"patients": 40', b'"patients": NaN'),
        "key 'patients': expected a finite number (got NaN)",
    ),
    (
        "an integer of 10,000 digits",
        lambda data: data.replace(b'"seed": 0', b'"seed": ' + b"9" * 10_000),
        "key 'seed': expected an integer of 64 bits (got 999",
    ),
    (
        "a key twice",
        lambda data: data.replace(b'"masks": 40', b'"masks": 40, "masks": 0'),
        "key 'masks': expected each key once (got 'masks' twice)",
    ),
    (
        "a thousand brackets",
        lambda data: data.replace(b'"masks": 40', b'"masks": ' + b"[" * 1000 + b"]" * 1000),
        "24 levels deep at the most, got 1001 levels of brackets",
    ),
    (
        "a larger file than any profile",
        lambda data: data + b" " * 1_000_000,
        "expected a profile as JSON of 1 MB at the most, got a larger file",
    ),
    ("bytes that are no text", lambda data: data.replace(b"early", b"ear\xffly"), "is not UTF-8 text"),
    ("half a file", lambda data: data[: len(data) // 2], "expected a profile as JSON, found something else"),
    ("a list", lambda _: b"[]", "expected a profile with a 'schema' number, found none"),
    (
        "a later schema",
        lambda data: data.replace(b'"schema": 1', b'"schema": 2'),
        "schema 2 is not the schema 1 this version reads",
    ),
]


def refused(run, tmp_path: Path, data: bytes) -> str:
    """What `recommend` says of a file, without the file's name."""
    path, other = tmp_path / "forged.profile.json", tmp_path / "other.profile.json"
    path.write_bytes(data)
    other.write_bytes(as_json(PROFILES["masks-b"]))
    done = run("recommend", path, other)
    assert done.code == 2, done.out + done.err
    assert not done.out
    opening = f"error: {path}: "
    assert done.err.startswith(opening)
    assert done.err.count("\n") == 1
    assert done.err.isascii() or done.err[:-1].isprintable()
    return done.err.removeprefix(opening).strip()


@pytest.mark.parametrize(("what", "base", "change", "key"), FORGERIES, ids=[what for what, *_ in FORGERIES])
def test_what_nobody_measured_is_refused(run, tmp_path: Path, what: str, base: str, change: Change, key: str) -> None:
    says = refused(run, tmp_path, as_json(changed(PROFILES[base], change)))
    assert re.match(rf"key '{re.escape(key)}[.']?.*'", says), says
    assert ("(got " in says) != says.endswith("is missing")
    assert written()[what] == says


@pytest.mark.parametrize(("what", "damage", "expected"), FILES, ids=[what for what, *_ in FILES])
def test_what_is_no_profile_is_refused(
    run, tmp_path: Path, what: str, damage: Callable[[bytes], bytes], expected: str
) -> None:
    data = json.dumps(PROFILES["masks-a"]).encode()
    assert damage(data) != data
    says = refused(run, tmp_path, damage(data))
    assert expected in says
    assert written()[what] == says


def written() -> dict[str, str]:
    """The table of docs/profile.md: forgery -> message."""
    table = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    rows = [line.strip("| ").split(" | ", 1) for line in table.splitlines()[2:]]
    return {what: says.strip("`").replace("\\|", "|") for what, says in rows}


@pytest.mark.skipif("SHIFTSCOPE_REWRITE_GOLDEN" not in os.environ, reason="writes the table of docs/profile.md")
def test_the_table_is_written_anew(run, tmp_path: Path) -> None:
    refusals = {
        what: refused(run, tmp_path, as_json(changed(PROFILES[base], change))) for what, base, change, _ in FORGERIES
    }
    data = json.dumps(PROFILES["masks-a"]).encode()
    refusals |= {what: refused(run, tmp_path, damage(data)) for what, damage, _ in FILES}
    before, rest = PAGE.read_text(encoding="utf-8").split(BEGIN)
    rows = [f"| {what} | `{says.replace('|', chr(92) + '|')}` |" for what, says in refusals.items()]
    table = "\n".join(["| forged | refused with |", "|---|---|", *rows])
    PAGE.write_text(f"{before}{BEGIN}{table}\n{END}{rest.split(END)[1]}", encoding="utf-8")


def test_the_table_holds_nothing_else() -> None:
    assert [*written()] == [what for what, *_ in (*FORGERIES, *FILES)]


@pytest.mark.parametrize("name", PROFILES)
def test_honest_profiles_read(run, tmp_path: Path, name: str) -> None:
    path, other = tmp_path / "honest.profile.json", tmp_path / "other.profile.json"
    path.write_bytes(as_json({**PROFILES[name], "site": "honest"}))
    other.write_bytes(as_json({**PROFILES["masks-b"], "fingerprint": "e" * 64}))
    assert run("recommend", path, other).code == 0
