"""Mistakes: a checker must refuse each marked line and no other."""

import tinyact
import tinyact.nn.functional as F
from tinyact import Tensor, autograd, nn, optim


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 1)

    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        return self.fc(x) * scale


def functions(x: Tensor) -> None:
    F.elu(x, "banana", 7, nonsense=True)  # refused
    F.elu(x, alfa=1)  # refused
    F.elu(x, "1.0")  # refused
    F.elu([1.0])  # refused
    F.gelu(x, approximate=True)  # refused
    F.prelu(x)  # refused
    F.threshold(x, 0.1)  # refused
    F.softmax(x, dim="rows")  # refused
    F.binary_cross_entropy(x)  # refused
    F.binary_cross_entropy(x, x, None, "mean")  # refused
    F.cross_entropy(x, x, weights=x)  # refused
    F.huber_loss(x, x, delta="small")  # refused
    F.no_such_function(x)  # refused
    number: int = F.relu(x)  # refused
    text: str = tinyact.exp(x)  # refused


def modules(x: Tensor) -> None:
    nn.ELU(alfa=1)  # refused
    nn.ELU("x")  # refused
    nn.ELU(1.0, False, 3)  # refused
    nn.LeakyReLU(slope=0.1)  # refused
    nn.Threshold(1.0)  # refused
    nn.Tanh(inplace=True)  # refused
    nn.PReLU(init="small")  # refused
    nn.Linear(3)  # refused
    nn.Linear("3", 4)  # refused
    nn.BCELoss(reduction=3)  # refused
    nn.BCELoss("mean")  # refused
    nn.CrossEntropyLoss(smoothing=0.1)  # refused
    nn.Dropout(p="half")  # refused
    nn.ModuleList([3])  # refused
    nn.NoSuchModule()  # refused
    nn.init.normal_(x, deviation=1)  # refused
    nn.init.kaiming_uniform_("weight")  # refused
    nn.ELU()(3)  # refused
    nn.ELU()(x, x)  # refused
    nn.BCELoss()(x)  # refused
    net = Network()
    net(3)  # refused
    net(x, x)  # refused
    net()  # refused
    net(x, size=2)  # refused
    number: int = net(x)  # refused
    net(x).no_such_method()  # refused
    net.load_state_dict([x])  # refused
    net.train("yes")  # refused


def optimizers(net: Network) -> None:
    optim.Adam(net.parameters(), learning_rate=1)  # refused
    optim.Adam(net.parameters(), betas=0.9)  # refused
    optim.SGD(lr=0.1)  # refused
    optim.SGD(net.parameters(), lr="0.1")  # refused
    optim.NoSuchOptimizer(net.parameters())  # refused
    optim.SGD(net.parameters()).step(3)  # refused


def differentiation(x: Tensor, loss: Tensor) -> None:
    loss.backward(retain_graph="yes")  # refused
    loss.backward(1)  # refused
    autograd.grad(loss)  # refused
    autograd.grad(loss, x, keep_graph=True)  # refused
    autograd.grad(loss, 3)  # refused
    gradient: Tensor = autograd.grad(loss, x)  # refused
    autograd.gradcheck(3, x)  # refused
    autograd.gradcheck(F.elu, x, epsilon=1e-6)  # refused
    x.register_hook(3)  # refused
    x.register_hook(lambda: None)  # refused
    x.grad = 3  # refused
    x.grad.sum()  # refused
    tinyact.set_grad_enabled("no")  # refused
    tinyact.inspect.graph(3)  # refused


def tensors(x: Tensor) -> None:
    tinyact.tensor()  # refused
    tinyact.tensor([1.0], requires_gradient=True)  # refused
    tinyact.zeros(2, requires_grad="yes")  # refused
    tinyact.manual_seed("0")  # refused
    tinyact.exp()  # refused
    tinyact.exp(x, x)  # refused
    tinyact.cat(3)  # refused
    tinyact.no_such_name  # refused
    x.no_such_method()  # refused
    x.exp(3)  # refused
    x.sum(axis="rows")  # refused
    x.unsqueeze("a")  # refused
    x.numel = 3  # refused
    x.requires_grad_("yes")  # refused
    number: int = x.sum()  # refused
    text: str = x.shape  # refused


@tinyact.no_grad()
def unrecorded(x: Tensor) -> Tensor:
    return x


def modes(x: Tensor) -> None:
    unrecorded(3)  # refused
    unrecorded(x, x)  # refused
    number: int = unrecorded(x)  # refused
