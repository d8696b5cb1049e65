import torch
from torch.optim import AdamW

from networks import Tied
from training import freeze, thaw

NETWORK, EPOCHS, STEPS = Tied, 5, 4


def train(run, net):
    start = {parameter: parameter.detach().clone() for parameter in net.parameters()}
    strength = dict.fromkeys(start, 0.5)
    adamw = AdamW(thaw(net.leave, net.enter), lr=0.02, weight_decay=0.1)
    group = adamw.param_groups[0]

    @torch.no_grad()
    def pull(*_):
        for parameter in group["params"]:
            parameter -= group["lr"] * strength[parameter] * (parameter - start[parameter])

    adamw.register_step_pre_hook(pull)
    run.epoch(adamw)
    group["params"] = [*group["params"], *thaw(net.middle, net.again)]
    run.epoch(adamw)
    strength[net.leave.weight] = strength[net.leave.bias] = 0
    strength[net.enter.weight] = 2
    group["lr"] = 0.05
    run.epoch(adamw)
    freeze(adamw, net.enter)
    run.epoch(adamw)
    group["params"] = [*group["params"], *thaw(net.enter)]
    run.epoch(adamw)
