"""What profiles are together: of different sites, each given once, with classes that can be compared."""

import unicodedata
from collections.abc import Sequence

from shiftscope.errors import ProfileError
from shiftscope.profiles.profile_document import WITHHELD, Profile
from shiftscope.records import MOST_CLASSES

__all__ = ["require_different_sites", "require_few_classes"]


def require_different_sites(profiles: Sequence[Profile]) -> None:
    """See that no hospital is there twice, under one name or two, and that all classes together are few enough.

    Raises:
        ProfileError: naming the sites and what they share.
    """
    names: dict[str, str] = {}
    prints: dict[str, str] = {}
    for profile in profiles:
        site = profile.site
        if (other := names.setdefault(_as_read(site), site)) is not site:
            text = (
                f"a site named '{site}'" if other == site else f"sites named '{other}' and '{site}', which read alike"
            )
            raise ProfileError(f"two profiles are of {text}; profile one again with --site NAME")
        if profile.fingerprint != WITHHELD and (other := prints.setdefault(profile.fingerprint, site)) is not site:
            raise ProfileError(
                f"'{other}' and '{site}' are profiles of the same images (fingerprint {profile.fingerprint[:12]}...):"
                " one hospital would count twice; leave one of them out"
            )
    require_few_classes(profiles)


def require_few_classes(profiles: Sequence[Profile]) -> None:
    """See that the classes of all profiles together can be compared.

    Raises:
        ProfileError: they are too many.
    """
    classes = {label for profile in profiles for label in profile.labels}
    if len(classes) > MOST_CLASSES:
        raise ProfileError(
            f"the profiles name {len(classes)} classes together, for example {', '.join(sorted(classes)[:3])}; expected"
            f" {MOST_CLASSES} at the most: let all sites call a class alike, and profile again"
        )


def _as_read(name: str) -> str:
    """Names with the same are one to a reader: width, ligatures, capitals and kinds of space aside (Unicode, NFKC)."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())
