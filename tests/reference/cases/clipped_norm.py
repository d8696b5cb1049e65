from torch.optim import SGD

from networks import Attention
from training import freeze, thaw

NETWORK, EPOCHS, STEPS = Attention, 4, 4
CLIP = {"norm": 2.0}


def train(run, net):
    sgd = SGD(
        [{"params": thaw(net.head)}, {"params": thaw(net.mlp)}],
        lr=0.05,
        momentum=0.9,
    )
    run.epoch(sgd)
    sgd.add_param_group({"params": thaw(net.attention), "lr": 0.02})
    for _ in range(3):
        run.step(sgd)
    freeze(sgd, net.mlp)
    run.epoch(sgd)
    run.epoch(sgd)
    rest = thaw(net.embed, net.attention_norm, net.mlp_norm, net.mlp)
    sgd.add_param_group({"params": rest})
    for group in sgd.param_groups:
        group["lr"] = 0.01
    run.epoch(sgd)
