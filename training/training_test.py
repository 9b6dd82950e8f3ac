#!/usr/bin/env python3
"""Targets and decoding against each other: what the targets say of a page, decoded, must be the page's lines again.

Runs in seconds; says that it is skipped when numpy or PyTorch are missing (exit status 77).
"""
import sys

try:
    import numpy as np
    import torch
except ImportError as missing:
    print("skipped: %s (apt-get install python3-torch python3-numpy)" % missing)
    sys.exit(77)

import decode
from nets import FORMS, Ctpn
from targets import make_targets


def output_of(targets):
    """The network output that is exactly the targets: sure where text is, sure of nothing elsewhere."""
    label, vertical, _, side, _ = targets
    return np.concatenate([np.where(label == 1, 6.0, -6.0), vertical, side]).astype(np.float32)


def check(condition, what):
    if not condition:
        raise SystemExit("failed: " + what)


def targets_decode_to_their_lines():
    lines = [(40, 30, 300, 55, False), (40, 70, 140, 95, False), (200, 72, 330, 96, False), (60, 120, 90, 134, False),
             (36, 150, 350, 210, False)]
    for name, form in FORMS.items():
        found = decode.text_lines(output_of(make_targets(lines, 256, 384, form)), form)
        matches, count, truth = decode.match_counts([f[:4] for f in found], [l[:4] for l in lines], at=0.7)
        check(matches == truth == count, "%s: %d of %d lines from %d found" % (name, matches, truth, count))


def cut_lines_teach_nothing():
    label = make_targets([(0, 30, 200, 55, True)], 128, 256, FORMS["small"])[0]
    check((label != 1).all(), "a cut line gives positives")
    check((label[:, 3:7, 2:20] == -1).any(), "a cut line is taken for background")


def narrow_gaps_part_lines():
    """Neighbours less than a column apart are two lines again after decoding."""
    for shift in range(0, 8, 2):
        lines = [(20 + shift, 30, 101 + shift, 48, False), (107 + shift, 30, 190, 48, False)]
        found = decode.text_lines(output_of(make_targets(lines, 96, 256, FORMS["small"])), FORMS["small"])
        check(len(found) == 2, "shifted by %d, %d lines of 2 were found" % (shift, len(found)))


def every_line_has_an_anchor():
    rng = np.random.RandomState(3)
    for _ in range(200):
        height, y = rng.uniform(9, 60), rng.uniform(10, 150)
        label = make_targets([(30, y, 130, y + height, False)], 256, 256, FORMS["small"])[0]
        check((label == 1).any(), "no anchor for a line %.1f px tall at %.1f" % (height, y))


def networks_give_the_promised_shape():
    for kind, form in FORMS.items():
        net = Ctpn(kind).eval()
        with torch.no_grad():
            out = net(torch.zeros(1, 1, 64, 96))
        check(tuple(out.shape) == (1, 4 * len(form.heights), 64 // form.row_stride, 96 // form.column), "%s gives %s" % (kind, tuple(out.shape)))


if __name__ == "__main__":
    targets_decode_to_their_lines()
    cut_lines_teach_nothing()
    narrow_gaps_part_lines()
    every_line_has_an_anchor()
    networks_give_the_promised_shape()
    print("all passed")
