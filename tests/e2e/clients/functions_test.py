"""src/functions/serverless.yml as it is: packed, verified on the recorded events, served, invoked with awscli, chained by payload."""
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile

import documents
from served import BUILD, PATIENCE, Served, call

LECTERN = os.path.join(BUILD, "lectern")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CONFIG = os.path.join(ROOT, "src", "functions", "serverless.yml")
SAMPLES = os.path.join(ROOT, "samples")
ASSETS = os.environ.get("LECTERN_ASSETS") or os.path.join(os.path.expanduser("~"), ".cache", "lectern", "assets")
NAMES = ["ocr", "types", "relations", "tables", "pdf", "read"]
OCR_BYTES, OCR_SHARE, REQUEST_BYTES = 40e6, 1 / 3, 50 * 1024 * 1024

sys.path.insert(0, SAMPLES)
import make_events  # noqa: E402


def run(*command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, timeout=4 * PATIENCE, env={**os.environ, **(env or {})})
    assert done.returncode == 0, (command, done.returncode, done.stdout[-3000:], done.stderr[-3000:])
    return done.stdout


def packed(bundles):
    report = json.loads(run(LECTERN, "pack", "--config", CONFIG, "--out", bundles, "--verify", "--explain", "--json"))
    sizes = {f["name"]: f for f in report["functions"]}
    assert list(sizes) == NAMES, list(sizes)
    for name, one in sizes.items():
        print("%-9s %5.1f MB zipped, %5.1f MB unzipped, %.2f of %.1f MB" % (
            name, one["zip_bytes"] / 1e6, one["unzipped_bytes"] / 1e6, one["unzipped_bytes"] / one["untrimmed_bytes"],
            one["untrimmed_bytes"] / 1e6))
        assert one["zip_bytes"] < REQUEST_BYTES, one["name"]
        for file in one["table"]:
            assert file["drop"]["breaks"] and file["drop"]["frees_bytes"] >= file["bytes"], file
    ocr = sizes["ocr"]
    if os.path.exists(os.path.join(BUILD, "functions", "ocr", "bootstrap.untrimmed")):
        assert ocr["unzipped_bytes"] <= OCR_BYTES, ocr["unzipped_bytes"]
        assert ocr["unzipped_bytes"] <= OCR_SHARE * ocr["untrimmed_bytes"], (ocr["unzipped_bytes"], ocr["untrimmed_bytes"])
    assert any(file["path"].startswith("models/") for file in ocr["table"]), "the project's own weights travel in the bundle"
    for name in NAMES:
        places = {v["place"]: v for v in report["verified"] if v["function"] == name}
        assert places["engine"]["same"], places
        for place in ("empty root", "Runtime Interface Emulator"):
            assert places[place]["same"] or not places[place]["tried"], places
    print("verified:", sorted({v["place"] for v in report["verified"] if v["same"]}))


def invoked(served):
    """Each function alone on its recorded event, by awscli where there is one."""
    aws = shutil.which("aws")
    env = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1",
           "AWS_ENDPOINT_URL_LAMBDA": served.url}
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "answer.json")
        for name in NAMES:
            event = os.path.join(SAMPLES, name + "_event.json")
            if aws:
                said = json.loads(run(aws, "lambda", "invoke", "--function-name", name, "--payload", "fileb://" + event,
                                      "--cli-read-timeout", str(PATIENCE), out, env=env))
                assert said["StatusCode"] == 200 and "FunctionError" not in said, (name, said)
            else:
                with open(out, "w") as file:
                    file.write(run(LECTERN, "invoke", name, "--payload", "@" + event, "--endpoint", served.url))
            with open(out) as file:
                answer = json.load(file)
            assert {"ocr": "page", "pdf": "rendered", "read": "documents"}.get(name, "document") in answer, (name, answer)
    print("invoked with", "awscli" if aws else "lectern invoke (awscli is not installed)")


def chained(served):
    """pdf, ocr, types, relations and tables over payloads find what stands on the page; read does the same at once."""
    def invoke(name, event):
        error, answer = call(served, name, event)
        assert error is None, (name, answer[:500])
        return json.loads(answer)
    pdf = json.load(open(os.path.join(SAMPLES, "pdf_event.json")))["pdf_base64"]
    _, answer = make_events.chain(invoke, pdf)
    document = answer["document"]
    fields = {name: field["value"] if isinstance(field, dict) else field for name, field in document["fields"].items()}
    assert fields["total"] == "952.00" and fields["vat_id"] == "DE136695976", fields
    assert document["document"]["type"] == "invoice", document["document"]
    tables = document["pages"][0]["tables"]
    assert any(table["kind"] == "ruled" and table["rows"] == 5 and table["cols"] == 5 for table in tables), tables
    rendered = invoke("pdf", {"pdf_base64": pdf})["rendered"]
    read = invoke("read", {"name": "invoice.pdf", "file_base64": pdf, "rendered": rendered})["documents"][0]
    assert read["status"] == "read" and read["type"] == "invoice" and read["fields"]["total"] == "952.00", read
    words_of_a_cut_page(invoke)


def words_of_a_cut_page(invoke):
    """Words stand where the picture shows them, whatever part of the page that is."""
    def places(folder, shown):
        path = os.path.join(folder, "cut.pdf")
        documents.write_pdf(path, 1, shown=shown)
        with open(path, "rb") as file:
            page = invoke("pdf", {"pdf_base64": base64.b64encode(file.read()).decode()})["rendered"][0]
        return page["dpi"], [word["box"] for word in page["words"]]
    with tempfile.TemporaryDirectory(prefix="lectern-cut-") as folder:
        dpi, whole = places(folder, (0, 0, 612, 792))
        _, cut = places(folder, (36, 0, 612, 720))
    for one, other in zip(whole, cut, strict=True):
        assert abs(one[0] - other[0] - 36 * dpi / 72) <= 1 and abs(one[1] - other[1] - 72 * dpi / 72) <= 1, (one, other)


def main():
    if not os.path.isdir(os.path.join(ASSETS, "models")):
        print("SKIPPED: the reading functions need the models (tools/fetch_assets)")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="lectern-functions-") as bundles:
        packed(bundles)
        with Served("--config", CONFIG, env={"LECTERN_BUNDLES": bundles}) as served:
            invoked(served)
            chained(served)


main()
