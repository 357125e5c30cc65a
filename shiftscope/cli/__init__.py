"""Options in, one library call, the answer on stdout, talk on stderr, an exit code."""

import os
import sys
import traceback
from typing import Annotated

import click
import typer

from shiftscope.cli.check import check
from shiftscope.cli.console import listening, say
from shiftscope.cli.demo import demo
from shiftscope.cli.explain import explain
from shiftscope.cli.export import export
from shiftscope.cli.federation import federation
from shiftscope.cli.harmonize import harmonize
from shiftscope.cli.merge import merge
from shiftscope.cli.profile import profile
from shiftscope.cli.recommend import recommend
from shiftscope.cli.rehearse import rehearse
from shiftscope.cli.released import released
from shiftscope.cli.report import report
from shiftscope.cli.train import train
from shiftscope.cli.trial import trial
from shiftscope.cli.watch import watch
from shiftscope.errors import ShiftscopeError, Unsettled
from shiftscope.printable_text import on_one_line

__all__ = ["EXIT_CODES", "app", "main"]

EXIT_CODES = {
    0: "done, whatever the answer",
    1: "`check` failed, `federation doctor` found what does not work, or the log of `federation released` is not whole",
    2: "bad usage, input or configuration",
    3: "`check` alone: inconclusive",
    70: "a bug in shiftscope",
    130: "interrupted",
}

app = typer.Typer(
    help="Measure how the sites of a federated medical-imaging project differ, decide what to do about it, and run it.",
    no_args_is_help=True,
    suggest_commands=False,  # click suggests already
    pretty_exceptions_enable=False,
    epilog="Exit codes: " + ", ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items()) + ".",
)


@app.callback(invoke_without_command=True)
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """Options of every command."""
    if debug:
        os.environ["SHIFTSCOPE_DEBUG"] = "1"
    if version:
        from importlib import metadata

        sys.stdout.write(metadata.version("shiftscope-fl") + "\n")
        raise typer.Exit


app.command(epilog="Example: shiftscope demo -o demo")(demo)
app.command(epilog="Example: shiftscope profile hospitals/ashford -o ashford.profile.json")(profile)
app.command(epilog="Example: shiftscope merge ashford-*.part.json -o ashford.profile.json")(merge)
app.command(epilog="Example: shiftscope recommend *.profile.json -o plan.toml")(recommend)
app.command(epilog="Example: shiftscope rehearse plan.toml --data ashford=hospitals/ashford --data carrow=/mnt/carrow")(
    rehearse
)
app.command(epilog="Example: shiftscope train plan.toml --data ashford=hospitals/ashford --data carrow=/mnt/carrow")(
    train
)
app.command(epilog="Example: shiftscope trial plan.toml --strategies zscore,fedbn,zscore+fedbn --budget 1/4")(trial)
app.command(epilog="Example: shiftscope export plan.toml --to flower ashford-app")(export)
app.command(epilog="Example: shiftscope harmonize hospitals/ashford --plan plan.toml -o ashford-harmonized")(harmonize)
app.command(epilog="Example: shiftscope check new.profile.json --against base.profile.json --policy policy.toml")(check)
app.command(epilog="Example: shiftscope report *.profile.json --result runs/plan/result.json -o report.html")(report)
app.command(epilog="Example: shiftscope watch ashford.profile.json 2026-*.profile.json")(watch)
app.command(epilog="Example: shiftscope explain noise")(explain)
federation.command(epilog="Example: shiftscope federation released lung --limit 5")(released)
app.add_typer(federation, name="federation")


def main() -> None:
    """Run the command line; exits with a code of `EXIT_CODES`."""
    sys.exit(_run())


def _run() -> int:
    try:
        with listening():
            code = typer.main.get_command(app).main(prog_name="shiftscope", standalone_mode=False)
    except click.ClickException as problem:
        vars(problem)["message"] = on_one_line(problem.message)  # it may repeat what was typed
        problem.show()
        return 2
    except ShiftscopeError as problem:
        text = str(problem)
        return _ended(f"error: {text if isinstance(problem, Unsettled) else on_one_line(text)}", 2)
    except (KeyboardInterrupt, click.Abort):
        code = 130
    except OSError as problem:
        if problem.filename is None:
            return _bug(problem)
        return _ended(
            f"error: {on_one_line(str(problem.filename))}: {problem.strerror}; give another file or folder", 2
        )
    except Exception as problem:  # noqa: BLE001 - what escapes here is a bug, and must not read as "check failed"
        return _bug(problem)
    return _ended("interrupted", 130) if code == 130 else code or 0  # typer hands an exit, or an interruption, back


def _bug(problem: Exception) -> int:
    said = on_one_line(f"{type(problem).__name__}: {problem}")
    return _ended(f"bug: {said}; please report it with the output of --debug", 70)


def _ended(text: str, code: int) -> int:
    """Say what happened, with its traceback where --debug asks for it."""
    if "SHIFTSCOPE_DEBUG" in os.environ:
        traceback.print_exc()
    say(text)
    return code
