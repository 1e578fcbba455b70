"""See a backward pass happen: the graph that was recorded, and every step of the sweep through it.

``graph(loss)`` shows what was recorded; ``trace(loss)`` runs the sweep and shows what each rule received and returned;
``trace(loss).to_html(path)`` writes a page on which to step through both passes. ``python -m tinyact.inspect`` does
that for the notebook's network. ``why_no_grad(tensor, loss)`` says why a gradient is missing, and
``summary(network, input)`` what a network consists of.
"""

from tinyact.inspect.graph import Graph
from tinyact.inspect.missing import why_no_grad
from tinyact.inspect.recorded import graph
from tinyact.inspect.steps import Step
from tinyact.inspect.summary import Summary, summary
from tinyact.inspect.trace import Trace, trace

__all__ = ["Graph", "Step", "Summary", "Trace", "graph", "summary", "trace", "why_no_grad"]
