from torch.optim import SGD, Adam, AdamW, RMSprop

from networks import Tied
from training import thaw

NETWORK, EPOCHS, STEPS = Tied, 5, 4


def train(run, net):
    thaw(net)
    hidden = thaw(net.middle, net.again)
    options = {"weight_decay": 0.05, "eps": 1e-2}
    enter = SGD(net.enter.parameters(), lr=0.1, weight_decay=0.05)
    middle = RMSprop(hidden, lr=0.01, alpha=0.9, **options)
    leave = RMSprop(
        net.leave.parameters(), lr=0.01, alpha=0.95, momentum=0.8, centered=True, **options
    )
    run.epoch(enter, middle, leave)

    enter = AdamW(net.enter.parameters(), lr=0.005, **options)
    run.epoch(enter, middle, leave)

    leave = RMSprop(net.leave.parameters(), lr=0.01, alpha=0.95, momentum=0.8, **options)
    run.step(enter, middle, leave)
    run.step(enter, middle, leave)
    middle = Adam(hidden, lr=0.01, **options)
    run.epoch(enter, middle, leave)
    run.epoch(enter, middle, leave)

    enter = SGD(net.enter.parameters(), lr=0.05, momentum=0.5, weight_decay=0.05)
    leave = RMSprop(net.leave.parameters(), lr=0.01, alpha=0.8, centered=True, **options)
    run.epoch(enter, middle, leave)
