"""PyTorch beside the tuner: answers a line of JSON with a line of text until its input ends.

Arguments: the device, and the number of CPU threads.
"""

import json
import statistics
import sys
import time

import torch
from torch import nn

device = sys.argv[1]
torch.set_num_threads(int(sys.argv[2]))


def wait():
    if device == "cuda":
        torch.cuda.synchronize()


def facts(_):
    return f"PyTorch {torch.__version__}, Python {sys.version.split()[0]}"


def optimizer(request, parameters):
    of = getattr(torch.optim, request["optimizer"])
    return of(parameters, **request["options"])


def bits(request):
    """Makes steps with the numbers of a file, and writes the parameters' bytes beside it."""
    kind = getattr(torch, request["kind"])
    data = bytearray(open(request["file"], "rb").read())
    shapes, start = request["shapes"], 0

    def tensors():
        nonlocal start
        taken = []
        for shape in shapes:
            count = torch.Size(shape).numel()
            one = torch.frombuffer(data, dtype=torch.float32, count=count, offset=4 * start)
            taken.append(one.view(shape).to(device, kind))
            start += count
        return taken

    parameters = [one.clone().requires_grad_() for one in tensors()]
    of = optimizer(request, parameters)
    for _ in range(request["steps"]):
        for parameter, gradient in zip(parameters, tensors()):
            parameter.grad = gradient
        of.step()
    with open(request["file"] + ".out", "wb") as out:
        for parameter in parameters:
            out.write(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return "done"


class Part(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(width), nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x):
        return x + self.down(nn.functional.gelu(self.up(self.norm(x))))


class Runner:
    """What is timed now: a function that makes one step, and one that freezes or unfreezes half."""

    step = None
    change = None


def make_step(request):
    """An optimizer's step of parameters that have gradients."""
    parameters = [torch.randn(shape, device=device, requires_grad=True) for shape in request["shapes"]]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)
    of, clip = optimizer(request, parameters), request["clip"]

    def step():
        if clip:
            nn.utils.clip_grad_norm_(parameters, clip)
        of.step()

    Runner.step = step
    return "made"


def make_training(request):
    """A training step of blocks, the first of which may be frozen; in a group of processes as
    DistributedDataParallel does it, which is made before or after they are frozen."""
    width, frozen = request["width"], request.get("frozen", 0)
    parts = [Part(width, inner) for _ in range(12) for inner in (width, 4 * width)]
    net = nn.Sequential(*parts).to(device)
    run = net

    def freeze():
        for part in parts[: 2 * frozen]:
            part.requires_grad_(False)

    def distribute():
        return nn.parallel.DistributedDataParallel(
            net, gradient_as_bucket_view=True, find_unused_parameters=request["finds_unused"]
        )

    if not request.get("ranks"):
        freeze()
    elif request["made_before"]:
        run = distribute()
        freeze()
    else:
        freeze()
        run = distribute()
    trainable = [parameter for parameter in net.parameters() if parameter.requires_grad]
    of, clip = optimizer(request, trainable), request["clip"]
    x = torch.randn(request["rows"], width, device=device)

    def step():
        of.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=request["autocast"]):
            y = run(x)
        y.float().square().mean().backward()
        if clip:
            nn.utils.clip_grad_norm_(net.parameters(), clip)
        of.step()

    def change(frozen):
        """Freezes the first half or unfreezes it, with state and reduction, as it is done by hand."""
        nonlocal run
        run = None
        for part in parts[:12]:
            for parameter in part.parameters():
                parameter.requires_grad_(not frozen)
                parameter.grad = None
                of.state.pop(parameter, None)
        of.param_groups[0]["params"] = [one for one in net.parameters() if one.requires_grad]
        run = distribute()

    Runner.step, Runner.change = step, change
    return "made"


def transitions(request):
    """The seconds of freezing, unfreezing, each with the first step after it less an ordinary one,
    of freezing and unfreezing alone, and of an ordinary step: medians."""

    def timed(function, *arguments):
        start = time.perf_counter()
        function(*arguments)
        return time.perf_counter() - start

    times = [[] for _ in range(5)]
    for _ in range(request["count"]):
        for kind in range(2):
            alone = timed(Runner.change, kind == 0)
            first = timed(Runner.step)
            ordinary = statistics.median(timed(Runner.step) for _ in range(request["ordinary"]))
            times[kind].append(alone + first - ordinary)
            times[2 + kind].append(alone)
            times[4].append(ordinary)
    return " ".join(str(statistics.median(some)) for some in times)


def join(_):
    """Joins the group of processes that the environment names."""
    torch.distributed.init_process_group("gloo")
    return facts(None)


def run(request):
    wait()
    start = time.perf_counter()
    for _ in range(request["count"]):
        Runner.step()
    wait()
    return str(time.perf_counter() - start)


def drop(_):
    Runner.step = Runner.change = None
    if device == "cuda":
        torch.cuda.empty_cache()
    return "dropped"


for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = globals()[request["do"]](request)
    except Exception as error:
        answer = "error: " + str(error).splitlines()[0]
    print(answer, flush=True)
