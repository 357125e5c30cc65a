"""Whether a site uses the model that was made for it."""

__all__ = ["gated"]


def gated(personal: float | None, common: float | None) -> bool:
    """True where the site keeps the model it has in common with the others.

    That is where the personal one is worse on the site's own validation cases. A tie, or a score that is undefined
    because validation cases are missing or of one class, decides nothing, and the personal model is used.

    Args:
        personal, common: the metric on the validation cases, more is better.
    """
    return personal is not None and common is not None and personal < common
