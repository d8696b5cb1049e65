import math

from torch.optim import AdamW

from networks import Attention
from training import freeze, parameters, thaw

NETWORK, EPOCHS, STEPS = Attention, 4, 4

OPTIONS = {"betas": (0.9, 0.95), "eps": 1e-2}


def train(run, net):
    layers = [
        [net.head],
        [net.mlp_norm, net.mlp],
        [net.attention_norm, net.attention],
        [net.embed],
    ]
    optimizers = []
    for depth, layer in enumerate(layers):
        matrices = [p for p in parameters(*layer) if p.dim() > 1]
        vectors = [p for p in parameters(*layer) if p.dim() == 1]
        groups = [{"params": thaw(*matrices), "weight_decay": 0.5}]
        if vectors:
            groups.append({"params": thaw(*vectors), "weight_decay": 0})
        optimizers.append(AdamW(groups, lr=0.02 / 2**depth, **OPTIONS))
    head, *_, embed = optimizers
    for step in range(16):
        if step == 8:
            freeze(embed, net.embed)
            optimizers.remove(embed)
        if step == 10:
            embed = AdamW(thaw(net.embed), lr=0.01, weight_decay=0.2, **OPTIONS)
            optimizers.append(embed)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                # Half a cosine over six steps, to a tenth.
                fraction = 0.1 + 0.45 * (1 + math.cos(math.pi * min(step, 6) / 6))
                if optimizer is head and step >= 8:
                    fraction = 0.01 ** (min(step - 8, 6) / 6)
                if optimizer is not embed or step < 8:
                    group.setdefault("initial_lr", group["lr"])
                    group["lr"] = group["initial_lr"] * fraction
        run.step(*optimizers)
