"""What networks are trained on: the notebook's data, and others that come with scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

INPUTS = 100
# Generators use 32 bits of a seed, so that larger ones would repeat these.
LARGEST_SEED = 2**32 - 1
WEIGHTS, SPLIT, DATA = "weights", "split", "data"


class Variation(NamedTuple):
    """What seeds change.

    Attributes:
        words: as a part of what a setting is called.
        seeds: what each is one of.
        overlap: samples to test with per sample to train with, where every seed draws both from the same samples; 0
            where seeds have nothing in common. See `statistics.interval`.
    """

    words: str
    seeds: str
    overlap: float


VARY = {
    WEIGHTS: Variation("one fixed split", "initial weights, on one fixed split", 0.0),
    SPLIT: Variation("splits varied", "splits and initial weights", 1 / 8),
    DATA: Variation("data varied", "data sets of this kind and initial weights", 0.0),
}


class Split(NamedTuple):
    """Inputs and targets of one framework, to train and to test with.

    Attributes:
        train_x, test_x: (n, features), float32.
        train_y, test_y: for two classes (n, 1) of 0 and 1, float32; for more (n,), int64, the number of the class.
        validation_x, validation_y: to choose with, or None.
    """

    train_x: Any
    train_y: Any
    test_x: Any
    test_y: Any
    validation_x: Any = None
    validation_y: Any = None

    @property
    def classes(self) -> int:
        """How many there are."""
        return 2 if self.train_y.ndim == 2 else int(self.train_y.max().item()) + 1


DATASETS: dict[str, Callable[[Any, int], Any]] = {
    "notebook": lambda datasets, seed: datasets.make_classification(
        5000, n_features=INPUTS, n_informative=INPUTS, n_redundant=0, random_state=seed
    ),
    "moons": lambda datasets, seed: datasets.make_moons(2000, noise=0.25, random_state=seed),
    "circles": lambda datasets, seed: datasets.make_circles(2000, noise=0.12, factor=0.6, random_state=seed),
    "blobs": lambda datasets, seed: datasets.make_blobs(
        1000, n_features=INPUTS, centers=2, cluster_std=40, random_state=seed
    ),
    "breast_cancer": lambda datasets, seed: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda datasets, seed: datasets.load_digits(return_X_y=True),
}
COLLECTED = ("breast_cancer", "digits")
# Their features have scales of their own: `load` brings them to mean 0 and deviation 1.
STANDARDIZED = ("blobs", *COLLECTED)


def check_varied(name: str, vary: str) -> None:
    """Raise ValueError if there is but one data set of this name, and another one is wanted for each seed."""
    if vary == DATA and name in COLLECTED:
        raise ValueError(f"vary: there is only one data set {name!r}; its splits can be varied")


def load(name: str, framework: Any, vary: str = WEIGHTS, seed: int = 0) -> Split:
    """A data set by its name, four fifths to train with.

    Args:
        name: one of ``DATASETS``: ``"notebook"``, ``"moons"``, ``"circles"`` and ``"blobs"`` (few samples of two round
            clouds that overlap: nothing separates them better than a plane) are generated, ``"breast_cancer"`` and
            ``"digits"`` (ten classes) come with scikit-learn. The last three are standardized by what the training part
            is like.
        framework: ``tinyact``, or ``torch`` for the same data as PyTorch's tensors.
        vary: ``"weights"``: always the notebook's split (``random_state=42``), whose last fifth is to test with;
            ``"split"``: a split for each seed; ``"data"``: a data set and a split for each seed. Of the last fifth one
            half is then to choose with, and one to test with.
        seed: which of these.

    Raises:
        KeyError: if there is no such data set.

    Example:
        >>> import tinyact
        >>> digits = load("digits", tinyact)
        >>> digits.train_x.shape, digits.classes
        (torch.Size([1437, 64]), 10)
    """
    # Imported here: with SciPy behind them they take longer to import than the rest of the library.
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    x, y = _samples(name, seed if vary == DATA else 7)
    is_fixed = vary == WEIGHTS
    train_x, held_x, train_y, held_y = train_test_split(x, y, test_size=0.2, random_state=42 if is_fixed else seed)
    if name in STANDARDIZED:
        scaler = StandardScaler().fit(train_x)
        train_x, held_x = scaler.transform(train_x), scaler.transform(held_x)

    def tensors(inputs: Any, targets: Any) -> tuple[Any, Any]:
        y_ = framework.FloatTensor(targets).view(-1, 1) if y.max() == 1 else framework.LongTensor(targets)
        return framework.FloatTensor(inputs), y_

    train = tensors(train_x, train_y)
    if is_fixed:
        return Split(*train, *tensors(held_x, held_y))
    return Split(*train, *tensors(held_x[::2], held_y[::2]), *tensors(held_x[1::2], held_y[1::2]))


@lru_cache(maxsize=8)
def _samples(name: str, seed: int) -> Any:
    from sklearn import datasets

    return DATASETS[name](datasets, seed)


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
