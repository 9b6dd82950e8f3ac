#!/usr/bin/env python3
"""Score typed values against hand-made labels.

usage: types.py DEV_DIR STAGES [--part check] [--show]

DEV_DIR holds sroie/ and invoices/ with truth.jsonl and images; STAGES is the bench program. The words of the truth, not recognised ones,
are typed, so that only the typing is judged. labels.tsv holds part, document, type and normalised value of every date, time, amount,
percentage, phone, e-mail, web address, IBAN, BIC, VAT and EAN/GLN number of the documents, read from their transcripts by hand before any
program had typed them. Faults found on the part "worked" were corrected; the part "check" was labelled and scored after that. An amount has a currency mark or two decimals. A value is right when its type and normalised value are labelled; each label
is used once. Values of other types (integers, measures, codes) are not judged. Prints one JSON line. Standard library only.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GROUPS = {"email": "email", "url": "url", "phone": "phone", "iban": "iban", "bic": "bic", "ean": "ean", "gtin": "ean", "gln": "ean",
          "vat_id": "vat", "vat": "vat", "date": "date", "time": "time", "percent": "percent", "amount": "amount"}


def group(value):
    for name in (value["semantic_type"], value["simple_type"]):
        found = GROUPS.get(re.sub(r"(_number|_code|_id)?$", "", name or "")) or GROUPS.get(name or "")
        if found:
            return found
    return None


def plain(kind, text):
    """One spelling a value: numbers without trailing zeros, telephone numbers as their last digits, codes without marks."""
    if kind in ("amount", "percent"):
        return "%.4f" % float(text)
    if kind == "time":
        return text[:-3] if text.count(":") == 2 and text.endswith(":00") else text
    if kind == "phone":
        return re.sub(r"\D", "", text).lstrip("0")[-8:]
    if kind == "url":
        return re.sub(r"^https?://", "", text).rstrip("/").lower()
    return text.replace(" ", "").lower()


def document(record):
    """The truth's words as a NAME.json with one line a truth line."""
    lines = collections.OrderedDict()
    if record.get("words"):
        for n, w in enumerate(record["words"]):
            if w["text"].strip():
                lines.setdefault(w.get("line", ("w", n)), []).append((w["text"], w["box"]))
    else:
        for n, line in enumerate(record["lines"]):
            x0, y0, x1, y1 = line["box"]
            step, at = (x1 - x0) / max(1, len(line["text"])), 0
            for token in line["text"].split():
                at = line["text"].index(token, at)
                lines.setdefault(n, []).append((token, [x0 + step * at, y0, x0 + step * (at + len(token)), y1]))
                at += len(token)
    words, out = [], []
    for n, tokens in enumerate(lines.values()):
        ids = []
        for text, box in tokens:
            ids.append("w%d" % (len(words) + 1))
            words.append({"id": ids[-1], "text": text, "box": [round(v) for v in box], "confidence": 0.9, "line": "l%d" % (n + 1)})
        boxes = [b for _, b in tokens]
        box = [round(f(b[k] for b in boxes)) for k, f in enumerate((min, min, max, max))]
        out.append({"id": "l%d" % (n + 1), "text": " ".join(t for t, _ in tokens), "box": box, "words": ids, "block": None})
    page = {"page": 1, "width": record["width"], "height": record["height"], "words": words, "lines": out, "blocks": []}
    return {"document": {"name": record["id"], "sha256": ""}, "pages": [page], "fields": {}, "timings": {}, "models": {}}


def typed(dev, stages, wanted):
    """Runs the later stages over the wanted documents; gives the values of each."""
    with tempfile.TemporaryDirectory() as folder:
        images, names = [], {}
        for part in ("sroie", "invoices"):
            for line in open(os.path.join(dev, part, "truth.jsonl"), encoding="utf-8"):
                record = json.loads(line)
                if record["id"] not in wanted:
                    continue
                images.append(os.path.join(dev, part, record["image"]))
                names[record["id"]] = os.path.splitext(os.path.basename(record["image"]))[0] + ".json"
                with open(os.path.join(folder, names[record["id"]]), "w", encoding="utf-8") as f:
                    json.dump(document(record), f)
        subprocess.run([stages, "finish", folder, os.path.join(folder, "out")] + images, check=True, stdout=subprocess.DEVNULL)
        return {i: json.load(open(os.path.join(folder, "out", n), encoding="utf-8"))["pages"][0]["values"] for i, n in names.items()}


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("dev")
    p.add_argument("stages")
    p.add_argument("--part", help="worked or check; both otherwise")
    p.add_argument("--show", action="store_true", help="print each value that is missing or false")
    a = p.parse_args()
    labels = collections.defaultdict(collections.Counter)
    for line in open(os.path.join(HERE, "labels.tsv"), encoding="utf-8"):
        part, name, kind, value = line.rstrip("\n").split("\t")
        if a.part in (None, part):
            labels[name][kind, plain(kind, value)] += 1
    count = collections.Counter()
    for name, values in typed(a.dev, a.stages, labels).items():
        got = collections.Counter((group(v), plain(group(v), v["normalized"])) for v in values if group(v))
        right = got & labels[name]
        for kind, counter in (("right", right), ("found", got), ("there", labels[name])):
            for (type_, _), n in counter.items():
                count[type_, kind] += n
                count["all", kind] += n
        if a.show:
            for word, rest in (("missing", labels[name] - got), ("false", got - labels[name])):
                for (type_, value), n in rest.items():
                    print(name, word, type_, value, n)
    result = {}
    for kind in sorted({k for k, _ in count}):
        precision, recall = (count[kind, "right"] / max(1, count[kind, k]) for k in ("found", "there"))
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
        result[kind] = {"p": round(precision, 3), "r": round(recall, 3), "f1": round(f1, 3), "n": count[kind, "there"]}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
