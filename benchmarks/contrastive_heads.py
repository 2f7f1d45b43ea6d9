"""Contrastive heads: the alignment that is trained by gradients instead of solved, tuned with care.

Frozen features of either modality go through a head of their own, linear or with one hidden layer, into a common
space; a batch of pairs is the task to tell each partner from all others, in both directions, at a learnt temperature
(the loss of CLIP: Radford et al. 2021, Learning transferable visual models from natural language supervision).

Settings are drawn at random from a grid, which finds good ones in fewer trials than going through it (Bergstra & Bengio
2012). All are screened by a short training on one inner fold; the best go on, on all folds and until their held-out
quality stops rising (successive halving: Jamieson & Talwalkar 2016). The winner is trained again on the whole
training part for as many epochs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import Any, Self

import numpy as np
from harness import SEED
from numpy.typing import NDArray

Array = NDArray[Any]
Pair = tuple[Array, Array]

GRID: dict[str, tuple[Any, ...]] = {
    "dimension": (128, 256, 512),
    "learning_rate": (1e-3, 3e-3),
    "weight_decay": (0.01, 0.1, 1.0),
    # Of the inputs too, so linear heads have it as well: nothing else helps them as much.
    "dropout": (0.0, 0.3, 0.5, 0.7),
    "temperature": (0.05, 0.1, 0.2),
    "batch_size": (128, 256, 512),
    "schedule": ("constant", "cosine"),
}
WIDTHS = (256, 512)
# CLIP's bound on 1 / temperature.
STEEPEST = 100.0


@dataclass(frozen=True)
class Effort:
    """How many settings are tried and for how many steps at most; `look` steps lie between two held-out checks."""

    settings: int = 24
    finalists: int = 3
    screening_steps: int = 60
    steps: int = 400
    look: int = 20
    patience: int = 3


@dataclass(frozen=True)
class HeadSetting:
    """One point of the grid; `hidden` is the width of the hidden layer, 0 for a linear head."""

    preparation: str
    hidden: int
    dimension: int
    learning_rate: float
    weight_decay: float
    dropout: float
    temperature: float
    batch_size: int
    schedule: str

    def __str__(self) -> str:
        names = (field.name for field in fields(self) if field.name != "preparation")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names if name != "hidden" or self.hidden)

    def steps_per_epoch(self, n_rows: int) -> float:
        return max(1.0, n_rows / self.batch_size)


@dataclass(frozen=True)
class Fold:
    """The prepared rows of an inner split, and the quality of scores of its held-out pairs."""

    train: Pair
    held_out: Pair
    quality: Callable[[Array, Array], float]


class ContrastiveHeads:
    """Two heads with the interface of an aligner.

    The cosine schedule falls to nothing after `horizon` epochs; training ends after `epochs`, perhaps before that.
    """

    def __init__(self, setting: HeadSetting, epochs: float, horizon: float) -> None:
        self.setting = setting
        self.epochs = epochs
        self.horizon = horizon

    def __str__(self) -> str:
        return f"{self.setting}, epochs={self.epochs:.3g}"

    def fit(self, x: Array, y: Array) -> Self:
        import torch

        torch.manual_seed(SEED)
        return self.start(x, y).train(round(self.epochs * self.setting.steps_per_epoch(len(x))))

    def start(self, x: Array, y: Array) -> Self:
        import torch

        self.rows = _tensor(x), _tensor(y)
        self.heads = [_head(side.shape[1], self.setting) for side in self.rows]
        self.log_steepness = torch.nn.Parameter(torch.tensor(-np.log(self.setting.temperature), dtype=torch.float32))
        parameters = [parameter for head in self.heads for parameter in head.parameters()]
        # Biases and the temperature are not decayed, as in CLIP.
        groups = [
            {"params": [p for p in parameters if p.ndim == 2], "weight_decay": self.setting.weight_decay},
            {"params": [*(p for p in parameters if p.ndim < 2), self.log_steepness], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=self.setting.learning_rate)
        self.horizon_steps = max(1.0, self.horizon * self.setting.steps_per_epoch(len(x)))
        self.steps_done = 0
        return self

    def train(self, steps: int) -> Self:
        import torch

        x, y = self.rows
        for head in self.heads:
            head.train()
        for _ in range(steps):
            if self.setting.schedule == "cosine":
                progress = min(1.0, self.steps_done / self.horizon_steps)
                for group in self.optimizer.param_groups:
                    group["lr"] = self.setting.learning_rate * (1 + np.cos(np.pi * progress)) / 2
            batch = torch.randperm(len(x))[: self.setting.batch_size]
            loss = self._loss(x[batch], y[batch])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.steps_done += 1
        return self

    def _loss(self, x: Any, y: Any) -> Any:
        import torch
        from torch.nn import functional

        u, v = (functional.normalize(head(side)) for head, side in zip(self.heads, (x, y), strict=True))
        similarities = self.log_steepness.exp().clamp(max=STEEPEST) * (u @ v.T)
        partners = torch.arange(len(x))
        return (
            functional.cross_entropy(similarities, partners) + functional.cross_entropy(similarities.T, partners)
        ) / 2

    def transform(self, x: Array, y: Array) -> Pair:
        import torch

        for head in self.heads:
            head.eval()
        with torch.no_grad():
            u, v = (head(_tensor(side)).numpy() for head, side in zip(self.heads, (x, y), strict=True))
        return u, v


def _tensor(rows: Array) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))


def _head(n_features: int, setting: HeadSetting) -> Any:
    from torch import nn

    if not setting.hidden:
        return nn.Sequential(nn.Dropout(setting.dropout), nn.Linear(n_features, setting.dimension))
    return nn.Sequential(
        nn.Dropout(setting.dropout),
        nn.Linear(n_features, setting.hidden),
        nn.GELU(),
        nn.Dropout(setting.dropout),
        nn.Linear(setting.hidden, setting.dimension),
    )


def search_heads(folds: Mapping[str, Sequence[Fold]], widths: Sequence[int], effort: Effort) -> ContrastiveHeads:
    """Find the best setting; `folds` holds the same inner splits for every preparation of the features."""
    grid = [HeadSetting(*point) for point in product(folds, widths, *GRID.values())]
    settings = drawn(grid, effort.settings)

    def screened(setting: HeadSetting) -> float:
        return watched(setting, folds[setting.preparation][:1], effort.screening_steps, effort)[0]

    finalists = sorted(settings, key=screened, reverse=True)[: effort.finalists]
    results = {setting: watched(setting, folds[setting.preparation], effort.steps, effort) for setting in finalists}
    best = max(finalists, key=lambda setting: results[setting][0])
    n_rows = len(folds[best.preparation][0].train[0])
    return ContrastiveHeads(best, results[best][1], effort.steps / best.steps_per_epoch(n_rows))


def drawn(grid: Sequence[Any], n_settings: int) -> list[Any]:
    """As many settings as that, at random and in the order of the grid; all of a smaller one."""
    rows = np.random.default_rng(SEED).permutation(len(grid))[:n_settings]
    return [grid[i] for i in np.sort(rows)]


def watched(setting: HeadSetting, folds: Sequence[Fold], most_steps: int, effort: Effort) -> tuple[float, float]:
    """Train on all folds side by side while the mean held-out quality rises; return its best and after which epoch."""
    import torch

    torch.manual_seed(SEED)
    per_epoch = setting.steps_per_epoch(len(folds[0].train[0]))
    trained = [ContrastiveHeads(setting, 0, effort.steps / per_epoch).start(*fold.train) for fold in folds]
    qualities: list[float] = []
    while len(qualities) * effort.look < most_steps:
        pairs = zip(trained, folds, strict=True)
        qualities.append(
            float(np.mean([fold.quality(*heads.train(effort.look).transform(*fold.held_out)) for heads, fold in pairs]))
        )
        if len(qualities) - 1 - int(np.argmax(qualities)) >= effort.patience:
            break
    best = int(np.argmax(qualities))
    return qualities[best], (best + 1) * effort.look / per_epoch
