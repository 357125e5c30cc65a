"""Certificates as others judge them: OpenSSL in a handshake, and the verifier of cryptography."""

import socket
import ssl
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from enrolled_sites import NOW, coordinator_at, enrolled

from shiftscope.federations.certificates import (
    certificate_pem,
    issued_by,
    new_authority,
    pem_certificate,
    read_certificate,
    read_request,
    server_certificate,
    site_certificate,
    subject_of,
)
from shiftscope.federations.federation_keys import new_elliptic_key, write_key
from shiftscope.federations.federation_names import Address

AUTHORITY_KEY = new_elliptic_key()
AUTHORITY = new_authority("lung", AUTHORITY_KEY, NOW)


def server_for(address: str, days: int = 730, now=NOW) -> x509.Certificate:
    key = new_elliptic_key().public_key()
    return server_certificate(AUTHORITY, AUTHORITY_KEY, key, Address.parse(address), now, days)


def verified(certificate: x509.Certificate, host: str, when) -> None:
    names = x509.IPAddress(__import__("ipaddress").ip_address(host)) if host[0].isdigit() else x509.DNSName(host)
    PolicyBuilder().store(Store([AUTHORITY])).time(when).build_server_verifier(names).verify(certificate, [])


@pytest.mark.parametrize("host", ["fl.example.org", "10.1.2.3"])
def test_a_server_is_known_by_its_address_and_on_the_loopback_while_its_certificate_lasts(host: str) -> None:
    found = server_for(f"{host}:9400")
    for name in (host, "127.0.0.1", "localhost"):
        verified(found, name, NOW + timedelta(days=700))
    for name, when in (("fl.example.com", NOW), (host, NOW + timedelta(days=731)), (host, NOW - timedelta(hours=2))):
        with pytest.raises(VerificationError):
            verified(found, name, when)


def test_no_certificate_outlives_its_authority() -> None:
    assert server_for("a:1", days=3650, now=NOW + timedelta(days=30)).not_valid_after_utc == (
        AUTHORITY.not_valid_after_utc
    )


def test_a_site_cannot_certify_others_nor_pose_as_the_coordinator() -> None:
    """What a request wishes for is not read: neither other names nor the right to certify."""
    key = new_elliptic_key()
    wish = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ashford")])
    )
    wish = wish.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    wish = wish.add_extension(x509.SubjectAlternativeName([x509.DNSName("fl.example.org")]), critical=False)
    asked = read_request(wish.sign(key, hashes.SHA384()).public_bytes(Encoding.DER))
    made = site_certificate(AUTHORITY, AUTHORITY_KEY, asked.public_key(), subject_of(asked), NOW, 365)
    assert not made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not [one for one in made.extensions if isinstance(one.value, x509.SubjectAlternativeName)]
    below = server_certificate(made, key, new_elliptic_key().public_key(), Address("localhost", 1), NOW, 365)
    with pytest.raises(VerificationError):
        PolicyBuilder().store(Store([AUTHORITY])).time(NOW).build_server_verifier(x509.DNSName("localhost")).verify(
            below, [made]
        )


def test_a_certificate_is_for_one_end_of_a_connection(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    for certificate, purpose in (
        (pem_certificate(made.coordinator.path / "server.pem"), x509.ExtendedKeyUsageOID.SERVER_AUTH),
        (pem_certificate(made.site.path / "site.pem"), x509.ExtendedKeyUsageOID.CLIENT_AUTH),
    ):
        assert list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [purpose]
    assert subject_of(pem_certificate(made.site.path / "site.pem")) == "ashford"


def test_who_signed_is_told_by_the_signature_and_not_by_the_name() -> None:
    other_key = new_elliptic_key()
    other = new_authority("lung", other_key, NOW)
    assert other.subject == AUTHORITY.subject
    assert issued_by(server_for("a:1"), AUTHORITY)
    assert not issued_by(server_for("a:1"), other)


@pytest.mark.parametrize("data", [b"", b"x", b"\x30\x82", AUTHORITY.public_bytes(Encoding.DER)[:-9]])
def test_what_is_no_certificate_or_request_is_refused(data: bytes) -> None:
    for read in (read_certificate, read_request):
        with pytest.raises(ValueError, match="expected a certificate"):
            read(data)


def handshake(server: Path, authority: Path, host: str) -> None:
    """A TLS connection over the loopback, as OpenSSL judges it."""
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(server / "server.pem", server / "server.key")
    listening = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with listening, listening.accept()[0] as plain:
            try:
                serving.wrap_socket(plain, server_side=True).close()
            except (ssl.SSLError, OSError):
                return

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        context = ssl.create_default_context(cafile=str(authority))
        with (
            socket.create_connection(listening.getsockname()) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            pass
    finally:
        thread.join()


def test_openssl_trusts_the_server_under_its_names_and_under_no_other(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    made = coordinator_at(tmp_path, address=Address("fl.example.org", 9400), now=now)
    other = coordinator_at(tmp_path, "brain", address=Address("fl.example.org", 9400), now=now)
    for host in ("fl.example.org", "127.0.0.1", "localhost"):
        handshake(made.path, made.path / "authority.pem", host)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(made.path, made.path / "authority.pem", "evil.example.org")
    with pytest.raises(ssl.SSLCertVerificationError, match="self-signed|unable to get local issuer"):
        handshake(made.path, other.path / "authority.pem", "fl.example.org")


def test_the_server_of_a_federation_has_the_key_of_its_certificate(tmp_path: Path) -> None:
    made = enrolled(tmp_path)
    for folder, key, certificate in (
        (made.coordinator.path, "server.key", "server.pem"),
        (made.site.path, "tls.key", "site.pem"),
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / certificate, folder / key)
        assert issued_by(pem_certificate(folder / certificate), made.coordinator.authority())


def test_a_key_and_another_certificate_do_not_go_together(tmp_path: Path) -> None:
    write_key(tmp_path / "a.key", new_elliptic_key())
    (tmp_path / "a.pem").write_text(certificate_pem(server_for("a:1")))
    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "a.pem", tmp_path / "a.key")
