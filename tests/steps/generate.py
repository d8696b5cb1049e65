"""Writes `steps.safetensors`: steps of torch.optim in every floating type, on the CPU.

Run by hand with PyTorch 2.11, safetensors and NumPy: `python3 tests/steps/generate.py`.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file

STEPS, SHAPE = 200, (5, 3)

# As `optimizers.txt` has them: a policy's words, then the class and the arguments of Python.
LINES = Path(__file__).with_name("optimizers.txt").read_text().splitlines()
KINDS = {"f64": torch.float64, "f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}

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
        parameter = start.clone().requires_grad_()
        optimizer = getattr(torch.optim, of)([parameter], lr=1e-2, weight_decay=0.1, **arguments)
        for gradient in gradients:
            parameter.grad = gradient.clone()
            optimizer.step()
        tensors[f"{name}.{number}"] = parameter.detach()
save_file(tensors, Path(__file__).with_name("steps.safetensors"))
