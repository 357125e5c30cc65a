"""What a site's owner lets its federation do.

In: `policy.toml` at the joined site, and an order. Out: `SitePolicy`, and whether it admits the order, or which of its
keys stands against it.
"""
