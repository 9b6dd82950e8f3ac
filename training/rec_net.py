"""The recogniser of text lines: the network of PP-OCR v6 tiny, with a head for Latin letters.

A line 48 px high goes through eleven blocks (depthwise convolution, some with squeeze and excitation, then two 1x1
convolutions) to 3 rows at an eighth of its width, a mean over the rows, two narrow convolutions along the line and
a linear CTC head. PP-OCR's weights come out of its ONNX file by the order in which its nodes stand there.
"""
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

HEIGHT = 48
BLANK = 0
FROZEN = 6  # blocks that keep PP-OCR's weights

# (channels in, channels out, stride of the rows, squeeze and excitation, shortcut)
BLOCKS = [(48, 48, 1, True, True), (48, 48, 1, False, True), (48, 96, 2, False, False),
          (96, 96, 1, True, True), (96, 96, 1, False, True), (96, 160, 2, False, False),
          (160, 160, 1, True, True), (160, 160, 1, False, True), (160, 160, 1, False, True)]


def charset():
    """The characters that the head tells apart, in their order; class 0 is CTC's blank, class i is character i - 1."""
    ascii_ = [chr(c) for c in range(0x21, 0x7F)]
    latin1 = [chr(c) for c in range(0xA1, 0x100) if c != 0xAD]
    extended = list("ĀāĂăĄąĆćČčĎďĐđĒēĖėĘęĚěĞğĢģĪīĮįİıĶķĹĺĻļĽľŁłŃńŅņŇňŌōŐőŒœŔŕŘřŚśŞşŠšŢţŤťŪūŮůŰűŲųŸŹźŻżŽžȘșȚț")
    signs = list("€–—‘’‚“”„†‡•…‰‹›™−≤≥≈≠√∞☐☑✓→←")
    return ascii_ + latin1 + extended + signs + [" "]


