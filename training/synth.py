"""Synthetic document pages with known text lines: receipts, forms, tables, columns, letters, dark and coloured grounds.

usage: synth.py FOLDER COUNT [SEED]     writes NNNN.png and pages.json; goes on where an earlier run stopped
"""
import glob
import io
import json
import os
import random
import string
import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WORDS = ("total amount invoice date number tax subtotal cash change item quantity price description payment account "
         "customer address street city phone email order receipt thank you for your visit please return goods within "
         "days company limited report study the of and to in that is was with as for on by this are be from at which "
         "or an were not have it results method table figure sample percent year state department section form name "
         "signature approved request type product model unit net gross weight shipping delivery terms bank reference "
         "contract project manager director office service local national research laboratory material test value "
         "average annual market share growth population region water energy health school student public "
         "information data system process control rate level change increase").split()


def fonts():
    found = []
    for root in ("/usr/share/fonts/truetype", "/usr/share/fonts/opentype", "/usr/share/fonts/type1"):
        for ext in ("ttf", "otf"):
            found += glob.glob(root + "/**/*." + ext, recursive=True)
    bad = ("Emoji", "Symbol", "Math", "Dingbat", "Music", "D050000L", "StandardSymbols", "Braille", "Cuneiform", "Hieroglyph")
    latin = []
    for f in sorted(found):
        name = os.path.basename(f)
        if any(b in name for b in bad):
            continue
        # Noto carries a file for each script; only the Latin ones can draw these words.
        if name.startswith("Noto") and not name.startswith(("NotoSans-", "NotoSerif-", "NotoSansMono", "NotoSansDisplay", "NotoSerifDisplay")):
            continue
        latin.append(f)
    return latin


class Page:
    def __init__(self, rng, width, height, font_files):
        self.rng, self.width, self.height, self.files = rng, width, height, font_files
        self.ground = rng.choice([255] * 6 + [250, 240, 225, 205])
        self.image = Image.new("L", (width, height), self.ground)
        self.draw = ImageDraw.Draw(self.image)
        self.lines = []
        self.cache = {}

    def font(self, path, size):
        key = (path, size)
        if key not in self.cache:
            self.cache[key] = ImageFont.truetype(path, size)
        return self.cache[key]

    def text(self, x, y, text, font, ink, right=None):
        """Draws one line; its box is the ink with a small margin. Returns the box."""
        if right is not None:
            x = right - self.draw.textlength(text, font=font)
        box = self.draw.textbbox((x, y), text, font=font)
        if box[0] < 2 or box[1] < 2 or box[2] > self.width - 2 or box[3] > self.height - 2 or box[2] - box[0] < 3:
            return None
        self.draw.text((x, y), text, font=font, fill=ink)
        margin = max(1, round(0.1 * font.size))
        self.lines.append([box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin])
        return box


def word(rng):
    kind = rng.random()
    if kind < 0.62:
        w = rng.choice(WORDS)
        return rng.choice([w, w, w.capitalize(), w.upper()])
    if kind < 0.78:
        return rng.choice(["%d" % rng.randrange(10000), "%.2f" % (rng.random() * rng.choice([10, 100, 10000])), "%d%%" % rng.randrange(100)])
    if kind < 0.86:
        return "%02d/%02d/%d" % (rng.randrange(1, 29), rng.randrange(1, 13), rng.randrange(1990, 2027))
    if kind < 0.93:
        return "".join(rng.choice(string.ascii_uppercase + string.digits) for _ in range(rng.randrange(3, 10)))
    return rng.choice(["-", "&", "No.", "(S)", "@", "Tel:", "RM", "$", "x", "*", "#"])


def phrase(rng, n, upper=False):
    text = " ".join(word(rng) for _ in range(n))
    return text.upper() if upper else text


def fitting(page, font, width, upper=False):
    rng = page.rng
    text = word(rng)
    while True:
        longer = text + " " + word(rng)
        if page.draw.textlength(longer, font=font) > width:
            break
        text = longer
    return text.upper() if upper else text


