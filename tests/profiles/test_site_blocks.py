"""However a site is cut, spread over processes and machines, stopped and gone on with: the same bytes."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shiftscope.errors import InputError, ProfileError
from shiftscope.measures.features.extractors import load_extractor
from shiftscope.phantoms import ANATOMIES, write_site
from shiftscope.profiles import Key, Options, Part, UnfinishedRun, merge, part_of_site, profile_site
from shiftscope.profiles.site_blocks import block_order, site_runs, unfinished_runs
from shiftscope.profiles.site_blocks.block_order import SiteBlocks
from shiftscope.profiles.site_blocks.gathered_sums import GatheredSums
from shiftscope.profiles.site_blocks.unfinished_runs import RunInputs
from shiftscope.profiles.site_blocks.worker_processes import here, in_processes
from shiftscope.progress import Progress
from shiftscope.sites import Declarations, Site, SiteReading, read_site
from shiftscope.sites.array_cases import site_of_arrays

EXTRACTOR = load_extractor()
KEY = Key(bytes(range(32)))
SAMPLED = Options(sample=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patients with one picture and with several, of two classes, and one file that cannot be read."""
    rng = np.random.default_rng(2)
    drawn = [ANATOMIES["ultrasound"](rng, size=40) for _ in range(60)]
    named = [replace(one, patient=f"mrn-{k % 48:03d}") for k, one in enumerate(drawn)]
    root = write_site(named, tmp_path_factory.mktemp("blocks") / "ashford", layout="manifest", format="png")
    (root / "images" / "torn.png").write_bytes(b"\x89PNG")
    with (root / "manifest.csv").open("a") as manifest:
        manifest.write("images/torn.png,,,mrn-999\n")
    return root


