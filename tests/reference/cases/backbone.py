from torch.optim import Adam

from networks import Convolutional
from training import thaw

NETWORK, EPOCHS, STEPS = Convolutional, 5, 4


def train(run, net):
    head = Adam(thaw(net.fc), lr=0.02, eps=1e-3)
    run.epoch(head)
    run.epoch(head)
    backbone = Adam(thaw(net.stem, net.blocks), lr=0.001, eps=1e-3)
    for lr in (0.001, 0.002, 0.004):
        backbone.param_groups[0]["lr"] = lr
        run.epoch(head, backbone)
