"""What has to hold for every algorithm, each contract a function of one candidate.

In: an `AlgorithmCandidate`, an algorithm with its runs in memory (`memory_runs`) and what its author claims of it. Out:
nothing, or an `AssertionError`. `algorithm_messages`: what is sent and what stays home; `algorithm_runs`: what a run
starts from, repeats and takes; `reductions`: what is left of it with its own part switched off.
"""
