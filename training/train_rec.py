#!/usr/bin/env python3
"""Trains the recogniser of text lines on top of PP-OCR v6 tiny: the last blocks, the convolutions along the line and the head.

usage: train_rec.py --sroie FOLDER --minutes 60 [options]

The blocks in front keep their weights and run in ONNX Runtime, three times as fast as here. The same command goes on after a
stop. The rate falls to zero over the last third of the minutes, which count while the program runs.
"""
import argparse
import os
import random
import sys
import time

import numpy as np
import onnxruntime
import torch
from torch.nn import functional as F

import rec_data
from rec_net import BLANK, LineReader, charset, load_ppocr

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
HOME = os.path.expanduser("~/.cache/lectern")
TINY = HOME + "/assets/models/ppocr-v6-rec-tiny.onnx"


class Front(torch.nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net.front(x)


def front_session(net, path):
    torch.onnx.export(Front(net), torch.zeros(1, 3, 48, 64), path, opset_version=13, input_names=["x"], output_names=["y"],
                      dynamic_axes={"x": {0: "n", 3: "width"}, "y": {0: "n", 3: "columns"}})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"x": x})[0])


def decoded(logits, characters):
    """Best path as text, one string a row."""
    out = []
    for row in logits.argmax(2).numpy():
        kept = [b for b, before in zip(row, [0, *row[:-1]]) if b != BLANK and b != before]
        out.append("".join(characters[b - 1] for b in kept).strip())
    return out


def distance(a, b):
    before = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        now = [i]
        for j, y in enumerate(b, 1):
            now.append(min(before[j] + 1, now[-1] + 1, before[j - 1] + (x != y)))
        before = now
    return before[-1]


def score(pairs):
    """(character errors, the same without spaces, F1 of words), by the rules that receipts are scored with: case ignored."""
    errors = letters = bare = bare_letters = hits = found = true = 0
    for truth, reading in pairs:
        truth, reading = truth.upper(), " ".join(reading.upper().split())
        errors += distance(truth, reading)
        letters += len(truth)
        bare += distance(truth.replace(" ", ""), reading.replace(" ", ""))
        bare_letters += len(truth.replace(" ", ""))
        a, b = truth.split(), reading.split()
        left = list(b)
        for word in a:
            if word in left:
                left.remove(word)
                hits += 1
        found += len(b)
        true += len(a)
    return errors / max(1, letters), bare / max(1, bare_letters), 2 * hits / max(1, found + true)


def validation_set(source, count, squeeze, seed):
    rng = random.Random(seed)
    entries = list(source.entries)
    rng.shuffle(entries)
    crops = [c for c in (rec_data.cut(e, rng, squeeze, spoil=False) for e in entries[:count]) if c]
    crops.sort(key=lambda c: c[0].shape[1])
    return [(rec_data.stacked(crops[i:i + 16]), [t for _, t in crops[i:i + 16]]) for i in range(0, len(crops), 16)]


def validate(net, front, sets, characters):
    net.eval()
    result = {}
    with torch.no_grad():
        for name, batches in sets.items():
            pairs = []
            for x, texts in batches:
                pairs += zip(texts, decoded(net.rest(front(x)), characters))
            result[name] = score(pairs)
    net.train()
    return result


def loss_of(net, front, x, texts, index):
    logits = net.rest(front(x)).log_softmax(2).transpose(0, 1)
    targets = torch.tensor([index[c] for t in texts for c in t], dtype=torch.long)
    lengths = torch.tensor([len(t) for t in texts], dtype=torch.long)
    columns = torch.full((len(texts),), logits.shape[0], dtype=torch.long)
    losses = F.ctc_loss(logits, targets, columns, lengths, blank=BLANK, reduction="none", zero_infinity=True)
    # A wrong transcript must not outweigh the rest of its batch.
    return (losses / lengths.clamp(min=1).float()).clamp(max=6).mean()


