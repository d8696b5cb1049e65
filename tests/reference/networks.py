"""The three networks. `network.rs` has the same ones under the same names."""

import math

import torch
from torch import nn
from torch.nn import functional as F


class Tied(nn.Module):
    """Four linear layers, of which two share a weight."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Linear(5, 6)
        self.middle = nn.Linear(6, 6)
        self.again = nn.Linear(6, 6)
        self.leave = nn.Linear(6, 3)
        self.again.weight = self.middle.weight

    def loss(self, x, y):
        for layer in (self.enter, self.middle, self.again):
            x = torch.tanh(layer(x))
        return F.mse_loss(self.leave(x), y)

    @staticmethod
    def batches(epochs, steps):
        return torch.randn(epochs, steps, 8, 5), torch.randn(epochs, steps, 8, 3)


class Layer(nn.Module):
    """A convolution and a batch normalisation."""

    def __init__(self, inputs, outputs):
        super().__init__()
        # No bias: a normalisation follows, which cancels it, so that its gradient
        # would be nothing but rounding.
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return torch.tanh(self.bn(self.conv(x)))


class Convolutional(nn.Module):
    """A stem and three residual blocks with batch normalisations, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.stem = Layer(2, 4)
        self.blocks = nn.ModuleList(Layer(4, 4) for _ in range(3))
        self.fc = nn.Linear(4, 3)

    def loss(self, x, y):
        x = self.stem(x)
        for block in self.blocks:
            x = x + block(x)
        return F.cross_entropy(self.fc(x.mean((2, 3))), y)

    @staticmethod
    def batches(epochs, steps):
        return torch.randn(epochs, steps, 6, 2, 4, 4), torch.randint(3, (epochs, steps, 6))


class Attention(nn.Module):
    """An embedding, one block of a transformer with one head, and a linear layer."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(12, 6)
        self.attention_norm = nn.LayerNorm(6)
        self.attention = nn.ModuleDict(
            {
                "query": nn.Linear(6, 6),
                # No bias: softmax takes it away again, so that its gradient would be nothing but
                # rounding.
                "key": nn.Linear(6, 6, bias=False),
                "value": nn.Linear(6, 6),
                "output": nn.Linear(6, 6),
            }
        )
        self.mlp_norm = nn.LayerNorm(6)
        self.mlp = nn.ModuleDict({"up": nn.Linear(6, 10), "down": nn.Linear(10, 6)})
        self.head = nn.Linear(6, 4)

    def loss(self, tokens, y):
        return self.loss_of_embedded(self.embed(tokens), y)

    def loss_of_embedded(self, x, y):
        normed = self.attention_norm(x)
        query, key, value = (self.attention[name](normed) for name in ("query", "key", "value"))
        weights = torch.softmax(query @ key.transpose(1, 2) / math.sqrt(6), dim=-1)
        x = x + self.attention["output"](weights @ value)
        x = x + self.mlp["down"](torch.tanh(self.mlp["up"](self.mlp_norm(x))))
        return F.cross_entropy(self.head(x.mean(1)), y)

    @staticmethod
    def batches(epochs, steps):
        tokens = torch.randint(12, (epochs, steps, 6, 5))
        return tokens, torch.randint(4, (epochs, steps, 6))


@torch.no_grad()
def initialize(network):
    """Sets everything to values other than 0 and 1, so that nothing cancels by chance."""
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("weight") and tensor.dim() == 1:
            tensor.uniform_(0.8, 1.2)
        elif name.endswith("weight"):
            tensor.normal_(std=1 / math.sqrt(tensor[0].numel()))
        elif tensor.is_floating_point():
            tensor.normal_(std=0.2)
