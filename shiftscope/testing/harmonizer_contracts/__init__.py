"""What has to hold for every harmonizer, each contract a function of one candidate.

In: a `HarmonizerCandidate`, a harmonizer fitted on planted sites with what its author claims of it. Out: nothing, or
an `AssertionError`. `harmonizer_maps`: how cases are mapped; `harmonizer_laws`: what that does to sites;
`harmonizer_shares`: what is sent; `planted_signals`: what must not be lost.
"""
