"""What every schedule needs: a step, and the few things that freezing takes in PyTorch."""

import itertools

import torch
from torch import nn


class Run:
    """A training run, and what is written down of it.

    The file of a case holds, for E epochs of S steps:

    - `weights.NAME`, of shape [E + 1, ...]: a parameter or running statistic at first and after
      each epoch
    - `lr.NAME`, of shape [E, S]: the learning rate at each step; NaN where it does not train
    - `x` and `y`, of shape [E, S, ...]: the batches
    - `metrics.NAME`, of shape [E]: what is observed at the end of each epoch
    - `clip.norm` or `clip.value`: the bound that gradients are clipped to before each step
    - `ends`: whether training is over then by a rule
    """

    def __init__(self, case):
        self.network = case.NETWORK()
        self.epochs, self.steps = case.EPOCHS, case.STEPS
        self.x, self.y = self.network.batches(self.epochs, self.steps)
        self.metrics = getattr(case, "METRICS", {})
        self.clip = getattr(case, "CLIP", {})
        self.ends = getattr(case, "ENDS", False)
        self.done = 0
        self.rates = {}

    def start(self):
        """Writes down the initial weights; nothing trains as yet."""
        pause(self.network)
        self.snapshots = [self.snapshot()]

    def snapshot(self):
        state = self.network.state_dict()
        return {
            name: tensor.clone()
            for name, tensor in state.items()
            if not name.endswith("num_batches_tracked")
        }

    def step(self, *optimizers, held=()):
        """A training step, in which the statistics of the modules in `held` stand still."""
        epoch, step = divmod(self.done, self.steps)
        kept = [(buffer, buffer.clone()) for module in held for buffer in module.buffers()]
        loss = self.network.loss(self.x[epoch, step], self.y[epoch, step])
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for buffer, value in kept:
            buffer.copy_(value)
        self.note_rates(optimizers)
        training = [p for p in self.network.parameters() if p.requires_grad]
        if "norm" in self.clip:
            torch.nn.utils.clip_grad_norm_(training, self.clip["norm"])
        if "value" in self.clip:
            torch.nn.utils.clip_grad_value_(training, self.clip["value"])
        for optimizer in optimizers:
            optimizer.step()
        self.done += 1
        if self.done % self.steps == 0:
            self.snapshots.append(self.snapshot())

    def epoch(self, *optimizers, held=()):
        """As many steps as are left of the epoch."""
        self.step(*optimizers, held=held)
        while self.done % self.steps:
            self.step(*optimizers, held=held)

    def note_rates(self, optimizers):
        """Writes down learning rates; every parameter that trains is in exactly one group."""
        groups = [group for optimizer in optimizers for group in optimizer.param_groups]
        for name, parameter in self.network.named_parameters(remove_duplicate=False):
            rates = [
                group["lr"]
                for group in groups
                if any(parameter is member for member in group["params"])
            ]
            if parameter.requires_grad:
                assert len(rates) == 1 and parameter.grad is not None, name
                table = torch.full((self.epochs, self.steps), torch.nan, dtype=torch.float64)
                table = self.rates.setdefault(name, table)
                table.view(-1)[self.done] = rates[0]
            else:
                assert parameter.grad is None, name

    def tensors(self):
        assert self.done == self.epochs * self.steps
        tensors = {"x": self.x, "y": self.y, "ends": torch.tensor(self.ends)}
        for name in self.snapshots[0]:
            stacked = torch.stack([snapshot[name] for snapshot in self.snapshots])
            tensors[f"weights.{name}"] = stacked
        for name, table in self.rates.items():
            tensors[f"lr.{name}"] = table
        for name, values in self.metrics.items():
            assert len(values) == self.epochs
            tensors[f"metrics.{name}"] = torch.tensor(values, dtype=torch.float64)
        for name, bound in self.clip.items():
            tensors[f"clip.{name}"] = torch.tensor(bound, dtype=torch.float64)
        return tensors


def parameters(*parts):
    """The parameters of modules and parameters, each once."""
    own = ([part] if isinstance(part, nn.Parameter) else part.parameters() for part in parts)
    return list(dict.fromkeys(itertools.chain.from_iterable(own)))


def thaw(*parts):
    """Makes parameters trainable; returns them, for an optimizer."""
    thawed = parameters(*parts)
    for parameter in thawed:
        parameter.requires_grad_(True)
    return thawed


def pause(*parts):
    """Freezes parameters. An optimizer passes over what has no gradient, and remembers it."""
    for parameter in parameters(*parts):
        parameter.requires_grad_(False)
        parameter.grad = None


def freeze(optimizer, *parts):
    """Freezes parameters, and takes them out of an optimizer with all that it remembers."""
    pause(*parts)
    for parameter in parameters(*parts):
        optimizer.state.pop(parameter, None)
        for group in optimizer.param_groups:
            group["params"] = [other for other in group["params"] if other is not parameter]


def reset(optimizer, *parts):
    """Drops what an optimizer remembers of parameters."""
    for parameter in parameters(*parts):
        del optimizer.state[parameter]
