"""What each action is expected to gain, before anybody trains and after a rehearsal.

In: a diagnosis and its profiles, or what a rehearsal measured. Out: `Candidate`s with their gains, and a `Decision`.
`advice_policy` is the model, package data with its provenance; `policy_inputs` what it sees; `candidates` the choice.
"""
