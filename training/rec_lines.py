#!/usr/bin/env python3
"""Synthetic text lines with known text, for the recogniser.

usage: rec_lines.py FOLDER COUNT [SEED] [fine]     writes parts of 1000 lines; goes on where an earlier run stopped

"fine" is the small print of forms and tables: letters of 7 to 14 pixels, little spoilt.

A line is drawn at the size it has on a page, with some ground, neighbours and rules around it, and spoilt as scans, faxes,
receipts and screen shots are. It is stored with the box of its ink, so that rec_data.py can cut it as a detector would.
"""
import io
import os
import random
import string
import sys

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rec_net import charset
from synth import WORDS, fonts

PART = 1000
DICTIONARIES = [("american-english", 8), ("ngerman", 2), ("french", 1), ("spanish", 1), ("italian", 1)]
UNITS = "kg g mg ml l cm mm km m % °C kcal MB GHz mAh V kW hrs min sec pcs pc box ea x USD EUR RM Rs".split()
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec January February March April June July August September".split()


class Writer:
    """Makes up the text of lines."""

    def __init__(self, rng, known):
        self.rng, self.known = rng, known
        self.words, self.weights = [], []
        for name, weight in DICTIONARIES:
            path = os.path.join("/usr/share/dict", name)
            if os.path.exists(path):
                with open(path, encoding="utf-8") as f:
                    self.words.append([w for w in (line.strip() for line in f) if w and all(c in known for c in w)])
                self.weights.append(weight)

    def word(self):
        rng = self.rng
        if rng.random() < 0.35 or not self.words:
            return rng.choice(WORDS)
        return rng.choice(rng.choices(self.words, self.weights)[0])

    def cased(self, word, style):
        return {"upper": word.upper().replace("ẞ", "SS"), "title": word[:1].upper() + word[1:], "as": word}[style]

    def prose(self):
        rng = self.rng
        style = rng.choice(["as", "as", "upper", "upper", "title", "mixed"])
        out = []
        for i in range(rng.choice([1, 1, 2, 2, 3, 4, 5, 6, 8])):
            s = rng.choice(["as", "title", "upper"]) if style == "mixed" else style
            w = self.cased(self.word(), s)
            r = rng.random()
            if r < 0.05:
                w += ","
            elif r < 0.08:
                w += rng.choice([".", ";", ":", "!", "?", ".-", "'s", "-"])
            elif r < 0.11:
                w = rng.choice(["(%s)", '"%s"', "'%s'", "“%s”", "[%s]", "*%s", "%s/" + self.word(), "%s-" + self.word(), "/%s", "#%s"]) % w
            elif r < 0.16:
                w = rng.choice(["&", "-", "of", "@", "–", "+", "/", "=", "a", "I", "•", "*", "x", "X"])
            elif r < 0.22:
                w = self.number()
            out.append(w)
        text = " ".join(out)
        if style == "as" and rng.random() < 0.5:
            text = text[:1].upper() + text[1:]
        return text + rng.choice([""] * 6 + [".", ":", ",", " :", "..."])

    def number(self):
        rng = self.rng
        n = rng.random()
        if n < 0.25:
            return "%.2f" % (rng.random() * rng.choice([10, 100, 1000, 10000]))
        if n < 0.35:
            return "{:,.2f}".format(rng.random() * rng.choice([1e4, 1e6]))
        if n < 0.4:
            return "{:,.2f}".format(rng.random() * 1e5).translate(str.maketrans(",.", ".,"))
        if n < 0.6:
            return str(rng.randrange(10 ** rng.randrange(1, 7)))
        if n < 0.7:
            return "%.*f" % (rng.randrange(1, 5), rng.random() * rng.choice([1, 10, 100]))
        if n < 0.75:
            return "{:,}".format(rng.randrange(1000, 10 ** 7))
        if n < 0.85:
            return str(rng.randrange(10 ** 7, 10 ** rng.randrange(8, 13)))
        return "%d%s" % (rng.randrange(1000), rng.choice(["%", "%", "x", "X", "°", "st", "th", "A", "B", "k"] + UNITS[:10]))

    def amount(self):
        rng = self.rng
        number = rng.choice(["%.2f", "%.2f", "%.1f", "%.3f"]) % (rng.random() * rng.choice([10, 100, 1000, 10000]))
        return rng.choice(["%s", "%s", "%s", "RM%s", "RM %s", "$%s", "$ %s", "€%s", "€ %s", "%s €", "£%s", "-%s", "%s-", "(%s)", "%s SR",
                           "%s S", "%s T", "%s ZRL", "*%s", "USD %s", "EUR %s", "Rs. %s", "%s*", "= %s", "+%s", "%s %%", "@%s"]) % number

    def date(self):
        rng = self.rng
        d, m, y, sep = rng.randrange(1, 32), rng.randrange(1, 13), rng.randrange(1960, 2030), rng.choice("//--..")
        date = rng.choice(["%02d%s%02d%s%d" % (d, sep, m, sep, y), "%d%s%d%s%02d" % (d, sep, m, sep, y % 100),
                           "%d-%02d-%02d" % (y, m, d), "%d %s %d" % (d, rng.choice(MONTHS), y), "%s %d, %d" % (rng.choice(MONTHS), d, y)])
        clock = "%02d:%02d" % (rng.randrange(24), rng.randrange(60)) + rng.choice(["", "", ":%02d" % rng.randrange(60)]) + rng.choice(["", "", " AM", " PM", "PM"])
        return rng.choice([date, date, clock, date + " " + clock, "Date: " + date, "DATE : " + date, "Time: " + clock])

    def code(self):
        rng = self.rng
        def run(letters, low, high):
            return "".join(rng.choice(letters) for _ in range(rng.randrange(low, high)))
        mixed = string.ascii_uppercase + string.digits * 2
        return rng.choice([
            lambda: run(mixed, 3, 14),
            lambda: run(string.digits, 8, 14),
            lambda: run(string.ascii_uppercase, 1, 5) + rng.choice(["-", "/", "", " "]) + run(string.digits, 3, 9),
            lambda: "(%s-%s)" % (run(string.digits, 5, 8), rng.choice(string.ascii_uppercase)),
            lambda: "%s-%s %s" % (run(string.digits, 2, 4), run(string.digits, 3, 5), run(string.digits, 4, 5)),
            lambda: "+%s (0) %s %s" % (run(string.digits, 2, 3), run(string.digits, 2, 5), run(string.digits, 4, 8)),
            lambda: "#" + run(mixed, 3, 8),
            lambda: run(string.ascii_letters + string.digits + "-_.:/#", 6, 16),
            lambda: "%s.%s@%s.%s" % (self.word().lower(), self.word().lower(), self.word().lower(), rng.choice(["com", "org", "de", "co.uk", "net"])),
            lambda: rng.choice(["www.", "http://", "https://www."]) + self.word().lower() + rng.choice([".com", ".com.my", ".org/", ".de/" + self.word().lower()]),
            lambda: "%s %s %s" % (run(mixed, 2, 5), run(string.digits, 4, 5), run(string.digits, 4, 5)),
            lambda: rng.choice(["-", "=", "*", "_", "."]) * rng.randrange(3, 24),
            lambda: "%d%s" % (rng.randrange(1, 60), rng.choice([".", ")", ":", "", "a", "b)", "/%d" % rng.randrange(60)])),
        ])()

    def statistic(self):
        rng = self.rng
        def value():
            return rng.choice(["%.1f", "%.2f", "%.0f", "%.3f", "%.4f"]) % (rng.random() * rng.choice([1, 10, 100, 1000]))
        return rng.choice([
            lambda: "%s ± %s" % (value(), value()), lambda: "%s±%s" % (value(), value()), lambda: "%s (%s)" % (value(), value()),
            lambda: "%s (%s–%s)" % (value(), value(), value()), lambda: "%s-%s" % (value(), value()), lambda: "%d (%s%%)" % (rng.randrange(500), value()),
            lambda: "%s%%" % value(), lambda: "-%s" % value(), lambda: "−%s" % value(), lambda: "(%s)" % value(), lambda: "p < 0.0%d" % rng.randrange(1, 9),
            lambda: "P=%s" % value(), lambda: "<0.00%d" % rng.randrange(1, 9), lambda: "n = %d" % rng.randrange(999), lambda: "%s, %s" % (value(), value()),
            lambda: "≥%d" % rng.randrange(99), lambda: "≤ %s" % value(), lambda: "[%s, %s]" % (value(), value()), lambda: "%d/%d" % (rng.randrange(99), rng.randrange(99)),
            lambda: "%s (%s)" % (self.word().capitalize(), rng.choice(UNITS)), lambda: "%s, %s" % (self.word().capitalize(), rng.choice(["%", "n (%)", "mg/dL", "years", "mean (SD)", "µg/ml"])),
            lambda: value(), lambda: value(), lambda: str(rng.randrange(100)), lambda: rng.choice(["–", "-", "—", "N/A", "n/a", "NS", "Yes", "No", "+", "*", "a", "b", "†"]),
        ])()

    def labelled(self):
        rng = self.rng
        style = rng.choice(["title", "upper", "as"])
        label = " ".join(self.cased(rng.choice(WORDS), style) for _ in range(rng.randrange(1, 4)))
        value = rng.choice([self.number, self.amount, self.date, self.code, self.prose])()
        return label + rng.choice([": ", " : ", ":", " ", "  ", " - ", ". ", " No. ", " # "]) + value

    def item(self):
        rng = self.rng
        name = " ".join(self.word() for _ in range(rng.randrange(1, 4)))
        name = name.upper() if rng.random() < 0.7 else name.title()
        return rng.choice(["%s %s" % (name, rng.choice(["", "%d%s" % (rng.randrange(1, 1000), rng.choice(UNITS))])), "%d %s" % (rng.randrange(1, 20), name),
                           "%d x %s" % (rng.randrange(1, 20), self.amount()), "%s %s" % (name, self.amount()), "%d%s @ %s" % (rng.randrange(1, 9), rng.choice(["", "PCS", " PC"]), self.amount())])

    def noise(self):
        rng = self.rng
        return " ".join("".join(rng.choice(self.known) for _ in range(rng.randrange(1, 7))) for _ in range(rng.randrange(1, 4)))

    def line(self):
        kind = self.rng.choices([self.prose, self.number, self.amount, self.date, self.code, self.statistic, self.labelled, self.item, self.noise],
                                [34, 4, 8, 6, 9, 12, 12, 10, 2])[0]
        return " ".join(kind().split())[:70]


