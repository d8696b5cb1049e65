"""Writes down what PyTorch's own schedulers do, in `pytorch.json`. Run by hand (torch 2.11.0):

    python freeze-dsl/tests/running/schedules/pytorch.py

Each list has an entry a step: the numbers in force when the step is made.
"""

import json
import pathlib
import warnings

import torch
from torch.optim import SGD, AdamW
from torch.optim.lr_scheduler import OneCycleLR, PolynomialLR

warnings.simplefilter("ignore")


def optimizer(kind, **options):
    return kind([torch.nn.Parameter(torch.zeros(1))], **options)


def seen(steps, scheduler, numbers):
    rows = []
    for step in range(steps):
        rows.append(numbers(scheduler.optimizer.param_groups[0]))
        if step + 1 < steps:
            scheduler.step()
    return rows


sgd = optimizer(SGD, lr=0.1, momentum=0.9)
adamw = optimizer(AdamW, lr=1e-3)
polynomial = optimizer(SGD, lr=0.01)
values = {
    "polynomial": seen(
        300, PolynomialLR(polynomial, total_iters=300, power=0.9), lambda group: [group["lr"]]
    ),
    "one_cycle_sgd": seen(
        100,
        OneCycleLR(sgd, max_lr=0.1, total_steps=100),
        lambda group: [group["lr"], group["momentum"]],
    ),
    "one_cycle_adamw": seen(
        100,
        OneCycleLR(adamw, max_lr=1e-3, total_steps=100),
        lambda group: [group["lr"], group["betas"][0]],
    ),
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(values, indent=None, separators=(",", ":")).replace("],[", "],\n[") + "\n")
