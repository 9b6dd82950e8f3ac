"""Writes model.onnx: y = relu(x * w), three features in, two out. Encodes the few protobuf fields by hand, so that nothing is needed."""
import struct


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def value(name, *shape):
    dims = b"".join(field(1, field(1, d) if isinstance(d, int) else field(2, d)) for d in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))  # 1: float


def node(op, inputs, output):
    return b"".join(field(1, i) for i in inputs) + field(2, output) + field(4, op)


weights = field(1, 3) + field(1, 2) + field(2, 1) + field(8, "w") + field(9, struct.pack("<6f", 1, -1, 0.5, 2, -0.25, 0.125))
graph = (field(1, node("MatMul", ["x", "w"], "h")) + field(1, node("Relu", ["h"], "y")) + field(2, "score") + field(5, weights) +
         field(11, value("x", "n", 3)) + field(12, value("y", "n", 2)))
with open("model.onnx", "wb") as out:
    out.write(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))