def draw(rng, text, path, size):
    """Ink of one line as an array (255 is ink), its word spaces as wide as fate wants."""
    font = ImageFont.truetype(path, size)
    tracking = rng.choice([0, 0, 0, 0, 0, rng.uniform(-0.03, 0.15)]) * size
    space = font.getlength(" ") * rng.choice([1, 1, 1, rng.uniform(0.7, 1.2), rng.uniform(1.2, 2.5), rng.uniform(2, 6)])
    ascent, descent = font.getmetrics()
    width = int(font.getlength(text) + (abs(tracking) + abs(space)) * len(text) + 3 * size)
    image = Image.new("L", (width, int(ascent + descent + size)), 0)
    pen = ImageDraw.Draw(image)
    x, y = size, size // 2
    for word in text.split(" "):
        if tracking:
            for c in word:
                pen.text((x, y), c, font=font, fill=255)
                x += font.getlength(c) + tracking
        else:
            pen.text((x, y), word, font=font, fill=255)
            x += font.getlength(word)
        x += space
    return np.asarray(image)


def render(rng, noise, writer, files, fine):
    """(page piece, box of the line in it, text), or None where the font cannot draw it."""
    text = writer.line()
    path = rng.choice(list(files))
    if not files[path].issuperset(text):
        return None
    final = rng.uniform(7, 14.5) if fine else rng.choice([rng.randrange(9, 16), rng.randrange(14, 30), rng.randrange(24, 44)])
    # Print is scanned or rasterised from sharp outlines; screens hint their letters to pixels.
    enlarged = rng.choice([1, 3, 3]) if fine else 1
    size = round(final * enlarged)
    try:
        ink = draw(rng, text, path, size)
    except OSError:
        return None
    box = cv2.boundingRect(ink)
    x, y, w, h = box
    if w < 3 or h < 2 or w > 60 * size:
        return None
    stretch = rng.choice([1, 1, 1, rng.uniform(0.6, 1), rng.uniform(1, 1.6)])
    # The box of ordinary letters: a detector marks lines, whatever their letters reach.
    top, bottom = min(y, size // 2 + int(0.25 * size)), max(y + h, size // 2 + int(0.95 * size))
    margin = size
    canvas = np.zeros((bottom - top + 2 * margin, w + 2 * margin), np.float32)
    x0 = max(0, x - margin)
    piece = ink[max(0, top - margin):bottom + margin, x0:x + w + margin]
    oy, ox = margin - (top - max(0, top - margin)), margin - (x - x0)
    canvas[oy:oy + piece.shape[0], ox:ox + piece.shape[1]] = piece
    box = [margin, margin, margin + w, margin + bottom - top]
    decorate(rng, canvas, box, size, path)
    if abs(stretch - 1) > 0.02:
        canvas = cv2.resize(canvas, (max(8, int(canvas.shape[1] * stretch)), canvas.shape[0]), interpolation=cv2.INTER_AREA)
        box[0], box[2] = box[0] * stretch, box[2] * stretch
    if enlarged > 1:
        f = final / size
        canvas = cv2.resize(canvas, (max(8, round(canvas.shape[1] * f)), max(8, round(canvas.shape[0] * f))), interpolation=cv2.INTER_AREA)
        box = [v * f for v in box]
    if rng.random() < 0.15:  # italics and turned pages
        shear, angle = rng.uniform(-0.25, 0.25), rng.uniform(-0.02, 0.02) * rng.choice([0.5, 1])
        cx, cy = canvas.shape[1] / 2, canvas.shape[0] / 2
        m = np.float32([[1, -shear, shear * cy], [angle, 1, -angle * cx]])
        canvas = cv2.warpAffine(canvas, m, (canvas.shape[1], canvas.shape[0]))
    return spoil(rng, noise, canvas, fine and rng.random() < 0.85), [round(v) for v in box], text


def decorate(rng, canvas, box, size, path):
    h, w = canvas.shape
    level = rng.uniform(120, 255)
    if rng.random() < 0.12:  # underline, rule above, form line
        y = int(rng.choice([box[3] + rng.uniform(0, 0.3) * size, box[3] + 0.05 * size, box[1] - rng.uniform(0.05, 0.3) * size]))
        a, b = rng.choice([(0, w), (box[0], box[2])])
        cv2.line(canvas, (int(a), y), (int(b), y), level, rng.choice([1, 1, 2, max(1, size // 12)]))
    if rng.random() < 0.08:  # a cell's edge
        x = int(rng.choice([box[0] - rng.uniform(0.15, 0.5) * size, box[2] + rng.uniform(0.15, 0.5) * size]))
        cv2.line(canvas, (x, 0), (x, h), level, rng.choice([1, 1, 2]))
    if rng.random() < 0.2:  # the rows above and below
        font = ImageFont.truetype(path, size)
        pitch = int(size * rng.uniform(1.0, 1.5))
        for shift in (-pitch, pitch):
            other = Image.new("L", (w, h), 0)
            ImageDraw.Draw(other).text((box[0] - rng.randrange(size), box[1] - size // 4 + shift), "Hypotenuse glyph 4711 Quality" * 3, font=font, fill=int(level))
            np.maximum(canvas, np.asarray(other, np.float32), out=canvas)


def spoil(rng, noise, ink, gently=False):
    """From ink (0..255) to a grey page piece, dark on light."""
    h, w = ink.shape
    if gently:
        ink = np.clip(ink * rng.choice([1, 1, rng.uniform(0.7, 1.6)]), 0, 255)
        if rng.random() < 0.3:
            ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 0.6))
        page = np.clip(rng.choice([255, 255, rng.uniform(200, 255)]) - ink * rng.choice([1, 1, rng.uniform(0.5, 1)]), 0, 255)
        if rng.random() < 0.25:
            page = np.clip(page + noise.randn(h, w) * rng.uniform(1, 12), 0, 255)
        if rng.random() < 0.1:
            page = 255.0 * (page > rng.uniform(120, 200))
        return jpeg(rng, page.astype(np.uint8))
    if rng.random() < 0.12 and h > 50:
        ink = (cv2.dilate if rng.random() < 0.5 else cv2.erode)(ink, np.ones(rng.choice([(1, 2), (2, 1), (2, 2)]), np.uint8))
    if rng.random() < 0.18:  # printed at a lower resolution: thermal dots, faxes, small print enlarged
        f = rng.uniform(0.35, 0.8)
        small = cv2.resize(ink, (max(4, int(w * f)), max(4, int(h * f))), interpolation=cv2.INTER_AREA)
        ink = cv2.resize(small, (w, h), interpolation=rng.choice([cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    if rng.random() < 0.1:  # worn ink
        mask = cv2.resize(noise.rand(max(2, h // 3), max(2, w // 3)).astype(np.float32), (w, h))
        ink = ink * np.clip((mask - rng.uniform(0, 0.35)) * 4, 0.1, 1)
    if rng.random() < 0.05:  # rows that the print head missed
        ink[rng.randrange(h)::rng.randrange(6, 12)] *= rng.uniform(0, 0.6)
    if rng.random() < 0.45:
        ink = cv2.GaussianBlur(ink, (0, 0), rng.uniform(0.3, 1.0) * max(1, h / 60))
    if ink.max() < 120:
        ink = ink * (120 / max(1.0, ink.max()))
    ground, dark = rng.choice([255, 255, 250, rng.uniform(170, 250)]), rng.choice([0, rng.uniform(0, 110), rng.uniform(60, 150)])
    page = ground - ink / 255 * max(45, ground - dark)
    if rng.random() < 0.25:
        page += np.linspace(-1, 1, w, dtype=np.float32)[None] * rng.uniform(-30, 30)
    if rng.random() < 0.45:
        page += noise.randn(h, w).astype(np.float32) * rng.uniform(1, 18)
    if rng.random() < 0.08:
        page[noise.rand(h, w) < rng.uniform(0.001, 0.02)] = rng.choice([0, 60, 255])
    page = np.clip(page, 0, 255)
    if rng.random() < 0.12:
        page = 255.0 * (page > rng.uniform(0.4, 0.75) * ground)
    return jpeg(rng, page.astype(np.uint8))


def jpeg(rng, page):
    if rng.random() < 0.4:
        _, data = cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, rng.randrange(25, 90)])
        page = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)
    return page


def blank(rng, noise):
    """What detectors take for text and is none: paper, specks, rules, bars."""
    h, w = rng.randrange(30, 70), rng.randrange(40, 300)
    ink = np.zeros((h, w), np.float32)
    kind = rng.random()
    if kind < 0.3:
        for _ in range(rng.randrange(1, 3)):
            y = rng.randrange(h)
            cv2.line(ink, (0, y), (w, y + rng.randrange(-2, 3)), 255, rng.randrange(1, 4))
    elif kind < 0.5:
        for x in range(4, w - 4, rng.randrange(3, 7)):
            if rng.random() < 0.6:
                ink[:, x:x + rng.randrange(1, 5)] = 255
    elif kind < 0.8:
        for _ in range(rng.randrange(1, 6)):
            cv2.ellipse(ink, (rng.randrange(w), rng.randrange(h)), (rng.randrange(1, 30), rng.randrange(1, 20)), rng.randrange(180), 0, rng.randrange(60, 360), 255, rng.choice([-1, 1, 2]))
    return spoil(rng, noise, ink), [rng.randrange(4, 10), rng.randrange(4, 10), w - rng.randrange(4, 10), h - rng.randrange(4, 10)], ""


def usable(files, known):
    """{font: the characters it draws}; a font without a character draws an empty box, which would be taught as a letter."""
    kept = {}
    for path in files:
        try:
            font = ImageFont.truetype(path, 16)
            void = bytes(font.getmask("\U0010fffd"))
            drawn = {c for c in known if bytes(font.getmask(c)) not in (void, b"")}
        except OSError:
            continue
        if all(c in drawn for c in "AZaz09%&"):
            kept[path] = drawn | {" "}
    return kept


def main():
    folder, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
    fine = sys.argv[4:] == ["fine"]
    os.makedirs(folder, exist_ok=True)
    known = charset()[:-1]
    files = usable(fonts(), known)
    print("%d fonts" % len(files), flush=True)
    for part in range(count // PART):
        path = os.path.join(folder, "lines-%d-%s%03d.npz" % (seed, "fine-" if fine else "", part))
        if os.path.exists(path):
            continue
        rng, noise = random.Random(seed * 100003 + 7 * fine + part), np.random.RandomState(seed * 1009 + 7 * fine + part)
        writer = Writer(rng, known)
        pieces, boxes, texts = [], [], []
        while len(pieces) < PART:
            if rng.random() < 0.02:
                made = blank(rng, noise)
            else:
                made = render(rng, noise, writer, files, fine)
            if made is None:
                continue
            pieces.append(made[0])
            boxes.append(made[1])
            texts.append(made[2])
        save(path, pieces, boxes, texts)
        print(path, flush=True)


def save(path, pieces, boxes, texts):
    with open(path + ".part", "wb") as out:
        np.savez_compressed(out, pixels=np.concatenate([p.ravel() for p in pieces]), shapes=np.array([p.shape for p in pieces], np.int32),
                            boxes=np.array(boxes, np.int32), texts=np.array(texts))
    os.replace(path + ".part", path)


if __name__ == "__main__":
    main()
