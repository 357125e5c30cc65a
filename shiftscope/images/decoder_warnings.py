"""Third-party readers warn about odd files; shiftscope counts such files by reason and names them itself."""

import logging
import warnings

__all__ = ["silence_decoders"]

_READERS = (r"pydicom\b", r"pylibjpeg\b", r"PIL\b", r"nibabel\b", r"tifffile\b")

for _name in ("tifffile", "nibabel.global"):
    # Both print to stderr, the first through logging's last resort, the second through a handler of its own.
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def silence_decoders() -> None:
    """Ignore warnings raised inside the readers' own modules; cheap enough to call before every file.

    `warnings.catch_warnings` swaps the filters of the whole process and is not safe with decoding threads. A filter
    that names the modules is narrow, is put in place once, and is missing later only where somebody reset the filters.
    """
    ignored = {getattr(entry[3], "pattern", None) for entry in warnings.filters if entry[0] == "ignore"}
    for module in _READERS:
        if module not in ignored:
            warnings.filterwarnings("ignore", module=module)
