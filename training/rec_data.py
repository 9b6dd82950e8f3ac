"""Crops of text lines for the recogniser: SROIE's training receipts and the synthetic lines of rec_lines.py, cut as a detector
cuts them, in batches of similar width."""
import difflib
import glob
import json
import os
import random

import cv2
import numpy as np

from rec_net import HEIGHT, charset

GROW = 0.15       # what the reader takes from around a region, in heights (PpocrOptions::grow)
JITTER = 0.09     # spread of the detector's edges around the true ones, in heights, on SROIE training receipts
HELD_BACK = 4     # every fourth receipt is for validation
MAX_WIDTH = 1100


def with_case(truth, reading):
    """The transcript with the case of a reading of the same line, or None where the two are too different to tell."""
    reading_upper = reading.upper()
    if len(reading_upper) != len(reading):
        return None
    out, missed = list(truth), {i for i, c in enumerate(truth) if c != " "}
    letters = len(missed)
    for a, b, n in difflib.SequenceMatcher(None, truth.upper(), reading_upper, autojunk=False).get_matching_blocks():
        for i in range(n):
            if truth[a + i] != " ":
                out[a + i] = reading[b + i]
                missed.discard(a + i)
    if letters == 0 or len(missed) > 0.2 * letters:
        return None
    # A letter that the reading misses has the case of the one before it.
    for i in sorted(missed):
        if i > 0 and out[i - 1].islower():
            out[i] = out[i].lower()
    return "".join(out)


class Receipts:
    """SROIE training receipts. Lines whose case is unknown are left out of training; validation ignores case."""

    def __init__(self, folder, cases, held_back, seed):
        self.rng = random.Random(seed)
        readings = {}
        if os.path.exists(cases):
            readings = {r["id"]: r["readings"] for r in map(json.loads, open(cases))}
        known = set(charset())
        self.entries, self.pages = [], []
        for n, page in enumerate(map(json.loads, open(os.path.join(folder, "truth.jsonl")))):
            if (n % HELD_BACK == HELD_BACK - 1) != held_back or (not held_back and page["id"] not in readings):
                continue
            image = cv2.imread(os.path.join(folder, page["image"]), cv2.IMREAD_GRAYSCALE)
            self.pages.append(image)
            lines = []
            for i, line in enumerate(page["lines"]):
                text = " ".join(line["text"].split())
                if not held_back:
                    text = with_case(text, readings[page["id"]][i])
                if text and known.issuperset(text) and line["box"][3] - line["box"][1] >= 6:
                    lines.append((image, line["box"], text))
            self.entries += lines
            if not held_back:
                self.entries += list(joined(lines))

    def draw(self):
        return self.rng.choice(self.entries)


def joined(lines):
    """Neighbours in a row that a detector often takes for one line."""
    for image, a, text in lines:
        for _, b, other in lines:
            height = min(a[3] - a[1], b[3] - b[1])
            if abs(a[1] - b[1]) < 0.25 * height and abs(a[3] - b[3]) < 0.25 * height and 0 < b[0] - a[2] < 1.2 * height:
                yield image, [a[0], min(a[1], b[1]), b[2], max(a[3], b[3])], text + " " + other


class Drawn:
    """Synthetic lines; new parts are found while they are being written."""

    def __init__(self, folder, seed, parts="lines-1-*.npz", most=60):
        self.folder, self.parts, self.most = folder, parts, most
        self.rng = random.Random(seed)
        self.loaded, self.entries = set(), []
        self.refresh()

    def refresh(self):
        for path in sorted(glob.glob(os.path.join(self.folder, self.parts))):
            if path in self.loaded or len(self.loaded) >= self.most:
                continue
            part = np.load(path)
            at = 0
            pixels = part["pixels"]
            for shape, box, text in zip(part["shapes"], part["boxes"], part["texts"]):
                size = int(shape[0]) * int(shape[1])
                self.entries.append((pixels[at:at + size].reshape(shape), [int(v) for v in box], str(text)))
                at += size
            self.loaded.add(path)

    def draw(self):
        return self.rng.choice(self.entries)


def cut(entry, rng, squeeze, jitter=JITTER, spoil=True):
    """(48 x width in -1..1, text). `squeeze` is the width of letters compared with the page's."""
    image, (x0, y0, x1, y1), text = entry
    h = y1 - y0
    e = [max(-2.2 * jitter, min(2.2 * jitter, rng.gauss(0, jitter))) * h for _ in range(4)]
    g = GROW * h
    # Sides err outwards more often than they cut letters off.
    x0, x1 = x0 - g - abs(e[0]) * 1.3 + 0.06 * h, x1 + g + abs(e[2]) * 1.3 - 0.06 * h
    y0, y1 = y0 - g + e[1], y1 + g + e[3]
    x0, y0, x1, y1 = max(0, int(x0)), max(0, int(y0)), min(image.shape[1], int(round(x1))), min(image.shape[0], int(round(y1)))
    crop = image[y0:y1, x0:x1]
    if crop.shape[0] < 4 or crop.shape[1] < 3:
        return None
    scale = HEIGHT / crop.shape[0]
    width = max(8, round(crop.shape[1] * scale * squeeze))
    if width > MAX_WIDTH:
        return None
    if spoil and rng.random() < 0.12 and scale < 1.6:  # a page of low resolution
        f = rng.uniform(0.45, 0.9)
        crop = cv2.resize(crop, None, fx=f, fy=f, interpolation=cv2.INTER_AREA)
        scale /= f
    crop = cv2.resize(crop, (width, HEIGHT), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC).astype(np.float32)
    if spoil:
        if rng.random() < 0.4:
            crop = 255 * np.power(np.clip(crop, 0, 255) / 255, rng.uniform(0.6, 1.6))
        if rng.random() < 0.3:
            crop = (crop - 128) * rng.uniform(0.5, 1.2) + 128 + rng.uniform(-30, 20)
        if rng.random() < 0.15:
            crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 1.2))
        if rng.random() < 0.15:
            crop = crop + np.random.RandomState(rng.randrange(1 << 30)).randn(*crop.shape) * rng.uniform(2, 14)
    return (np.clip(crop, 0, 255) / 127.5 - 1).astype(np.float32), text


def fits(width, text):
    """CTC wants a column for each character and one between equal ones."""
    return width // 4 - 1 >= len(text) + sum(a == b for a, b in zip(text, text[1:]))


def stacked(crops):
    """(n, 3, 48, width) with zeros to the right, as the reader pads."""
    width = (max(c.shape[1] for c, _ in crops) + 7) // 8 * 8
    x = np.zeros((len(crops), 3, HEIGHT, width), np.float32)
    for i, (crop, _) in enumerate(crops):
        x[i, :, :, :crop.shape[1]] = crop
    return x


def batches(sources, weights, rng, squeezes, pixels=16 * 320, pool=192):
    """Endless batches (input, texts) of about `pixels` columns."""
    while True:
        crops = []
        while len(crops) < pool:
            made = cut(rng.choices(sources, weights)[0].draw(), rng, rng.uniform(*squeezes))
            if made and fits(made[0].shape[1], made[1]):
                crops.append(made)
        crops.sort(key=lambda c: c[0].shape[1])
        groups, group = [], []
        for crop in crops:
            if group and (len(group) + 1) * crop[0].shape[1] > pixels:
                groups.append(group)
                group = []
            group.append(crop)
        rng.shuffle(groups)
        for group in groups:
            yield stacked(group), [t for _, t in group]
