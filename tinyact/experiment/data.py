"""The notebook's data: scikit-learn's synthetic classification, split in training and test."""

from __future__ import annotations

from typing import Any, NamedTuple

INPUTS = 100


class Split(NamedTuple):
    """Inputs (n, features) and targets (n, 1) of 0 and 1, as float32 tensors of one framework."""

    train_x: Any
    train_y: Any
    test_x: Any
    test_y: Any


def notebook_data(framework: Any) -> Split:
    """5000 samples of 100 informative features (``random_state=7``), 4000 to train and 1000 to test with (42).

    Args:
        framework: ``tinyact``, or ``torch`` for the same data as PyTorch's tensors.

    Example:
        >>> import tinyact
        >>> notebook_data(tinyact).train_x.shape
        torch.Size([4000, 100])
    """
    # Imported here: with SciPy behind them they take longer to import than the rest of the library.
    from sklearn.datasets import make_classification
    from sklearn.model_selection import train_test_split

    x, y = make_classification(n_samples=5000, n_features=INPUTS, n_informative=INPUTS, n_redundant=0, random_state=7)
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.2, random_state=42)
    return Split(
        framework.FloatTensor(train_x),
        framework.FloatTensor(train_y).view(-1, 1),
        framework.FloatTensor(test_x),
        framework.FloatTensor(test_y).view(-1, 1),
    )
