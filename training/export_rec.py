#!/usr/bin/env python3
"""Writes a trained recogniser as ONNX and compares it with PyTorch's output.

usage: export_rec.py CHECKPOINT|start OUT.onnx STRETCH     "start" is the network before training

The metadata carries the alphabet and the stretch: how wide the reader makes letters, compared with the page.
"""
import sys

import numpy as np
import onnx
import torch
from onnx import helper

from export import store_as_half
from rec_net import LineReader, charset, load_ppocr
from train_rec import TINY


class Probabilities(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x).softmax(2)


def export(net, path, stretch):
    net = Probabilities(net).eval()
    torch.onnx.export(net, torch.zeros(2, 3, 48, 96), path, opset_version=13, input_names=["x"], output_names=["letters"],
                      dynamic_axes={"x": {0: "n", 3: "width"}, "letters": {0: "n", 1: "columns"}})
    model = onnx.load(path)
    store_as_half(model)
    helper.set_model_props(model, {"character": "\n".join(charset()[:-1]), "stretch": "%g" % stretch})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return compare(path, net)


def compare(path, net):
    """The largest difference of a probability; small, since only the weights were rounded."""
    import onnxruntime
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    rng = np.random.RandomState(5)
    worst = 0.0
    for n, width in ((1, 64), (3, 328)):
        x = rng.uniform(-1, 1, (n, 3, 48, width)).astype(np.float32)
        with torch.no_grad():
            expected = net(torch.from_numpy(x)).numpy()
        got = session.run(None, {"x": x})[0]
        if got.shape != expected.shape:
            raise SystemExit("the exported network gives %s instead of %s" % (got.shape, expected.shape))
        worst = max(worst, float(np.abs(got - expected).max()))
    print("compared with PyTorch: probabilities differ by at most %.5f" % worst)
    if worst > 0.05:
        raise SystemExit("the exported network does not do what the trained one does")
    return worst


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    characters = charset()
    reader = LineReader(len(characters) + 1)
    if sys.argv[1] == "start":
        with open(TINY.replace(".onnx", ".txt")) as f:
            load_ppocr(reader, TINY, [line.rstrip("\n") for line in f], characters)
    else:
        reader.load_state_dict(torch.load(sys.argv[1])["net"])
    export(reader, sys.argv[2], float(sys.argv[3]))
