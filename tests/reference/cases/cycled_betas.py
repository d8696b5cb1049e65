from torch.optim import AdamW

from networks import Attention
from training import freeze, thaw

NETWORK, EPOCHS, STEPS = Attention, 4, 4


def train(run, net):
    adamw = AdamW(thaw(net), lr=0.01)
    group = adamw.param_groups[0]
    for step in range(16):
        if step == 8:
            freeze(adamw, net.mlp)
        group["betas"] = (0.95 - 0.1 * min(step / 12, 1), 0.999)
        group["weight_decay"] = 0.3 * min(step / 12, 1)
        run.step(adamw)
