"""What networks are trained on: the notebook's data, and others that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

INPUTS = 100


class Split(NamedTuple):
    """Inputs and targets of one framework, to train and to test with.

    Attributes:
        train_x, test_x: (n, features), float32.
        train_y, test_y: for two classes (n, 1) of 0 and 1, float32; for more (n,), int64, the number of the class.
    """

    train_x: Any
    train_y: Any
    test_x: Any
    test_y: Any

    @property
    def classes(self) -> int:
        """How many there are."""
        return 2 if self.train_y.ndim == 2 else int(self.train_y.max().item()) + 1


DATASETS: dict[str, Callable[[Any], Any]] = {
    "notebook": lambda datasets: datasets.make_classification(
        5000, n_features=INPUTS, n_informative=INPUTS, n_redundant=0, random_state=7
    ),
    "moons": lambda datasets: datasets.make_moons(2000, noise=0.25, random_state=7),
    "circles": lambda datasets: datasets.make_circles(2000, noise=0.12, factor=0.6, random_state=7),
    "blobs": lambda datasets: datasets.make_blobs(1000, n_features=INPUTS, centers=2, cluster_std=40, random_state=7),
    "breast_cancer": lambda datasets: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda datasets: datasets.load_digits(return_X_y=True),
}
# Their features have scales of their own: `load` brings them to mean 0 and deviation 1.
STANDARDIZED = ("blobs", "breast_cancer", "digits")


def load(name: str, framework: Any) -> Split:
    """A data set by its name, four fifths to train and one to test with (``random_state=42``).

    Args:
        name: one of ``DATASETS``: ``"notebook"``, ``"moons"``, ``"circles"`` and ``"blobs"`` (few samples of two round
            clouds that overlap: nothing separates them better than a plane) are generated, ``"breast_cancer"`` and
            ``"digits"`` (ten classes) come with scikit-learn. The last three are standardized by what the training part
            is like.
        framework: ``tinyact``, or ``torch`` for the same data as PyTorch's tensors.

    Raises:
        KeyError: if there is no such data set.

    Example:
        >>> import tinyact
        >>> digits = load("digits", tinyact)
        >>> digits.train_x.shape, digits.classes
        (torch.Size([1437, 64]), 10)
    """
    # Imported here: with SciPy behind them they take longer to import than the rest of the library.
    from sklearn import datasets
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = DATASETS[name](datasets)
    train_x, test_x, train_y, test_y = train_test_split(x, y, test_size=0.2, random_state=42)
    if name in STANDARDIZED:
        scaler = StandardScaler().fit(train_x)
        train_x, test_x = scaler.transform(train_x), scaler.transform(test_x)

    def targets(values: Any) -> Any:
        return framework.FloatTensor(values).view(-1, 1) if y.max() == 1 else framework.LongTensor(values)

    return Split(framework.FloatTensor(train_x), targets(train_y), framework.FloatTensor(test_x), targets(test_y))


def notebook_data(framework: Any) -> Split:
    """5000 samples of 100 informative features (``random_state=7``), 4000 to train and 1000 to test with (42).

    Args:
        framework: ``tinyact``, or ``torch`` for the same data as PyTorch's tensors.

    Example:
        >>> import tinyact
        >>> notebook_data(tinyact).train_x.shape
        torch.Size([4000, 100])
    """
    return load("notebook", framework)
