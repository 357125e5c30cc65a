"""Every strategy on features of the frozen encoder, where heads are all there is to train.

In: a `Job` whose model is linear, a site's cases. Out of a site: heads, and mean scores with what they vary by, from
enough patients (`site_rehearsals`). Out of the coordinator's part: a `RehearsalResult` (`rehearsal_summaries`). No
engine in here: Flower carries the questions, benchmarks ask in this process.
"""
