"""Modules put together, called, hooked and initialized."""

from collections import OrderedDict
from collections.abc import Callable
from itertools import pairwise

from typing_extensions import assert_type

import tinyact
import tinyact.nn.functional as F
from tinyact import Tensor, nn

x = tinyact.rand(4, 3)
classes = tinyact.tensor([0, 1, 2, 0])

assert_type(nn.LeakyReLU(0.1)(x), Tensor)
assert_type(nn.ELU(alpha=1.0)(x), Tensor)
assert_type(nn.ELU(2, True)(x), Tensor)
assert_type(nn.Threshold(0.1, 20.0)(x), Tensor)
assert_type(nn.Softmax(dim=1)(x), Tensor)
assert_type(nn.Softmax(1)(x), Tensor)
assert_type(nn.PReLU(3, init=0.1)(x), Tensor)
assert_type(nn.PReLU().weight, nn.Parameter)
assert_type(nn.GELU(approximate="tanh")(x), Tensor)
assert_type(nn.RReLU(0.1, 0.3)(x), Tensor)
assert_type(nn.Swish(1.5, learned=True)(x), Tensor)
assert_type(nn.Hardtanh(-2, 2).min_val, float)
assert_type(nn.Dropout(0.25)(x), Tensor)
assert_type(nn.Linear(3, 2, bias=False, dtype=tinyact.float32)(x), Tensor)
assert_type(F.elu(x, 0.5, inplace=True), Tensor)
assert_type(F.gelu(x, approximate="tanh"), Tensor)
assert_type(F.threshold(x, threshold=0.1, value=20), Tensor)
assert_type(F.prelu(x, nn.PReLU().weight), Tensor)
assert_type(F.softmax(x, dim=1, dtype=tinyact.float64), Tensor)
assert_type(F.dropout(x, 0.5, training=False), Tensor)
assert_type(F.linear(x, tinyact.rand(2, 3), bias=tinyact.zeros(2)), Tensor)
assert_type(F.cross_entropy(x, classes, label_smoothing=0.1), Tensor)
assert_type(F.huber_loss(x, x, "sum", 0.5), Tensor)
assert_type(nn.NLLLoss(tinyact.ones(3), ignore_index=-1)(F.log_softmax(x, 1), classes), Tensor)
assert_type(nn.KLDivLoss(reduction="batchmean", log_target=True)(x, x), Tensor)
assert_type(nn.BCEWithLogitsLoss(pos_weight=tinyact.ones(3))(x, x), Tensor)

layers: list[nn.Module] = [nn.Linear(3, 3), nn.Tanh(), nn.Identity()]
model = nn.Sequential(*layers)
model.append(nn.Sigmoid()).extend([nn.ReLU()])
named = nn.Sequential(OrderedDict([("first", nn.Linear(3, 2)), ("second", nn.SiLU())]))
output: Tensor = named(model(x))
for layer in model:
    assert_type(layer, nn.Module)
    x = layer(x)

bends: dict[str, Callable[[Tensor], Tensor]] = {"relu": F.relu, "tanh": tinyact.tanh, "module": nn.ELU()}
kinds: list[type[nn.Module]] = [nn.ReLU, nn.Tanh]
for bend in bends.values():
    assert_type(bend(x), Tensor)
for kind in kinds:
    assert_type(kind().training, bool)
assert_type(nn.activations()["relu"]()(x), Tensor)


class Tower(nn.Module):
    def __init__(self, sizes: list[int], bend: Callable[[Tensor], Tensor] = F.relu) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.heads = nn.ModuleDict({"mean": nn.Linear(sizes[-1], 1)})
        self.heads["spread"] = nn.Sequential(nn.Linear(sizes[-1], 1), nn.Softplus())
        self.bend = bend
        self.apply(self.initialize)

    @staticmethod
    def initialize(module: nn.Module) -> None:
        if isinstance(module, nn.Linear):
            nn.init.kaiming_uniform_(module.weight, a=0.1, nonlinearity="leaky_relu")
            nn.init.xavier_normal_(module.weight, gain=nn.init.calculate_gain("tanh"))
            nn.init.uniform_(nn.init.normal_(module.weight, 0.0, std=0.1), -1, 1)
            if module.bias is not None:
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        for layer in self.layers:
            x = self.bend(layer(x))
        return {name: head(x) for name, head in self.heads.items()}


tower = Tower([3, 4, 4])
assert_type(tower(tinyact.rand(5, 3)), dict[str, Tensor])
assert_type(list(tower.children()), list[nn.Module])
assert_type(tower.get_submodule("heads.mean"), nn.Module)
assert_type(tower.get_parameter("layers.0.weight"), nn.Parameter)
assert_type(sum(parameter.numel() for parameter in tower.parameters()), int)


def before(module: nn.Module, args: tuple[Tensor, ...]) -> None: ...


def after(module: nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
    return output * 2


def on_the_way_back(
    module: nn.Module, grad_input: tuple[Tensor | None, ...], grad_output: tuple[Tensor | None, ...]
) -> tuple[Tensor | None, ...] | None:
    return None


handle = model.register_forward_hook(after, prepend=True)
with model.register_forward_pre_hook(before), model.register_full_backward_hook(on_the_way_back):
    model(tinyact.rand(4, 3)).sum().backward()
handle.remove()
