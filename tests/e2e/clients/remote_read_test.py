"""`lectern read --engine URL` against `lectern serve`: by payload and by path, the same JSON as in-process but for timings."""
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request

import documents
from served import BUILD, PATIENCE, Served, bootstrap

LECTERN = os.path.join(BUILD, "lectern")
SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../samples")
ASSETS = os.environ.get("LECTERN_ASSETS") or os.path.join(
    os.environ.get("LECTERN_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lectern"), "assets")
CONFIG = """service: remote
provider: {name: aws, runtime: provided.al2023, memorySize: 1769, timeout: 120}
functions:
  ocr:
    name: ocr
    handler: bootstrap
    package: {artifact: OCR_CODE}
    environment: {LECTERN_MODELS: WEIGHTS, OMP_THREAD_LIMIT: '1'}
    fileSystemConfig: &shared {arn: 'arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0', localMountPath: /mnt/shared}
  pdf:
    name: pdf
    handler: bootstrap
    package: {artifact: PDF_CODE}
    fileSystemConfig: *shared
custom:
  lectern:
    fileSystems: [{localMountPath: /mnt/shared, directory: FOLDER}]
"""
KEYS = {"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "secret-of-someone"}


def read(out, *arguments, status=0, env=None):
    plain = {k: v for k, v in os.environ.items() if not k.startswith("AWS_ACCESS") and not k.startswith("AWS_SECRET")}
    done = subprocess.run([LECTERN, "read", *arguments, "--out", out, "--quiet"], capture_output=True, text=True, timeout=PATIENCE,
                          env={**plain, **(env or {})})
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    return done.stderr


def pages_of(out):
    found = {}
    for name in sorted(n for n in os.listdir(out) if n.endswith(".json")):
        with open(os.path.join(out, name)) as file:
            found[name] = json.load(file)
        del found[name]["timings"]
    return found


def refused(work, receipt, served):
    """One line each, exit status 1."""
    for arguments, text in ((["--engine", "http://127.0.0.1:1"], "http://127.0.0.1:1: "),
                            (["--engine", served.url, "--function-prefix", "no-"], "has no function 'no-ocr'; deploy it first"),
                            (["--engine", served.url, "--shared", "/nonexistent=/mnt/shared"], "there is no folder /nonexistent")):
        error = read(os.path.join(work, "refused"), receipt, *arguments, status=1)
        assert text in error and error.count("\n") == 1, error
    large = os.path.join(work, "large.bmp")
    with open(large, "wb") as file:  # 2400 x 2400 grey, uncompressed
        palette = b"".join(bytes([g, g, g, 0]) for g in range(256))
        size = 14 + 40 + len(palette) + 2400 * 2400
        file.write(b"BM" + size.to_bytes(4, "little") + bytes(4) + (54 + len(palette)).to_bytes(4, "little"))
        file.write((40).to_bytes(4, "little") + (2400).to_bytes(4, "little") * 2 + b"\1\0\x08\0" + bytes(4) + (2400 * 2400).to_bytes(4, "little"))
        file.write(bytes(8) + (256).to_bytes(4, "little") * 2 + palette + b"\xff" * (2400 * 2400))
    error = read(os.path.join(work, "refused"), large, "--engine", served.url, status=1)
    assert "--shared" in error and error.count("\n") == 1, error


def throttled(work, served):
    """Pages at once, of which the function takes one at a time: the refused ones are asked for again."""
    limit = urllib.request.Request(served.url + "/2017-10-31/functions/ocr/concurrency", b'{"ReservedConcurrentExecutions": 1}', method="PUT")
    urllib.request.urlopen(limit, timeout=PATIENCE).read()
    path, out = os.path.join(work, "busy.pdf"), os.path.join(work, "busy")
    documents.write_pdf(path, 6)
    read(out, path, "--engine", served.url, "--concurrency", "3")
    assert [page["page"] for page in pages_of(out)["busy.json"]["pages"]] == [1, 2, 3, 4, 5, 6]
    metrics = urllib.request.urlopen(served.url + "/metrics", timeout=PATIENCE).read().decode()
    refused = [line for line in metrics.splitlines() if line.startswith('lectern_throttles_total{function="ocr"')]
    assert refused and float(refused[0].split()[-1]) > 0, refused


def tls_front(work, port):
    """Takes https connections and hands their bytes to `port`. The listening socket and the certificate; nothing without openssl."""
    if not shutil.which("openssl"):
        return None, None
    key, certificate = os.path.join(work, "key.pem"), os.path.join(work, "certificate.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def serve():
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            try:
                link = context.wrap_socket(plain, server_side=True)
            except OSError:
                continue
            back = socket.create_connection(("127.0.0.1", port))
            for pair in ((link, back), (back, link)):
                threading.Thread(target=pump, args=pair, daemon=True).start()
    threading.Thread(target=serve, daemon=True).start()
    return listener, certificate


def main():
    if not os.path.isdir(os.path.join(ASSETS, "models")):
        print("SKIPPED: the models are not fetched")
        return 77
    with tempfile.TemporaryDirectory(prefix="lectern-remote-") as work:
        os.chmod(work, 0o755)
        shared = os.path.join(work, "shared")
        os.mkdir(shared)
        os.chmod(shared, 0o777)
        shutil.copytree(os.path.join(ASSETS, "models"), os.path.join(shared, "models"))
        files = os.path.join(work, "files")
        os.mkdir(files)
        receipt = shutil.copy(os.path.join(SAMPLES, "receipt.jpg"), files)
        documents.write_pdf(os.path.join(files, "text.pdf"), 2)
        documents.write_scan_pdf(os.path.join(files, "scan.pdf"), receipt)
        there = "/mnt/shared"

        config = (CONFIG.replace("OCR_CODE", os.path.dirname(bootstrap("ocr"))).replace("PDF_CODE", os.path.dirname(bootstrap("pdf")))
                  .replace("FOLDER", shared).replace("WEIGHTS", there + "/models"))
        with Served("--require-signature", config=config, env=KEYS) as served:
            read(os.path.join(work, "here"), files, "--engine", "in-process")
            read(os.path.join(work, "payload"), files, "--engine", served.url, env=KEYS)
            expected = pages_of(os.path.join(work, "here"))
            assert sorted(expected) == ["receipt.json", "scan.json", "text.json"] and len(expected["scan.json"]["pages"][0]["words"]) > 60
            assert pages_of(os.path.join(work, "payload")) == expected
            print("ok by payload, signed")
            read(os.path.join(work, "path"), files, "--engine", served.url, "--shared", "%s=%s" % (shared, there), env=KEYS)
            assert pages_of(os.path.join(work, "path")) == expected
            assert os.listdir(shared) == ["models"], os.listdir(shared)
            print("ok by path")
            listener, certificate = tls_front(work, int(served.url.rsplit(":", 1)[1]))
            if listener:
                url = "https://127.0.0.1:%d" % listener.getsockname()[1]
                secure = os.path.join(work, "secure")
                read(secure, os.path.join(files, "text.pdf"), "--engine", url, env={**KEYS, "AWS_CA_BUNDLE": certificate})
                assert pages_of(secure) == {"text.json": expected["text.json"]}
                error = read(os.path.join(work, "untrusted"), receipt, "--engine", url, status=1, env=KEYS)
                assert "certificate" in error and error.count("\n") == 1, error
                listener.close()
                print("ok over https")
            else:
                print("SKIPPED https: no openssl")
            error = read(os.path.join(work, "unsigned"), receipt, "--engine", served.url, status=1)
            assert "set AWS_ACCESS_KEY_ID" in error and error.count("\n") == 1, error
            print("ok unsigned is refused")
        with Served(config=config) as served:
            refused(work, receipt, served)
            print("ok refusals")
            throttled(work, served)
            print("ok throttled pages come in the end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