@pytest.fixture
def site(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """In blocks so small that there are many."""
    monkeypatch.setattr(block_order, "CANVASES", 6)
    return read_site(folder)


@pytest.fixture(scope="module")
def whole(folder: Path) -> Iterator[dict[int | None, str]]:
    """The profile in one process and in one go, by sample."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block_order, "CANVASES", 6)
        yield {
            sample: profile_site(read_site(folder), EXTRACTOR, Options(sample=sample), key=KEY)[0].to_json()
            for sample in (20, None)
        }


def test_blocks_hold_every_case_once_and_patients_whole_the_sample_first(site: Site) -> None:
    blocks = [*SiteBlocks.of(site, KEY, 20)]
    assert [block.number for block in blocks] == list(range(len(blocks)))
    assert sorted(place for block in blocks for place in block.places) == list(range(len(site.cases)))
    assert all(
        site.cases[place] == case for block in blocks for place, case in zip(block.places, block.cases, strict=True)
    )
    owners = [{case.patient for case in block.cases} for block in blocks]
    assert sum(map(len, owners)) == len(set.union(*owners)) == 49
    sampled = [bool(block.marks) for block in blocks]
    assert sampled == sorted(sampled, reverse=True)
    assert sum(len(block.marks) for block in blocks) == 20
    marks = [mark for block in blocks for mark in block.marks.values()]
    assert marks == sorted(marks)
    other = [*SiteBlocks.of(replace(site, cases=site.cases[::-1]), KEY, 20)]
    assert [{case.name for case in block.cases} for block in other] == [
        {case.name for case in block.cases} for block in blocks
    ]
    assert {*blocks[0].marks} != {*next(iter(SiteBlocks.of(site, None, 20))).marks}


@pytest.mark.parametrize("sample", [20, None])
def test_two_processes_give_the_bytes_of_one(site: Site, whole: dict[int | None, str], sample: int | None) -> None:
    steps: list[Progress] = []
    options = Options(sample=sample, jobs=2)
    made, failures = profile_site(site, EXTRACTOR, options, steps.append, key=KEY)
    assert made.to_json() == whole[sample]
    assert [failure.reason for failure in failures] == ["not_an_image"]
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == steps[-1].total == len(site.cases)


@pytest.mark.parametrize("sample", [20, None])
def test_parts_of_an_array_job_are_the_whole(site: Site, whole: dict[int | None, str], sample: int | None) -> None:
    """Each task lists the whole site, and fits the same map."""
    parts = []
    for task in (3, 1, 2):
        options = Options(sample=sample, share=(task, 3))
        parts.append((str(task), part_of_site(site, EXTRACTOR, options, key=KEY)[0]))
    assert all(part.tally.patients > 5 for _, part in parts)
    merged = merge(parts)
    assert merged.to_json() == whole[sample]
    with pytest.raises(ProfileError, match="parts of a folder are missing: 3/3; make them with --part"):
        merge(parts[1:])


def test_patients_are_harmonized_to_the_same_bits_in_any_part(site: Site) -> None:
    """A batch of another size is rounded in another way, which six digits do not always hide."""
    options, known = Options(sample=40), {}
    for share in ((1, 1), (1, 3), (2, 3), (3, 3)):
        made, _ = part_of_site(site, EXTRACTOR, replace(options, share=share), key=KEY)
        known[share] = {one.mark: one.coordinates for one in made.tally.sample.patients}
    whole = known.pop((1, 1))
    assert sum(map(len, known.values())) == len(whole) == 40
    for mark, coordinates in (item for part in known.values() for item in part.items()):
        for axis, row in coordinates.items():
            np.testing.assert_array_equal(row, whole[mark][axis])


def test_parts_without_a_patient_of_their_own_are_merged_too(site: Site) -> None:
    """A task more than there are blocks: an archive need not be large."""
    small = replace(site, cases=site.cases[:12])
    parts = [(str(i), part_of_site(small, EXTRACTOR, replace(SAMPLED, share=(i, 9)), key=KEY)[0]) for i in range(1, 10)]
    assert sum(part.tally.patients == 0 for _, part in parts) > 1
    assert merge(parts).to_json() == profile_site(small, EXTRACTOR, SAMPLED, key=KEY)[0].to_json()


@pytest.mark.parametrize("together", [1, 3])
def test_patients_of_whom_nothing_can_be_read_are_drawn_and_left_out(
    site: Site, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    """Even where they are harmonized with nobody else, or all are such."""
    monkeypatch.setattr(site_runs, "_TOGETHER", together)
    made, _ = part_of_site(site, EXTRACTOR, Options(sample=49), key=KEY)
    assert sorted(bool(one.coordinates) for one in made.tally.sample.patients) == [False] + [True] * 48
    torn = replace(site, cases=tuple(case for case in site.cases if case.patient == "mrn-999"))
    empty, failures = part_of_site(torn, EXTRACTOR, SAMPLED, key=KEY)
    assert (empty.tally.patients, empty.fit, len(failures)) == (0, None, 1)
    assert [bool(one.coordinates) for one in empty.tally.sample.patients] == [False]


class Killed(BaseException):
    """The process is gone."""


def stopped_after(monkeypatch: pytest.MonkeyPatch, blocks: int) -> None:
    """A run that keeps its state after every block, and dies after so many of them."""
    save, count = UnfinishedRun.save_if_due, 0

    def then_die(*asked: Any) -> None:
        nonlocal count
        save(*asked)
        count += 1
        if count == blocks:
            raise Killed

    monkeypatch.setattr(unfinished_runs, "EVERY_S", 0.0)
    monkeypatch.setattr(UnfinishedRun, "save_if_due", then_die)


@pytest.mark.parametrize("sample", [20, None])
@pytest.mark.parametrize("blocks", [1, 4])
def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    site: Site,
    whole: dict[int | None, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sample: int | None,
    blocks: int,
) -> None:
    options, reading = Options(sample=sample), SiteReading(site)
    run = UnfinishedRun(tmp_path / "p.unfinished", resume=False)
    with monkeypatch.context() as patch:
        stopped_after(patch, blocks)
        with pytest.raises(Killed):
            profile_site(site, EXTRACTOR, options, key=KEY, unfinished=run)
    assert (tmp_path / "p.unfinished").stat().st_mode & 0o777 == 0o600
    again = UnfinishedRun(tmp_path / "p.unfinished", resume=True)
    steps: list[Progress] = []
    made, failures = profile_site(site, EXTRACTOR, options, steps.append, reading=reading, key=KEY, unfinished=again)
    assert made.to_json() == whole[sample]
    assert len(steps) < len(site.cases)
    assert steps[-1].done == len(site.cases)
    assert [failure.reason for failure in failures] == ["not_an_image"]
    in_one_go = SiteReading(site)
    profile_site(site, EXTRACTOR, options, reading=in_one_go, key=KEY)
    assert reading.to_dict() == in_one_go.to_dict()
    again.end()
    assert not (tmp_path / "p.unfinished").exists()


def test_a_state_is_of_one_run_alone(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of other options, other files or another file of the same name; and never a pickle."""
    path = tmp_path / "p.unfinished"
    with monkeypatch.context() as patch:
        stopped_after(patch, 1)
        with pytest.raises(Killed):
            profile_site(site, EXTRACTOR, SAMPLED, key=KEY, unfinished=UnfinishedRun(path, resume=False))

    def go_on(site: Site = site, options: Options = SAMPLED, key: Key | None = KEY) -> None:
        profile_site(site, EXTRACTOR, options, key=key, unfinished=UnfinishedRun(path, resume=True))

    for asked in ({"options": replace(SAMPLED, sample=21)}, {"key": None}, {"options": replace(SAMPLED, seed=1)}):
        with pytest.raises(ProfileError, match="over other images, with other options or by another version"):
            go_on(**asked)  # type: ignore[arg-type]
    image = site.cases[0].images[0]
    before = image.stat()
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    with pytest.raises(ProfileError, match="over other images"):
        go_on()
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    whole = path.read_bytes()
    for damaged in (b"", b"\x80\x04N.", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ProfileError, match="begin anew without --resume"):
            go_on()


def test_a_state_is_of_one_map_and_of_what_was_left_out(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another part's map, or after a broken file has gone, other numbers come out."""
    first, _ = part_of_site(replace(site, cases=site.cases[:20]), EXTRACTOR, SAMPLED, key=KEY)
    path = tmp_path / "p.unfinished"

    def run(site: Site, first: Part | None, *, resume: bool) -> None:
        part_of_site(site, EXTRACTOR, SAMPLED, first=first, key=KEY, unfinished=UnfinishedRun(path, resume=resume))

    with monkeypatch.context() as patch:
        stopped_after(patch, 1)
        with pytest.raises(Killed):
            run(site, first, resume=False)
    for other, asked in ((site, None), (replace(site, excluded={"truncated": (Path("x"),)}), first)):
        with pytest.raises(ProfileError, match="over other images, with other options"):
            run(other, asked, resume=True)
    run(site, first, resume=True)


def test_a_file_that_changes_before_the_first_state_is_another_image(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image, path = site.cases[0].images[0], tmp_path / "p.unfinished"
    whole, before = image.read_bytes(), image.stat()

    def changed(_step: Progress) -> None:
        os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))

    with monkeypatch.context() as patch:
        stopped_after(patch, 1)
        with pytest.raises(Killed):
            profile_site(site, EXTRACTOR, SAMPLED, changed, key=KEY, unfinished=UnfinishedRun(path, resume=False))
    with pytest.raises(ProfileError, match="over other images"):
        profile_site(site, EXTRACTOR, SAMPLED, key=KEY, unfinished=UnfinishedRun(path, resume=True))
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert image.read_bytes() == whole


def test_a_state_is_of_the_arrays_it_was_made_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_order, "CANVASES", 6)
    drawn = np.random.default_rng(0).random((40, 32, 32))
    path = tmp_path / "p.unfinished"

    def run(arrays: np.ndarray, *, resume: bool) -> None:
        made = site_of_arrays(arrays, name="ashford", patients=[f"p{k}" for k in range(40)])
        profile_site(made, EXTRACTOR, SAMPLED, unfinished=UnfinishedRun(path, resume=resume))

    with monkeypatch.context() as patch:
        stopped_after(patch, 1)
        with pytest.raises(Killed):
            run(drawn, resume=False)
    with pytest.raises(ProfileError, match="over other images"):
        run(drawn**2, resume=True)
    run(drawn, resume=True)


