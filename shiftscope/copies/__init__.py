"""Harmonized copies of one site's images, at their own size, in a folder that reads as the site does.

In: a `Site`, a plan and a run's reference (`site_fits.fit_site`). Out: images, masks, labels and a manifest on disk
(`harmonized_sites.write_copies`), a picture before and after (`copy_pictures`), and the figures of what changed
(`image_changes.Changes` -> `CopiesResult`). Everything stays at the site.
"""
