"""lectern pack as a user: JSON forms, --verify, a foreign Python application, an OCI image in a container, osls package.

Parts that need what a machine may not have (umoci, crun or runc, osls, the wheels) print that they are skipped.
"""
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
import zipfile

from served import BUILD, PATIENCE

LECTERN = os.path.join(BUILD, "lectern")
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CONFIG = """service: demo
provider: {name: aws, runtime: provided.al2023}
functions:
  one: {handler: bootstrap, timeout: 30}
custom:
  lectern:
    pack:
      one: {binary: '%s', event: event.json%s}
"""


def run(*command, code=0, cwd=None, env=None):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, cwd=cwd, env={**os.environ, **(env or {})})
    assert done.returncode == code, (command, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def service(folder, program, more=""):
    with open(os.path.join(folder, "serverless.yml"), "w") as out:
        out.write(CONFIG % (os.path.join(BUILD, "functions", program, "bootstrap"), more))
    with open(os.path.join(folder, "event.json"), "w") as out:
        out.write('{"a":1}')


def verified(folder):
    service(folder, "echo")
    report = json.loads(run(LECTERN, "pack", "--json", "--verify", cwd=folder))
    one = report["functions"][0]
    assert set(one) >= {"name", "zip_bytes", "unzipped_bytes", "untrimmed_bytes", "layers", "files"} and one["name"] == "one", one
    assert 0 < one["zip_bytes"] < one["unzipped_bytes"] < one["untrimmed_bytes"] and one["files"] == 1 and one["layers"] == []
    places = {v["place"]: v for v in report["verified"]}
    assert places["engine"]["same"], places
    root = places["empty root"]
    assert root["same"] or not root["tried"], root
    print("verified:", ", ".join(p for p, v in places.items() if v["same"]))
    # A program without the loader's C library cannot give an answer, and the command says so.
    service(folder, "behave" if not os.path.exists(os.path.join(BUILD, "functions", "types", "bootstrap")) else "types",
            ", drop: ['lib/libc.so.6']")
    text = subprocess.run((LECTERN, "pack", "--verify"), cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    assert text.returncode == 1, (text.stdout, text.stderr)


def traced(folder):
    """A library that is loaded by dlopen is missing in an empty root until the trace of the event finds it."""
    service(folder, "loads")
    text = subprocess.run((LECTERN, "pack", "--verify"), cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    if "not verified, empty root" in text.stdout:
        print("SKIPPED: nobody may change the root here:", text.stdout)
    else:
        assert text.returncode == 1 and "libz.so.1" in text.stdout, (text.stdout, text.stderr)
    text = run(LECTERN, "pack", "--verify", "--trace", cwd=folder)
    assert "one: the recorded event loads libz.so.1 (" in text and "custom.lectern.pack.one.libraries: [libz.so.1]" in text, text
    service(folder, "loads", ", libraries: [libz.so.1]")
    assert "loads nothing that is not in the bundle" in run(LECTERN, "pack", "--verify", "--trace", cwd=folder)
    # A static program has no loader to listen to: no reason to fail, and nothing is claimed about it.
    service(folder, "echo")
    text = run(LECTERN, "pack", "--trace", cwd=folder)
    assert "one: not traced: " in text and "loads nothing" not in text, text


def foreign(folder):
    app = os.path.join(folder, "foreign")
    shutil.copytree(os.path.join(ROOT, "examples", "foreign"), app)
    # Installed once and kept beside the other fetched files.
    ready = os.path.join(os.path.expanduser("~"), ".cache", "lectern", "foreign-numpy-2.4.6-onnxruntime-1.32.0")
    if not os.path.isdir(ready):
        partial = "%s.%d" % (ready, os.getpid())
        install = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", partial, "--python-version", "3.11",
                   "--only-binary", ":all:", "numpy==2.4.6", "onnxruntime==1.32.0"]
        done = subprocess.run(install, capture_output=True, text=True, timeout=PATIENCE)
        if done.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            return print("SKIPPED: the foreign application's wheels cannot be installed:", done.stderr.strip().splitlines()[-1:])
        os.rename(partial, ready)
    shutil.copytree(ready, app, dirs_exist_ok=True)
    report = json.loads(run(LECTERN, "pack", "--json", "--verify", cwd=app))
    one = report["functions"][0]
    assert report["verified"] and all(v["same"] for v in report["verified"]), report["verified"]
    assert one["unzipped_bytes"] <= 0.51 * one["untrimmed_bytes"], one
    print("foreign: %.1f MB of %.1f MB" % (one["unzipped_bytes"] / 1e6, one["untrimmed_bytes"] / 1e6))


class RuntimeApi(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body=b"", headers=()):
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.server.given:
            self.server.over.wait()
            return
        self.server.given = True
        self.reply(200, b'{"in":"a container"}', (("Lambda-Runtime-Aws-Request-Id", "1"), ("Lambda-Runtime-Deadline-Ms", "9999999999999"),
                                                  ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:0:function:f")))

    def do_POST(self):
        self.server.answers.append((self.path, self.rfile.read(int(self.headers.get("Content-Length") or 0))))
        self.reply(202)
        self.server.answered.set()


def container(folder):
    path = os.environ["PATH"] + ":/usr/sbin"
    runtimes = [r for r in (shutil.which("runc", path=path), shutil.which("crun", path=path)) if r]
    if not shutil.which("umoci") or not runtimes or os.geteuid():
        return print("SKIPPED: an image needs umoci, a container crun or runc, and root")
    reasons = []
    for runtime in runtimes:
        with tempfile.TemporaryDirectory(prefix="lectern-container-") as own:
            reason = contained(own, runtime)
            if not reason:
                return print("container: answered under", os.path.basename(runtime))
            reasons.append("%s: %s" % (os.path.basename(runtime), reason))
    print("SKIPPED: this machine starts no containers:", "; ".join(reasons))


def contained(folder, runtime):
    """None when the container answered, else why this runtime cannot start one."""
    service(folder, "echo")
    run(LECTERN, "pack", cwd=folder)
    run(os.path.join(ROOT, "tools", "oci_image"), ".lectern/one.zip", "image:one", cwd=folder)
    run("umoci", "unpack", "--image", "image:one", "box", cwd=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RuntimeApi)
    server.daemon_threads, server.given, server.answers = True, False, []
    server.over, server.answered = threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    path = os.path.join(folder, "box", "config.json")
    with open(path) as file:
        config = json.load(file)
    config["process"]["terminal"] = False
    config["process"]["env"].append("AWS_LAMBDA_RUNTIME_API=127.0.0.1:%d" % server.server_port)
    # The test's server is in the host's network; a container host gives the function a network with one of its own.
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
    config["mounts"] = [m for m in config["mounts"] if m["destination"] not in ("/sys", "/sys/fs/cgroup", "/dev/mqueue")]
    with open(path, "w") as file:
        json.dump(config, file)
    name = "lectern-test-%d" % os.getpid()
    extra = ["--cgroup-manager=disabled"] if runtime.endswith("crun") else []
    box = subprocess.Popen([runtime, "--root", os.path.join(folder, "state"), *extra, "run", "--bundle", os.path.join(folder, "box"), name],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        if not server.answered.wait(PATIENCE):
            box.poll()
            if box.returncode is not None:
                return box.stdout.read().decode()[-300:].strip() or "it ended"
            raise AssertionError("the container gave no answer")
        assert server.answers[0][0].endswith("/invocation/1/response") and json.loads(server.answers[0][1]) == {"in": "a container"}
        return None
    finally:
        subprocess.run([runtime, "--root", os.path.join(folder, "state"), *extra, "delete", "--force", name], capture_output=True)
        box.kill()
        box.wait()
        server.over.set()
        server.shutdown()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def emulated(folder):
    """The form for Cloud Run and Knative: AWS's emulator inside the image answers over HTTP."""
    emulator = shutil.which("aws-lambda-rie")
    runc = shutil.which("runc", path=os.environ["PATH"] + ":/usr/sbin")
    if not emulator or not runc or not shutil.which("umoci") or os.geteuid():
        return print("SKIPPED: an image with the emulator needs aws-lambda-rie, umoci, runc and root")
    service(folder, "echo")
    run(LECTERN, "pack", cwd=folder)
    run(os.path.join(ROOT, "tools", "oci_image"), ".lectern/one.zip", "image:one", "--emulator", emulator, cwd=folder)
    run("umoci", "unpack", "--image", "image:one", "box", cwd=folder)
    path = os.path.join(folder, "box", "config.json")
    with open(path) as file:
        config = json.load(file)
    command = config["process"]["args"]
    assert command == ["/usr/local/bin/aws-lambda-rie", "/var/task/bootstrap"], command
    # In the host's network, so at a free port rather than 8080.
    port = free_port()
    command[1:1] = ["--runtime-interface-emulator-address", "127.0.0.1:%d" % port, "--runtime-api-address", "127.0.0.1:%d" % free_port()]
    config["process"]["terminal"] = False
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
    config["mounts"] = [m for m in config["mounts"] if m["destination"] not in ("/sys", "/sys/fs/cgroup", "/dev/mqueue")]
    with open(path, "w") as file:
        json.dump(config, file)
    name, state = "lectern-emulated-%d" % os.getpid(), os.path.join(folder, "state")
    box = subprocess.Popen([runc, "--root", state, "run", "--bundle", os.path.join(folder, "box"), name],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        request = urllib.request.Request("http://127.0.0.1:%d/2015-03-31/functions/function/invocations" % port, b'{"in":"an image"}')
        while True:
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                    got = json.loads(answer.read())
                break
            except urllib.error.URLError:
                if box.poll() is not None:
                    return print("SKIPPED: this machine starts no containers:", box.stdout.read().decode()[-300:].strip())
        assert got == {"in": "an image"}, got
        print("image with the emulator: answered under runc")
    finally:
        subprocess.run([runc, "--root", state, "delete", "--force", name], capture_output=True)
        box.kill()
        box.wait()


class NoStack(http.server.BaseHTTPRequestHandler):
    """CloudFormation before the first deployment: osls asks whether an earlier layer can be kept."""

    def log_message(self, *_):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = (b"<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>"
                b"<Message>Stack with id demo-dev does not exist</Message></Error></ErrorResponse>")
        self.send_response(400)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# Sends what goes to AWS to the server above.
REDIRECT = """const https = require('https'), http = require('http'), request = https.request;
https.request = (options, done) => /amazonaws\\.com$/.test(options.host || options.hostname || '')
  ? http.request({...options, host: '127.0.0.1', hostname: '127.0.0.1', port: %d, protocol: 'http:', agent: new http.Agent()}, done)
  : request(options, done);
"""


def cloudformation(folder):
    fetched = os.path.join(os.path.expanduser("~"), ".cache", "lectern", "clients", "osls", "node_modules", ".bin", "osls")
    osls = os.environ.get("LECTERN_OSLS") or shutil.which("osls") or (fetched if os.path.exists(fetched) else None)
    if not osls:
        return print("SKIPPED: osls is not installed (npm install -g osls)")
    os.makedirs(os.path.join(folder, "fonts", "lib"))
    with open(os.path.join(folder, "fonts", "lib", "data.txt"), "w") as out:
        out.write("x")
    service(folder, "echo")
    with open(os.path.join(ROOT, "tests", "e2e", "clients", "cloudformation.yml")) as source:
        text = source.read().replace("BUILD", BUILD)
    with open(os.path.join(folder, "serverless.yml"), "w") as out:
        out.write(text)
    run(LECTERN, "pack", cwd=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), NoStack)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    redirect = os.path.join(folder, "redirect.js")
    with open(redirect, "w") as out:
        out.write(REDIRECT % server.server_port)
    run(osls, "package", cwd=folder, env={"CI": "1", "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                                          "NODE_OPTIONS": "--require " + redirect})
    server.shutdown()
    with open(os.path.join(folder, ".serverless", "cloudformation-template-update-stack.json")) as file:
        template = json.load(file)
    kinds = {}
    for resource in template["Resources"].values():
        kinds.setdefault(resource["Type"], []).append(resource.get("Properties", {}))
    functions = kinds["AWS::Lambda::Function"]
    assert len(functions) == 1 and functions[0]["Runtime"] == "provided.al2023" and functions[0]["MemorySize"] == 1769, functions
    mount = functions[0]["FileSystemConfigs"]
    assert mount == [{"Arn": "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0",
                      "LocalMountPath": "/mnt/lectern"}], mount
    assert functions[0]["VpcConfig"]["SubnetIds"] and len(functions[0]["Layers"]) == 1
    assert len(kinds["AWS::Lambda::LayerVersion"]) == 1
    with zipfile.ZipFile(os.path.join(folder, ".lectern", "one.zip")) as z:
        assert "bootstrap" in z.namelist()
    print("osls: %d resources" % len(template["Resources"]))


def main():
    for part in (verified, traced, foreign, container, emulated, cloudformation):
        with tempfile.TemporaryDirectory(prefix="lectern-pack-") as folder:
            part(folder)


main()
