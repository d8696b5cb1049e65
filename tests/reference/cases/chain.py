from torch.optim import RMSprop

from networks import Convolutional
from training import pause, thaw

NETWORK, EPOCHS, STEPS = Convolutional, 6, 3


def train(run, net):
    stem_and_blocks = [net.stem, *net.blocks]

    def rmsprop(parameters, lr):
        options = {"alpha": 0.9, "eps": 1e-2, "momentum": 0.5, "centered": True}
        return RMSprop(parameters, lr=lr, weight_decay=0.05, **options)

    run.epoch(rmsprop(thaw(net.fc), lr=0.005), held=stem_and_blocks)
    pause(net.fc)
    for layer in stem_and_blocks:
        pause(*stem_and_blocks)
        alone = rmsprop(thaw(layer), lr=0.005)
        run.epoch(alone, held=[other for other in stem_and_blocks if other is not layer])

    # The last block goes on, and so does its momentum.
    alone.param_groups[0]["lr"] = 0.002
    others = thaw(net.fc, *stem_and_blocks[:-1])
    run.epoch(alone, rmsprop(others, lr=0.002))