def rule(page, x0, y0, x1, y1, ink):
    style = page.rng.random()
    width = page.rng.choice([1, 1, 2, 3])
    if style < 0.75:
        page.draw.line((x0, y0, x1, y1), fill=ink, width=width)
    else:
        step = page.rng.choice([6, 10])
        for x in range(int(x0), int(x1), step):
            page.draw.line((x, y0, x + step // 2, y1), fill=ink, width=width)


def receipt(page):
    rng = page.rng
    path = rng.choice(page.files)
    size, ink = rng.randrange(16, 34), rng.randrange(0, 90)
    font, big = page.font(path, size), page.font(path, int(size * rng.uniform(1.1, 1.9)))
    pitch, upper = size * rng.uniform(1.02, 1.6), rng.random() < 0.6
    margin = rng.randrange(10, 60)
    y = rng.randrange(10, 60)
    if rng.random() < 0.3:
        page.draw.ellipse((page.width / 2 - 60, y, page.width / 2 + 60, y + 70), outline=ink, width=4)
        y += 90
    for n in range(rng.randrange(2, 7)):
        f = big if n == 0 else font
        t = phrase(rng, rng.randrange(1, 5), upper)
        page.text(max(margin, (page.width - page.draw.textlength(t, font=f)) / 2), y, t, f, ink)
        y += pitch * f.size / size
    while y < page.height - size * 2:
        kind = rng.random()
        if kind < 0.1:
            rule(page, margin, y + size / 2, page.width - margin, y + size / 2, ink)
        elif kind < 0.16:
            t = rng.choice("-=*_") * rng.randrange(10, 40)
            page.draw.text((margin, y), t, font=font, fill=ink)
        elif kind < 0.7:
            left = phrase(rng, rng.randrange(1, 4), upper)
            amount = "%.2f" % (rng.random() * rng.choice([10, 100, 1000])) + rng.choice(["", "", " SR", " T"])
            width = page.draw.textlength(left, font=font)
            right = page.width - margin
            if width < right - margin - page.draw.textlength(amount, font=font) - 1.5 * size:
                page.text(margin, y, left, font, ink)
                page.text(0, y, amount, font, ink, right=right)
                if rng.random() < 0.3 and margin + width + 4 * size < right - 8 * size:
                    page.text(margin + width + 2.5 * size, y, str(rng.randrange(100)), font, ink)
        elif kind < 0.92:
            page.text(margin + rng.choice([0, 0, 40]), y, fitting(page, font, (page.width - 2 * margin) * rng.uniform(0.3, 0.95), upper), font, ink)
        y += pitch * rng.choice([1, 1, 1, 1, 1.5, 2])


def paragraphs(page):
    rng = page.rng
    path = rng.choice(page.files)
    size, ink = rng.randrange(13, 30), rng.randrange(0, 80)
    font, head = page.font(path, size), page.font(rng.choice(page.files), int(size * rng.uniform(1.2, 2.2)))
    columns, margin, gutter = rng.choice([1, 1, 2, 2, 3]), rng.randrange(20, 80), rng.randrange(20, 60)
    pitch = size * rng.uniform(1.1, 1.7)
    width = (page.width - 2 * margin - gutter * (columns - 1)) / columns
    top = rng.randrange(20, 80)
    page.text(margin, top, phrase(rng, rng.randrange(2, 6)), head, ink)
    top += head.size * 2
    for c in range(columns):
        x, y = margin + c * (width + gutter), top
        while y < page.height - 2 * size:
            for n in range(rng.randrange(2, 9)):
                if y > page.height - 2 * size:
                    break
                page.text(x, y, fitting(page, font, width * (rng.uniform(0.3, 0.9) if n == 8 else 1)), font, ink)
                y += pitch
            y += pitch * rng.uniform(0.3, 1.5)


def grid(page):
    rng = page.rng
    size, ink = rng.randrange(13, 26), rng.randrange(0, 80)
    font = page.font(rng.choice(page.files), size)
    y = rng.randrange(10, 60)
    while y < page.height - 6 * size:
        columns, rows = rng.randrange(2, 7), rng.randrange(3, 14)
        margin = rng.randrange(15, 70)
        edges = sorted(rng.uniform(margin, page.width - margin) for _ in range(columns - 1))
        edges = [margin] + [e for e in edges] + [page.width - margin]
        pitch, ruled = size * rng.uniform(1.3, 2.4), rng.random()
        numeric = [rng.random() < 0.5 for _ in range(columns)]
        for r in range(rows):
            if y > page.height - 2 * size:
                break
            if ruled < 0.7:
                rule(page, margin, y - 0.2 * pitch, page.width - margin, y - 0.2 * pitch, ink)
            if ruled < 0.5:
                for e in edges:
                    page.draw.line((e, y - 0.2 * pitch, e, y + 0.8 * pitch), fill=ink, width=1)
            for c in range(columns):
                room = edges[c + 1] - edges[c] - size
                if room < 2 * size or rng.random() < 0.12:
                    continue
                t = "%.2f" % (rng.random() * 5000) if numeric[c] and r else fitting(page, font, room)
                if page.draw.textlength(t, font=font) > room:
                    continue
                if numeric[c]:
                    page.text(0, y, t, font, ink, right=edges[c + 1] - size / 2)
                else:
                    page.text(edges[c] + size / 2, y, t, font, ink)
            y += pitch
        y += rng.randrange(20, 90)


def form(page):
    rng = page.rng
    size, ink = rng.randrange(13, 24), rng.randrange(0, 80)
    label, entry = page.font(rng.choice(page.files), size), page.font(rng.choice(page.files), int(size * rng.uniform(0.9, 1.3)))
    y, x = rng.randrange(20, 60), rng.randrange(20, 60)
    t = phrase(rng, rng.randrange(2, 5), True)
    page.text(max(x, (page.width - page.draw.textlength(t, font=entry)) / 2), y, t, entry, ink)
    y += 3 * size
    while y < page.height - 3 * size:
        at = x
        while at < page.width - 12 * size:
            box = page.text(at, y, phrase(rng, rng.randrange(1, 3)) + rng.choice([":", ":", "", " ."]), label, ink)
            if box is None:
                break
            end = min(page.width - 20, box[2] + rng.randrange(6, 24) * size)
            style = rng.random()
            if style < 0.45:
                page.draw.line((box[2] + 6, box[3] + 2, end, box[3] + 2), fill=ink, width=1)
            elif style < 0.6:
                page.draw.text((box[2] + 6, y), "." * int((end - box[2]) / size * 2), font=label, fill=ink)
            elif style < 0.75:
                page.draw.rectangle((box[2] + 6, y - 3, end, box[3] + 5), outline=ink)
            if rng.random() < 0.65 and end - box[2] > 4 * size:
                page.text(box[2] + size, y - rng.choice([0, 1, 3]), fitting(page, entry, end - box[2] - 2 * size), entry, ink)
            if rng.random() < 0.2:
                page.draw.rectangle((end + 6, y, end + 6 + size, y + size), outline=ink)
            at = end + 2 * size
        y += size * rng.uniform(1.6, 3)


def boxes(page):
    """A form of ruled boxes: small labels in their upper corners, entries in another type below or beside them, check boxes."""
    rng = page.rng
    size, ink = rng.randrange(16, 26), rng.randrange(0, 80)
    label, entry = page.font(rng.choice(page.files), size), page.font(rng.choice(page.files), int(size * rng.uniform(1.0, 1.3)))
    margin, upper = rng.randrange(15, 60), rng.random() < 0.5
    y = rng.randrange(15, 60)
    page.text(margin + rng.randrange(0, 200), y, phrase(rng, rng.randrange(2, 6), True), entry, ink)
    y += 2.2 * size
    while y < page.height - 6 * size:
        deep, count = rng.choice([1.6, 1.6, 2.6, 2.6, 4.2]) * size, rng.choice([1, 2, 2, 3, 4])
        edges = [margin] + sorted(rng.uniform(margin + 60, page.width - margin - 60) for _ in range(count - 1)) + [page.width - margin]
        page.draw.rectangle((margin, y, page.width - margin, y + deep), outline=ink, width=rng.choice([1, 1, 2]))
        for left, right in zip(edges, edges[1:]):
            page.draw.line((left, y, left, y + deep), fill=ink, width=1)
            room = right - left - 0.6 * size
            if room < 3 * size:
                continue
            text = phrase(rng, rng.randrange(1, 4), upper) + rng.choice(["", "", ":", " (%d)" % rng.randrange(30)])
            while page.draw.textlength(text, font=label) > room and " " in text:
                text = text.rsplit(" ", 1)[0]
            if page.draw.textlength(text, font=label) > room:
                continue
            page.text(left + 0.25 * size, y + 0.15 * size, text, label, ink)
            used = page.draw.textlength(text, font=label)
            if deep > 2 * size and rng.random() < 0.75:
                for row in range(1 if deep < 4 * size else rng.choice([1, 2])):
                    page.text(left + rng.uniform(0.3, 1) * size, y + (1.25 + 1.3 * row) * size, fitting(page, entry, room * rng.uniform(0.4, 0.9)), entry, ink)
            elif room - used > 5 * size and rng.random() < 0.6:
                page.text(left + used + rng.uniform(0.8, 2.5) * size, y + 0.1 * size, fitting(page, entry, room - used - 3 * size), entry, ink)
        y += deep + (0 if rng.random() < 0.7 else rng.uniform(0.5, 3) * size)
        if rng.random() < 0.15:
            at = margin
            while at < page.width - 12 * size:
                page.draw.rectangle((at, y + 0.3 * size, at + 0.8 * size, y + 1.1 * size), outline=ink)
                box = page.text(at + 1.3 * size, y + 0.1 * size, phrase(rng, rng.randrange(1, 3)), label, ink)
                if box is None:
                    break
                at = box[2] + rng.uniform(1, 4) * size
            y += 1.9 * size


def coarsen(page):
    """The page at the resolution of old scans, its median line 9 to 15 px tall."""
    median = float(np.median([l[3] - l[1] for l in page.lines]))
    factor = page.rng.uniform(9, 15) / median
    if factor < 0.9:
        page.width, page.height = round(page.width * factor), round(page.height * factor)
        page.image = page.image.resize((page.width, page.height), Image.BOX if page.rng.random() < 0.5 else Image.BILINEAR)
        page.lines = [[v * factor for v in l] for l in page.lines]


def decorate(page):
    """What is no text: bars with inverse headers, stamps, blobs, barcodes."""
    rng = page.rng
    if rng.random() < 0.3:
        h = rng.randrange(24, 60)
        y = rng.randrange(0, page.height - h)
        if all(l[3] < y - 2 or l[1] > y + h + 2 for l in page.lines):
            page.draw.rectangle((0, y, page.width, y + h), fill=rng.randrange(0, 90))
            page.text(rng.randrange(5, 60), y + h * 0.2, phrase(rng, rng.randrange(1, 4)), page.font(rng.choice(page.files), int(h * 0.5)), 245)
    if rng.random() < 0.15:
        x, y = rng.randrange(page.width // 2), rng.randrange(page.height - 40)
        if all(l[3] < y or l[1] > y + 40 for l in page.lines):
            for i in range(60):
                if rng.random() < 0.5:
                    page.draw.rectangle((x + 3 * i, y, x + 3 * i + 2, y + 36), fill=20)
    if rng.random() < 0.2:
        x, y, r = rng.randrange(page.width), rng.randrange(page.height), rng.randrange(30, 90)
        page.draw.ellipse((x - r, y - r, x + r, y + r), outline=rng.randrange(90, 190), width=rng.randrange(1, 5))


def degrade(page):
    rng = page.rng
    image = page.image
    if rng.random() < 0.45:
        angle = rng.uniform(-1, 1) * rng.choice([0.5, 1.5, 3])
        image = image.rotate(angle, resample=Image.BICUBIC, fillcolor=page.ground)
        a = np.deg2rad(-angle)
        cx, cy = page.width / 2, page.height / 2
        moved = []
        for x0, y0, x1, y1 in page.lines:
            pts = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float) - [cx, cy]
            pts = pts @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]) + [cx, cy]
            moved.append([*pts.min(0), *pts.max(0)])
        # A long line at an angle is no upright box; only flat ones stay useful.
        page.lines = [m for m in moved]
        page.tilted = abs(angle)
    if rng.random() < 0.5:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.3)))
    array = np.asarray(image, np.float32)
    r = np.random.RandomState(rng.randrange(1 << 30))
    if rng.random() < 0.4:
        h, w = array.shape
        gy, gx = np.linspace(-1, 1, h)[:, None], np.linspace(-1, 1, w)[None, :]
        array = array - (gx * rng.uniform(-25, 25) + gy * rng.uniform(-25, 25))
    if rng.random() < 0.6:
        array = array + r.randn(*array.shape) * rng.uniform(1, 14)
    if rng.random() < 0.25:
        array[r.rand(*array.shape) < 0.002] = rng.choice([0, 60])
    if rng.random() < 0.25:
        array = 255 * (array > rng.randrange(120, 190))
    array = np.clip((array - 128) * rng.uniform(0.6, 1.1) + 128 + rng.uniform(-10, 20), 0, 255)
    image = Image.fromarray(array.astype(np.uint8))
    if rng.random() < 0.6:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=rng.randrange(30, 85))
        image = Image.open(buffer).convert("L")
    return image