class Block(nn.Module):
    def __init__(self, inside, outside, stride, squeeze, shortcut):
        super().__init__()
        self.depthwise = nn.Conv2d(inside, inside, 3, (stride, 1), 1, groups=inside)
        self.down = nn.Conv2d(inside, inside // 4, 1) if squeeze else None
        self.up = nn.Conv2d(inside // 4, inside, 1) if squeeze else None
        self.wide = nn.Conv2d(inside, 2 * inside, 1)
        self.narrow = nn.Conv2d(2 * inside, outside, 1)
        self.shortcut = shortcut

    def forward(self, x):
        x = self.depthwise(x)
        if self.down is not None:
            s = F.relu(self.down(x.mean((2, 3), keepdim=True)))
            x = x * F.hardsigmoid(self.up(s))
        y = self.narrow(F.gelu(self.wide(x)))
        return x + y if self.shortcut else y


class Context(nn.Module):
    """Lets a column see four letters to either side. Adds nothing before it is trained."""

    def __init__(self, channels=160):
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, 15, 1, 7, groups=channels)
        self.wide = nn.Conv1d(channels, 2 * channels, 1)
        self.narrow = nn.Conv1d(2 * channels, channels, 1)
        nn.init.zeros_(self.narrow.weight)
        nn.init.zeros_(self.narrow.bias)

    def forward(self, x):
        return x + self.narrow(F.gelu(self.wide(self.depthwise(x))))


class LineReader(nn.Module):
    """(n, 3, 48, width) in -1..1 -> (n, width / 4, classes) logits.

    PP-OCR's network has a column for 8 pixels, too few where letters are narrow. This one has a column for 4: the mean over
    two columns and the narrow convolution that follows it become one convolution of 11 taps that computes the same.
    """

    def __init__(self, classes):
        super().__init__()
        self.stem1 = nn.Conv2d(3, 24, 3, 2, 1)
        self.stem2 = nn.Conv2d(24, 48, 3, 2, 1)
        self.blocks = nn.Sequential(*[Block(*b) for b in BLOCKS])
        self.along = nn.Conv1d(160, 160, 11, 1, 5, groups=160)
        self.mix = nn.Conv1d(160, 160, 1)
        self.context = nn.Sequential(Context(), Context())
        self.reduce = nn.Linear(160, 80)
        self.head = nn.Linear(80, classes)

    def front(self, x):
        """The part that is not trained again: everything at 12 and 6 rows."""
        return self.blocks[:FROZEN](self.stem2(F.gelu(self.stem1(x))))

    def rest(self, x):
        x = self.blocks[FROZEN:](x).mean(2)
        x = F.hardswish(self.along(x))
        x = self.context(F.hardswish(self.mix(x)))
        return self.head(self.reduce(x.transpose(1, 2)))

    def forward(self, x):
        return self.rest(self.front(x))


def _arrays(path):
    import onnx
    from onnx import numpy_helper
    graph = onnx.load(path).graph
    return graph, {t.name: numpy_helper.to_array(t) for t in graph.initializer}


def load_ppocr(net, path, alphabet, characters):
    """Fills `net` with the weights of PP-OCR v6 tiny. Its batch normalisation is folded into the convolutions, its head is
    cut down to `characters`; those it does not know start with the weights of a look-alike, or small ones."""
    graph, arrays = _arrays(path)
    nodes = list(graph.node)
    constants = {n.output[0] for n in nodes}
    convolutions = []
    for i, node in enumerate(nodes):
        if node.op_type != "Conv":
            continue
        weight, bias = arrays[node.input[1]].copy(), None
        use = next(n for n in nodes[i + 1:] if n.op_type != "Squeeze")
        if use.op_type == "BatchNormalization":
            gamma, beta, mean, variance = (arrays[n] for n in use.input[1:5])
            scale = gamma / np.sqrt(variance + 1e-5)
            weight *= scale.reshape(-1, *[1] * (weight.ndim - 1))
            bias = beta - mean * scale
        elif use.op_type == "Add":
            bias = next(arrays[n] for n in use.input if n not in constants).reshape(-1)
        convolutions.append((weight, bias))
    layers = [m for name, m in net.named_modules() if isinstance(m, (nn.Conv2d, nn.Conv1d)) and "context" not in name]
    if len(layers) != len(convolutions):
        raise ValueError("%d convolutions in the file, %d in the network" % (len(convolutions), len(layers)))
    with torch.no_grad():
        for layer, (weight, bias) in zip(layers, convolutions):
            if layer is net.along:
                weight = np.repeat(weight.reshape(160, 1, 5) / 2, 2, axis=2)
                weight = np.concatenate([np.zeros((160, 1, 1), np.float32), weight], axis=2)
            layer.weight.copy_(torch.from_numpy(weight).reshape(layer.weight.shape))
            layer.bias.copy_(torch.from_numpy(bias.copy()))
        products = [arrays[n.input[1]] for n in nodes if n.op_type == "MatMul"]
        biases = [arrays[n] for n in ("linear_0.b_0", "linear_1.b_0")]
        net.reduce.weight.copy_(torch.from_numpy(products[0].T.copy()))
        net.reduce.bias.copy_(torch.from_numpy(biases[0].copy()))
        weight, bias = products[1].T, biases[1]
        known = {c: i + 1 for i, c in enumerate(alphabet)}
        known[" "] = len(alphabet) + 1 if len(alphabet) + 1 < len(bias) else known.get(" ", 0)
        missing = []
        for i, c in enumerate([None] + characters):
            source = 0 if c is None else known.get(c)
            if source is None:
                missing.append(c)
                continue
            net.head.weight[i] = torch.from_numpy(weight[source].copy())
            net.head.bias[i] = float(bias[source])
        typical = float(np.median(bias))
        for c in missing:
            i = characters.index(c) + 1
            net.head.weight[i] *= 0.1
            net.head.bias[i] = typical - 2
    return missing
