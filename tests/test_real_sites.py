"""Verdicts on real hospitals' images that do not depend on a margin's second digit."""

from pathlib import Path

import pytest

from shiftscope.diagnosis import diagnose
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.recommendation import AdviceBasis, advise, load_policy
from shiftscope.sites import NOTHING_SAID, Declarations, Site, read_site

pytestmark = pytest.mark.real

WHOSE = {"breast_us": Declarations(patient_regex=r"(bus_\d+|busi_\w+_\d+)")}
"""Group -> how names identify patients; elsewhere each file counts as one."""


def profiled(site: Site) -> Profile:
    return profile_site(site, load_extractor(), Options())[0]


def half(site: Site, name: str, parity: int) -> Site:
    """Every other patient of a site, as a site."""
    patients = sorted({case.patient for case in site.cases})[parity::2]
    cases = tuple(case for case in site.cases if case.patient in set(patients))
    return Site(name, site.root, site.layout, cases, site.patient_source, site.classes, {})


@pytest.mark.parametrize("folder", ["breast_us/busbra_logiq5", "cxr_cls/nih_cxr14"])
def test_two_halves_of_a_site_do_not_differ(real_data: Path, folder: str) -> None:
    site = read_site(real_data / folder, given=WHOSE.get(folder.split("/")[0], NOTHING_SAID))
    profiles = [profiled(half(site, name, parity)) for name, parity in (("odd", 0), ("even", 1))]
    advice = advise(profiles, AdviceBasis(load_policy(), "frozen"))
    assert advice.diagnosis.kind == "none"
    assert not any(answer.called for answer in advice.diagnosis.axes.values())
    assert advice.recommendation.action == "pool"
    assert advise(profiles).recommendation.harmonizer is None  # of a whole network it may ask for a rehearsal


def test_three_scanners_of_one_hospital(real_data: Path) -> None:
    """An appearance shift a map undoes; the small site is said to be too small."""
    sites = sorted((real_data / "breast_us").glob("busbra_*"))
    profiles = [profiled(read_site(path, given=WHOSE["breast_us"])) for path in sites]
    found = diagnose(profiles)
    assert found.by_site["busbra_usystems"].kind == "insufficient"
    assert found.axes["appearance"].called
    assert found.removed[0].harmonizer == "quantile_spectrum"
    assert found.removed[0].share > 0.5
    brightest = {item.measure for item in found.evidence if "busbra_logiq5" in item.sites}
    assert {"brightness_outside", "noise"} & brightest
