#!/usr/bin/env python3
"""Trains a CTPN text detector on the CPU, from nothing to ONNX; the same command goes on after it was stopped.

usage: train_ctpn.py --net small|vgg16 --sroie FOLDER --minutes M [--threads 2] [--synth 2500] [--state FOLDER] [--export FILE]

--sroie    folder with truth.jsonl and images (SROIE training part)
--minutes  training time planned for the whole cosine schedule, added up over all runs of this network
--restart  begin a new cosine schedule of --minutes from the best weights so far
--start    weights to begin with when there is no checkpoint yet; --rate then is the peak of a short warm-up
State (synthetic pages, checkpoints, log) is kept in ~/.cache/lectern/training.
"""
import argparse
import json
import math
import os
import random
import subprocess
import sys
import time

import cv2
import numpy as np
import torch
import torch.nn.functional as F

import data
import decode
from nets import K, Ctpn, normalise

PLANS = {
    # crop size, batch, peak learning rate
    "small": {"size": (320, 384), "batch": 8, "rate": 2e-3},
    "vgg16": {"size": (256, 320), "batch": 4, "rate": 7e-4},
}
WARM_UP_STEPS = 100
WARM_UP_STEPS_TRAINED = 10
HARD_NEGATIVES = 3
SIGMA2 = 9.0
BFLOAT16 = "avx512_bf16" in open("/proc/cpuinfo").read()


def smooth_l1(error, on):
    a = error.abs()
    loss = torch.where(a < 1 / SIGMA2, 0.5 * SIGMA2 * a * a, a - 0.5 / SIGMA2)
    return (loss * on).sum() / on.sum().clamp(min=1)


def losses(out, targets):
    label, vertical, vertical_on, side, side_on = [torch.from_numpy(t) for t in targets]
    logits = out[:, :K]
    each = F.binary_cross_entropy_with_logits(logits, label.clamp(min=0), reduction="none")
    positive, negative = label == 1, label == 0
    count = positive.sum().clamp(min=1)
    hard = min(int(HARD_NEGATIVES * count), int(negative.sum()))
    classes = (each[positive].sum() + each[negative].topk(hard)[0].sum()) / (count * (1 + HARD_NEGATIVES)) * 2
    on2 = vertical_on.repeat(1, 2, 1, 1)
    place = smooth_l1(out[:, K:3 * K] - vertical, on2)
    ends = smooth_l1(out[:, 3 * K:] - side, side_on)
    return classes, place, ends


def page_input(path, boxes, text_height=25.0, longest=2600):
    """The page scaled so that its median line is text_height px tall, padded with its ground to whole columns."""
    image = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    scale = text_height / float(np.median(boxes[:, 3] - boxes[:, 1]))
    scale = min(scale, longest / max(image.shape))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    ground = float(np.percentile(small, 80))
    pad = 16
    h, w = (-(small.shape[0] + pad) // 32) * -32, (-(small.shape[1] + pad) // 32) * -32
    out = np.full((h, w), ground, np.float32)
    out[:small.shape[0], :small.shape[1]] = small
    return out, scale


def evaluate(net, pages, **options):
    net.eval()
    matches = found = truth = 0
    with torch.no_grad():
        for path, boxes in pages:
            image, scale = page_input(path, boxes)
            out = net(normalise(torch.from_numpy(image)[None, None]))[0].numpy()
            lines = decode.text_lines(out, net.row_stride, **options)
            m, f, t = decode.match_counts([l[:4] for l in lines], (boxes * scale).tolist())
            matches, found, truth = matches + m, found + f, truth + t
    net.train()
    return 2 * matches / max(1, found + truth)


def save(path, state):
    torch.save(state, path + ".part")
    os.replace(path + ".part", path)


def learning_rate(peak, step, share, warm_up):
    warm = min(1.0, (step + 1) / warm_up)
    return peak * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, share)))


