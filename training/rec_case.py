#!/usr/bin/env python3
"""Reads the SROIE training lines with PP-OCR v6 tiny, because their transcripts are upper case and the receipts are not.

usage: rec_case.py SROIE_FOLDER OUT.jsonl     goes on where an earlier run stopped

rec_data.py takes the case of letters from these readings, and everything else from the transcripts. Needs onnxruntime.
"""
import json
import os
import sys

import cv2
import numpy as np
import onnxruntime

MODEL = os.path.expanduser("~/.cache/lectern/assets/models/ppocr-v6-rec-tiny.onnx")


def main(folder, out):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(MODEL, options, providers=["CPUExecutionProvider"])
    alphabet = [line.rstrip("\n") for line in open(MODEL.replace(".onnx", ".txt"))]
    have = sum(1 for _ in open(out)) if os.path.exists(out) else 0
    with open(out, "a") as sink:
        for n, page in enumerate(open(os.path.join(folder, "truth.jsonl"))):
            if n < have:
                continue
            page = json.loads(page)
            image = cv2.imread(os.path.join(folder, page["image"]), cv2.IMREAD_GRAYSCALE)
            readings = []
            for line in page["lines"]:
                x0, y0, x1, y1 = line["box"]
                grow = 0.18 * (y1 - y0)
                crop = image[max(0, int(y0 - grow)):int(y1 + grow), max(0, int(x0 - grow)):int(x1 + grow)]
                if crop.size == 0 or crop.shape[0] < 4:
                    readings.append("")
                    continue
                scale = 48 / crop.shape[0]
                width = max(16, int(crop.shape[1] * scale))
                crop = cv2.resize(crop, (width, 48), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
                x = np.zeros((1, 3, 48, (width + 7) // 8 * 8), np.float32)
                x[..., :width] = crop.astype(np.float32) / 127.5 - 1
                best = session.run(None, {session.get_inputs()[0].name: x})[0][0].argmax(1)
                kept = [b for b, before in zip(best, [0, *best[:-1]]) if b and b != before]
                readings.append("".join(alphabet[b - 1] if b <= len(alphabet) else " " for b in kept).strip())
            sink.write(json.dumps({"id": page["id"], "readings": readings}, ensure_ascii=False) + "\n")
            sink.flush()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