def test_a_run_goes_on_where_its_state_cannot_be_kept(
    site: Site,
    whole: dict[int | None, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(unfinished_runs, "EVERY_S", 0.0)
    (tmp_path / "file").write_text("no folder")
    run = UnfinishedRun(tmp_path / "file" / "p.unfinished", resume=False)
    made, _ = profile_site(site, EXTRACTOR, SAMPLED, key=KEY, unfinished=run)
    assert made.to_json() == whole[20]
    assert "cannot be written" in caplog.text
    assert "the run goes on" in caplog.text


def test_a_damaged_state_is_refused_or_what_it_was(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.unfinished"
    with monkeypatch.context() as patch:
        stopped_after(patch, 1)
        with pytest.raises(Killed):
            part_of_site(site, EXTRACTOR, SAMPLED, key=KEY, unfinished=UnfinishedRun(path, resume=False))
    whole, rng = path.read_bytes(), np.random.default_rng(5)
    how = RunInputs(EXTRACTOR, SAMPLED, KEY, 0, None)
    known = GatheredSums(site, 20, SiteReading(site))
    UnfinishedRun(path, resume=True).begin(known, how)
    ends = len(whole) - whole.rfind(b"PK\x01\x02")  # the archive's table has no sums of its own
    for place in [*rng.integers(0, len(whole), 150), *(len(whole) - rng.integers(1, 40 * ends, 150))]:
        damaged = bytearray(whole)
        damaged[max(0, place)] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        again = GatheredSums(site, 20, SiteReading(site))
        try:
            UnfinishedRun(path, resume=True).begin(again, how)
        except ProfileError as problem:
            assert "begin anew without --resume" in str(problem)  # noqa: PT017 - either is right
        else:
            np.testing.assert_array_equal(again.digests, known.digests)
            assert (again.done, repr(again.sums)) == (known.done, repr(known.sums))
            assert [*map(str, again.failures)] == [*map(str, known.failures)]


def test_a_state_beside_the_images_is_none_of_them(folder: Path, tmp_path: Path) -> None:
    """Whoever works in the folder itself can go on, too."""
    for image in sorted((folder / "images").glob("*.png"))[:3]:
        (tmp_path / image.name).write_bytes(image.read_bytes())
    before = read_site(tmp_path)
    (tmp_path / "ashford.profile.json.unfinished").write_bytes(b"PK")
    again = read_site(tmp_path)
    assert (again.cases, again.excluded) == (before.cases, before.excluded)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes here")
def test_names_of_files_in_another_encoding_are_profiled_and_kept(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(block_order, "CANVASES", 6)
    root = tmp_path / "ashford"
    root.mkdir()
    for k, image in enumerate(sorted((folder / "images").glob("*.png"))[:30]):
        Path(os.fsdecode(os.fsencode(root) + b"/M\xfcller%d.png" % k)).write_bytes(image.read_bytes())
    site, path = read_site(root, given=Declarations(one_file_per_patient=True)), tmp_path / "p.unfinished"
    made, _ = profile_site(site, EXTRACTOR, SAMPLED, key=KEY)
    with monkeypatch.context() as patch:
        stopped_after(patch, 1)
        with pytest.raises(Killed):
            profile_site(site, EXTRACTOR, SAMPLED, key=KEY, unfinished=UnfinishedRun(path, resume=False))
    again, _ = profile_site(site, EXTRACTOR, SAMPLED, key=KEY, unfinished=UnfinishedRun(path, resume=True))
    assert again.to_json() == made.to_json()


def test_whose_process_was_killed_hears_of_it() -> None:
    says = r"ended with code -9, most often for want of memory; give fewer --jobs"
    with in_processes(1, dict) as work, pytest.raises(InputError, match=says):
        next(iter(work(die, [None])))


def test_who_asks_a_process_that_was_killed_hears_of_it() -> None:
    """While it had nothing to do: want of memory strikes whoever has most."""
    with in_processes(1, os.getpid) as work:
        _, pid = next(iter(work(slow, [(0.0, 0)])))
        os.kill(pid, signal.SIGKILL)  # type: ignore[call-overload]
        time.sleep(0.5)
        with pytest.raises(InputError, match="ended with code -9, most often for want of memory"):
            next(iter(work(slow, [(0.0, 0)])))


def test_a_process_without_memory_says_so() -> None:
    with in_processes(1, dict) as work, pytest.raises(InputError, match="too little memory; give fewer --jobs"):
        next(iter(work(fill_memory, [None])))


def test_a_bug_in_a_process_is_told_with_its_place() -> None:
    with in_processes(1, dict) as work:
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            next(iter(work(fail, [0])))
        with pytest.raises(InputError, match="^as it was said$"):
            next(iter(work(refuse, [0])))


def test_results_come_in_order_and_processes_end() -> None:
    items = [(0.5 if k == 0 else 0.0, k) for k in range(30)]
    with in_processes(2, os.getpid) as work:
        found = [*work(slow, items)]
    assert [k for k, _ in found] == list(range(30))
    owners = {pid for _, pid in found}
    assert len(owners) == 2
    assert os.getpid() not in owners
    for pid in owners:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert [*here(7)(slow, [(0.0, 1)])] == [(1, 7)]


def die(_held: object, _item: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fill_memory(_held: object, _item: object) -> None:
    raise MemoryError


def fail(_held: object, item: int) -> float:
    return 1 / item


def refuse(_held: object, _item: object) -> None:
    raise InputError("as it was said")


def slow(held: object, item: tuple[float, int]) -> tuple[int, object]:
    time.sleep(item[0])
    return item[1], held
