from torch.optim import AdamW

from networks import Tied
from training import thaw

NETWORK, EPOCHS, STEPS = Tied, 4, 4
CLIP = {"value": 0.02}


def train(run, net):
    adamw = AdamW(thaw(net.leave, net.again, net.middle), lr=0.01)
    run.epoch(adamw)
    run.epoch(adamw)
    adamw.add_param_group({"params": thaw(net.enter), "lr": 0.02})
    run.epoch(adamw)
    run.epoch(adamw)
