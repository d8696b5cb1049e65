from torch.optim import SGD

from networks import Tied
from training import freeze, thaw

NETWORK, EPOCHS, STEPS = Tied, 6, 4


def train(run, net):
    sgd = SGD(thaw(net.leave), lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.05)
    leave = sgd.param_groups[0]
    run.epoch(sgd)

    sgd.add_param_group({"params": thaw(net.middle, net.again), "lr": 0.05})
    for _ in range(3):
        run.step(sgd)
    leave["lr"] = 0.02
    leave["weight_decay"] = 0
    run.epoch(sgd)
    run.epoch(sgd)

    freeze(sgd, net.middle, net.again)
    run.epoch(sgd)

    # The last layer keeps its momentum and, for its weight, its weight decay.
    leave["lr"] = 0.03
    leave["params"] = [net.leave.weight]
    hidden = (net.enter, net.middle, net.again)
    sgd.add_param_group({"params": thaw(*(layer.weight for layer in hidden)), "lr": 0.03})
    biases = thaw(*(layer.bias for layer in (*hidden, net.leave)))
    sgd.add_param_group({"params": biases, "lr": 0.03, "weight_decay": 0.1})
    run.epoch(sgd)
    run.epoch(sgd)
