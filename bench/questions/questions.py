#!/usr/bin/env python3
"""Ask a document database questions whose answers are known.

usage: questions.py DEV_DIR DATABASE [--lectern ./lectern] [--show]

DEV_DIR holds sroie/, invoices/ and tables/ with truth.jsonl; DATABASE was filled by `lectern read` over their images. Questions (several
wordings a field, cells by row and column, and some that no document answers) come from the truth of the documents in the database.
Prints one JSON line: right and asked for each kind, and the shares of right answers and of right "not found". Standard library only.
"""
import argparse
import collections
import json
import os
import re
import subprocess
import unicodedata

WORDINGS = {
    "total": ["What is the total?", "How much was paid in total?", "What is the total amount on the receipt?"],
    "date": ["When was it issued?", "What is the date of the receipt?", "On which date was this purchase made?"],
    "company": ["Which company issued this?", "Who is the seller?", "What is the name of the store?"],
    "address": ["What is the address of the company?", "Where is the shop located?", "What is the address?"],
    "invoice_number": ["What is the invoice number?", "What is the number of the invoice?"],
    "amount": ["What is the invoice amount?", "What is the total amount?"],
    "currency": ["Which currency is used?", "What is the currency?"],
}
ABSENT = ["What is the passport number?", "What is the blood pressure of the patient?", "What is the flight number?"]


def squash(text):
    return re.sub(r"[^0-9A-Z\u00c0-\uffff]", "", unicodedata.normalize("NFKC", str(text)).upper())


def as_number(text):
    found = re.sub(r"[^0-9.,-]", "", str(text))
    if re.search(r",\d{2}$", found):
        found = found.replace(".", "").replace(",", ".")
    try:
        return round(float(found.replace(",", "")), 2)
    except ValueError:
        return None


def as_date(text):
    months = {m: i + 1 for i, m in enumerate("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split())}
    text = str(text).upper()
    found = re.search(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})", text)
    if found:
        return tuple(map(int, found.groups()))
    found = re.search(r"(\d{1,2})[-/. ]+(\d{1,2}|[A-Z]{3})[A-Z]*[-/. ]+(\d{4}|\d{2})", text)
    if not found:
        return None
    day, month, year = found.groups()
    month = months.get(month[:3], 0) if month[0].isalpha() else int(month)
    return (int(year) + (2000 if len(year) == 2 else 0), month, int(day))


def same(kind, want, got):
    if got is None:
        return False
    if kind in ("total", "amount"):
        return as_number(want) is not None and as_number(want) == as_number(got)
    if kind == "date":
        return as_date(want) is not None and as_date(want) == as_date(got)
    return squash(want) == squash(got)


def cell_questions(table):
    first = min(c["c0"] for c in table["cells"])
    heads = [c for c in table["cells"] if c["r0"] <= 1 and c["c0"] > first and c["c0"] == c["c1"] and len(c["text"]) > 3
             and not re.search(r"\d", c["text"])]
    labels = [c for c in table["cells"] if c["c0"] == first and c["r0"] > 2 and len(c["text"]) > 3]
    for head in heads[:2]:
        for label in labels[1:3]:
            values = [c["text"] for c in table["cells"] if c["r0"] == label["r0"] and c["c0"] == head["c0"] and c["text"]]
            if values:
                yield "What is the %s of %s?" % (head["text"], label["text"]), values[0]


def on_page(field, value, record):
    """An invoice's fields are those of the whole document; a page answers what stands on it. Receipts are one page."""
    if field not in ("total", "amount") or "words" not in record:
        return True
    return squash(value) in squash("".join(w["text"] for w in record["words"]))


def triples(dev, names):
    for part in ("sroie", "invoices", "tables"):
        path = os.path.join(dev, part, "truth.jsonl")
        if not os.path.exists(path):
            continue
        for number, line in enumerate(open(path, encoding="utf-8")):
            record = json.loads(line)
            name = os.path.splitext(os.path.basename(record["image"]))[0]
            if name not in names:
                continue
            for field, value in (record.get("fields") or {}).items():
                if field in WORDINGS and on_page(field, value, record):
                    yield name, WORDINGS[field][number % len(WORDINGS[field])], field, value
            for table in record.get("tables", [])[:1]:
                for question, value in cell_questions(table):
                    yield name, question, "cell", value
            yield name, ABSENT[number % len(ABSENT)], "absent", None


def ask(lectern, database, name, questions):
    done = subprocess.run([lectern, "query", database, "--document", name, "--json"] + questions, capture_output=True, text=True,
                          check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("dev")
    p.add_argument("database")
    p.add_argument("--lectern", default="./lectern")
    p.add_argument("--show", action="store_true", help="print each wrong answer")
    a = p.parse_args()
    listed = subprocess.run([a.lectern, "query", a.database, "--sql", "SELECT name FROM document", "--json"], capture_output=True, text=True,
                            check=True)
    by_name = collections.defaultdict(list)
    for triple in triples(a.dev, {row["name"] for row in json.loads(listed.stdout)}):
        by_name[triple[0]].append(triple)
    count = collections.Counter()
    for name, asked in by_name.items():
        for (_, question, kind, want), answer in zip(asked, ask(a.lectern, a.database, name, [t[1] for t in asked])):
            if want is None:
                right = answer["answer"] is None
            else:
                right = same(kind, want, answer["answer"]) or same(kind, want, answer["normalized"])
            count[kind, "right"] += right
            count[kind, "asked"] += 1
            if a.show and not right:
                print(json.dumps([name, question, want, answer["answer"]], ensure_ascii=False))
    kinds = sorted({k for k, _ in count})
    known = [k for k in kinds if k != "absent"]
    asked = sum(count[k, "asked"] for k in known)
    result = {k: [count[k, "right"], count[k, "asked"]] for k in kinds}
    result["share"] = round(sum(count[k, "right"] for k in known) / asked, 4) if asked else None
    result["not_found"] = round(count["absent", "right"] / count["absent", "asked"], 4) if count["absent", "asked"] else None
    print(json.dumps(result))


if __name__ == "__main__":
    main()
