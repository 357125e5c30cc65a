"""What is found in a folder before anybody is asked whose it is."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from shiftscope.sites.layouts.spellings import stem_of
from shiftscope.sites.listings.file_paths import FilePaths, texts_of
from shiftscope.sites.site import Case

__all__ = ["FoundCases"]


@dataclass(slots=True)
class FoundCases:
    """What a layout yields: cases, whose patient is mostly still to be determined, and what was left out.

    Attributes:
        layout: its name.
        cases: in any order.
        excluded: reason -> files left out.
        notes: sentences about how the folder was read, where that is not self-evident.
        template: a template that finds the same images; None where none does.
        mask_template: the same for their masks; None also where there are none.
        channels: name of a case -> channel -> its files, where a case has several images, one of which is read.
        named_patients: whether names of folders or files identify the patients.
        choices: what may be masks and is not read before the owner says so: what it is called, and the templates of
            images and masks that would read it.
    """

    layout: str
    cases: list[Case] = field(default_factory=list)
    excluded: dict[str, list[Path]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    template: str | None = None
    mask_template: str | None = None
    channels: dict[str, dict[str, FilePaths]] = field(default_factory=dict)
    named_patients: bool = False
    choices: list[tuple[str, str, str]] = field(default_factory=list)

    def leave_out(self, reason: str, path: str | Path) -> None:
        self.excluded.setdefault(reason, []).append(Path(path))

    def note(self, sentence: str) -> None:
        """Add a sentence, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def take(self, part: "FoundCases", folder: Path, **stated: str) -> None:
        """Add what a subfolder holds, with what the subfolder's name states of it."""
        self.cases += [replace(case, name=f"{folder.name}/{case.name}", **stated) for case in part.cases]  # type: ignore[arg-type]
        for reason, paths in part.excluded.items():
            self.excluded.setdefault(reason, []).extend(paths)
        for sentence in part.notes:
            self.note(sentence)
        self.channels |= {f"{folder.name}/{name}": files for name, files in part.channels.items()}
        self.named_patients = self.named_patients or part.named_patients

    def describe(self, parts: Sequence["FoundCases"], opening: str) -> None:
        """Propose the template of all parts, each in a folder that `opening` stands for, where they have one in common.

        Some parts may lack masks.
        """
        for what, image, mask in (choice for part in parts for choice in part.choices):
            choice = what, f"{opening}/{image}", f"{opening}/{mask}"
            self.choices += [choice] if choice not in self.choices else []
        template = _common([part.template for part in parts])
        masks = [part.mask_template for part in parts if part.mask_template is not None]
        common = _common(masks) if masks else None
        if template is not None and (not masks or common is not None):
            self.template = _below(opening, template)
            self.mask_template = None if common is None else _below(opening, common)

    def note_choices(self) -> None:
        """Note what may be masks, with the options that read it."""
        for what, image, mask in self.choices:
            self.note(
                f"{what} may be masks and are not read, for only their owner knows; these options read them:"
                f" --layout {shlex.quote(image)} --mask {shlex.quote(mask)}"
            )

    def files(self) -> set[str]:
        """Paths of all files that are read, left out by reason, or another channel of a case."""
        used = {path for case in self.cases for files in (case.images, case.masks) for path in texts_of(files)}
        used.update(str(path) for paths in self.excluded.values() for path in paths)
        used.update(path for files in self.channels.values() for paths in files.values() for path in paths.texts)
        return used


def _below(opening: str, template: str) -> str:
    """A template in folders that `opening` stands for; `**` stands for any number of them already."""
    return template if opening == "**" and template.startswith("**/") else f"{opening}/{template}"


def _common(templates: Sequence[str | None]) -> str | None:
    """The one template of all, or the one that adds a * to the others, or any suffix; whether it fits is seen later."""
    known = {text for text in templates if text is not None}
    if len(known) < 2:
        return known.pop() if known and None not in templates else None
    starred = {text for text in known if "*" in text}
    if len({text.replace("*", "") for text in known}) == 1 and len(starred) == 1:
        return starred.pop()
    stems = {stem_of(text.removesuffix(".*")) for text in known}
    return f"{stems.pop()}.*" if len(stems) == 1 and None not in templates else None
