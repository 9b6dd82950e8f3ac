#!/usr/bin/python3
"""Slimmed files of real PyTorch give bit-identical outputs; damaged ones are errors. usage: slim_torch_test.py LECTERN"""
import json
import os
import subprocess
import sys
import tempfile

try:
    import torch
    from torch import nn
except ImportError:
    print("SKIPPED: /usr/bin/python3 has no torch")
    sys.exit(77)

LECTERN = sys.argv[1]


def lectern(*arguments):
    done = subprocess.run([LECTERN, "model", *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, 1), (arguments, done.returncode, done.stderr)
    return done


def slim(source, target):
    done = lectern("slim", source, "-o", target, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert set(report) == {"before_bytes", "after_bytes", "dropped"}, report
    assert report["before_bytes"] == os.path.getsize(source)
    assert report["after_bytes"] == os.path.getsize(target)
    return report


def network():
    torch.manual_seed(1)
    return nn.Sequential(nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def trained():
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.randn(4, 3, 16, 16)).square().mean().backward()
        optimizer.step()
    return model.eval(), optimizer


def same(a, b, where="root"):
    assert type(a) is type(b), (where, type(a), type(b))
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype and a.shape == b.shape and a.stride() == b.stride(), where
        assert torch.equal(a, b) or (a != a).any(), where
    elif isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b)):
            same(x, y, f"{where}[{i}]")
    else:
        assert a == b, where


def checkpoint_with_optimizer(folder):
    model, optimizer = trained()
    average = {k: v * 0.5 for k, v in model.state_dict().items()}
    source, target = os.path.join(folder, "c.pt"), os.path.join(folder, "c-slim.pt")
    torch.save({"epoch": 7, "model": model.state_dict(), "optimizer": optimizer.state_dict(), "ema": average,
                "classes": ["a", "b"]}, source)
    report = slim(source, target)
    names = {d["name"] for d in report["dropped"]}
    assert {"optimizer", "ema", "epoch"} <= names and "classes" not in names, names
    assert report["after_bytes"] < report["before_bytes"] / 2.5, report
    before, after = torch.load(source), torch.load(target)
    assert set(after) == {"model", "classes"}
    same(before["model"], after["model"])
    again = network().eval()
    again.load_state_dict(after["model"])
    picture = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(model(picture), again(picture)), "outputs differ"


def kinds_of_tensors(folder):
    base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
    state = {t: torch.ones(3, 5).to(getattr(torch, t)) for t in
             ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")}
    state |= {"shared": base, "view": base[1:3, ::2], "turned": base.t(), "empty": torch.empty(0), "scalar": torch.tensor(3.5),
              "parameter": nn.Parameter(torch.randn(7)), "nested": {"w": torch.randn(2, 2), "text": "é", "big": 2 ** 80, "none": None,
                                                                    "list": [1, 2.5, (3, torch.zeros(1))]}}
    for protocol in (2, 3, 4, 5):
        source, target = os.path.join(folder, "k.pt"), os.path.join(folder, "k-slim.pt")
        torch.save({"state_dict": state, "optimizer_states": [torch.randn(1000)]}, source, pickle_protocol=protocol)
        slim(source, target)
        same(torch.load(source)["state_dict"], torch.load(target)["state_dict"], f"protocol {protocol}")


def plain_state(folder):
    model, _ = trained()
    source, target = os.path.join(folder, "s.pth"), os.path.join(folder, "s-slim.pth")
    torch.save(model.state_dict(), source)
    assert slim(source, target)["dropped"] == []
    same(torch.load(source), torch.load(target))


def report_of_inspect(folder):
    model, optimizer = trained()
    source = os.path.join(folder, "i.pt")
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, source)
    report = json.loads(lectern("inspect", source, "--json").stdout)
    weights = {t["name"]: t for t in report["tensors"] if t["role"] == "weight"}
    assert weights["model.0.weight"]["shape"] == [32, 3, 3, 3], weights.keys()
    assert report["weight_bytes"] == sum(t.numel() * t.element_size() for t in model.state_dict().values())
    assert report["droppable_bytes"] > report["weight_bytes"]


def onnx_export(folder):
    model, _ = trained()
    source, target = os.path.join(folder, "m.onnx"), os.path.join(folder, "m-slim.onnx")
    torch.onnx.export(model, torch.randn(1, 3, 16, 16), source, opset_version=13)
    slim(source, target)
    optimized = lectern("optimize", target, "-o", os.path.join(folder, "m.ort"))
    assert optimized.returncode == 0, optimized.stderr


def damage(folder):
    model, optimizer = trained()
    source, bad, out = (os.path.join(folder, n) for n in ("d.pt", "bad.pt", "bad-slim.pt"))
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, source)
    good = open(source, "rb").read()
    for i in range(24):
        with open(bad, "wb") as f:
            f.write(good[:len(good) * i // 24])
        assert lectern("slim", bad, "-o", out).returncode == 1, i
        assert not os.path.exists(out), i
    at = good.find(b"data.pkl") + 40
    for i in range(24):
        broken = bytearray(good)
        broken[at + 31 * i] ^= 0x55
        with open(bad, "wb") as f:
            f.write(broken)
        lectern("inspect", bad)  # an answer or an error, never a crash


def legacy(folder):
    source = os.path.join(folder, "l.pt")
    torch.save({"w": torch.ones(3)}, source, _use_new_zipfile_serialization=False)
    done = lectern("slim", source, "-o", source + ".out")
    assert done.returncode == 1 and "torch 1.6" in done.stderr, done.stderr


for test in (checkpoint_with_optimizer, kinds_of_tensors, plain_state, report_of_inspect, onnx_export, damage, legacy):
    with tempfile.TemporaryDirectory() as where:
        test(where)
    print("ok", test.__name__)
