"""CTPN networks (Tian et al. 2016): a convolutional trunk, a 3x3 window, a BiLSTM along every row, one FC layer, three heads.

Output: one tensor (N, 4k, H, W): k text logits, k vertical centres, k vertical log heights, k side offsets; k anchors of
`form.heights`. W is in columns of `form.column` px; H in rows of `form.row_stride` px.
"""
from collections import namedtuple

import torch
import torch.nn.functional as F
from torch import nn

from winograd import Conv3x3

# column: width of an anchor = horizontal stride; text: line height in px that pages are scaled to; range: of training crops.
Form = namedtuple("Form", "column row_stride heights text range")

FORMS = {
    # The paper's grid and anchors; text of 25 px, since rows are 16 px apart.
    "vgg16": Form(16, 16, (11, 16, 23, 33, 48, 68, 97, 139, 198, 283), 25.0, (15, 38)),
    # Half the paper's columns for text of about two thirds the size: fewer pixels a page, and gaps between columns stay visible.
    "small": Form(8, 8, (7, 10, 14, 20, 28, 40, 56, 80, 112, 160), 16.0, (12, 26)),
}


def conv_bn(i, o, stride=1, kernel=3):
    if kernel == 3 and stride == 1 and i > 1:
        return nn.Sequential(Conv3x3(i, o), nn.BatchNorm2d(o))
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


def doubled(x):
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class SmallTrunk(nn.Module):
    """Strides 2 to 32 and back to 8: most layers work where pixels are few, and what stands above and beside a gap is seen."""

    def __init__(self):
        super().__init__()
        self.to8 = nn.Sequential(Down(1, 16, 2), Down(16, 32, 2), Down(32, 64, 2), Residual(64), Residual(64))
        self.to16 = nn.Sequential(Down(64, 96, 2), Residual(96), Residual(96))
        self.to32 = nn.Sequential(Down(96, 96, 2), Residual(96))
        self.from32, self.from16, self.at8 = nn.Conv2d(96, 96, 1), nn.Conv2d(96, 64, 1), nn.Conv2d(64, 64, 1)

    def forward(self, x):
        at8 = self.to8(x)
        at16 = self.to16(at8)
        at16 = torch.relu(at16 + doubled(self.from32(self.to32(at16))))
        return torch.relu(self.at8(at8) + doubled(self.from16(at16)))


def vgg16_trunk():
    layers, i = [], 1
    for block, o in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for _ in range(block):
            layers += [conv_bn(i, o), nn.ReLU(inplace=True)]
            i = o
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[:-1])


class Ctpn(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind, self.form = kind, FORMS[kind]
        k = len(self.form.heights)
        if kind == "small":
            self.trunk, c = SmallTrunk(), 64
            window, hidden, fc = 64, 48, 96
        else:
            self.trunk, c = vgg16_trunk(), 512
            window, hidden, fc = 512, 128, 512
        self.window = Down(c, window, 1)
        self.rnn = nn.LSTM(window, hidden, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(2 * hidden, fc)
        self.heads = nn.Linear(fc, 4 * k)
        nn.init.normal_(self.heads.weight, std=0.01)
        nn.init.zeros_(self.heads.bias)
        with torch.no_grad():
            self.heads.bias[:k] = -2.0  # most anchors are background

    def forward(self, x):
        f = self.window(self.trunk(x))
        n, c, h, w = f.shape
        rows = f.permute(0, 2, 3, 1).reshape(n * h, w, c)
        rows = self.rnn(rows.float())[0]
        out = self.heads(torch.relu(self.fc(rows)))
        return out.reshape(n, h, w, -1).permute(0, 3, 1, 2)


def normalise(grey):
    """8-bit grey to the networks' input."""
    return (grey - 190.0) / 60.0
