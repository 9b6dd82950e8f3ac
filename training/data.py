"""Training crops from SROIE's training receipts and from synthetic pages."""
import json
import os
import random

import cv2
import numpy as np

from targets import make_targets

SMALL_PRINT = (8, 14)  # line heights in px of scans of low resolution
MAX_TILT = 1.0  # degrees; beyond it an upright box says nothing about a line's height


def load_sroie(folder):
    pages = []
    with open(os.path.join(folder, "truth.jsonl"), encoding="utf-8") as f:
        for line in f:
            record = json.loads(line)
            boxes = np.array([l["box"] for l in record["lines"]], np.float32)
            pages.append((os.path.join(folder, record["image"]), boxes))
    return pages


def load_synth(folder):
    pages = []
    with open(os.path.join(folder, "pages.jsonl"), encoding="utf-8") as f:
        for line in f:
            record = json.loads(line)
            if record["tilted"] <= MAX_TILT and len(record["lines"]) >= 3:
                pages.append((os.path.join(folder, record["image"]), np.array(record["lines"], np.float32)))
    return pages


def split(pages):
    """(training, validation): every tenth page is for choosing checkpoints."""
    return [p for i, p in enumerate(pages) if i % 10 != 9], [p for i, p in enumerate(pages) if i % 10 == 9]


class Crops:
    """Random crops with the page scaled so that its median line height is log-uniform in `heights`; a share of `small_print` look like
    small print that was enlarged to it."""

    def __init__(self, pages, size, form, seed, small_print=0.0):
        self.pages, self.size, self.form, self.heights, self.small_print = pages, size, form, form.range, small_print
        self.rng = random.Random(seed)
        self.noise = np.random.RandomState(seed)
        self.images = {}  # about a megabyte a page; reading them again costs more than a tenth of a step

    def page(self, path):
        if path not in self.images:
            self.images[path] = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
        return self.images[path]

    def crop(self):
        rng = self.rng
        path, boxes = rng.choice(self.pages)
        image = self.page(path)
        median = float(np.median(boxes[:, 3] - boxes[:, 1]))
        wanted = float(np.exp(rng.uniform(np.log(self.heights[0]), np.log(self.heights[1]))))
        scale = min(wanted / median, 2.5)
        sx, sy = scale * rng.uniform(0.85, 1.15), scale * rng.uniform(0.9, 1.1)
        h, w = self.size
        # Only the part of the page that the crop shows is scaled.
        centre = boxes[rng.randrange(len(boxes))]
        cx = rng.uniform(centre[0], centre[2])
        cy = rng.uniform(centre[1], centre[3])
        pad = 24
        x0 = int(cx - w / sx / 2)
        y0 = int(cy - h / sy / 2)
        x0 = max(-pad, min(x0, image.shape[1] + pad - int(w / sx))) if image.shape[1] + 2 * pad > w / sx else -pad
        y0 = max(-pad, min(y0, image.shape[0] + pad - int(h / sy))) if image.shape[0] + 2 * pad > h / sy else -pad
        ground = float(np.percentile(image[:: 8, :: 8], 80))
        matrix = np.array([[sx, 0, -x0 * sx], [0, sy, -y0 * sy]], np.float32)
        if scale < 0.6:
            # Averaged as INTER_AREA would, and only where the crop is.
            ax, ay = max(0, x0 - 8), max(0, y0 - 8)
            image = image[ay:int(y0 + h / sy) + 8, ax:int(x0 + w / sx) + 8]
            image = cv2.blur(image, (max(1, round(1 / sx)), max(1, round(1 / sy))))
            matrix[0, 2] += ax * sx
            matrix[1, 2] += ay * sy
        out = cv2.warpAffine(image, matrix, (w, h), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=ground)
        lines = []
        for bx0, by0, bx1, by1 in boxes:
            a, b = (bx0 - x0) * sx, (bx1 - x0) * sx
            c, d = (by0 - y0) * sy, (by1 - y0) * sy
            if b <= 0 or a >= w or d <= 0 or c >= h:
                continue
            # What the crop cuts from above or below is no line any more; cut from the side it still is, with its end elsewhere.
            cut = c < -0.3 * (d - c) or d > h + 0.3 * (d - c)
            lines.append((a, c, b, d, cut))
        if rng.random() < self.small_print:
            factor = rng.uniform(*SMALL_PRINT) / wanted
            if factor < 0.9:
                coarse = cv2.resize(out, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
                out = cv2.resize(self.augment(coarse).astype(np.uint8), (w, h), interpolation=cv2.INTER_LINEAR)
                return out.astype(np.float32), lines
        return self.augment(out), lines

    def augment(self, image):
        rng = self.rng
        if rng.random() < 0.12:  # thicker or thinner ink
            kernel = np.ones((1, 2) if rng.random() < 0.5 else (2, 1), np.uint8)
            image = cv2.erode(image, kernel) if rng.random() < 0.6 else cv2.dilate(image, kernel)
        if rng.random() < 0.2:
            quality = rng.randrange(25, 80)
            image = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_GRAYSCALE)
        x = image.astype(np.float32)
        if rng.random() < 0.2:
            x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.0))
        if rng.random() < 0.5:
            x = 255 * np.power(np.clip(x, 0, 255) / 255, rng.uniform(0.7, 1.4))
        if rng.random() < 0.25:  # uneven light
            h, w = x.shape
            x += np.linspace(-1, 1, h, dtype=np.float32)[:, None] * rng.uniform(-30, 30)
            x += np.linspace(-1, 1, w, dtype=np.float32)[None, :] * rng.uniform(-30, 30)
        x = (x - 128) * rng.uniform(0.6, 1.15) + 128 + rng.uniform(-20, 15)
        if rng.random() < 0.3:
            x += self.noise.randn(*x.shape).astype(np.float32) * rng.uniform(1, 12)
        if rng.random() < 0.04:
            x = 255 - x
        return np.clip(x, 0, 255)


def batch(sources, weights, rng, size):
    """Stacks `size` crops from the sources, drawn by weight, with their targets."""
    images, targets = [], []
    while len(images) < size:
        source = rng.choices(sources, weights)[0]
        image, lines = source.crop()
        images.append(image[None])
        targets.append(make_targets(image, lines, source.form))
    return np.stack(images).astype(np.float32), [np.stack(t) for t in zip(*targets)]
