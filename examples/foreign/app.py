"""Somebody's scoring function as it came: rows of three numbers in, two scores a row out."""
import os

import numpy
import onnxruntime

session = onnxruntime.InferenceSession(os.path.join(os.path.dirname(__file__), "model.onnx"), providers=["CPUExecutionProvider"])


def handler(event, context):
    rows = numpy.asarray(event["rows"], dtype=numpy.float32)
    scores = session.run(None, {"x": rows})[0]
    spread = numpy.linalg.norm(scores, axis=0)
    return {"scores": scores.tolist(), "spread": spread.tolist(), "mean": float(scores.mean())}
