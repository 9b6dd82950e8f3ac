#!/usr/bin/env python3
"""Writes a trained CTPN as ONNX: batch normalisation folded, weights stored as float16, any page size.

usage: export.py small|vgg16 CHECKPOINT OUT.onnx [float32]

float32 keeps full weights, as quantise.py wants them.

The output is compared with PyTorch's on two sizes of input when the package onnxruntime is there; it says so when it is not.
The file's metadata carries row_stride, column, anchor_heights and the text_height that pages are scaled to, so that a reader needs no other description.
"""
import sys

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch.nn.utils.fusion import fuse_conv_bn_eval

from nets import Ctpn

OPSET = 13
SMALLEST_HALF = 1024  # smaller tensors (biases) stay float32


def folded(net):
    """The network without batch normalisation, in place."""
    net.eval()
    for module in list(net.modules()):
        if isinstance(module, torch.nn.Sequential) and len(module) == 2 and isinstance(module[1], torch.nn.BatchNorm2d):
            module[0] = fuse_conv_bn_eval(module[0], module[1])
            module[1] = torch.nn.Identity()
    return net


def store_as_half(model):
    """Large weights become float16 with a Cast in front of their use; a runtime casts once, when it loads."""
    graph = model.graph
    casts = []
    for i, weight in enumerate(graph.initializer):
        value = numpy_helper.to_array(weight)
        if value.dtype != np.float32 or value.size < SMALLEST_HALF:
            continue
        name = weight.name
        graph.initializer[i].CopyFrom(numpy_helper.from_array(value.astype(np.float16), name + "_half"))
        casts.append(helper.make_node("Cast", [name + "_half"], [name], to=TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def compare(path, net):
    """Largest difference of a text probability and of a box coordinate (in anchor heights) to PyTorch's."""
    try:
        import onnxruntime
    except ImportError:
        print("not compared with PyTorch: the package onnxruntime is not installed")
        return None
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = [0.0, 0.0]
    rng = np.random.RandomState(5)
    k = len(net.form.heights)
    for h, w in ((160, 224), (416, 320)):
        x = rng.randn(1, 1, h, w).astype(np.float32)
        with torch.no_grad():
            expected = net(torch.from_numpy(x)).numpy()
        got = session.run(None, {"page": x})[0]
        if got.shape != expected.shape:
            raise SystemExit("the exported network gives %s instead of %s" % (got.shape, expected.shape))
        p = [1 / (1 + np.exp(-o[:, :k])) for o in (got, expected)]
        worst[0] = max(worst[0], float(np.abs(p[0] - p[1]).max()))
        worst[1] = max(worst[1], float(np.abs(got[:, k:] - expected[:, k:]).max()))
    print("compared with PyTorch: probabilities differ by at most %.5f, coordinates by %.5f" % tuple(worst))
    if worst[0] > 0.02 or worst[1] > 0.05:
        raise SystemExit("the exported network does not do what the trained one does")
    return worst


def export(kind, checkpoint, path, precision="float16"):
    net = Ctpn(kind)
    net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in torch.load(checkpoint)["net"].items()})
    net = folded(net)
    torch.onnx.export(net, torch.zeros(1, 1, 64, 96), path, opset_version=OPSET, input_names=["page"],
                      output_names=["anchors"], dynamic_axes={"page": {0: "n", 2: "height", 3: "width"},
                                                              "anchors": {0: "n", 2: "rows", 3: "columns"}})
    model = onnx.load(path)
    if precision == "float16":
        store_as_half(model)
    helper.set_model_props(model, {"row_stride": str(net.form.row_stride), "column": str(net.form.column),
                                   "anchor_heights": ",".join(map(str, net.form.heights)), "text_height": "%g" % net.form.text})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return compare(path, net)


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5) or sys.argv[4:] not in ([], ["float32"]):
        raise SystemExit(__doc__)
    export(*sys.argv[1:])
