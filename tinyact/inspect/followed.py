"""Which entries of large arrays are shown, so that a number can be looked up in the step that it came from.

From an entry of each weight's gradient back to the loss: the sum's largest terms name entries of its factors, and where
a rule goes element by element, those came from entries at the same place.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from tinyact.inspect.steps import Sent, Step, Sweep
from tinyact.inspect.terms import Place, Product, largest_terms, product

# An array that has so many is given no more, but those that the sums shown at first name: or deep networks would have
# too many.
MOST = 16


class Followed:
    """Per node the entries to show, of its value and of its gradient."""

    def __init__(self, trace: Sweep) -> None:
        self._trace = trace
        # Dictionaries, as sets that keep their order: the first are the largest terms.
        self._places: defaultdict[int, dict[Place, None]] = defaultdict(dict)
        # To the loss: what a gradient's entries were made of. And back: what values are made of.
        for step in (*reversed(trace.steps), *trace.steps):
            for sent in step.sent:
                of = product(step, sent, trace)
                if of is None:
                    self._share(step, sent)
                else:
                    self._add_factors(of, sent)

    def at(self, node: int) -> list[Place]:
        """The entries of a node's value and gradient, those of the largest terms first."""
        return list(self._places[node])

    def _add_factors(self, of: Product, sent: Sent) -> None:
        target = sent.target
        if not self._places[target.number]:
            largest = np.unravel_index(np.argmax(np.nan_to_num(np.abs(sent.array))), sent.array.shape)
            self._places[target.number][tuple(map(int, largest))] = None
        first, *others = self.at(target.number)
        self._add_terms(of, first)
        # A leaf's other entries are there for their values: no sum leads on from them.
        for entry in others if target.kind != "leaf" else ():
            if all(len(self._places[factor.node]) < MOST for factor in of):
                self._add_terms(of, entry)

    def _add_terms(self, of: Product, entry: Place) -> None:
        left, right = of.factors([entry[0]], [entry[1]])
        with np.errstate(all="ignore"):
            terms = largest_terms(left.astype(np.float64) * right)[0].tolist()
        for factor in of:
            self._places[factor.node].update(dict.fromkeys(factor.place(entry, i) for i in terms))

    def _share(self, step: Step, sent: Sent) -> None:
        """Element by element: the same places in all arrays of one shape that take part."""
        numbers = [step.node.number, *(edge.source for edge in self._trace.graph.inputs(step.node))]
        alike = [n for n in numbers if self._trace.graph.nodes[n - 1].shape == sent.array.shape]
        places = dict.fromkeys(place for n in alike for place in self._places[n])
        for n in alike:
            self._places[n].update(places)
