"""Trains a network on the handwritten digits that ship in the package: the whole loop, by hand, in one screen.

    python examples/train_digits.py

``tensorgrad train`` does the same with options, a progress bar, pictures and checkpoints.
"""

from __future__ import annotations

import time

import numpy as np

import tensorgrad as tg
from tensorgrad import nn, optim
from tensorgrad.data import DataLoader, TensorDataset
from tensorgrad.datasets import Labelled, load_digits

EPOCHS, BATCH = 30, 32


def as_dataset(part: Labelled, device: str) -> TensorDataset:
    pixels = part.inputs.reshape(len(part), 64).astype(np.float32) / 16
    return TensorDataset(tg.Tensor(pixels).to(device), tg.Tensor(part.labels).to(device))


def main() -> float:
    tg.manual_seed(0)
    device = "cuda" if tg.backends.available()["cuda"] else "cpu"
    training, held_out = (as_dataset(part, device) for part in load_digits().split(0.2))
    loader = DataLoader(training, batch_size=BATCH, shuffle=True)

    model = nn.Sequential(nn.Linear(64, 128), nn.Sigmoid(), nn.Linear(128, 10)).to(device)
    loss_fn = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=EPOCHS)

    began = time.perf_counter()
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for images, labels in loader:
            loss = loss_fn(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(labels)
        scheduler.step()
        if epoch % 5 == 0:
            print(f"epoch {epoch:2}: loss {total / len(training):.4f}")

    images, labels = held_out.tensors
    with tg.no_grad():
        predictions = model(images).numpy().argmax(axis=1)
    accuracy = float((predictions == labels.numpy()).mean())
    print(f"{100 * accuracy:.2f} % of {len(held_out)} held-out images right, in {time.perf_counter() - began:.1f} s")
    return accuracy


if __name__ == "__main__":
    main()
