"""CTPN networks (Tian et al. 2016): a convolutional trunk, a 3x3 window, a BiLSTM along every row, one FC layer, three heads.

Output: one tensor (N, 4k, H, W): k text logits, k vertical centres, k vertical log heights, k side offsets; k anchors of
ANCHOR_HEIGHTS. W is in columns of 16 px; H in rows of `row_stride` px.
"""
import torch
from torch import nn

ANCHOR_HEIGHTS = (11, 16, 23, 33, 48, 68, 97, 139, 198, 283)
COLUMN = 16
K = len(ANCHOR_HEIGHTS)


def conv_bn(i, o, stride=1, kernel=3):
    return nn.Sequential(nn.Conv2d(i, o, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(o))


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.a, self.b = conv_bn(c, c), conv_bn(c, c)

    def forward(self, x):
        return torch.relu(x + self.b(torch.relu(self.a(x))))


class Down(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv = conv_bn(i, o, stride)

    def forward(self, x):
        return torch.relu(self.conv(x))


def small_trunk():
    """Strides 2, 2, 2, then 1 down and 2 across: rows of 8 px part dense receipt lines, columns are 16 px as in the paper."""
    return nn.Sequential(Down(1, 24, 2), Down(24, 48, 2), Residual(48), Down(48, 96, 2), Residual(96), Residual(96),
                         Down(96, 144, (1, 2)), Residual(144), Residual(144)), 144


def vgg16_trunk():
    layers, i = [], 1
    for block, o in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(block):
            layers += [conv_bn(i, o), nn.ReLU(inplace=True)]
            i = o
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[:-1]), 512


class Ctpn(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        if kind == "small":
            self.trunk, c = small_trunk()
            window, hidden, fc, self.row_stride = 128, 64, 192, 8
        elif kind == "vgg16":
            self.trunk, c = vgg16_trunk()
            window, hidden, fc, self.row_stride = 512, 128, 512, 16
        else:
            raise ValueError("the networks are small and vgg16")
        self.window = Down(c, window, 1)
        self.rnn = nn.LSTM(window, hidden, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * hidden, fc)
        self.heads = nn.Linear(fc, 4 * K)
        nn.init.normal_(self.heads.weight, std=0.01)
        nn.init.zeros_(self.heads.bias)
        with torch.no_grad():
            self.heads.bias[:K] = -2.0  # most anchors are background

    def forward(self, x):
        f = self.window(self.trunk(x))
        n, c, h, w = f.shape
        rows = f.permute(0, 2, 3, 1).reshape(n * h, w, c)
        rows = self.rnn(rows.float())[0]
        out = self.heads(torch.relu(self.fc(rows)))
        return out.reshape(n, h, w, 4 * K).permute(0, 3, 1, 2)


def normalise(grey):
    """8-bit grey to the networks' input."""
    return (grey - 190.0) / 60.0
