"""Honest documents of every kind as plain values, and the account of what became of forged ones."""

import os
import platform
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from honest_documents import SEED, Values, plain

from shiftscope.measures.features import load_extractor
from shiftscope.plans import propose_plan
from shiftscope.profiles import Options, Part, Patient, Profile, Tally, part_of_site
from shiftscope.profiles.origins import Origin
from shiftscope.recommendation import advise
from shiftscope.sites import read_site


@pytest.fixture(scope="session")
def parts(fixtures: Path) -> dict[str, Part]:
    """Parts of sites with masks, with labels, and with too few patients to be told."""
    extractor = load_extractor()
    names = ("both/early", "both/late", "rarer_labels/referral", "rarer_labels/screening", "broken/wreck")
    return {name: part_of_site(read_site(fixtures / name), extractor, Options())[0] for name in names}


@pytest.fixture(scope="session")
def profiles(parts: dict[str, Part]) -> dict[str, Values]:
    """Profiles: with masks, with classes, small, and under differential privacy."""
    made = {name: plain(part.profile()) for name, part in parts.items()}
    recipe = parts["both/early"].origin
    return {**made, **{f"private/{name}": plain(_private(recipe, name, seed)) for seed, name in enumerate("ab")}}


def _private(origin: Origin, name: str, seed: int) -> Profile:
    """800 patients with masks and labels, drawn; with noise."""
    rng = np.random.default_rng(seed)
    axes = {"intensity": 8, "texture": 8, "intensity_outside": 8, "layout": 16, "morphology": 8, "boundary": 4}
    tally = Tally()
    for number in range(800):
        coordinates = {axis: rng.normal(size=width) for axis, width in axes.items()}
        lesion = {"lesion": rng.normal(size=8)}
        label = "benign" if number % 3 else "malignant"
        tally.add(Patient(1, 1, label, coordinates | lesion, {}, {}, frozenset({"2-D"}), False))
    return tally.export(origin.model_copy(update={"site": name}), epsilon=20)


@pytest.fixture(scope="session")
def plan(profiles: dict[str, Values]) -> Values:
    """The plan that two honest profiles give."""
    read = [Profile.from_dict(profiles[name], name, ValueError) for name in ("both/early", "both/late")]  # type: ignore[arg-type]
    return plain(propose_plan(read, advise(read).recommendation, "honest"))


@pytest.fixture(scope="session")
def account() -> Iterator[Callable[[str, str, int], None]]:
    """Counts (document, command, exit code); written where SHIFTSCOPE_EVIDENCE says."""
    counts: Counter[tuple[str, str, int]] = Counter()

    def note(document: str, command: str, code: int) -> None:
        counts[document, command, code] += 1

    yield note
    if "SHIFTSCOPE_EVIDENCE" in os.environ:
        _write(Path(os.environ["SHIFTSCOPE_EVIDENCE"]), counts)


def _write(path: Path, counts: Counter[tuple[str, str, int]]) -> None:
    codes = sorted({code for *_, code in counts})
    rows = sorted({(document, command) for document, command, _ in counts})
    lines = [
        "# Forged documents",
        "",
        "Valid documents, each changed in one to four places (`tests/forged/mutations.py`), given to the commands that",
        f"read them. `make evidence`, {date.today().isoformat()}, seed {SEED}, Python {platform.python_version()},"
        f" {platform.machine()}, {os.cpu_count()} cores.",
        "",
        "| document | command | " + " | ".join(f"exit {code}" for code in codes) + " |",
        "|---|---|" + "---:|" * len(codes),
        *(
            f"| {document} | {command} | " + " | ".join(str(counts[document, command, code]) for code in codes) + " |"
            for document, command in rows
        ),
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
