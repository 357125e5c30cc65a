"""A federation's own authority and what it certifies (X.509, RFC 5280): the coordinator's server, and sites.

The authority certifies nothing but these. What a certificate is for and whom it names is said by the coordinator, and
never by the request of a site.
"""

import ipaddress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shiftscope.errors import FederationError
from shiftscope.federations.federation_names import Address
from shiftscope.parsing import read_bytes

__all__ = [
    "AUTHORITY_DAYS",
    "EARLY",
    "certificate_pem",
    "certificate_request",
    "issued_by",
    "new_authority",
    "number_of",
    "pem_certificate",
    "read_certificate",
    "read_request",
    "server_certificate",
    "site_certificate",
    "subject_of",
]

AUTHORITY_DAYS = 3650
"""How long an authority lasts: sites pin it when they join, so a new one is a new federation."""

EARLY = timedelta(hours=1)
"""A certificate is valid from so long before it was made, because clocks of other machines are late."""

_MOST_BYTES = 20_000
_HASH = hashes.SHA384()
_LOOPBACK = (x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
"""The coordinator's own processes reach the SuperLink there."""


def new_authority(federation: str, key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    """The certificate of an authority, signed by itself; it may certify machines, and no further authority."""
    name = _named(f"{federation} authority")
    builder = _begun(name, name, key.public_key(), now, now + timedelta(days=AUTHORITY_DAYS), authority=True)
    return builder.sign(key, _HASH)


def server_certificate(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    address: Address,
    now: datetime,
    days: int,
) -> x509.Certificate:
    """The certificate of the coordinator's server, for its address and for the loopback."""
    host = x509.IPAddress(ipaddress.ip_address(address.host)) if address.is_number else x509.DNSName(address.host)
    names = list(dict.fromkeys((host, *_LOOPBACK)))
    ends = min(now + timedelta(days=days), authority.not_valid_after_utc)
    builder = _begun(_named("coordinator"), authority.subject, key, now, ends, authority=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return _usable_for(builder, ExtendedKeyUsageOID.SERVER_AUTH, authority).sign(authority_key, _HASH)


def site_certificate(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    site: str,
    now: datetime,
    days: int,
) -> x509.Certificate:
    """The certificate that a site shows at the door. It names no machine and serves nobody: no site listens."""
    ends = min(now + timedelta(days=days), authority.not_valid_after_utc)
    builder = _begun(_named(site), authority.subject, key, now, ends, authority=False)
    return _usable_for(builder, ExtendedKeyUsageOID.CLIENT_AUTH, authority).sign(authority_key, _HASH)


def certificate_request(site: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateSigningRequest:
    """What a site wants certified (PKCS #10, RFC 2986); its signature shows that the site holds the key."""
    return x509.CertificateSigningRequestBuilder().subject_name(_named(site)).sign(key, _HASH)


def read_request(der: bytes) -> x509.CertificateSigningRequest:
    """A certificate request that is signed by the key it holds.

    Raises:
        ValueError: it is none, its signature does not fit, or its key is not on P-384.
    """
    try:
        request = x509.load_der_x509_csr(der)
        signed, key = request.is_signature_valid, request.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("expected a certificate request") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        raise ValueError("expected a certificate request for a key on the curve P-384")
    if not signed:
        raise ValueError("expected a certificate request signed by its own key")
    return request


def read_certificate(der: bytes) -> x509.Certificate:
    """A certificate for a key on P-384.

    Raises:
        ValueError: it is something else.
    """
    try:
        found = x509.load_der_x509_certificate(der)
        key = found.public_key()
        found.extensions  # noqa: B018 - read now, so that broken ones are refused here
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        raise ValueError("expected a certificate") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP384R1):
        raise ValueError("expected a certificate for a key on the curve P-384")
    return found


def issued_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether `authority` signed `certificate`."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def certificate_pem(certificate: x509.Certificate) -> str:
    """As OpenSSL and Flower read it."""
    return certificate.public_bytes(Encoding.PEM).decode()


def pem_certificate(path: Path) -> x509.Certificate:
    """The certificate in a file.

    Raises:
        FederationError: the file is missing, or holds none.
    """
    data = read_bytes(path, _MOST_BYTES, "a certificate", FederationError)
    try:
        return read_certificate(x509.load_pem_x509_certificate(data).public_bytes(Encoding.DER))
    except ValueError:
        raise FederationError(f"{path}: expected a certificate as PEM; restore the file from its backup") from None


def subject_of(certificate: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """The common name that it certifies, or asks for; empty where it has none or several."""
    found = [str(item.value) for item in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return found[0] if len(found) == 1 else ""


def number_of(certificate: x509.Certificate) -> str:
    """Its serial number, in hexadecimal digits."""
    return f"{certificate.serial_number:x}"


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    ends: datetime,
    *,
    authority: bool,
) -> x509.CertificateBuilder:
    usage = partial(
        x509.KeyUsage,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - EARLY)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(
            usage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority), critical=True
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usable_for(
    builder: x509.CertificateBuilder, purpose: x509.ObjectIdentifier, authority: x509.Certificate
) -> x509.CertificateBuilder:
    """For one end of a connection and not for the other, issued by `authority`."""
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    return builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False).add_extension(issuer, critical=False)
