"""The networks that a plan can ask for, and their parts.

In: a `Plan`. Out: `networks.build -> torch.nn.Module`; `layers` finds heads, norms and backbones by what they are.
"""
