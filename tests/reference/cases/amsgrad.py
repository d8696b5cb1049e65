from torch.optim import Adam

from networks import Attention
from training import freeze, thaw

NETWORK, EPOCHS, STEPS = Attention, 6, 4


def train(run, net):
    norms = net.attention_norm, net.mlp_norm
    options = {"betas": (0.8, 0.9), "eps": 1e-3, "weight_decay": 0.1, "amsgrad": True}
    adam = Adam([{"params": thaw(net.head)}, {"params": thaw(*norms)}], lr=0.02, **options)
    run.epoch(adam)

    adam.add_param_group({"params": thaw(net.mlp), "lr": 0.01})
    run.epoch(adam)
    run.step(adam)
    run.step(adam)
    freeze(adam, *norms)
    run.epoch(adam)

    adam.param_groups[0]["weight_decay"] = 0
    run.epoch(adam)

    adam.add_param_group({"params": thaw(*norms, net.attention), "lr": 0.005})
    run.epoch(adam)
    run.epoch(adam)
