"""The operator's own model, loss and augmentation: code that a plan names and each site allows.

In: a `Plan` that names `package.module:function`. Out: what these functions make, checked (`own_models`, `own_losses`,
`own_augmentations`). Nothing of a package is imported before every site has allowed it (`permissions`) and its files
are those that the plan's marks stand for (`package_marks`); the lowest room, for models, losses and batches need it.
"""
