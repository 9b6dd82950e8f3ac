#!/usr/bin/env python3
"""Turns an exported CTPN into one whose convolutions compute in 8 bits (weights per channel, activations calibrated on training crops).

usage: quantise.py small|vgg16 MODEL.onnx OUT.onnx --sroie FOLDER --synth FOLDER [--crops 64]

Needs the packages onnxruntime 1.18 and onnx >= 1.15 (README.md).
"""
import argparse
import os
import random
import tempfile

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import data
from nets import FORMS, normalise


class Crops(CalibrationDataReader):
    def __init__(self, net, a):
        form, rng = FORMS[net], random.Random(11)
        sources = [data.Crops(data.split(data.load_sroie(a.sroie))[0], (320, 512), form, 12),
                   data.Crops(data.split(data.load_synth(a.synth))[0], (320, 512), form, 13)]
        self.inputs = iter([{"page": normalise(data.batch(sources, [0.6, 0.4], rng, 1)[0])} for _ in range(a.crops)])

    def get_next(self):
        return next(self.inputs, None)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("net", choices=sorted(FORMS))
    p.add_argument("model")
    p.add_argument("out")
    p.add_argument("--sroie", required=True)
    p.add_argument("--synth", required=True)
    p.add_argument("--crops", type=int, default=64)
    p.add_argument("--keep", default="", help="names of nodes that stay in float32, separated by commas")
    a = p.parse_args()
    properties = {m.key: m.value for m in onnx.load(a.model).metadata_props}
    with tempfile.TemporaryDirectory() as folder:
        ready = os.path.join(folder, "ready.onnx")
        quant_pre_process(a.model, ready, skip_symbolic_shape=True)
        # Weights of 7 bits: without VNNI instructions, sums of two 8-bit products overflow 16 bits.
        quantize_static(ready, a.out, Crops(a.net, a), quant_format=QuantFormat.QDQ, per_channel=True, reduce_range=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.MinMax,
                        op_types_to_quantize=["Conv", "Add", "Relu", "Resize", "MatMul", "Gemm"],
                        nodes_to_exclude=[n for n in a.keep.split(",") if n])
    model = onnx.load(a.out)
    onnx.helper.set_model_props(model, properties)
    onnx.checker.check_model(model)
    onnx.save(model, a.out)
    before, after = os.path.getsize(a.model), os.path.getsize(a.out)
    print("%d bytes instead of %d, %d convolutions" % (after, before, sum(n.op_type == "Conv" for n in model.graph.node)))


if __name__ == "__main__":
    main()