def parse():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--sroie", required=True)
    p.add_argument("--cases", default=HOME + "/training/sroie-case.jsonl", help="what rec_case.py wrote")
    p.add_argument("--lines", default=HOME + "/training/lines", help="what rec_lines.py wrote")
    p.add_argument("--out", default=HOME + "/training/rec")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--rate", type=float, default=1e-3, help="of the new layers; the old ones get a fifth")
    p.add_argument("--check-minutes", type=float, default=6)
    p.add_argument("--squeeze", type=float, nargs=2, default=[0.7, 1.0])
    p.add_argument("--receipts", type=float, default=0.5, help="share of real lines")
    p.add_argument("--validate", type=int, default=500, help="lines of each kind")
    p.add_argument("--seed", type=int, default=1)
    return p.parse_args()


def main():
    args = parse()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    characters = charset()
    index = {c: i + 1 for i, c in enumerate(characters)}
    net = LineReader(len(characters) + 1)
    with open(TINY.replace(".onnx", ".txt")) as f:
        load_ppocr(net, TINY, [line.rstrip("\n") for line in f], characters)
    front = front_session(net, args.out + "-front.onnx")
    for module in (net.stem1, net.stem2, net.blocks[:6]):
        module.requires_grad_(False)
    new = list(net.context.parameters()) + list(net.head.parameters()) + list(net.along.parameters())
    old = [p for p in net.parameters() if p.requires_grad and not any(p is q for q in new)]
    optimizer = torch.optim.AdamW([{"params": new, "share": 1.0}, {"params": old, "share": 0.2}], lr=args.rate, weight_decay=1e-4)
    average = {k: v.clone() for k, v in net.state_dict().items()}
    step, spent, best = 0, 0.0, None
    latest = args.out + "-latest.pt"
    if os.path.exists(latest):
        saved = torch.load(latest)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        average, step, spent, best = saved["average"], saved["step"], saved["spent"], saved["best"]
    held_back = rec_data.Receipts(args.sroie, args.cases, True, 7)
    receipts = rec_data.Receipts(args.sroie, args.cases, False, args.seed + step)
    drawn = rec_data.Drawn(args.lines, args.seed + step)
    other = rec_data.Drawn(args.lines, 3, "lines-2-*.npz")
    low = args.squeeze[0] + 0.1
    sets = {"receipts": validation_set(held_back, args.validate, low, 11), "drawn": validation_set(other, args.validate, low, 12)}
    print("%d lines of receipts, %d drawn; %d and %d to validate" % (len(receipts.entries), len(drawn.entries), len(held_back.entries), len(other.entries)), flush=True)
    rng = random.Random(args.seed * 1000 + step)
    stream = rec_data.batches([receipts, drawn], [args.receipts, 1 - args.receipts], rng, args.squeeze)
    evaluator = LineReader(len(characters) + 1)
    before, checked, losses, crops = time.monotonic(), spent if step else -1e9, [], 0
    while True:
        if spent - checked >= 60 * args.check_minutes or spent >= 60 * args.minutes:
            checked = spent
            drawn.refresh()
            evaluator.load_state_dict(average)
            result = validate(evaluator, front, sets, characters)
            print("%s step %d, %.0f min, %d crops, cpu %.0f s, loss %.4f, " % (time.strftime("%H:%M"), step, spent / 60, crops, time.process_time(), np.mean(losses or [0])) +
                  ", ".join("%s cer %.4f bare %.4f words %.4f" % (k, *v) for k, v in result.items()), flush=True)
            losses = []
            merit = result["receipts"][2] + result["drawn"][2]
            if best is None or merit > best:
                best = merit
                torch.save({"net": average, "result": result, "step": step}, args.out + "-best.pt")
            torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "average": average, "step": step, "spent": spent, "best": best}, latest + ".part")
            os.replace(latest + ".part", latest)
            if spent >= 60 * args.minutes:
                break
        left = 1 - spent / (60 * args.minutes)
        rate = args.rate * min(1, (step + 1) / 150, max(0.0, left * 3))
        for group in optimizer.param_groups:
            group["lr"] = rate * group["share"]
        x, texts = next(stream)
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(net, front, x, texts, index)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for g in optimizer.param_groups for p in g["params"]], 2.0)
        optimizer.step()
        losses.append(loss.item())
        crops += len(texts)
        step += 1
        decay = min(0.997, (step + 1) / (step + 10))
        with torch.no_grad():
            for k, v in net.state_dict().items():
                average[k].lerp_(v, 1 - decay)
        now = time.monotonic()
        spent, before = spent + now - before, now


if __name__ == "__main__":
    main()
