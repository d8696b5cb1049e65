from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, SequentialLR

from networks import Tied
from training import pause, reset, thaw

NETWORK, EPOCHS, STEPS = Tied, 5, 4


def train(run, net):
    sgd = SGD(thaw(net), lr=0.2, momentum=0.8, nesterov=True, weight_decay=0.01)
    up = LinearLR(sgd, start_factor=0.1, total_iters=4)
    down = CosineAnnealingLR(sgd, T_max=16, eta_min=0.002)
    rate = SequentialLR(sgd, [up, down], milestones=[4])

    def steps(count):
        for _ in range(count):
            run.step(sgd)
            rate.step()

    steps(4)
    pause(net.enter)
    steps(4)
    thaw(net.enter)
    steps(2)
    reset(sgd, net.leave)
    steps(2)
    pause(net.enter)
    steps(2)
    reset(sgd, net.enter)
    steps(2)
    thaw(net.enter)
    steps(4)
