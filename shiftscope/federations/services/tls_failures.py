"""Why TLS between a site and the door fails, in words, at either end: what OpenSSL says in codes and alerts."""

import ssl
from dataclasses import dataclass

from shiftscope.federations.site_folders import JoinedSite
from shiftscope.printable_text import on_one_line

__all__ = ["NO_CERTIFICATE", "TlsFailure", "certificate_renewal", "refused_handshake", "refusing_alert", "tls_failure"]

NO_CERTIFICATE = "CERTIFICATE_REQUIRED"
"""The alert of a door at which no certificate was shown."""

_EARLY, _ENDED, _OTHER_PURPOSE, _OTHER_HOSTS = 9, 10, 26, (62, 64)
"""Codes of OpenSSL's verification (X509_V_ERR_...): not yet valid, ended, no server's, for another name or number."""


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """What keeps a site and the door from speaking in TLS.

    Attributes:
        found: what it is, a sentence.
        remedy: what settles it.
    """

    found: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.found}; {self.remedy}"


def tls_failure(site: JoinedSite, problem: BaseException) -> TlsFailure | None:
    """What an exception, or one that it was raised from, says of TLS; None where it says nothing of it."""
    error = _tls_error(problem)
    if error is None:
        return None
    if isinstance(error, ssl.SSLCertVerificationError):
        return _door_unverified(site, error)
    if alert := refusing_alert(error):
        return _site_refused(site, alert)
    return TlsFailure(
        f"{site.address} speaks no TLS that is understood: {on_one_line(error.reason or str(error))}",
        "is it the door's port? A proxy that opens TLS on the way must leave the coordinator out",
    )


def refusing_alert(problem: BaseException) -> str:
    """The alert by which the other end refused, as RFC 8446 names it: "UNKNOWN_CA"; empty where there was none."""
    error = _tls_error(problem)
    return "" if error is None else str(error.reason or "").partition("_ALERT_")[2]


def refused_handshake(error: ssl.SSLError) -> str:
    """What the door says in its log of one whose handshake fails: what was wrong with it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        known = {
            _ENDED: "a certificate that has ended, or this machine's clock is fast",
            _EARLY: "a certificate that is not valid yet: one of the two clocks is wrong",
            _OTHER_PURPOSE: "a certificate that was not made for a site",
        }
        return f"shows {known.get(error.verify_code, 'a certificate of another authority than the federation has')}"
    if error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return "shows no certificate"
    if alert := refusing_alert(error):
        return f"refuses this door ({alert.replace('_', ' ').lower()})"
    return f"speaks no TLS that is understood ({on_one_line(error.reason or str(error)).replace('_', ' ').lower()})"


def certificate_renewal(site: JoinedSite) -> str:
    """What gives a site a new certificate."""
    return (
        f"make the request anew (shiftscope federation join {site.path / 'invitation.json'}), send it to the"
        " coordinator, and join with the admission that comes back"
    )


def _tls_error(problem: BaseException | None) -> ssl.SSLError | None:
    """The error of TLS behind one of a library of HTTP, which may have left it in the context alone (httpcore does)."""
    while problem is not None and not isinstance(problem, ssl.SSLError):
        problem = problem.__cause__ or problem.__context__
    return problem


def _door_unverified(site: JoinedSite, error: ssl.SSLCertVerificationError) -> TlsFailure:
    name, host = site.membership.federation, site.address.host
    renewal = f"the coordinator runs: shiftscope federation init {name} --address {site.address} --renew"
    code = error.verify_code
    if code == _ENDED:
        return TlsFailure("the coordinator's certificate has ended, or this machine's clock is fast", renewal)
    if code == _EARLY:
        return TlsFailure(
            "the coordinator's certificate is not valid yet: this machine's clock is slow",
            "set it: timedatectl set-ntp true",
        )
    if code in _OTHER_HOSTS:
        return TlsFailure(f"the coordinator's certificate is not for {host}", f"{renewal}, and sends a new invitation")
    if code == _OTHER_PURPOSE:
        return TlsFailure(
            f"who answers at {site.address} has a certificate of this federation that is not its server's: a site's, or"
            " one made by mistake",
            "telephone the coordinator; somebody may stand on the way",
        )
    return TlsFailure(
        f"who answers at {site.address} has a certificate of another authority than this site pinned"
        f" ({on_one_line(error.verify_message)}): another federation, an older one, or somebody on the way who opens"
        " TLS",
        "compare fingerprints by telephone; a proxy that opens TLS must leave the coordinator out",
    )


def _site_refused(site: JoinedSite, alert: str) -> TlsFailure:
    member, renewal = site.membership.site, certificate_renewal(site)
    restored = f"restore site.pem and tls.key in {site.path} from their backup, or {renewal}"
    other_authority = TlsFailure(
        "the door refuses this site's certificate, because another authority than the federation's issued it", restored
    )
    known = {
        NO_CERTIFICATE: TlsFailure(
            "the door lets nobody speak without a certificate of its federation, and this site has none yet",
            f"send the coordinator {member}.request.json, and run: shiftscope federation join {member}.admission.json",
        ),
        "CERTIFICATE_EXPIRED": TlsFailure("the door refuses this site's certificate, because it has ended", renewal),
        "BAD_CERTIFICATE": TlsFailure(
            "the door refuses this site's certificate as not valid yet, or as damaged",
            "compare the clocks here and at the coordinator, and set them: timedatectl set-ntp true; if they agree,"
            f" {restored}",
        ),
        "UNSUPPORTED_CERTIFICATE": TlsFailure(
            "the door refuses this site's certificate, because it was not made for a site", restored
        ),
        "UNKNOWN_CA": other_authority,
        "DECRYPT_ERROR": other_authority,  # of an authority of the same name, whose signature does not fit
    }
    return known.get(alert) or TlsFailure(
        f"what answers at {site.address} refuses to speak in TLS ({alert.replace('_', ' ').lower()})",
        "this machine's OpenSSL must speak TLS 1.3; a proxy that opens TLS on the way must leave the coordinator out",
    )
