"""What docs/differences.md names, as narrowly as it is said there: no other difference is let through."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tests.lockstep.compare import Difference


class Named(NamedTuple):
    """A difference that is named.

    Attributes:
        quote: the words in docs/differences.md.
        covers: whether they speak of this difference.
    """

    quote: str
    covers: Callable[[Difference], object]


def refused(words: str) -> Callable[[Difference], object]:
    """Whether tinyact refuses in these words what PyTorch doesn't."""
    return lambda d: d.what == "raised" and d.theirs is None and words in str(d.ours)


DIFFERENCES = [
    Named(
        "A tensor that has views, or is one, can't be changed in place where the change would have",
        refused("a view, or a tensor that has views, can't be changed in place"),
    ),
    Named(
        "A view made in `no_grad`, or before its base was set to require gradients, doesn't require them.",
        lambda d: d.what in ("requires_grad", "is_leaf") and d.theirs is (d.what == "requires_grad") and d.tensor._is_view(),
    ),
    Named("so may the layout of\n  `.grad`", lambda d: d.what == "stride" and ".grad" in d.path),
]


def named(difference: Difference) -> Named | None:
    """The entry that covers a difference."""
    return next((entry for entry in DIFFERENCES if entry.covers(difference)), None)
