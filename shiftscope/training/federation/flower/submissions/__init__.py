"""What the simulation and a deployment have in common: the app that Flower is handed, and how a run is followed.

The app is no code: the two components lie in the installed package, and its configuration says which job.
"""
