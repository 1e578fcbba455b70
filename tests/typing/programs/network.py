"""The notebook's network, trained, saved and loaded."""

import numpy as np
from typing_extensions import assert_type

import tinyact as torch
import tinyact.nn as nn
import tinyact.nn.functional as F
import tinyact.optim as optim
from tinyact import Tensor


class NeuralNetwork(nn.Module):
    def __init__(self, inputs: int, hidden: int = 16, use_activation: bool = True) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, hidden)
        self.fc2 = nn.Linear(hidden, 1)
        self.use_activation = use_activation

    def forward(self, x: Tensor) -> Tensor:
        x = self.fc1(x)
        if self.use_activation:
            x = F.relu(x)
        return torch.sigmoid(self.fc2(x))


class Pair(nn.Module):
    """A forward of several arguments, one of them by name, and of several results."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.register_buffer("offset", torch.zeros(1))

    def forward(self, a: Tensor, b: Tensor, *, weight: float = 1.0) -> tuple[Tensor, int]:
        return self.scale * (a + weight * b), 2


def train(net: NeuralNetwork, x: Tensor, y: Tensor, epochs: int) -> list[float]:
    criterion = nn.BCELoss()
    optimizer = optim.Adam(net.parameters(), lr=0.001, betas=(0.9, 0.99))
    losses: list[float] = []
    for _ in range(epochs):
        optimizer.zero_grad()
        loss = criterion(net(x), y.view(-1, 1))
        assert_type(loss, Tensor)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def accuracy(net: NeuralNetwork, x: Tensor, y: Tensor) -> float:
    net.eval()
    return float(((net(x) > 0.5).float().view(-1) == y).float().mean())


torch.manual_seed(0)
x: Tensor = torch.FloatTensor(np.random.default_rng(0).random((8, 3)))
y = torch.tensor([0.0, 1.0] * 4)
net = NeuralNetwork(inputs=3)
assert_type(net, NeuralNetwork)
assert_type(net(x), Tensor)
assert_type(net.forward(x), Tensor)
assert_type(net.fc1, nn.Linear)
assert_type(net.fc1.weight, nn.Parameter)
assert_type(net.train(), NeuralNetwork)
assert_type(net.double().float().eval(), NeuralNetwork)
assert_type(train(net, x, y, epochs=2), list[float])
assert_type(accuracy(net, x, y), float)

both, count = Pair()(x, x, weight=0.5)
assert_type(both, Tensor)
assert_type(count, int)

state = net.state_dict()
twin = NeuralNetwork(3)
twin.load_state_dict(state)
twin.load_state_dict({name: value.clone() for name, value in state.items()}, strict=False)
optimizer = optim.SGD(
    [{"params": net.fc1.parameters(), "lr": 0.1}, {"params": net.fc2.parameters()}], lr=0.01, momentum=0.9
)
optimizer.load_state_dict(optimizer.state_dict())
optimizer.add_param_group({"params": [torch.zeros(2, requires_grad=True)]})
optimizer.zero_grad(set_to_none=False)
for group in optimizer.param_groups:
    group["lr"] *= 0.5


def closure() -> float:
    optimizer.zero_grad()
    loss = net(x).sum()
    loss.backward()
    return float(loss)


optimizer.step(closure)
for name, parameter in net.named_parameters():
    assert_type(name, str)
    assert_type(parameter, nn.Parameter)
    if parameter.grad is not None:
        assert_type(parameter.grad, Tensor)
