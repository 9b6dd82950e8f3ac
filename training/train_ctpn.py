#!/usr/bin/env python3
"""Trains a CTPN text detector on the CPU, from nothing to ONNX; the same command goes on after it was stopped.

usage: train_ctpn.py --net small|vgg16 --sroie FOLDER --steps N --decay D [--batch 4] [--threads 2] [--synth 2500] [--state FOLDER] [--export FILE]

--sroie    folder with truth.jsonl and images (SROIE training part)
--steps    length of the whole schedule, over all runs: the rate stays at its peak and falls to zero over the last --decay steps.
           A run that is stopped can be continued with other figures as long as it has not begun to fall.
State (synthetic pages, checkpoints) is kept in ~/.cache/lectern/training. What is judged and exported is the moving average of the weights.
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
from nets import FORMS, Ctpn, normalise

PLANS = {
    # crop size, batch, peak learning rate
    "small": {"size": (256, 448), "batch": 4, "rate": 1.5e-3},
    "vgg16": {"size": (256, 320), "batch": 4, "rate": 7e-4},
}
WARM_UP_STEPS = 100
AVERAGED_STEPS = 400  # the moving average looks back about this far
HARD_NEGATIVES = 3
SIGMA2 = 9.0
BFLOAT16 = "avx512_bf16" in open("/proc/cpuinfo").read()


def smooth_l1(error, on):
    a = error.abs()
    loss = torch.where(a < 1 / SIGMA2, 0.5 * SIGMA2 * a * a, a - 0.5 / SIGMA2)
    return (loss * on).sum() / on.sum().clamp(min=1)


def losses(out, targets):
    label, vertical, vertical_on, side, side_on, weight = [torch.from_numpy(t) for t in targets]
    k = label.shape[1]
    logits = out[:, :k]
    each = F.binary_cross_entropy_with_logits(logits, label.clamp(min=0), weight, reduction="none")
    positive, negative = label == 1, label == 0
    count = positive.sum().clamp(min=1)
    hard = min(int(HARD_NEGATIVES * count), int(negative.sum()))
    classes = (each[positive].sum() + each[negative].topk(hard)[0].sum()) / (count * (1 + HARD_NEGATIVES)) * 2
    on2 = vertical_on.repeat(1, 2, 1, 1)
    place = smooth_l1(out[:, k:3 * k] - vertical, on2)
    ends = smooth_l1(out[:, 3 * k:] - side, side_on)
    return classes, place, ends


def page_input(path, boxes, text_height, longest=2600):
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
            image, scale = page_input(path, boxes, net.form.text)
            out = net(normalise(torch.from_numpy(image)[None, None]))[0].numpy()
            lines = decode.text_lines(out, net.form, **options)
            m, f, t = decode.match_counts([l[:4] for l in lines], (boxes * scale).tolist())
            matches, found, truth = matches + m, found + f, truth + t
    return 2 * matches / max(1, found + truth)


def save(path, state):
    torch.save(state, path + ".part")
    os.replace(path + ".part", path)


def learning_rate(peak, step, steps, decay):
    left = min(1.0, max(0, steps - step) / decay)
    return peak * min(1.0, (step + 1) / WARM_UP_STEPS) * 0.5 * (1 - math.cos(math.pi * left))


def follow(average, net, step):
    """Moves the averaged weights and statistics towards the trained ones; early on the average is short."""
    keep = min(1 - 1 / AVERAGED_STEPS, (step + 1) / (step + 20))
    with torch.no_grad():
        for a, b in zip(average.state_dict().values(), net.state_dict().values()):
            if a.is_floating_point():
                a.mul_(keep).add_(b, alpha=1 - keep)
            else:
                a.copy_(b)


def arguments():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--net", choices=sorted(PLANS), required=True)
    p.add_argument("--sroie", required=True)
    p.add_argument("--steps", type=int, required=True)
    p.add_argument("--decay", type=int, required=True)
    p.add_argument("--batch", type=int, help="crops a step")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--synth", type=int, default=2500)
    p.add_argument("--sroie-share", type=float, default=0.65)
    p.add_argument("--rate", type=float, help="peak learning rate instead of the plan's")
    p.add_argument("--state", default=os.path.expanduser("~/.cache/lectern/training"))
    p.add_argument("--check-every", type=int, default=500, help="steps between checks and checkpoints")
    p.add_argument("--check-pages", type=int, default=24, help="held-back receipts a check looks at, and half as many synthetic pages")
    p.add_argument("--export")
    return p.parse_args()


class Training:
    def __init__(self, a):
        self.plan = dict(PLANS[a.net], **({"rate": a.rate} if a.rate else {}))
        self.net = Ctpn(a.net).to(memory_format=torch.channels_last)
        self.average = Ctpn(a.net).to(memory_format=torch.channels_last).eval()
        self.average.load_state_dict(self.net.state_dict())
        self.optimiser = torch.optim.AdamW(self.net.parameters(), lr=self.plan["rate"], betas=(0.9, 0.99), weight_decay=1e-4)
        self.checkpoint = os.path.join(a.state, "ctpn-%s.pt" % a.net)
        self.best_file = os.path.join(a.state, "ctpn-%s-best.pt" % a.net)
        self.step, self.spent, self.best = 0, 0.0, -1.0
        if os.path.exists(self.checkpoint):
            state = torch.load(self.checkpoint)
            self.net.load_state_dict(state["trained"])
            self.average.load_state_dict(state["net"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step, self.spent, self.best = state["step"], state["spent"], state["best"]
            print("goes on at step %d after %.0f s, best %.4f" % (self.step, self.spent, self.best), flush=True)

    def make_step(self, images, targets, rate):
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        x = normalise(torch.from_numpy(images)).to(memory_format=torch.channels_last)
        # bfloat16 pays only where the processor computes in it.
        with torch.cpu.amp.autocast(dtype=torch.bfloat16, enabled=BFLOAT16):
            out = self.net(x)
        parts = losses(out.float(), targets)
        loss = parts[0] + parts[1] + 0.5 * parts[2]
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        follow(self.average, self.net, self.step)
        self.step += 1
        return np.array([float(p) for p in parts])

    def check(self, receipts, pages):
        """Judges the averaged weights, keeps them when they are the best so far, and saves where the training stands."""
        on_receipts, on_pages = evaluate(self.average, receipts), evaluate(self.average, pages)
        score = 0.7 * on_receipts + 0.3 * on_pages
        print("check step %d: receipts %.4f  synthetic %.4f  score %.4f" % (self.step, on_receipts, on_pages, score), flush=True)
        weights = self.average.state_dict()
        if score > self.best:
            self.best = score
            save(self.best_file, {"net": weights, "step": self.step, "receipts": on_receipts, "synthetic": on_pages})
        save(self.checkpoint, {"net": weights, "trained": self.net.state_dict(), "optimiser": self.optimiser.state_dict(),
                               "step": self.step, "spent": self.spent, "best": self.best})


def main():
    a = arguments()
    torch.set_num_threads(a.threads)
    cv2.setNumThreads(1)
    torch.manual_seed(1)
    os.makedirs(a.state, exist_ok=True)
    synth = os.path.join(a.state, "synth")
    subprocess.run([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "synth.py"), synth, str(a.synth)], check=True)
    sroie_train, sroie_check = data.split(data.load_sroie(a.sroie))
    synth_train, synth_check = data.split(data.load_synth(synth))
    training, form = Training(a), FORMS[a.net]
    rng = random.Random(1000 + training.step)
    sources = [data.Crops(sroie_train, training.plan["size"], form, 2000 + training.step, 0.1),
               data.Crops(synth_train, training.plan["size"], form, 3000 + training.step, 0.3)]
    sums, shown, last = np.zeros(3), training.step, time.monotonic()
    while training.step < a.steps:
        rate = learning_rate(training.plan["rate"], training.step, a.steps, a.decay)
        images, targets = data.batch(sources, [a.sroie_share, 1 - a.sroie_share], rng, a.batch or training.plan["batch"])
        sums += training.make_step(images, targets, rate)
        now = time.monotonic()
        training.spent += now - last
        last = now
        if training.step % 50 == 0:
            print("step %d  %.0f s  rate %.1e  class %.4f  place %.4f  ends %.4f"
                  % (training.step, training.spent, rate, *(sums / (training.step - shown))), flush=True)
            sums, shown = np.zeros(3), training.step
        if training.step % a.check_every == 0 or training.step == a.steps:
            training.check(sroie_check[:a.check_pages], synth_check[:a.check_pages // 2])
            last = time.monotonic()
    print(json.dumps({"net": a.net, "steps": training.step, "seconds": round(training.spent), "best": training.best}))
    if a.export:
        import export
        export.export(a.net, training.best_file, a.export)


if __name__ == "__main__":
    main()
