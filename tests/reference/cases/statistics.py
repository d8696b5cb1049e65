from torch.optim import SGD

from networks import Convolutional
from training import freeze, thaw

NETWORK, EPOCHS, STEPS = Convolutional, 5, 4


def train(run, net):
    stem, first, second, last = net.stem, *net.blocks
    sgd = SGD(thaw(net.fc, last), lr=0.05, momentum=0.9)
    run.epoch(sgd, held=[stem, first, second])
    run.epoch(sgd, held=[first, second])

    sgd.add_param_group({"params": thaw(second)})
    for _ in range(3):
        run.step(sgd, held=[first, last])
    freeze(sgd, second)
    run.epoch(sgd, held=[stem, first, last])
    run.epoch(sgd, held=[stem, first, last])

    sgd.add_param_group({"params": thaw(stem, first, second)})
    for group in sgd.param_groups:
        group["lr"] = 0.02
    run.epoch(sgd, held=[stem, last])
