import math

from torch.optim import Adam
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, LambdaLR, LinearLR, StepLR

from networks import Tied
from training import freeze, thaw

NETWORK, EPOCHS, STEPS = Tied, 6, 4


def train(run, net):
    enter = Adam(thaw(net.enter), lr=0.02, eps=1e-2)
    middle = Adam(thaw(net.middle, net.again), lr=0.02, eps=1e-2)
    leave = Adam(thaw(net.leave), lr=0.04, eps=1e-2)
    optimizers = enter, middle, leave
    restarts = CosineAnnealingWarmRestarts(enter, T_0=3, T_mult=2, eta_min=0.002)
    decays = LambdaLR(middle, lambda step: math.exp(math.log(0.1) * (step % 4) / 4))
    stairs = StepLR(leave, step_size=2, gamma=0.5)
    for _ in range(6):
        run.step(*optimizers)
        for rate in (restarts, decays, stairs):
            rate.step()
    leave.param_groups[0].update(lr=0.005, initial_lr=0.005)
    line = LinearLR(leave, start_factor=1, end_factor=0.1, total_iters=8)
    for _ in range(8):
        run.step(*optimizers)
        for rate in (restarts, decays, line):
            rate.step()
    freeze(leave, net.leave)
    for _ in range(2):
        run.step(*optimizers)
        for rate in (restarts, decays):
            rate.step()
    leave = Adam(thaw(net.leave), lr=0.001, eps=1e-2)
    for lr in (0.001, 0.003, 0.009, 0.02):
        leave.param_groups[0]["lr"] = lr
        for _ in range(2):
            run.step(enter, middle, leave)
            restarts.step()
            decays.step()
