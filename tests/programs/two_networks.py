"""A program written for PyTorch: two networks compared. The tests run it as it is and with its imports swapped.

``SEED`` and ``DATA`` (features and labels for training and test, as NumPy arrays) are set by whoever runs it.
"""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from sklearn.metrics import accuracy_score

torch.manual_seed(SEED)  # noqa: F821
features, labels, test_features, test_labels = DATA  # noqa: F821

sample = torch.tensor([-1.0, 0.0, 1.0])
for module in (nn.Sigmoid(), nn.Tanh(), nn.ReLU(), nn.LeakyReLU(negative_slope=0.01), nn.ELU(alpha=1.0), nn.SiLU()):
    print(module, module(sample))
print("by hand", sample * torch.sigmoid(sample))
print("softmax", nn.Softmax(dim=0)(torch.tensor([2.0, 1.0, 0.1])))

x = torch.FloatTensor(features)
y = torch.FloatTensor(labels)
x_test = torch.FloatTensor(test_features)
y_test = torch.FloatTensor(test_labels)
print(x.shape, y.shape, x[:2, :5])


class Classifier(nn.Module):
    def __init__(self, bend):
        super(Classifier, self).__init__()  # noqa: UP008
        self.first = nn.Linear(x.shape[1], 16)
        self.second = nn.Linear(16, 1)
        self.bend = bend

    def forward(self, inputs):
        inner = F.relu(self.first(inputs)) if self.bend else self.first(inputs)
        return torch.sigmoid(self.second(inner))


def fit(model):
    loss_function = nn.BCELoss()
    optimizer = optim.Adam(model.parameters(), lr=0.001)
    for step in range(100):
        optimizer.zero_grad()
        outputs = model(x)
        loss = loss_function(outputs, y.view(-1, 1))
        if step % 5 == 0:
            print(loss)
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        model.eval()
        outputs = model(x_test)
        return accuracy_score(y_test, (outputs > 0.5).float().numpy())


for bend in (False, True):
    network = Classifier(bend)
    print(network)
    print("accuracy", fit(network))
    print(network.second.bias, network.second.bias.grad, np.asarray(network.second.bias.detach()).shape)
    print({name: tuple(value.shape) for name, value in network.state_dict().items()})
