"""What a document holds in base64, read where the document checks itself: keys, and certificates in a site's name."""

from collections.abc import Callable
from typing import TypeVar

from cryptography import x509

from shiftscope.federations.certificates import subject_of
from shiftscope.federations.enrolment_documents.signed_documents import bytes_of
from shiftscope.records import Misfit

__all__ = ["certified_in_name", "read_blob"]

Content = TypeVar("Content")
Certified = TypeVar("Certified", x509.Certificate, x509.CertificateSigningRequest)


def read_blob(field: str, blob: str, read: Callable[[bytes], Content]) -> Content:
    """What a field holds.

    Raises:
        Misfit: `read` says with a ValueError what it expected.
    """
    try:
        return read(bytes_of(blob))
    except ValueError as problem:
        raise Misfit(field, blob, str(problem).removeprefix("expected ")) from None


def certified_in_name(field: str, blob: str, read: Callable[[bytes], Certified], site: str) -> Certified:
    """The certificate, or the request of one, that a field holds.

    Raises:
        Misfit: it is none, or in another name than the site's.
    """
    found = read_blob(field, blob, read)
    if subject_of(found) != site:
        what = "a certificate" if isinstance(found, x509.Certificate) else "a request"
        raise Misfit(field, subject_of(found), f"{what} in the name of site '{site}'")
    return found