def arguments():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--net", choices=sorted(PLANS), required=True)
    p.add_argument("--sroie", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--synth", type=int, default=2500)
    p.add_argument("--sroie-share", type=float, default=0.6)
    p.add_argument("--state", default=os.path.expanduser("~/.cache/lectern/training"))
    p.add_argument("--restart", action="store_true")
    p.add_argument("--start")
    p.add_argument("--rate", type=float)
    p.add_argument("--batch", type=int)
    p.add_argument("--check-every", type=float, default=240, help="seconds of training between checks and checkpoints")
    p.add_argument("--export")
    return p.parse_args()


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(1)
    plan = dict(PLANS[a.net])
    plan["rate"] = a.rate or plan["rate"]
    plan["batch"] = a.batch or plan["batch"]
    os.makedirs(a.state, exist_ok=True)
    synth = os.path.join(a.state, "synth")
    subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "synth.py"), synth, str(a.synth)], check=True)
    sroie_train, sroie_check = data.split(data.load_sroie(a.sroie))
    synth_train, synth_check = data.split(data.load_synth(synth))
    net = Ctpn(a.net).to(memory_format=torch.channels_last)
    decay = torch.optim.AdamW(net.parameters(), lr=plan["rate"], betas=(0.9, 0.99), weight_decay=1e-4)
    checkpoint = os.path.join(a.state, "ctpn-%s.pt" % a.net)
    best_file = os.path.join(a.state, "ctpn-%s-best.pt" % a.net)
    step, spent, best = 0, 0.0, 0.0
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        net.load_state_dict(state["net"])
        decay.load_state_dict(state["optimiser"])
        step, spent, best = state["step"], state["spent"], state["best"]
        if a.restart and os.path.exists(best_file):
            net.load_state_dict(torch.load(best_file)["net"])
            spent = 0.0
        print("goes on at step %d after %.0f s, best %.4f" % (step, spent, best), flush=True)
    elif a.start:
        net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in torch.load(a.start)["net"].items()})
    warm_up, first = (WARM_UP_STEPS_TRAINED if a.start or a.restart else WARM_UP_STEPS), (step if a.restart else 0)
    rng = random.Random(1000 + step)
    sources = [data.Crops(sroie_train, plan["size"], net.row_stride, 2000 + step),
               data.Crops(synth_train, plan["size"], net.row_stride, 3000 + step)]
    weights = [a.sroie_share, 1 - a.sroie_share]
    total = a.minutes * 60
    last = time.monotonic()
    sums, shown, saved = np.zeros(3), step, spent
    while spent < total:
        rate = learning_rate(plan["rate"], step - first, spent / total, warm_up)
        for group in decay.param_groups:
            group["lr"] = rate
        images, targets = data.batch(sources, weights, rng, plan["batch"])
        x = normalise(torch.from_numpy(images)).to(memory_format=torch.channels_last)
        # bfloat16 pays only where the processor computes in it.
        with torch.cpu.amp.autocast(dtype=torch.bfloat16, enabled=BFLOAT16):
            out = net(x)
        parts = losses(out.float(), targets)
        loss = parts[0] + parts[1] + 0.5 * parts[2]
        decay.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        decay.step()
        step += 1
        sums += [float(p) for p in parts]
        now = time.monotonic()
        spent += now - last
        last = now
        if step % 50 == 0:
            print("step %d  %.0f s  rate %.1e  class %.4f  place %.4f  ends %.4f" % (step, spent, rate, *(sums / (step - shown))), flush=True)
            sums, shown = np.zeros(3), step
        if spent - saved > a.check_every or spent >= total:
            receipts, pages = evaluate(net, sroie_check, gap=0.3), evaluate(net, synth_check[:12], gap=0.3)
            score = 0.7 * receipts + 0.3 * pages
            print("check step %d: receipts %.4f  synthetic %.4f  score %.4f" % (step, receipts, pages, score), flush=True)
            if score > best:
                best = score
                save(best_file, {"net": net.state_dict(), "step": step, "receipts": receipts, "synthetic": pages})
            save(checkpoint, {"net": net.state_dict(), "optimiser": decay.state_dict(), "step": step, "spent": spent, "best": best})
            saved, last = spent, time.monotonic()
    print(json.dumps({"net": a.net, "steps": step, "seconds": round(spent), "best": best}))
    if a.export:
        import export
        export.export(a.net, best_file, a.export)


if __name__ == "__main__":
    main()
