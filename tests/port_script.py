"""A training script as it is written for PyTorch. ``test_port.py`` runs it with either library as ``torch``."""

from __future__ import annotations

from typing import Any

import numpy as np


def main(torch: Any) -> dict[str, Any]:
    nn, optim = torch.nn, torch.optim

    class Classifier(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, features: int, classes: int) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.Linear(features, 16), nn.Tanh(), nn.LayerNorm(16), nn.Linear(16, 16), nn.ReLU()
            )
            self.head = nn.Linear(16, classes, bias=False)
            self.register_buffer("scale", torch.ones(1))

        def forward(self, x: Any) -> Any:
            return self.head(self.body(x)) * self.scale

    def reset(model: Any, rng: np.random.Generator) -> None:
        with torch.no_grad():
            for _name, p in model.named_parameters():
                p.copy_(torch.asarray(rng.normal(0, 0.4, size=tuple(p.shape)).astype(np.float32)))

    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 8)).astype(np.float32)
    labels = (inputs[:, 0] * inputs[:, 1] > 0).astype(np.int64) + (inputs[:, 2] > 1)
    x, y = torch.asarray(inputs), torch.asarray(labels)

    model = Classifier(8, 3)
    reset(model, rng)
    decay = [p for name, p in model.named_parameters() if name.endswith("weight")]
    rest = [p for name, p in model.named_parameters() if not name.endswith("weight")]
    optimizer = optim.AdamW([{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}], lr=0.02)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)

    losses = []
    for _epoch in range(30):
        model.train()
        for start in range(0, 60, 20):
            optimizer.zero_grad()
            logits = model(x[start : start + 20])
            loss = criterion(logits, y[start : start + 20])
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=1.0)
            optimizer.step()
            losses.append((loss.item(), float(norm)))
        scheduler.step()
    model.eval()
    with torch.no_grad():
        logits = model(x)
        hits = (logits.argmax(dim=1) == y).sum().item()
        probabilities = nn.functional.softmax(logits, dim=-1)
    return {
        "losses": np.array(losses),
        "hits": hits,
        "probabilities": np.asarray(probabilities),
        "state": {name: np.asarray(value.detach()) for name, value in model.state_dict().items()},
    }
