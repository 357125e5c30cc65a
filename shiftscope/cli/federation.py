"""`shiftscope federation`: hospitals that work together, from an invitation to a site that is let in."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from shiftscope.cli.console import answer
from shiftscope.cli.options import Device, DeviceOption, Format, FormatOption
from shiftscope.errors import UsageError

__all__ = ["federation"]

federation = typer.Typer(
    help="Who belongs to a federation of hospitals: invite sites, join, accept, list, remove, and find what is wrong.",
    no_args_is_help=True,
    suggest_commands=False,
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="What the federation is called.")]
OneNameArgument = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="The federation. Default: the only one here.")
]
FingerprintOption = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What the other end read to you by telephone; another fingerprint is refused."),
]
HomeOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where federations lie. Default: SHIFTSCOPE_HOME, else ~/.shiftscope."),
]


@federation.callback()
def installed() -> None:
    """Keys and certificates come with what trains; a hospital that only profiles has neither."""
    missing = [name for name in ("cryptography", "flwr") if find_spec(name) is None]
    if missing:
        raise UsageError(f"federation needs {' and '.join(missing)}; run: pip install 'shiftscope-fl[train]'")


@federation.command(epilog="Example: shiftscope federation init lung --address fl.example.org:9400")
def init(
    name: NameArgument,
    address: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where sites reach its door.")],
    days: Annotated[
        int, typer.Option(min=1, max=3650, help="How many days the certificates of server and sites are valid.")
    ] = 730,
    renew: Annotated[
        bool, typer.Option("--renew", help="Of a federation that is there: a new certificate, or a new address.")
    ] = False,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """At the coordinator: make a federation, its keys and its invitation, and a page that says how to start it."""
    from shiftscope.api.federating.coordinating import init_federation
    from shiftscope.reports.sheets.federation_sheet import step_sheet

    step = init_federation(name, address, days=days, renew=renew, home=home)
    answer(form, step.to_dict(), step_sheet(step))


@federation.command(epilog="Example: shiftscope federation join invitation.json --site ashford --data /data/lung")
def join(
    document: Annotated[
        Path, typer.Argument(metavar="FILE", help="The coordinator's invitation, later its SITE.admission.json.")
    ],
    site: Annotated[
        str | None, typer.Option(metavar="NAME", help="What your site is called in the federation.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="The folder with your images.")] = None,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Make new keys: you were removed, or the keys may be known.")
    ] = False,
    fingerprint: FingerprintOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The request to write. Default: SITE.request.json.")
    ] = None,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """At a site: ask to join with an invitation, and complete it with the admission that comes back."""
    from shiftscope.api.federating.joining import join_federation
    from shiftscope.reports.sheets.federation_sheet import step_sheet

    step = join_federation(
        document,
        site=site,
        data=data,
        new_key=new_key,
        fingerprint=fingerprint,
        output=output,
        home=home,
    )
    answer(form, step.to_dict(), step_sheet(step))


@federation.command(epilog="Example: shiftscope federation accept lung ashford.request.json")
def accept(
    name: NameArgument,
    request: Annotated[Path, typer.Argument(metavar="REQUEST", help="The SITE.request.json that the site sent.")],
    fingerprint: FingerprintOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The admission to write. Default: SITE.admission.json.")
    ] = None,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """At the coordinator: admit a site that asked to join, and certify it."""
    from shiftscope.api.federating.coordinating import accept_site
    from shiftscope.reports.sheets.federation_sheet import step_sheet

    step = accept_site(name, request, fingerprint=fingerprint, output=output, home=home)
    answer(form, step.to_dict(), step_sheet(step))


@federation.command("list", epilog="Example: shiftscope federation list lung")
def list_of_sites(name: OneNameArgument = None, home: HomeOption = None, form: FormatOption = Format.TABLE) -> None:
    """At the coordinator: show who is in, with which key, until when, and who was removed."""
    from shiftscope.api.federating.coordinating import list_sites
    from shiftscope.reports.sheets.federation_sheet import sites_sheet

    sites = list_sites(name, home=home)
    answer(form, sites.to_dict(), sites_sheet(sites))


@federation.command(epilog="Example: shiftscope federation remove lung ashford")
def remove(
    name: NameArgument,
    site: Annotated[str, typer.Argument(metavar="SITE", help="The site to take out.")],
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """At the coordinator: take a site out; its key is refused at once and never admitted again."""
    from shiftscope.api.federating.coordinating import remove_site
    from shiftscope.reports.sheets.federation_sheet import step_sheet

    step = remove_site(name, site, home=home)
    answer(form, step.to_dict(), step_sheet(step))


@federation.command(epilog="Example: shiftscope federation register lung --wait 60")
def register(
    name: NameArgument,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for a SuperLink that is just starting.")] = 0.0,
    home: HomeOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """At the coordinator: tell the running SuperLink which sites were accepted and which removed."""
    from shiftscope.api.federating.coordinating import register_sites
    from shiftscope.reports.sheets.federation_sheet import step_sheet

    step = register_sites(name, wait_s=wait, home=home)
    answer(form, step.to_dict(), step_sheet(step))


@federation.command(epilog="Example: shiftscope federation door lung")
def door(name: NameArgument, home: HomeOption = None) -> None:
    """At the coordinator: let accepted sites in to the SuperLink, and nobody else, until Ctrl-C."""
    from shiftscope.api.federating.coordinating import open_door

    open_door(name, home=home)


@federation.command(epilog="Example: shiftscope federation serve lung")
def serve(name: OneNameArgument = None, device: DeviceOption = Device.AUTO, home: HomeOption = None) -> None:
    """At a site: keep the connection to the coordinator and answer what the site's policy lets out, until Ctrl-C."""
    from shiftscope.api.federating.serving import serve_joined_site

    serve_joined_site(name, device=device.value, home=home)


@federation.command(epilog="Example: shiftscope federation doctor lung")
def doctor(name: OneNameArgument = None, home: HomeOption = None, form: FormatOption = Format.TABLE) -> None:
    """At a site or the coordinator: find what keeps it from working, with a remedy for each. Exit code 1: something."""
    from shiftscope.api.federating.examining import examine_federation
    from shiftscope.reports.sheets.federation_sheet import examination_sheet

    found = examine_federation(name, home=home)
    answer(form, {"examinations": [one.to_dict() for one in found]}, examination_sheet(found))
    raise typer.Exit(0 if all(one.healthy for one in found) else 1)
