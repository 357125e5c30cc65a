"""The sites and the coordinator of a run, and the engine between them.

In: a `Job`. Out: messages of tensors and figures; a `participants.Participant` computes at home, without any engine.
Only `flower` knows Flower; the same apps run in its simulation and in this process.
"""
