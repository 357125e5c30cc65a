"""What policies keep is said in words, and never as a zero."""

from small_plans import planned_sites, small_plan

from shiftscope.plans import Cost, Difference, RunResult, SiteScores
from shiftscope.reports.html.training_section import differences
from shiftscope.reports.kept_wording import case_cell, case_words, known_figure, known_score, policies_of_run

KNOWN = SiteScores(cases=12, scores={"baseline": (0.8, None)})
SILENT = SiteScores(cases=0, scores={"baseline": (None, None)}, kept=("cases", "dice"))


def result_of(**sites: SiteScores) -> RunResult:
    return RunResult(
        plan=small_plan(sites=planned_sites(sites, 40)),
        engine="inline",
        metric="dice",
        seeds=(0, 1),
        verdict="undecided",
        margin=0.01,
        difference=Difference(mean=0.1, low=-0.1, high=0.3),
        sites=sites,
        rounds=(),
        cost=Cost(bytes=1, seconds=1.0),
    )


def test_a_number_that_is_kept_is_no_number() -> None:
    assert (case_cell(KNOWN), case_cell(SILENT)) == ("12", "kept")
    assert (known_score(KNOWN, "dice", "baseline"), known_score(SILENT, "dice", "baseline")) == ("0.800", "kept")
    assert known_score(SILENT, "auroc", "baseline") == "-"


def test_a_class_that_few_have_is_kept_and_not_undefined() -> None:
    also = {"dice of cyst": {"baseline": (None, None)}, "dice of tumour": {"baseline": (0.5, None)}}
    few = KNOWN.model_copy(update={"also": also, "kept": ("dice of cyst",)})
    assert [known_figure(few, name, "baseline") for name in also] == ["kept", "0.500"]
    assert known_figure(few.model_copy(update={"kept": ()}), "dice of cyst", "baseline") == "-"
    assert known_figure(few, "dice of liver", "baseline") == "-"


def test_a_fold_that_is_kept_leaves_the_others() -> None:
    """Of folds of four and of five patients a site may tell the second alone."""
    some = KNOWN.model_copy(update={"kept": ("dice",)})
    assert known_score(some, "dice", "baseline") == "0.800"


def test_cases_are_those_of_the_sites_that_tell_them() -> None:
    assert case_words(result_of(a=KNOWN, b=KNOWN)) == "n = 24 test cases"
    assert case_words(result_of(a=KNOWN, b=SILENT)) == "n = 12 test cases of 1 of 2 sites"
    assert case_words(result_of(b=SILENT)) == "the number of test cases kept at the sites"


def test_a_line_names_the_site_and_all_that_it_keeps() -> None:
    assert policies_of_run(result_of(a=KNOWN, b=SILENT)) == ["'b' keeps cases, dice at the site"]


def test_the_page_counts_no_case_that_is_kept() -> None:
    apart = SILENT.model_copy(update={"kept": ("cases",), "difference": Difference(mean=0.1, low=0.0, high=0.2)})
    figure = differences(result_of(a=KNOWN, b=apart))
    assert figure is not None
    assert [row[-1] for row in figure.table.rows] == ["12", "kept"]
    figure = differences(result_of(b=apart))
    assert figure is not None
    assert [row[-1] for row in figure.table.rows] == ["kept", "kept"]
