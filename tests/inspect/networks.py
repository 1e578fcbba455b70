"""What several tests look at."""

from __future__ import annotations

from collections import OrderedDict

import tinyact
from tinyact import nn
from tinyact.tensor import Tensor


def small_network(samples: int = 3) -> tuple[Tensor, nn.Module, dict[str, Tensor]]:
    """4 → 2 → 1 with ReLU and binary cross-entropy: the loss, the network, and its input and target by name."""
    tinyact.manual_seed(0)
    layers: OrderedDict[str, nn.Module] = OrderedDict(
        fc1=nn.Linear(4, 2), relu=nn.ReLU(), fc2=nn.Linear(2, 1), sigmoid=nn.Sigmoid()
    )
    network = nn.Sequential(layers)
    named = {"x": tinyact.randn(samples, 4), "target": (tinyact.rand(samples, 1) > 0.5).float()}
    return nn.BCELoss()(network(named["x"]), named["target"]), network, named


def diamond() -> tuple[Tensor, dict[str, Tensor]]:
    """w → v = w² → two ways → L = 2v + sin v."""
    w = tinyact.tensor(3.0, requires_grad=True)
    v = w * w
    doubled, sine = v * 2, v.sin()
    return doubled + sine, {"w": w, "v": v, "doubled": doubled, "sine": sine}


def deep(layers: int = 400) -> tuple[Tensor, nn.Module]:
    """A network of more layers than anyone draws."""
    tinyact.manual_seed(0)
    network = nn.Sequential(*[nn.Sequential(nn.Linear(2, 2), nn.Tanh()) for _ in range(layers)])
    return network(tinyact.ones(1, 2)).sum(), network
