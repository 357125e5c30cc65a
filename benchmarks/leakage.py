"""What each harmonizer takes away with the scanner: class separability and lesion contrast within each real site.

    python benchmarks/leakage.py DATA [--size 64] [--only NAME ...] [-o docs/results/leakage.json]

Every harmonizer on grey or colour images is fitted on all cases of a base's sites and applied to them: the question is
what the map itself erases, not how it generalizes. Figures are those of `shiftscope.harmonizers.leakage`; the noise
they are judged by is how much each figure differs between random halves of a site.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shiftscope.harmonizers import HARMONIZERS, fit
from shiftscope.harmonizers.coarse_features import case_features
from shiftscope.harmonizers.leakage import (
    MARGIN_CONTRAST,
    MARGIN_SEPARABILITY,
    Drop,
    contrast,
    contrast_drop,
    separability,
    separability_drop,
)
from shiftscope.images import as_seen, canvas, mask_canvas
from shiftscope.sites import Case, load, read_site

BASES = {"cxr_cls": False, "breast_cls": False, "breast_us": False, "polyp": True}
"""Folder of DATA -> whether it is read in colour."""

LIMITS = {"n4": 60}
"""Cases per site a slow harmonizer is tried on, spread evenly."""

HARMLESS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gamma 0.7": lambda pixels: pixels**0.7,
    "gamma 0.85": lambda pixels: pixels**0.85,
    "gamma 1.2": lambda pixels: pixels**1.2,
    "gamma 1.5": lambda pixels: pixels**1.5,
    "flat by a third": lambda pixels: np.where(pixels > 0, 0.2 + pixels * 2 / 3, 0),
    "noise of 1 %": lambda pixels: np.clip(
        pixels + 0.01 * np.random.default_rng(0).standard_normal(pixels.shape), 0, 1
    ),
}
"""The same mild change of every case of a site, which takes nothing away: how often the gate cries wolf."""

HALVINGS = 200
FEWEST = 60
"""Cases from which a site says something about noise."""


@dataclass(frozen=True)
class Read:
    """One case on its canvas."""

    patient: str
    pixels: np.ndarray
    label: str | None
    mask: np.ndarray | None


def read_case(case: Case, size: int, colour: bool) -> Read:
    image, drawn = load(case)
    mask = None if drawn is None else drawn.labels
    pixels = canvas(as_seen(image), size)
    if not colour:
        pixels = pixels.mean(axis=1, keepdims=True)
    return Read(case.patient, pixels, case.label, None if mask is None else mask_canvas(mask, size))


def read_base(folder: Path, size: int, colour: bool) -> dict[str, list[Read]]:
    sites = (read_site(path, name=path.name) for path in sorted(folder.iterdir()) if path.is_dir())
    return {site.name: [read_case(case, size, colour) for case in site.cases] for site in sites}


def thinned(cases: list[Read], most: int | None) -> list[Read]:
    """As many as `most`, of every label alike."""
    if most is None or len(cases) <= most:
        return cases
    ordered = sorted(cases, key=lambda case: (case.label or "", case.patient))
    return [ordered[index] for index in np.linspace(0, len(ordered) - 1, most).round().astype(int)]


def by_patient(cases: Sequence[Read]) -> list[list[np.ndarray]]:
    patients: dict[str, list[np.ndarray]] = {}
    for case in cases:
        patients.setdefault(case.patient, []).append(case.pixels)
    return list(patients.values())


def judged(cases: list[Read], after: list[np.ndarray]) -> dict[str, Drop | None]:
    """The figures a site can compute, before against after."""
    patients = [case.patient for case in cases]
    if cases[0].mask is not None:
        figures = [
            [contrast(pixels, case.mask) for case, pixels in zip(cases, pictures, strict=True)]
            for pictures in ([case.pixels for case in cases], after)
        ]
        return {"contrast": contrast_drop(*figures, patients=patients)}
    tables = [
        np.array([case_features(pixels) for pixels in pictures]) for pictures in ([c.pixels for c in cases], after)
    ]
    return {"separability": separability_drop(*tables, [case.label for case in cases], patients=patients)}


def rows_from(figures: dict[str, Drop | None]) -> list[dict[str, Any]]:
    margins = {"separability": MARGIN_SEPARABILITY, "contrast": MARGIN_CONTRAST}
    return [
        {
            "figure": figure,
            **{key: round(value, 4) for key, value in asdict(drop).items()},
            "lost": drop.exceeds(margins[figure]),
        }
        for figure, drop in figures.items()
        if drop is not None
    ]


def noise_of(cases: list[Read], rng: np.random.Generator) -> dict[str, Any] | None:
    """Half the deviation of the difference between random halves: the standard error of the whole site's figure."""
    if len(cases) < FEWEST:
        return None
    measure: Callable[[np.ndarray], float | None]
    if cases[0].mask is not None:
        values = np.array([contrast(case.pixels, case.mask) or 0.0 for case in cases])
        figure, measure = "contrast", lambda chosen: float(values[chosen].mean() / values.mean())
    else:
        table, labels = np.array([case_features(case.pixels) for case in cases]), [case.label for case in cases]
        figure, measure = "separability", lambda chosen: separability(table[chosen], [labels[i] for i in chosen])
    gaps = []
    for _ in range(HALVINGS):
        order = rng.permutation(len(cases))
        one, other = measure(order[: len(order) // 2]), measure(order[len(order) // 2 :])
        if one is not None and other is not None:
            gaps.append(one - other)
    return {"figure": figure, "cases": len(cases), "standard_error": round(float(np.std(gaps) / 2), 4)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    rows, noise, harmless, rng = [], [], [], np.random.default_rng(0)
    for base, colour in BASES.items():
        sites = read_base(options.data / base, options.size, colour)
        for site, cases in sites.items():
            if found := noise_of(cases, rng):
                noise.append({"base": base, "site": site, **found})
                for change, act in HARMLESS.items():
                    rows_of = rows_from(judged(cases, [act(case.pixels).astype(np.float32) for case in cases]))
                    harmless += [{"base": base, "site": site, "change": change, **row} for row in rows_of]
        for name, harmonizer in HARMONIZERS.items():
            fits = harmonizer.on == "pixels" or (harmonizer.on == "colour" and colour)
            if not fits or harmonizer.mix is not None or (options.only and name not in options.only):
                continue
            since = time.perf_counter()
            tried = {site: thinned(cases, LIMITS.get(name)) for site, cases in sites.items()}
            owns, reference = fit(harmonizer, {site: by_patient(cases) for site, cases in tried.items()})
            for site, cases in tried.items():
                after = [harmonizer.apply(case.pixels, owns[site], reference) for case in cases]
                moved = float(np.mean([np.abs(a - c.pixels).mean() for a, c in zip(after, cases, strict=True)]))
                head = {"base": base, "site": site, "harmonizer": name, "changed": round(moved, 4)}
                rows += [{**head, **row} for row in rows_from(judged(cases, after))]
            print(f"{base} {name}: {time.perf_counter() - since:.0f} s", file=sys.stderr)
    result = {
        "size": options.size,
        "margins": {"separability": MARGIN_SEPARABILITY, "contrast": MARGIN_CONTRAST},
        "noise": noise,
        "harmless": harmless,
        "rows": rows,
    }
    if options.out:
        options.out.write_text(json.dumps(result, indent=1) + "\n")
    print(table(rows, noise))
    for figure in ("separability", "contrast"):
        tried = [row for row in harmless if row["figure"] == figure]
        worst = max(row["drop"] for row in tried)
        false = sum(row["lost"] for row in tried)
        print(f"\n{figure}: {false} of {len(tried)} harmless changes called lost, worst drop {worst}")


def table(rows: list[dict[str, Any]], noise: list[dict[str, Any]]) -> str:
    """Harmonizer by base: the mean drop over sites and the largest, with the sites that lost more than the margin."""
    lines = ["| harmonizer | " + " | ".join(BASES) + " |", "|---|" + "---|" * len(BASES)]
    for name in dict.fromkeys(row["harmonizer"] for row in rows):
        cells = []
        for base in BASES:
            here = [row for row in rows if row["harmonizer"] == name and row["base"] == base]
            lost = [row["site"] for row in here if row["lost"]]
            drops = [row["drop"] for row in here]
            cells.append(
                f"{np.mean(drops):+.3f} ({max(drops):+.3f})" + (f" **{', '.join(lost)}**" if lost else "")
                if here
                else ""
            )
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    lines += ["", "| base | site | cases | standard error |", "|---|---|---|---|"]
    lines += [f"| {n['base']} | {n['site']} | {n['cases']} | {n['standard_error']:.3f} |" for n in noise]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
