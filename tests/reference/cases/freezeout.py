from torch.optim import SGD
from torch.optim.lr_scheduler import CosineAnnealingLR

from networks import Convolutional
from training import pause, thaw

NETWORK, EPOCHS, STEPS = Convolutional, 6, 4


def train(run, net):
    layers = [net.stem, *net.blocks, net.fc]
    lengths = [12, 15, 18, 21, 24]
    training = []
    for layer, length in zip(layers, lengths, strict=True):
        lr = 0.05 * 24 / length
        sgd = SGD(thaw(layer), lr=lr, momentum=0.9, nesterov=True, weight_decay=0.01)
        training.append((layer, length, sgd, CosineAnnealingLR(sgd, T_max=length)))
    held = []
    for step in range(24):
        for layer, length, *_ in training:
            if length == step:
                pause(layer)
                held.append(layer)
        training = [one for one in training if one[1] > step]
        run.step(*(sgd for _, _, sgd, _ in training), held=held)
        for *_, rate in training:
            rate.step()
