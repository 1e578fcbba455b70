"""What activation functions change: the notebook's comparison, from many initial weights.

``python -m tinyact.experiment`` runs it; the pieces here can be used on their own. Everything is built from the
library's public names, so that the same code trains the same network in PyTorch (``--check-torch``).
"""

from tinyact.experiment.data import Split, notebook_data
from tinyact.experiment.statistics import Comparison, Sample, compare, describe
from tinyact.experiment.training import Run, build, train

__all__ = ["Comparison", "Run", "Sample", "Split", "build", "compare", "describe", "notebook_data", "train"]
