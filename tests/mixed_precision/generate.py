"""Writes `mixed_precision.safetensors`: scaled losses and autocast of Python's PyTorch, on the CPU.

For each line of `cases.txt`, `NUMBER` is a matrix after 200 steps with `torch.amp.GradScaler`, and
`NUMBER.scales` the scale after each step. A part of the network is f16, so that gradients overflow where the
scale is large; `coefficients` has infinities and NaNs besides.

`autocast.*` is a network under `torch.autocast("cpu", torch.bfloat16)`: its loss and its gradients.

Run by hand with PyTorch 2.11, safetensors and NumPy: `python3 tests/mixed_precision/generate.py`.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch.optim import _muon

STEPS, SHAPE = 200, (5, 3)
OPTIONS = {"lr": 1e-2, "weight_decay": 0.1}
GROWTH_INTERVAL = 7
LINES = Path(__file__).with_name("cases.txt").read_text().splitlines()

# In bfloat16 it divides the momentum itself by its norm where there is no Nesterov, because its conversion to
# bfloat16 is no copy.
orthogonal = _muon._zeropower_via_newtonschulz
_muon._zeropower_via_newtonschulz = lambda update, *others: orthogonal(update.clone(), *others)


def run(line, start, coefficients):
    _, of, arguments, scale, clip = line.split(" | ")
    parameter = start.clone().requires_grad_()
    arguments = eval(f"dict({arguments})")
    optimizer = getattr(torch.optim, of)([parameter], **OPTIONS, **arguments)
    scaler = torch.amp.GradScaler("cpu", init_scale=float(scale), growth_interval=GROWTH_INTERVAL)
    scales = []
    for by in coefficients:
        optimizer.zero_grad()
        loss = (parameter.half() * by.half()).sum(dtype=torch.float32)
        scaler.scale(loss).backward()
        if clip != "none":
            kind, most = clip.split()
            scaler.unscale_(optimizer)
            if kind == "norm":
                torch.nn.utils.clip_grad_norm_([parameter], float(most))
            else:
                torch.nn.utils.clip_grad_value_([parameter], float(most))
        scaler.step(optimizer)
        scaler.update()
        scales.append(scaler.get_scale())
    return parameter.detach(), torch.tensor(scales, dtype=torch.float32)


torch.manual_seed(1)
torch.set_num_threads(1)
tensors = {"start": torch.randn(SHAPE)}
coefficients = torch.randn((STEPS, *SHAPE)) + 0.5
for step, place, value in [(11, 0, "inf"), (12, 7, "-inf"), (50, 14, "nan"), (100, 3, "inf"), (199, 8, "nan")]:
    coefficients[step].view(-1)[place] = float(value)
tensors["coefficients"] = coefficients
for number, line in enumerate(LINES):
    tensors[f"{number}"], tensors[f"{number}.scales"] = run(line, tensors["start"], coefficients)
    scales = tensors[f"{number}.scales"].tolist()
    skipped = sum(after < before for before, after in zip([float(line.split(" | ")[3])] + scales, scales))
    print(line, "skipped", skipped, "last scale", scales[-1])

images, labels = torch.randn(8, 3, 6, 6), torch.arange(8) % 4
shapes = {"conv": (4, 3, 3, 3), "conv_bias": (4,), "a": (16, 64), "a_bias": (16,), "b": (4, 16)}
weights = {name: (torch.randn(shape) * 0.3).requires_grad_() for name, shape in shapes.items()}
with torch.autocast("cpu", torch.bfloat16):
    x = F.conv2d(images, weights["conv"], weights["conv_bias"]).relu().flatten(1)
    x = F.linear(x, weights["a"], weights["a_bias"]).tanh()
    x = F.layer_norm(x, [16])
    # The weight is used twice, and cast once.
    x = F.linear(F.linear(x, weights["b"]) @ weights["b"], weights["b"])
    loss = F.nll_loss(F.log_softmax(x, -1, dtype=torch.float32), labels)
loss.backward()
tensors |= {"autocast.images": images, "autocast.labels": labels, "autocast.loss": loss.detach()}
for name, weight in weights.items():
    tensors[f"autocast.{name}"], tensors[f"autocast.{name}.grad"] = weight.detach(), weight.grad
save_file(tensors, Path(__file__).with_name("mixed_precision.safetensors"))
