"""Tags as they leave a reader: printable, and no longer than a name may be."""

from shiftscope.images.acquisition import acquisition
from shiftscope.records import check_name


def test_what_cannot_be_printed_is_left_out_of_a_tag() -> None:
    found = acquisition({"manufacturer": "Acme\x00 \x1b[31mMed\u200b", "model": "M\n1\u202e"})
    assert found == {"manufacturer": "ACME [31MMED", "model": "M 1"}


def test_a_scanner_is_never_too_long_for_a_name() -> None:
    found = acquisition({"manufacturer": "\u0390" * 500, "model": "x" * 500})
    assert check_name(f"{found['manufacturer']} {found['model']}")
