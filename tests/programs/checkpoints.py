"""Trains with batches, saves, goes on, and goes on once more from what was saved."""

import os
import tempfile

import torch
from torch import nn, optim
from torch.utils.data import DataLoader, Dataset, TensorDataset, random_split


class Waves(Dataset):
    def __init__(self, n):
        self.x = torch.linspace(-3, 3, n).unsqueeze(1)

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return {"x": self.x[index], "y": self.x[index].sin(), "index": index}


def network():
    model = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
    return model, optim.Adam(model.parameters(), lr=0.02)


def epoch(model, optimizer, loader):
    total = 0.0
    for batch in loader:
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(batch["x"]), batch["y"])
        loss.backward()
        optimizer.step()
        total += loss.item() * len(batch["index"])
    return total


torch.manual_seed(1)
train, test = random_split(Waves(100), [0.8, 0.2], generator=torch.Generator().manual_seed(2))
loader = DataLoader(train, batch_size=16, shuffle=True)
model, optimizer = network()
path = os.path.join(tempfile.mkdtemp(), "checkpoint.pt")
for number in range(6):
    print(number, f"{epoch(model, optimizer, loader):.3f}")
    if number == 3:
        checkpoint = {"epoch": number, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
        torch.save(checkpoint, path)

model, optimizer = network()
checkpoint = torch.load(path, map_location="cpu", weights_only=True)
model.load_state_dict(checkpoint["model"])
optimizer.load_state_dict(checkpoint["optimizer"])
for number in range(checkpoint["epoch"] + 1, 6):
    print(number, f"{epoch(model, optimizer, loader):.3f}")

with torch.no_grad():
    for batch in DataLoader(test, batch_size=8):
        print(batch["index"], f"{nn.functional.l1_loss(model(batch['x']), batch['y']).item():.3f}")
noise = TensorDataset(torch.rand(5, 2), torch.arange(5))
for x, y in DataLoader(noise, batch_size=2, shuffle=True, drop_last=True, num_workers=0):
    print(x, y)
