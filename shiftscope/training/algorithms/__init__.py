"""Federated algorithms: what is trained, what is sent, what stays at a site.

In: a model and a site's `local_rounds.Round`; at the server the sites' `aggregation.Update`s. Out:
`families.PERSONALIZERS` and `CONTROLS`, each an `algorithm.Algorithm` of plain functions that know no engine.
A member is one function in `methods` and one line in `families`.
"""
