import math

from torch.optim import SGD

from networks import Tied
from training import freeze, thaw

NETWORK, EPOCHS, STEPS = Tied, 4, 4


def train(run, net):
    sgd = SGD(thaw(net), lr=0.1, momentum=0.95)
    group = sgd.param_groups[0]
    for step in range(16):
        if step == 8:
            freeze(sgd, net.enter)
        if step == 12:
            group["params"] = [*group["params"], *thaw(net.enter)]
        rises = step >= 8
        group["momentum"] = 0.85 + 0.1 * (step - 8) / 8 if rises else 0.95 - 0.1 * step / 8
        group["weight_decay"] = 0.02 + 0.18 * (1 + math.cos(math.pi * step / 16)) / 2
        run.step(sgd)
