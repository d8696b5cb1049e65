"""Writes down what PyTorch's `ReduceLROnPlateau` does, in `plateaus.json`. Run by hand (torch 2.11.0):

    python freeze-dsl/tests/running/schedules/plateaus.py
"""

import json
import pathlib
import random

import torch
from torch.optim import SGD
from torch.optim.lr_scheduler import ReduceLROnPlateau

EPOCHS = 60
random.seed(3)
noise = [random.uniform(-0.02, 0.02) for _ in range(EPOCHS)]
SERIES = {
    "flat after a fall": [max(0.3, 1 - 0.1 * epoch) for epoch in range(EPOCHS)],
    "noise around a slow fall": [1 / (1 + 0.2 * epoch) + noise[epoch] for epoch in range(EPOCHS)],
    "falls in steps": [1 - 0.1 * (epoch // 9) for epoch in range(EPOCHS)],
}
KINDS = [
    # The policy's words; mode, patience, threshold, threshold_mode, factor and min_lr.
    ("m stops falling for 4 epochs by 1%", "min", 3, 0.01, "rel", 0.5, 1e-3),
    ("m stops falling for 3 epochs by 0.05", "min", 2, 0.05, "abs", 0.1, 1e-6),
    ("m stops rising for 6 epochs by 0.01%", "max", 5, 1e-4, "rel", 0.3, 0.0001),
]
runs = []
for condition, mode, patience, threshold, threshold_mode, factor, min_lr in KINDS:
    for metric in SERIES.values():
        optimizer = SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        scheduler = ReduceLROnPlateau(
            optimizer,
            mode=mode,
            factor=factor,
            patience=patience,
            threshold=threshold,
            threshold_mode=threshold_mode,
            min_lr=min_lr,
            eps=0,
        )
        rates = []
        for value in metric:
            rates.append(optimizer.param_groups[0]["lr"])
            scheduler.step(value)
        runs.append(
            {"condition": condition, "factor": factor, "min_lr": min_lr, "metric": metric, "lr": rates}
        )
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(runs, separators=(",", ":")).replace("},{", "},\n{") + "\n")
