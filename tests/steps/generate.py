"""Writes `steps.safetensors`: steps of torch.optim in every floating type, on the CPU.

For each type and optimizer, `KIND.NUMBER` is a matrix after 200 steps, `KIND.NUMBER.rows` the same matrix of
which some rows train, are frozen, and train again among others, `KIND.NUMBER.decay` the matrix after steps
whose weight decay falls to 0, `KIND.NUMBER.anchor` the matrix pulled toward its start before each step, and for
Muon, `KIND.NUMBER.first` the orthogonal update of its first step.

Run by hand with PyTorch 2.11, safetensors and NumPy: `python3 tests/steps/generate.py`.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.optim import _muon

STEPS, SHAPE = 200, (5, 3)
# Which rows train, and in which steps.
PHASES = [((1, 3), (0, 30)), ((1, 5), (40, 70))]

# As `optimizers.txt` has them: a policy's words, then the class and the arguments of Python.
LINES = Path(__file__).with_name("optimizers.txt").read_text().splitlines()
KINDS = {"f64": torch.float64, "f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
OPTIONS = {"lr": 1e-2, "weight_decay": 0.1}
ANCHOR = 2.0

# In bfloat16 it divides the momentum itself by its norm where there is no Nesterov, because its conversion to
# bfloat16 is no copy.
orthogonal = _muon._zeropower_via_newtonschulz
_muon._zeropower_via_newtonschulz = lambda update, *others: orthogonal(update.clone(), *others)


class Lion(torch.optim.Optimizer):
    """As its authors have it: https://github.com/google/automl/blob/master/lion/lion_pytorch.py"""

    def __init__(self, params, lr, weight_decay, betas=(0.9, 0.99)):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "betas": betas})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            lr, (beta1, beta2) = group["lr"], group["betas"]
            for p in group["params"]:
                p.data.mul_(1 - lr * group["weight_decay"])
                exp_avg = self.state[p].setdefault("exp_avg", torch.zeros_like(p))
                update = exp_avg * beta1 + p.grad * (1 - beta1)
                p.add_(update.sign_(), alpha=-lr)
                exp_avg.mul_(beta2).add_(p.grad, alpha=1 - beta2)


def steps(of, arguments, start, gradients, before=lambda *_: None):
    """A parameter after a step by each gradient; `before` is called with each step's number."""
    parameter = start.clone().requires_grad_()
    optimizer = (Lion if of == "Lion" else getattr(torch.optim, of))([parameter], **OPTIONS, **arguments)
    for number, gradient in enumerate(gradients):
        parameter.grad = gradient.clone()
        before(number, optimizer.param_groups[0], parameter)
        optimizer.step()
    return parameter.detach()


def falling_decay(number, group, _):
    group["weight_decay"] = OPTIONS["weight_decay"] * (1 - number / STEPS)


def pulled_to(start):
    @torch.no_grad()
    def pull(_, group, parameter):
        w = parameter.double()
        parameter.copy_(w - group["lr"] * ANCHOR * (w - start.double()))

    return pull


torch.manual_seed(1)
torch.set_num_threads(1)
tensors = {}
for name, kind in KINDS.items():
    start = torch.randn(SHAPE, dtype=torch.float64).to(kind)
    gradients = (torch.randn((STEPS, *SHAPE), dtype=torch.float64) + 0.5).to(kind)
    tensors[f"{name}.start"], tensors[f"{name}.gradients"] = start, gradients
    for number, line in enumerate(LINES):
        _, of, arguments = line.split(" | ")
        arguments = eval(f"dict({arguments})")
        # The fused SGD does nothing in half precision on the CPU: pytorch/pytorch#191763.
        if of == "SGD" and name in ("bf16", "f16"):
            arguments.pop("fused")
        tensors[f"{name}.{number}"] = steps(of, arguments, start, gradients)
        parts = start.clone()
        for (first, last), (begin, end) in PHASES:
            own = gradients[begin:end, first:last]
            parts[first:last] = steps(of, arguments, parts[first:last], own)
        tensors[f"{name}.{number}.rows"] = parts
        tensors[f"{name}.{number}.decay"] = steps(of, arguments, start, gradients, falling_decay)
        tensors[f"{name}.{number}.anchor"] = steps(of, arguments, start, gradients, pulled_to(start))
        if of == "Muon":
            lr, ratio = OPTIONS["lr"], _muon._adjust_lr(1.0, arguments.get("adjust_lr_fn"), SHAPE)
            decayed = start.double() * (1 - lr * OPTIONS["weight_decay"])
            moved = steps(of, arguments, start.double(), gradients[:1].double())
            tensors[f"{name}.{number}.first"] = (decayed - moved) / (lr * ratio)
save_file(tensors, Path(__file__).with_name("steps.safetensors"))
