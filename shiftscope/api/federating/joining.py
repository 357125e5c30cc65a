"""At a site: ask to join a federation, and complete it with the admission that comes back."""

import shlex
from datetime import UTC, datetime
from pathlib import Path

from shiftscope.api.federating.chosen_folders import chosen_home
from shiftscope.disclosure.policies.policy_texts import template_policy
from shiftscope.errors import FederationError, UsageError
from shiftscope.federations.enrolment_answers import EnrolmentStep
from shiftscope.federations.enrolment_documents.admissions import Admission
from shiftscope.federations.enrolment_documents.invitations import Invitation
from shiftscope.federations.federation_keys import require_fingerprint
from shiftscope.federations.federation_names import check_folder_name
from shiftscope.federations.homes import site_path
from shiftscope.federations.services.folder_pages import PAGE, write_site_pages
from shiftscope.federations.site_folders import JoinedSite
from shiftscope.files import write_text
from shiftscope.option_values import AnyPath, as_path
from shiftscope.parsing import read_json

__all__ = ["join_federation"]


def join_federation(
    document: AnyPath,
    *,
    site: str | None = None,
    data: AnyPath | None = None,
    new_key: bool = False,
    fingerprint: str | None = None,
    output: AnyPath | None = None,
    home: AnyPath | None = None,
) -> EnrolmentStep:
    """At a site: ask to join with an invitation; complete it with the admission that comes back.

    Args:
        document: invitation.json, or the admission.
        site: what the site is called in the federation; needed the first time.
        data: the folder with its images; needed the first time.
        new_key: make new keys, because the site was removed or its keys may be known.
        fingerprint: of the federation, as its coordinator told it; another one is refused.
        output: where the request is written, in place of SITE.request.json.
        home: where federations lie, in place of SHIFTSCOPE_HOME or ~/.shiftscope.

    Raises:
        FederationError: a document that cannot be used here, or of other keys than those pinned.
        UsageError: site or data are missing, or no folder.
    """
    path, place = as_path("document", document), chosen_home(home)
    values = read_json(path, Invitation.MOST_BYTES, "an invitation or an admission", FederationError)
    if not isinstance(values, dict) or not {"authority", "node"} & values.keys():
        raise FederationError(
            f"{path}: expected the invitation.json of a coordinator, or the SITE.admission.json that it sent; ask for"
            " that file"
        )
    if "node" in values:
        admission = Admission.from_dict(values, str(path), FederationError)
        return _completed(JoinedSite.open(place, admission.federation), admission, str(path))
    invitation = Invitation.from_dict(values, str(path), FederationError)
    require_fingerprint(invitation.fingerprint, fingerprint, str(path))
    folder = None if data is None else _folder(data)
    if site is not None:
        check_folder_name("site", site)
    joined = _joining(place, invitation, str(path), site, folder)
    if new_key:
        joined = joined.renew_keys()
    write_site_pages(joined)
    name = joined.membership.site
    target = Path(f"{name}.request.json") if output is None else as_path("output", output)
    joined.request(datetime.now(UTC)).write(target)
    return EnrolmentStep(
        done=f"site '{name}' asks to join '{invitation.federation}'",
        facts={
            "fingerprint of the federation": joined.invitation.fingerprint,
            "fingerprint of this site's key": joined.fingerprint,
            "folder": str(joined.path),
        },
        then=(
            f"send {target} to the coordinator; it holds nothing secret, and the keys stay in the folder",
            "telephone, and compare both fingerprints",
            f"when {name}.admission.json comes back: shiftscope federation join {name}.admission.json",
        ),
    )


def _joining(home: Path, invitation: Invitation, where: str, site: str | None, data: Path | None) -> JoinedSite:
    """The site of an invitation, made where there is none."""
    path = site_path(home, invitation.federation)
    if not path.exists():
        if site is None or data is None:
            raise UsageError(
                f"to join '{invitation.federation}' give the site's name and its folder of images: shiftscope"
                f" federation join {shlex.quote(where)} --site NAME --data DIR"
            )
        return JoinedSite.create(home, invitation, site, data, datetime.now(UTC))
    joined = JoinedSite.open(home, invitation.federation).believe(invitation, where)
    known = joined.membership
    if site is not None and site != known.site:
        raise FederationError(
            f"{path}: joined '{known.federation}' as site '{known.site}', not '{site}'; leave --site out, or give"
            " another --home for another site"
        )
    return joined if data is None else joined.settle(data)


def _completed(joined: JoinedSite, admission: Admission, where: str) -> EnrolmentStep:
    joined = joined.complete(admission, where)
    if not (joined.policy.exists() or joined.policy.is_symlink()):
        write_text(joined.policy, template_policy())
    write_site_pages(joined)
    name = joined.membership.federation
    facts = {
        "fingerprint of this site's key": joined.fingerprint,
        "certificate until": str(admission.site_certificate.not_valid_after_utc.date()),
        "policy": str(joined.policy),
    }
    return EnrolmentStep(
        done=f"site '{admission.site}' is admitted to '{name}'",
        facts=facts,
        then=(
            f"say in {joined.policy.name} what may leave: as it is written now, nothing does",
            f"start it as {joined.path / PAGE} says",
            f"then: shiftscope federation doctor {name}",
        ),
    )


def _folder(data: AnyPath) -> Path:
    folder = as_path("data", data).expanduser().absolute()
    if not folder.is_dir():
        raise UsageError(f"--data {folder}: expected a folder with the site's images, found none")
    return folder
