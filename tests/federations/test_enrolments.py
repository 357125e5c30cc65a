"""Who is admitted and who is not, at both ends, and what happens when a command is run again."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from enrolled_sites import NOW, coordinator_at, enrolled, forged, site_of

from shiftscope.errors import FederationError
from shiftscope.federations.certificates import number_of
from shiftscope.federations.enrolment_documents.admissions import Admission
from shiftscope.federations.enrolment_documents.invitations import Invitation
from shiftscope.federations.enrolment_documents.join_requests import JoinRequest
from shiftscope.federations.enrolments import RENEWED_WITHIN, admit, expel
from shiftscope.federations.federation_names import Address
from shiftscope.federations.site_folders import JoinedSite

LATER = NOW + timedelta(hours=1)


def test_a_request_is_answered_again_and_nothing_changes(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    first = made.coordinator.member("ashford")
    member, admission = admit(made.coordinator, made.site.request(LATER), "a", LATER)
    assert member == first
    assert made.site.admission is not None
    assert admission.certificate == made.site.admission.certificate
    assert made.site.complete(admission, "a").admission == admission


def test_a_certificate_that_ends_soon_is_renewed_and_the_old_one_revoked(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    late = NOW + timedelta(days=730) - RENEWED_WITHIN + timedelta(days=1)
    member, admission = admit(made.coordinator, made.site.request(late), "a", late)
    assert made.site.admission is not None
    assert member.revoked == (number_of(made.site.admission.site_certificate),)
    assert member.since == "2026-11-30T09:00:00Z"
    assert admission.site_certificate.not_valid_after_utc == late + timedelta(days=730)
    assert made.site.complete(admission, "a").fingerprint == made.site.fingerprint


def test_a_name_that_is_taken_by_another_key_is_refused_with_the_way_to_replace_it(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    again = site_of(made.coordinator, tmp_path / "elsewhere")
    with pytest.raises(FederationError, match="shiftscope federation remove lung ashford, then accept") as said:
        admit(made.coordinator, again.request(NOW), "a.json", NOW)
    assert made.site.fingerprint in str(said.value)
    assert again.fingerprint in str(said.value)
    expel(made.coordinator, "ashford", LATER)
    member, admission = admit(made.coordinator, again.request(NOW), "a.json", LATER)
    assert (member.fingerprint, member.removed, member.node) == (again.fingerprint, None, None)
    assert again.complete(admission, "a").admission is not None
    with pytest.raises(FederationError, match="never admitted again"):
        admit(made.coordinator, made.site.request(LATER), "a.json", LATER)


def test_a_removed_site_comes_back_with_new_keys_alone(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    removed = expel(made.coordinator, "ashford", LATER)
    assert removed.removed == "2026-11-30T10:00:00Z"
    assert removed.revoked == (number_of(removed.site_certificate),)
    assert expel(made.coordinator, "ashford", LATER + timedelta(days=1)) == removed
    with pytest.raises(FederationError, match="--new-key"):
        admit(made.coordinator, made.site.request(LATER), "a.json", LATER)
    before = made.site.fingerprint
    fresh = made.site.renew_keys()
    assert fresh.admission is None
    assert fresh.fingerprint != before
    member, admission = admit(made.coordinator, fresh.request(LATER), "a.json", LATER)
    assert member.revoked == removed.revoked
    assert member.earlier_keys == removed.earlier_keys
    fresh.complete(admission, "a")
    assert JoinedSite.open(tmp_path / "ashford", "lung").admission == admission


def test_a_node_of_a_removed_key_is_remembered_until_it_is_unregistered(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    known = made.coordinator.member("ashford")
    assert known is not None
    made.coordinator.keep(known.model_copy(update={"node": "17"}))
    expel(made.coordinator, "ashford", LATER)
    member, _ = admit(made.coordinator, made.site.renew_keys().request(LATER), "a", LATER)
    assert (member.node, member.former_nodes) == (None, ("17",))


def test_nobody_is_removed_who_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FederationError, match="site 'carrow' is not in 'lung'; its sites: ashford"):
        expel(enrolled(tmp_path).coordinator, "carrow", NOW)


def test_a_key_is_admitted_under_one_name(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    copied = JoinRequest.by("birchwood", made.site.node_key(), made.site.tls_key(), made.site.invitation, NOW)
    with pytest.raises(FederationError, match="has the key of site 'ashford'"):
        admit(made.coordinator, copied, "a.json", NOW)


def test_names_that_differ_in_capitals_alone_are_one(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    with pytest.raises(FederationError, match="capital letters alone"):
        admit(made.coordinator, site_of(made.coordinator, tmp_path / "b", "Ashford").request(NOW), "a.json", NOW)


def test_a_request_for_another_federation_or_by_a_forged_invitation_is_refused(tmp_path: Path) -> None:
    lung, brain = coordinator_at(tmp_path / "a"), coordinator_at(tmp_path / "a", "brain")
    fake = coordinator_at(tmp_path / "fake")
    with pytest.raises(FederationError, match="asks to join 'brain', and this is 'lung'"):
        admit(lung, site_of(brain, tmp_path / "s").request(NOW), "a.json", NOW)
    with pytest.raises(FederationError, match="an old or a forged invitation") as said:
        admit(lung, site_of(fake, tmp_path / "t").request(NOW), "a.json", NOW)
    assert fake.invitation.fingerprint in str(said.value)
    assert lung.invitation.fingerprint in str(said.value)
    assert lung.members() == []


def test_an_admission_of_somebody_else_is_refused_at_the_site(tmp_path: Path) -> None:
    made = enrolled(tmp_path / "a")
    fake = enrolled(tmp_path / "b")
    other = site_of(made.coordinator, tmp_path / "c", "birchwood")
    _, theirs = admit(made.coordinator, other.request(NOW), "a", NOW)
    brain = coordinator_at(tmp_path / "a" / "coordinator", "brain")
    _, elsewhere = admit(brain, site_of(brain, tmp_path / "d").request(NOW), "a", NOW)
    assert fake.site.admission is not None
    for admission, says in (
        (theirs, "admits site 'birchwood' to 'lung', and this is site 'ashford'"),
        (elsewhere, "not signed by the coordinator of 'lung'"),
        (fake.site.admission, "not signed by the coordinator of 'lung'"),
    ):
        with pytest.raises(FederationError, match=says):
            made.site.complete(admission, "a.json")
    assert JoinedSite.open(tmp_path / "a" / "ashford", "lung").admission == made.site.admission


def test_an_admission_of_an_earlier_key_is_refused(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    fresh = made.site.renew_keys()
    assert made.site.admission is not None
    with pytest.raises(FederationError, match=f"this site's key is {fresh.fingerprint}"):
        fresh.complete(made.site.admission, "a.json")


@pytest.mark.parametrize(
    "change", [{"created": "2026-12-01T00:00:00Z"}, {"node": "0" * 64}, {"federation": "brain"}, {"signature": "AAAA"}]
)
def test_a_changed_admission_is_refused_at_the_site_also_when_it_lies_there(tmp_path: Path, change) -> None:
    made = enrolled(tmp_path)
    path = forged(made.site.path / "admission.json", **change)
    with pytest.raises(FederationError, match="not signed by the coordinator"):
        made.site.complete(Admission.read(path, FederationError), "a.json")
    with pytest.raises(FederationError, match=r"admission\.json: is not signed"):
        JoinedSite.open(tmp_path / "ashford", "lung")


def test_a_certificate_of_another_tls_key_is_refused(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    other = site_of(made.coordinator, tmp_path / "b", "birchwood")
    shutil.copy(other.path / "tls.key", made.site.path / "tls.key")
    with pytest.raises(FederationError, match="not for this site's TLS key"):
        JoinedSite.open(tmp_path / "ashford", "lung")


def test_an_invitation_of_other_keys_is_refused_where_one_is_pinned(tmp_path: Path) -> None:
    made, fake = enrolled(tmp_path / "a"), coordinator_at(tmp_path / "fake")
    with pytest.raises(FederationError, match="another coordinator, or forged") as said:
        made.site.believe(fake.invitation, "a.json")
    assert fake.invitation.fingerprint in str(said.value)
    assert made.site.invitation.fingerprint in str(said.value)


def test_a_new_address_is_believed_and_an_old_invitation_does_not_undo_it(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    old = made.coordinator.invitation
    moved = made.coordinator.renew(Address("fl.example.org", 443), 365, {}, LATER)
    assert moved.invitation.fingerprint == old.fingerprint
    site = made.site.believe(moved.invitation, "a.json")
    assert str(site.address) == "fl.example.org:443"
    assert str(site.believe(old, "a.json").address) == "fl.example.org:443"
    assert Invitation.read(site.path / "invitation.json", FederationError) == moved.invitation
    assert site.admission is not None


def test_a_site_is_in_two_federations_and_each_has_its_own_keys(tmp_path: Path) -> None:
    lung, brain = coordinator_at(tmp_path / "c"), coordinator_at(tmp_path / "c", "brain")
    one, two = site_of(lung, tmp_path / "s"), site_of(brain, tmp_path / "s", "ash")
    _, first = admit(lung, one.request(NOW), "a", NOW)
    _, second = admit(brain, two.request(NOW), "a", NOW)
    one.complete(first, "a")
    two.complete(second, "a")
    assert one.fingerprint != two.fingerprint
    assert JoinedSite.open(tmp_path / "s", "lung").membership.site == "ashford"
    assert JoinedSite.open(tmp_path / "s", "brain").membership.site == "ash"
    expel(lung, "ashford", NOW)
    assert brain.member("ash") is not None
