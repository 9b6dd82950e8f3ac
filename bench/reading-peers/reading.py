"""Readers of documents side by side: word F1, character error rate and CPU seconds on the same pages in one run.

    reading.py SCORE_DIR SET_DIR:PAGES...

SET_DIR holds truth.jsonl and its images, SCORE_DIR score_ocr.py, tsv2pred.py and lectern2pred.py. Every program reads all pages of a
set in one process where it can, with one thread; its CPU seconds (children included) are those of that run, its start is measured
on one tiny page and told apart. What cannot be had is named and left out. RapidOCR comes from PyPI, into the cache, once.
"""
import json
import os
import resource
import subprocess
import sys
import tempfile

BUILD = os.environ["LECTERN_BUILD"]
LECTERN = os.path.join(BUILD, "lectern")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lectern", "reading-peers")
ONE_THREAD = {**os.environ, "OMP_THREAD_LIMIT": "1", "OMP_NUM_THREADS": "1"}
SCORE = sys.argv[1]

# Reads files with RapidOCR's defaults and one thread; prints a line of JSON a page.
RAPID = """
import json, os, sys
from rapidocr import RapidOCR
engine = RapidOCR(params={"EngineConfig.onnxruntime.intra_op_num_threads": 1, "EngineConfig.onnxruntime.inter_op_num_threads": 1,
                          "Global.log_level": "error"})
for path in sys.argv[1:]:
    found = engine(path)
    lines = []
    for box, text in zip(found.boxes if found.boxes is not None else [], found.txts or []):
        xs, ys = [float(p[0]) for p in box], [float(p[1]) for p in box]
        lines.append({"text": text, "box": [min(xs), min(ys), max(xs), max(ys)]})
    print("PAGE " + json.dumps({"image": os.path.basename(path), "lines": lines}), flush=True)
"""


class Missing(Exception):
    pass


def cpu(command, **options):
    """CPU seconds and standard output of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ONE_THREAD, **options)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise Missing("%s: %s" % (os.path.basename(command[0]), (done.stderr.strip().splitlines() or ["failed"])[-1][:200]))
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def converted(script, *arguments):
    return subprocess.run([sys.executable, os.path.join(SCORE, script), *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


def tesseract(pages, truth, folder):
    """One process over a list of files; the TSV of the list is cut at its pages."""
    listing = os.path.join(folder, "list.txt")
    with open(listing, "w") as out:
        out.write("\n".join(pages) + "\n")
    seconds, text = cpu(["tesseract", listing, "-", "--psm", "3", "tsv"])
    head, *rows = text.splitlines()
    for number, page in enumerate(pages, 1):
        name = os.path.splitext(os.path.basename(page))[0] + ".tsv"
        with open(os.path.join(folder, name), "w", encoding="utf-8") as out:
            own = [row for row in rows if row.split("\t")[1:2] == [str(number)]]
            out.write("\n".join([head, *own]) + "\n")
    return seconds, converted("tsv2pred.py", truth, folder, "--split-gap", "1.5")


def ocrmypdf(pages, truth, folder):
    """One process a page, as it is used; its own text file is what it read, without boxes."""
    total, records = 0, []
    for page in pages:
        text = os.path.join(folder, os.path.basename(page) + ".txt")
        seconds, _ = cpu(["ocrmypdf", "--jobs", "1", "--output-type", "pdf", "--image-dpi", "150", "--optimize", "0", "--sidecar", text,
                          "-q", page, os.path.join(folder, "out.pdf")])
        total += seconds
        with open(text, encoding="utf-8") as file:
            records.append(json.dumps({"image": os.path.basename(page), "text": file.read()}, ensure_ascii=False))
    return total, "\n".join(records) + "\n"


def rapidocr(pages, truth, folder):
    python = os.path.join(CACHE, "bin", "python3")
    if not os.path.exists(os.path.join(CACHE, "ready")):
        subprocess.run([sys.executable, "-m", "venv", CACHE], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "rapidocr==3.10.0", "onnxruntime"], check=True)
        open(os.path.join(CACHE, "ready"), "w").close()
    seconds, text = cpu([python, "-c", RAPID, *pages])
    return seconds, "\n".join(line[5:] for line in text.splitlines() if line.startswith("PAGE ")) + "\n"


def lectern(*options):
    def read(pages, truth, folder):
        out = os.path.join(folder, "out")
        seconds, _ = cpu([LECTERN, "read", "--engine", "in-process", "--concurrency", "1", "--force", "--quiet", "--out", out, *options,
                          *pages])
        return seconds, converted("lectern2pred.py", "ocr", truth, out)
    return read


READERS = {
    "lectern": lectern(),
    "lectern --detector ctpn": lectern("--detector", "ctpn"),
    "lectern --recognizer tesseract": lectern("--recognizer", "tesseract"),
    "tesseract psm 3, list file": tesseract,
    "rapidocr 3.10.0": rapidocr,
    "ocrmypdf, a process a page": ocrmypdf,
}
LEFT_OUT = {
    "paddleocr": "its package fetches the models from servers that are no package registry",
    "doctr": "its package fetches the weights from a server that is no package registry",
}


def measure(name, read, pages, truth):
    with tempfile.TemporaryDirectory(prefix="lectern-reading-") as folder:
        seconds, found = read(pages, truth, folder)
        path = os.path.join(folder, "found.jsonl")
        with open(path, "w", encoding="utf-8") as out:
            out.write(found)
        scores = json.loads(converted("score_ocr.py", truth, path))
    return {"reader": name, "word_f1": scores["word_f1"], "cer": scores["cer"], "cpu_s_page": round(seconds / len(pages), 3)}


def main():
    for chosen in sys.argv[2:]:
        root, _, count = chosen.partition(":")
        with open(os.path.join(root, "truth.jsonl"), encoding="utf-8") as file:
            lines = [line for line in file if line.strip()][:int(count or 20)]
        pages = [os.path.abspath(os.path.join(root, json.loads(line)["image"])) for line in lines]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as truth:
            truth.writelines(lines)
            truth.flush()
            for name, read in READERS.items():
                try:
                    result = measure(name, read, pages, truth.name)
                except (Missing, OSError, subprocess.CalledProcessError) as error:
                    result = {"reader": name, "left_out": str(error)[:300]}
                print(json.dumps({"set": os.path.basename(os.path.normpath(root)), "pages": len(pages), **result,
                                  "load": open("/proc/loadavg").read().split()[0]}), flush=True)
    for name, why in LEFT_OUT.items():
        print(json.dumps({"reader": name, "left_out": why}))


main()
