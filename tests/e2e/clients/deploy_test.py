"""lectern deploy: to a running engine with a layer of the service's own, twice; and over https with a signature."""
import http.server
import json
import os
import shutil
import ssl
import subprocess
import tempfile
import threading

from served import BUILD, PATIENCE, Served

LECTERN = os.path.join(BUILD, "lectern")
CONFIG = """service: demo
provider: {name: aws, runtime: python3.11, memorySize: 256}
package: {patterns: ['!fonts/**', '!*.pem']}
functions:
  f: {handler: app.handler, layers: [{Ref: FontsLambdaLayer}]}
layers:
  fonts: {path: fonts}
"""
APP = """def handler(event, context):
    return {"data": open("/opt/lib/data.txt").read(), "n": event.get("n")}
"""


def run(*command, code=0, cwd=None, env=None):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=cwd, env={**os.environ, **(env or {})})
    assert done.returncode == code, (command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done


def service(folder):
    os.makedirs(os.path.join(folder, "fonts", "lib"))
    for name, text in (("serverless.yml", CONFIG), ("app.py", APP), ("fonts/lib/data.txt", "x")):
        with open(os.path.join(folder, name), "w") as out:
            out.write(text)


def engine(folder):
    with Served() as served:
        at = ["--endpoint", served.url]
        assert run(LECTERN, "deploy", *at, cwd=folder).stdout.startswith("f: created")
        assert run(LECTERN, "deploy", *at, cwd=folder).stdout.startswith("f: updated")
        if os.path.exists("/usr/bin/python3") and not os.geteuid():
            answer = run(LECTERN, "invoke", "f", "--payload", '{"n":5}', *at).stdout
            assert json.loads(answer) == {"data": "x", "n": 5}, answer


class Lambda(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = []

    def log_message(self, *_):
        pass

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.seen.append((self.command, self.path, self.headers, json.loads(body or b"{}")))
        out = {"State": "Active", "LastUpdateStatus": "Successful"}
        if "/layers/" in self.path:
            out = {"LayerVersionArn": "arn:aws:lambda:us-east-1:1:layer:fonts:7"}
        text = json.dumps(out).encode()
        self.send_response(200 if self.command == "GET" else 201)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PUT = answer


def https(folder):
    if not shutil.which("openssl"):
        return print("SKIPPED: openssl makes the certificate of the https part")
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", key, "-out", certificate)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lambda)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = "https://127.0.0.1:%d" % server.server_port
    signed = {"AWS_ACCESS_KEY_ID": "AKTEST", "AWS_SECRET_ACCESS_KEY": "secret", "no_proxy": "127.0.0.1"}
    unsigned = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    assert "not set" in run(LECTERN, "deploy", "--endpoint", url, cwd=folder, env=unsigned, code=1).stderr
    assert "certificate" in run(LECTERN, "deploy", "--endpoint", url, cwd=folder, env=signed, code=1).stderr
    assert not Lambda.seen, "nothing is sent to a server that is not trusted"
    run(LECTERN, "deploy", "--endpoint", url, cwd=folder, env={**signed, "AWS_CA_BUNDLE": certificate})
    server.shutdown()
    layer, create, look = Lambda.seen
    assert layer[1] == "/2018-10-31/layers/fonts/versions" and layer[3]["Content"]["ZipFile"], layer[1]
    assert create[3]["Layers"] == ["arn:aws:lambda:us-east-1:1:layer:fonts:7"] and create[3]["Code"]["ZipFile"]
    assert create[2]["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKTEST/") and look[0] == "GET"


with tempfile.TemporaryDirectory(prefix="lectern-deploy-") as where:
    service(where)
    engine(where)
    https(where)
