"""Harmonized copies of one site's images, at their own size, in a folder that reads as the site does.

In: a `Site`, a plan or a run's reference. Out: images, masks and labels on disk, a picture before and after, and
`CopiesResult`, the figures of what changed. Everything stays at the site.
"""
