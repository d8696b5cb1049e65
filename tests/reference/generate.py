"""Trains the networks of all cases, or of those named, and writes `cases/NAME.safetensors`.

A case is three files of one name: a schedule written by hand (`.py`), what came of it
(`.safetensors`), and the policy that is to have the same effect (`.freeze`). Nothing here reads
the policy.
"""

import importlib
import pathlib
import sys
import zlib

import torch
from safetensors.torch import save_file

from networks import initialize
from training import Run

CASES = pathlib.Path(__file__).parent / "cases"


def main():
    # One thread, so that sums are added up in the same order everywhere.
    torch.set_num_threads(1)
    names = sys.argv[1:] or sorted(path.stem for path in CASES.glob("[a-z]*.py"))
    for name in names:
        tensors = train(name)
        path = CASES / f"{name}.safetensors"
        save_file(tensors, path)
        print(f"{path.name}: {path.stat().st_size} bytes")


def train(name):
    case = importlib.import_module(f"cases.{name}")
    torch.manual_seed(zlib.crc32(name.encode()))
    run = Run(case)
    initialize(run.network)
    run.start()
    case.train(run, run.network)
    tensors = run.tensors()
    if hasattr(case, "written"):
        tensors = case.written(tensors)
    return {name: tensor.contiguous() for name, tensor in tensors.items()}


if __name__ == "__main__":
    main()
