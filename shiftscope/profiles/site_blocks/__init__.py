"""A site in fixed blocks of patients, measured one by one, in several processes or on several machines alike.

In: a site's cases and a keyed order of its patients (`block_order`). `block_measuring` measures a block, wherever it
runs; `worker_processes` spreads blocks; `canonical_fits` fits the site's map on the sample; `gathered_sums` adds up.
"""
