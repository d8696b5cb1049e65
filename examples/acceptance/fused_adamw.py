"""Prints the median seconds of a step of PyTorch's fused AdamW.

Arguments: the device, the parameters' shapes as a JSON list, rounds, threads.
"""

import json
import statistics
import sys
import time

import torch

device, shapes, rounds, threads = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch.set_num_threads(threads)
parameters = [torch.randn(shape, device=device, requires_grad=True) for shape in shapes]
for parameter in parameters:
    parameter.grad = torch.randn_like(parameter)
optimizer = torch.optim.AdamW(parameters, lr=1e-3, fused=True)
times = []
for _ in range(rounds // 10 + 1 + rounds):
    start = time.perf_counter()
    optimizer.step()
    if device == "cuda":
        torch.cuda.synchronize()
    times.append(time.perf_counter() - start)
print(statistics.median(times[rounds // 10 + 1 :]))
