#!/usr/bin/env python3
"""Records the events of src/functions/serverless.yml: what each function of the chain pdf, ocr, types, relations, tables was
given when it read invoice.png as a searchable PDF, and what read is given for receipt.jpg. ocr_event.json is a strip of receipt.jpg.

usage: make_events.py LECTERN ENDPOINT [FOLDER]    with `lectern serve --config src/functions/serverless.yml` at ENDPOINT
"""
import base64
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def content(path):
    with open(path, "rb") as file:
        return base64.b64encode(file.read()).decode()


def searchable_pdf(lectern, image):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([lectern, "read", image, "--engine", "in-process", "--format", "pdf", "--out", folder], check=True,
                       stdout=subprocess.DEVNULL)
        return content(os.path.join(folder, os.path.splitext(os.path.basename(image))[0] + ".pdf"))


def chain(invoke, pdf):
    """The events of one PDF page through the functions, and what the last one answered."""
    events = {"pdf": {"pdf_base64": pdf}}
    page = invoke("pdf", events["pdf"])["rendered"][0]
    read = invoke("ocr", page)
    events["types"] = {"document": {"document": {"name": "invoice.pdf"}, "pages": [read["page"]]}}
    events["relations"] = invoke("types", events["types"])
    events["tables"] = invoke("relations", events["relations"])
    return events, invoke("tables", events["tables"])


def main():
    lectern, endpoint = sys.argv[1:3]
    folder = sys.argv[3] if len(sys.argv) > 3 else HERE

    def invoke(function, event):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(event, file)
            file.flush()
            done = subprocess.run([lectern, "invoke", function, "--payload", "@" + file.name, "--endpoint", endpoint],
                                  check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    events, _ = chain(invoke, searchable_pdf(lectern, os.path.join(HERE, "invoice.png")))
    events["read"] = {"name": "receipt.jpg", "file_base64": content(os.path.join(HERE, "receipt.jpg"))}
    for name, event in events.items():
        with open(os.path.join(folder, name + "_event.json"), "w") as out:
            json.dump(event, out, ensure_ascii=False, separators=(",", ":"))
            out.write("\n")


if __name__ == "__main__":
    main()
