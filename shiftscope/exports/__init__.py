"""Programs that an operator owns: a plan as a Flower app, in files to edit and run.

In: a plan. Out: a folder (`flower_apps.write_flower_app`) of what a person would change, filled from `templates`. What
it need not change it imports from here: `AppSite`, a site behind the messages; `app_job`, what a run has to know; and
the names below, which stay. Nothing here knows Flower; only the files in the folder do.
"""

from shiftscope.exports.app_files import save_tensors
from shiftscope.exports.app_jobs import app_job
from shiftscope.exports.app_sites import AppSite
from shiftscope.files import write_text
from shiftscope.harmonizers import LEAST_CHANGE, combine
from shiftscope.training.algorithms.aggregation import Tensors, Update
from shiftscope.training.algorithms.algorithm import Server
from shiftscope.training.algorithms.families import find_algorithm
from shiftscope.training.algorithms.local_rounds import Round, learning_rate
from shiftscope.training.algorithms.methods.twins import tensors_of
from shiftscope.training.data.model_inputs import Sample
from shiftscope.training.data.randomness import seeded
from shiftscope.training.evaluation.scores import judge, metrics_of
from shiftscope.training.federation.starting_models import initial_tensors, server_of
from shiftscope.training.models.networks import build
from shiftscope.training.runs.jobs import Job

__all__ = [
    "LEAST_CHANGE",
    "AppSite",
    "Job",
    "Round",
    "Sample",
    "Server",
    "Tensors",
    "Update",
    "app_job",
    "build",
    "combine",
    "find_algorithm",
    "initial_tensors",
    "judge",
    "learning_rate",
    "metrics_of",
    "save_tensors",
    "seeded",
    "server_of",
    "tensors_of",
    "write_text",
]
