import torch
from torch import nn
from torch.nn import functional as F
from torch.optim import AdamW

from networks import Attention
from training import freeze, thaw

EPOCHS, STEPS = 5, 4
PIECES = {"0..3": 3, "3..4": 1, "4..6": 2, "6..12": 6}


class NETWORK(Attention):
    """The embedding in pieces, each a parameter, so that each can train on its own."""

    def __init__(self):
        super().__init__()
        del self.embed
        self.rows = nn.ParameterList(nn.Parameter(torch.empty(n, 6)) for n in PIECES.values())

    def loss(self, tokens, y):
        return self.loss_of_embedded(F.embedding(tokens, torch.cat(list(self.rows))), y)


def train(run, net):
    first, second, third, rest = net.rows
    adamw = AdamW(thaw(first, second, net.head), lr=0.02, eps=1e-2, weight_decay=0.1)
    run.epoch(adamw)
    adamw.add_param_group({"params": thaw(third), "lr": 0.01})
    run.step(adamw)
    run.step(adamw)
    freeze(adamw, first)
    run.epoch(adamw)
    run.epoch(adamw)
    adamw.add_param_group({"params": thaw(first, rest, net.mlp)})
    run.epoch(adamw)
    run.epoch(adamw)


def written(tensors):
    """The pieces as the one tensor that they are in a network that was not cut up."""
    pieces = [tensors.pop(f"weights.rows.{i}") for i in range(len(PIECES))]
    tensors["weights.embed.weight"] = torch.cat(pieces, dim=1)
    for i, rows in enumerate(PIECES):
        tensors[f"lr.embed.weight[{rows}]"] = tensors.pop(f"lr.rows.{i}")
    return tensors
