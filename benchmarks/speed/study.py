"""A study of 8 activations × 25 seeds of the notebook's network, beside the same trainings in PyTorch, one by one.

Both as whole processes, with the test loss at every epoch; the study records layers and writes its store besides.
"""

from __future__ import annotations

import sys

from benchmarks.speed.timing import Row, compare_processes

# The notebook's eight.
ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "silu", "softmax"]

STUDY = """
import tempfile
from tinyact.experiment.cli import main
with tempfile.TemporaryDirectory() as folder:
    main(["study", "--activation", *{activations}, "--seeds", "{seeds}", "--out", folder, "--quiet"])
"""

PYTORCH = """
import torch
import torch.optim
from tinyact.experiment import Configuration, Run, build, load, train
for seed in range({seeds}):
    data = load("notebook", torch, "split", seed)
    for activation in {activations}:
        torch.manual_seed(seed)
        train(torch, build(torch, activation), data, Run(Configuration(activation, seed)), held_out=True)
"""


def rows(quick: bool) -> list[Row]:
    """One row."""
    values = {"activations": ACTIVATIONS, "seeds": 1 if quick else 25}
    ours, theirs = ([sys.executable, "-c", program.format(**values)] for program in (STUDY, PYTORCH))
    times = compare_processes(ours, theirs, 1 if quick else 3)
    return [Row(f"a study of {values['seeds'] * len(ACTIVATIONS)} runs", "PyTorch, one by one", *times, 0.35, "ms")]
