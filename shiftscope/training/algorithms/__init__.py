"""Federated algorithms: what is trained, what is sent, what stays at a site.

In: a model and a site's `Round`. Out: `families.PERSONALIZERS` and `CONTROLS`, each an `algorithm.Algorithm` of plain
functions. A member is one function in `methods` and one line in `families`.
"""
