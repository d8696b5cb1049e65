from torch.optim import AdamW

from networks import Convolutional
from training import freeze, thaw

NETWORK, EPOCHS, STEPS = Convolutional, 6, 3

# What `sample 2 of [stem, blocks.*] seed 7` draws at each firing: the stem is 0, the first
# block 1.
DRAWS = [[0, 2], [2, 3], [0, 2], [0, 3], [1, 2], [1, 3]]


def train(run, net):
    layers = [net.stem, *net.blocks]
    adamw = AdamW(thaw(net.fc), lr=0.01, eps=1e-3, weight_decay=0.1)
    before = []
    for draw in DRAWS:
        freeze(adamw, *(layers[i] for i in before if i not in draw))
        for i in draw:
            if i not in before:
                adamw.add_param_group({"params": thaw(layers[i])})
        run.epoch(adamw, held=[layer for i, layer in enumerate(layers) if i not in draw])
        before = draw
