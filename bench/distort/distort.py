"""What distortions cost and what image preparation gets back: error rates of distorted copies of real pages.

    distort.py SCORE_DIR SET_DIR[:PAGES]... [--only NAME,...] [--keep DIR]

SET_DIR holds truth.jsonl and its images; SCORE_DIR holds score_ocr.py. Each page is distorted (fixed seeds), read by
$LECTERN_BUILD/bench/bin/stages with and without preparation, and the found boxes are carried back to the undistorted page, so that
the truth's own boxes judge them. One line of JSON a set, distortion and way of reading. Needs Pillow and NumPy.
"""
import argparse
import json
import math
import os
import resource
import subprocess
import sys
import tempfile

import numpy
from PIL import Image, ImageFilter

Image.MAX_IMAGE_PIXELS = None
STAGES = os.path.join(os.environ.get("LECTERN_BUILD", "build/release"), "bench", "bin", "stages")


def turned(degrees):
    """Degrees clockwise by which the page lies turned."""
    return lambda page, rng: page.rotate(-degrees, expand=True, fillcolor=ground(page), resample=Image.BICUBIC)


def ground(page):
    return int(numpy.percentile(numpy.asarray(page), 80))


def pixels(change):
    def apply(page, rng):
        values = change(numpy.asarray(page, dtype=numpy.float32), rng)
        return Image.fromarray(numpy.clip(values, 0, 255).astype(numpy.uint8))
    return apply


def shadow(values, rng):
    """Light falls off towards a corner: a photograph's ground."""
    h, w = values.shape
    light = 1 - 0.65 * (numpy.linspace(0, 1, h)[:, None] * 0.6 + numpy.linspace(0, 1, w)[None, :] * 0.4)
    return values * light


def speckle(values, rng):
    noise = rng.random(values.shape)
    return numpy.where(noise < 0.01, 0, numpy.where(noise > 0.99, 255, values))


def specks(values, rng):
    """Dirt of two by two pixels."""
    h, w = values.shape
    noise = rng.random((h // 2 + 1, w // 2 + 1)).repeat(2, 0).repeat(2, 1)[:h, :w]
    return numpy.where(noise < 0.004, 0, values)


def smaller(factor):
    return lambda page, rng: page.resize((max(1, round(page.width / factor)), max(1, round(page.height / factor))), Image.BOX)


DISTORTIONS = {
    "none": (0, 1, lambda page, rng: page),
    "turned 90": (90, 1, turned(90)),
    "turned 180": (180, 1, turned(180)),
    "turned 270": (270, 1, turned(270)),
    "skew 1": (1, 1, turned(1)),
    "skew -3": (-3, 1, turned(-3)),
    "skew 7": (7, 1, turned(7)),
    "turned 94": (94, 1, turned(94)),
    "inverted": (0, 1, lambda page, rng: page.point(lambda v: 255 - v)),
    "shadow": (0, 1, pixels(shadow)),
    "faded": (0, 1, pixels(lambda v, rng: 190 + (v - 255) * 0.25 + rng.normal(0, 3, v.shape))),
    "speckle": (0, 1, pixels(speckle)),
    "specks": (0, 1, pixels(specks)),
    "half size": (0, 2, smaller(2)),
    "blur": (0, 1, lambda page, rng: page.filter(ImageFilter.GaussianBlur(1.5))),
}


def back(box, page, degrees, shrink, size):
    """A box of a page as read, in pixels of the undistorted page: its corners are carried back, their hull is taken."""
    left = math.radians(-(degrees + page["rotation"]))
    cos, sin = math.cos(left), math.sin(left)
    xs, ys = [], []
    for x, y in box:
        # The page as read and the undistorted page share their centre.
        dx, dy = (x - page["width"] / 2) * shrink, (y - page["height"] / 2) * shrink
        xs.append(dx * cos - dy * sin + size[0] / 2)
        ys.append(dx * sin + dy * cos + size[1] / 2)
    return [min(xs), min(ys), max(xs), max(ys)]


def read(pages, folder, prepared):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    env = {**os.environ, "LECTERN_PREPARE": "1" if prepared else "0"}
    subprocess.run([STAGES, "ocr", folder] + pages, env=env, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(score, records, root, name, folder):
    degrees, shrink, change = DISTORTIONS[name]
    pages, sizes = [], []
    for i, record in enumerate(records):
        page = Image.open(os.path.join(root, record["image"])).convert("L")
        sizes.append(page.size)
        pages.append(os.path.join(folder, "%03d.png" % i))
        change(page, numpy.random.default_rng(i)).save(pages[-1])
    truth = os.path.join(folder, "truth.jsonl")
    with open(truth, "w", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")
    result = {}
    for prepared in (False, True):
        cpu = read(pages, folder, prepared)
        found = os.path.join(folder, "found.jsonl")
        right, millis = 0, 0
        with open(found, "w", encoding="utf-8") as out:
            for i, record in enumerate(records):
                with open(pages[i].replace(".png", ".json"), encoding="utf-8") as file:
                    document = json.load(file)
                page = document["pages"][0]
                millis += document["timings"].get("prepare", 0)
                right += (page["rotation"] + round(degrees / 90) * 90) % 360 == 0
                lines = [{"text": line["text"], "box": back(line["quad"], page, degrees, shrink, sizes[i])} for line in page["lines"]]
                words = [{"text": word["text"], "box": back(corners(word["box"]), page, degrees, shrink, sizes[i])}
                         for word in page["words"]]
                out.write(json.dumps({"id": record["id"], "lines": lines, "words": words}, ensure_ascii=False) + "\n")
        done = subprocess.run([sys.executable, os.path.join(score, "score_ocr.py"), truth, found], capture_output=True, text=True, check=True)
        scores = json.loads(done.stdout)
        result["prepared" if prepared else "plain"] = {
            "word_f1": scores["word_f1"], "cer": scores["cer"], "det_f1": scores.get("det_f1"), "upright": right,
            "cpu_s_page": round(cpu / len(records), 2), "prepare_ms_page": round(millis / len(records), 1)}
    return result


def corners(box):
    return [(box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3])]


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("score")
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep")
    arguments = parser.parse_args()
    wanted = [name for name in arguments.only.split(",") if name] or list(DISTORTIONS)
    for chosen in arguments.sets:
        root, _, count = chosen.partition(":")
        with open(os.path.join(root, "truth.jsonl"), encoding="utf-8") as file:
            records = [json.loads(line) for line in file if line.strip()][:int(count or 10)]
        for name in wanted:
            with tempfile.TemporaryDirectory(prefix="lectern-distort-") as folder:
                folder = arguments.keep or folder
                os.makedirs(folder, exist_ok=True)
                result = measure(arguments.score, records, root, name, folder)
            for way, values in result.items():
                print(json.dumps({"set": os.path.basename(os.path.normpath(root)), "pages": len(records), "distortion": name,
                                  "read": way, **values, "load": open("/proc/loadavg").read().split()[0]}), flush=True)


main()
