"""Verdicts on real hospitals' images that do not depend on a margin's second digit."""

from pathlib import Path

import pytest

from shiftscope.diagnosis import diagnose
from shiftscope.measures.features import load_extractor
from shiftscope.profiles import Options, Profile, profile_site
from shiftscope.recommendation import advise
from shiftscope.sites import Site, read_site

pytestmark = pytest.mark.real


def profiled(site: Site) -> Profile:
    return profile_site(site, load_extractor(), Options())[0]


def half(site: Site, name: str, parity: int) -> Site:
    """Every other patient of a site, as a site."""
    patients = sorted({case.patient for case in site.cases})[parity::2]
    cases = tuple(case for case in site.cases if case.patient in set(patients))
    return Site(name, site.root, site.layout, cases, site.patient_source, site.classes, {})


@pytest.mark.parametrize("folder", ["breast_us/busbra_logiq5", "cxr_cls/nih_cxr14"])
def test_two_halves_of_a_site_do_not_differ(real_data: Path, folder: str) -> None:
    site = read_site(real_data / folder)
    advice = advise([profiled(half(site, name, parity)) for name, parity in (("odd", 0), ("even", 1))])
    assert advice.diagnosis.kind == "none"
    assert not any(answer.called for answer in advice.diagnosis.axes.values())
    assert advice.recommendation.action == "pool"


def test_three_scanners_of_one_hospital(real_data: Path) -> None:
    """An appearance shift a map undoes; the two small sites are said to be too small."""
    sites = sorted(path for path in (real_data / "breast_us").iterdir() if path.is_dir())
    profiles = [profiled(read_site(path)) for path in sites]
    found = diagnose(profiles)
    assert found.by_site["busi"].kind == found.by_site["busbra_usystems"].kind == "insufficient"
    assert found.axes["appearance"].called
    assert found.removed[0].harmonizer == "quantile_spectrum"
    assert found.removed[0].share > 0.5
    brightest = {item.measure for item in found.evidence if "busbra_logiq5" in item.sites}
    assert {"brightness_outside", "noise"} & brightest
