"""What activation functions change, measured from many seeds: configurations, runs, a table, findings, a report.

``tinyact`` (or ``python -m tinyact.experiment``) does it from the command line, `study` from Python. Everything is
built from the library's public names, so that the same code trains the same network in PyTorch (``--check-torch``).
"""

from tinyact.experiment.configuration import Configuration, Grid
from tinyact.experiment.data import Split, load, notebook_data
from tinyact.experiment.pipeline import run, study
from tinyact.experiment.report import write_report
from tinyact.experiment.store import Store
from tinyact.experiment.training import Run, build, train

__all__ = [
    "Configuration",
    "Grid",
    "Run",
    "Split",
    "Store",
    "build",
    "load",
    "notebook_data",
    "run",
    "study",
    "train",
    "write_report",
]