def make_page(seed, font_files):
    rng = random.Random(seed)
    kind = rng.choice([receipt, receipt, paragraphs, grid, form, boxes])
    width, height = (rng.randrange(380, 800), rng.randrange(700, 1400)) if kind is receipt else (rng.randrange(700, 1100), rng.randrange(800, 1400))
    page = Page(rng, width, height, font_files)
    page.tilted = 0
    kind(page)
    decorate(page)
    if kind is not receipt and len(page.lines) > 2 and rng.random() < 0.4:
        coarsen(page)
    image = degrade(page)
    return image, [[round(float(v), 1) for v in l] for l in page.lines], page.tilted


def main():
    folder, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
    os.makedirs(folder, exist_ok=True)
    index = os.path.join(folder, "pages.jsonl")
    have = sum(1 for _ in open(index)) if os.path.exists(index) else 0
    files = fonts()
    print("%d fonts, %d pages there" % (len(files), have), flush=True)
    with open(index, "a") as out:
        for n in range(have, count):
            image, lines, tilted = make_page(seed * 1_000_003 + n, files)
            image.save(os.path.join(folder, "%05d.png" % n))
            out.write(json.dumps({"image": "%05d.png" % n, "lines": lines, "tilted": tilted}) + "\n")
            out.flush()


if __name__ == "__main__":
    main()
