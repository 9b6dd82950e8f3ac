#!/usr/bin/env python3
"""Targets and decoding against each other: what the targets say of a page, decoded, must be the page's lines again.

Runs in seconds; says that it is skipped when numpy or PyTorch are missing (exit status 77).
"""
import random
import sys

try:
    import numpy as np
    import torch
    import cv2  # noqa: F401
except ImportError as missing:
    print("skipped: %s (apt-get install python3-torch python3-numpy)" % missing)
    sys.exit(77)

import decode
import rec_data
from nets import FORMS, Ctpn
import winograd
from rec_net import LineReader, charset
from targets import make_targets


def output_of(targets):
    """The network output that is exactly the targets: sure where text is, sure of nothing elsewhere."""
    label, vertical, _, side, _, _ = targets
    return np.concatenate([np.where(label == 1, 6.0, -6.0), vertical, side]).astype(np.float32)


def picture(lines, height, width):
    """A page whose lines are upright strokes."""
    page = np.full((height, width), 240, np.float32)
    for x0, y0, x1, y1, _ in lines:
        page[int(y0):int(y1), int(x0):int(x1):4] = 30
    return page


def check(condition, what):
    if not condition:
        raise SystemExit("failed: " + what)


def targets_decode_to_their_lines():
    lines = [(40, 30, 300, 55, False), (40, 70, 140, 95, False), (200, 72, 330, 96, False), (60, 120, 90, 134, False),
             (36, 150, 350, 210, False)]
    for name, form in FORMS.items():
        found = decode.text_lines(output_of(make_targets(picture(lines, 256, 384), lines, form)), form)
        matches, count, truth = decode.match_counts([f[:4] for f in found], [l[:4] for l in lines], at=0.7)
        check(matches == truth == count, "%s: %d of %d lines from %d found" % (name, matches, truth, count))


def cut_lines_teach_nothing():
    label = make_targets(np.zeros((128, 256)), [(0, 30, 200, 55, True)], FORMS["small"])[0]
    check((label != 1).all(), "a cut line gives positives")
    check((label[:, 3:7, 2:20] == -1).any(), "a cut line is taken for background")


def narrow_gaps_part_lines():
    """Neighbours less than a column apart are two lines again after decoding."""
    for shift in range(0, 8, 2):
        lines = [(20 + shift, 30, 101 + shift, 48, False), (107 + shift, 30, 190, 48, False)]
        found = decode.text_lines(output_of(make_targets(picture(lines, 96, 256), lines, FORMS["small"])), FORMS["small"])
        check(len(found) == 2, "shifted by %d, %d lines of 2 were found" % (shift, len(found)))


def winograd_is_the_direct_convolution():
    """Values and both gradients, for sizes that are no whole number of tiles or channel blocks too."""
    torch.manual_seed(4)
    for n, i, o, h, w in ((2, 20, 24, 10, 13), (1, 64, 48, 32, 40)):
        x, filters = torch.randn(n, i, h, w, requires_grad=True), (torch.randn(o, i, 3, 3) / 9).requires_grad_()
        dy = torch.randn(n, o, h, w)
        results = []
        for convolution in (lambda a, b: torch.nn.functional.conv2d(a, b, padding=1), winograd.convolution):
            y = convolution(x, filters)
            results.append([y, *torch.autograd.grad(y, (x, filters), dy)])
        for name, direct, other in zip(("value", "gradient of the input", "gradient of the filters"), *results):
            off = float((direct - other).abs().max() / direct.abs().max())
            check(off < 1e-4, "%s is off by %.1e of the largest" % (name, off))


def white_columns_weigh_more():
    """A wide space inside a line and the gap between two lines count more than letters and empty paper."""
    lines = [(40, 30, 160, 48, False), (176, 30, 240, 48, False)]
    page = picture(lines, 96, 256)
    page[:, 96:112] = 240
    label, _, _, _, _, weight = make_targets(page, lines, FORMS["small"])
    heavy = (weight > 1).any((0, 1))
    check(heavy[[12, 13, 21]].all() and not heavy[[6, 10, 16, 24, 2, 31]].any(), "white columns: %s" % np.nonzero(heavy)[0])
    check((label[:, :, 12] == 1).any() and not (label[:, :, 21] == 1).any(), "a space inside is text, a gap is not")


def every_line_has_an_anchor():
    rng = np.random.RandomState(3)
    for _ in range(200):
        height, y = rng.uniform(9, 60), rng.uniform(10, 150)
        label = make_targets(np.zeros((256, 256)), [(30, y, 130, y + height, False)], FORMS["small"])[0]
        check((label == 1).any(), "no anchor for a line %.1f px tall at %.1f" % (height, y))


def networks_give_the_promised_shape():
    for kind, form in FORMS.items():
        net = Ctpn(kind).eval()
        with torch.no_grad():
            out = net(torch.zeros(1, 1, 64, 96))
        check(tuple(out.shape) == (1, 4 * len(form.heights), 64 // form.row_stride, 96 // form.column), "%s gives %s" % (kind, tuple(out.shape)))


def transcripts_take_the_case_of_readings():
    check(rec_data.with_case("TOTAL INCL GST", "Total lncl GST") == "Total Incl GST", "case from a reading with one error")
    check(rec_data.with_case("AB-12 X", "ab12x") == "ab-12 x", "a sign and a space that the reading misses")
    check(rec_data.with_case("TOTAL", "9.90") is None, "a reading of something else")


def crops_have_room_for_their_letters():
    rng = random.Random(2)
    page = np.full((60, 400), 255, np.uint8)
    for squeeze in (0.7, 1.0):
        crop, text = rec_data.cut((page, [20, 20, 380, 40], "A line of text"), rng, squeeze)
        check(crop.shape[0] == 48 and abs(crop.shape[1] / (48 / 26 * 366 * squeeze) - 1) < 0.25, "a crop of %s" % (crop.shape,))
        check(crop.min() >= -1 and crop.max() <= 1, "values of a crop")
    check(rec_data.fits(16, "abc") and not rec_data.fits(16, "abb"), "equal neighbours need a column between them")


def lines_in_a_row_are_joined():
    page = np.zeros((1, 1), np.uint8)
    lines = [(page, [0, 0, 50, 20], "Total"), (page, [60, 1, 90, 21], "9.90"), (page, [60, 40, 90, 60], "below")]
    check([(b, t) for _, b, t in rec_data.joined(lines)] == [([0, 0, 90, 21], "Total 9.90")], "neighbours of a row, and no others")


def the_recogniser_reads_a_column_for_four_pixels():
    characters = charset()
    check(len(set(characters)) == len(characters) and characters[-1] == " ", "characters are distinct, the space is the last")
    net = LineReader(len(characters) + 1).eval()
    with torch.no_grad():
        check(tuple(net(torch.zeros(2, 3, 48, 96)).shape) == (2, 24, len(characters) + 1), "the recogniser's output")
        x = torch.randn(1, 160, 30)
        check(torch.equal(net.context(x), x), "an untrained view along the line changes nothing")


if __name__ == "__main__":
    targets_decode_to_their_lines()
    cut_lines_teach_nothing()
    narrow_gaps_part_lines()
    winograd_is_the_direct_convolution()
    white_columns_weigh_more()
    every_line_has_an_anchor()
    networks_give_the_promised_shape()
    transcripts_take_the_case_of_readings()
    crops_have_room_for_their_letters()
    lines_in_a_row_are_joined()
    the_recogniser_reads_a_column_for_four_pixels()
    print("all passed")
