"""Functions written with other people's runtimes: aws-lambda-go, Rust lambda_runtime, Node's and Python's runtime interface
clients, bash with curl, and our SDK. Each: echo, error, 1 MB, crash, timeout, out of memory, streaming where it has it.
Usage: runtimes_test.py NAME. What a runtime needs is fetched through its own package manager into the cache, once."""
import fcntl
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error

from served import BUILD, Served, call as served_call, wait_for

SOURCES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "runtimes")
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lectern", "runtimes")


class Skip(Exception):
    pass


def need(program):
    if not shutil.which(program):
        raise Skip("%s is not installed" % program)


def need_version(program, least):
    need(program)
    out = subprocess.run([program, "version" if program == "go" else "--version"], capture_output=True, text=True).stdout
    found = re.search(r"(\d+)\.(\d+)", out)
    if not found or tuple(map(int, found.groups())) < least:
        raise Skip("%s is older than %d.%d" % (program, *least))


def run(*command, cwd=None, env=None):
    done = subprocess.run(command, cwd=cwd, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        text = done.stdout
        if any(word in text for word in ("Could not resolve", "ENOTFOUND", "dial tcp", "EAI_AGAIN", "Temporary failure", "403 Forbidden")):
            raise Skip("%s cannot fetch what it needs" % command[0])
        raise AssertionError("%s failed:\n%s" % (" ".join(command), text[-3000:]))


def start_script(folder, line):
    path = os.path.join(folder, "bootstrap")
    with open(path, "w") as out:
        out.write("#!/bin/sh\n%s\n" % line)
    os.chmod(path, 0o755)


def make_go(folder, cache):
    need_version("go", (1, 18))
    run("go", "build", "-o", os.path.join(folder, "bootstrap"), ".", cwd=os.path.join(SOURCES, "go"),
        env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly"})


def make_rust(folder, cache):
    need_version("cargo", (1, 85))
    run("cargo", "build", "--release", "--locked", "-j2", cwd=os.path.join(SOURCES, "rust"), env={"CARGO_TARGET_DIR": cache})
    shutil.copy(os.path.join(cache, "release", "bootstrap"), folder)


def make_python(folder, cache):
    python = "/usr/bin/python3"
    need(python)
    if not glob.glob(os.path.join(cache, "awslambdaric")):
        need("pip3")
        run(python, "-m", "pip", "install", "--quiet", "--target", cache, "--only-binary", ":all:", "awslambdaric")
    shutil.copytree(cache, folder, dirs_exist_ok=True)
    shutil.copy(os.path.join(SOURCES, "python", "app.py"), folder)
    start_script(folder, 'exec /usr/bin/python3 -m awslambdaric "$_HANDLER"')


def make_node(folder, cache):
    """The client's native part, built against the system's libcurl instead of the copy that its own script compiles."""
    for program in ("node", "npm", "cmake", "g++"):
        need(program)
    if not os.path.exists("/usr/include/node/node_api.h"):
        raise Skip("the headers of Node (libnode-dev) are not installed")
    package = os.path.join(cache, "node_modules", "aws-lambda-ric")
    if not os.path.exists(os.path.join(package, "dist", "rapid-client.node")):
        run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", cache, "aws-lambda-ric@3.3.0")
        deps = os.path.join(package, "deps")
        run("tar", "xzf", glob.glob(os.path.join(deps, "aws-lambda-cpp-*.tar.gz"))[0], "--no-same-owner", cwd=deps)
        source = glob.glob(os.path.join(deps, "aws-lambda-cpp-*[0-9]"))[0]
        run("cmake", "-S", source, "-B", source + "/build", "-DCMAKE_CXX_FLAGS=-fPIC", "-DCMAKE_BUILD_TYPE=Release",
            "-DCMAKE_INSTALL_PREFIX=" + deps + "/artifacts", "-DCMAKE_POLICY_VERSION_MINIMUM=3.5")
        run("cmake", "--build", source + "/build", "--target", "install")
        run("g++", "-std=c++17", "-O1", "-fPIC", "-w", "-shared", "-o", "dist/rapid-client.node", "src/rapid-client.cc",
            "-I/usr/include/node", "-I../node-addon-api", "-Ideps/artifacts/include", "-DNAPI_CPP_EXCEPTIONS",
            "-DNODE_GYP_MODULE_NAME=rapid_client", "-Ldeps/artifacts/lib", "-laws-lambda-runtime", "-lcurl", cwd=package)
    target = os.path.join(folder, "node_modules", "aws-lambda-ric")
    for part in ("dist", "bin", "package.json"):
        source = os.path.join(package, part)
        (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, os.path.join(target, part))
        os.makedirs(target, exist_ok=True)
    shutil.copy(os.path.join(SOURCES, "node", "index.mjs"), folder)
    start_script(folder, 'exec /usr/bin/node node_modules/aws-lambda-ric/bin/index.mjs "$_HANDLER"')


def make_bash(folder, cache):
    need("/bin/bash"), need("/usr/bin/curl")
    shutil.copy(os.path.join(SOURCES, "bash", "bootstrap"), folder)


def make_sdk(folder, cache):
    shutil.copy(os.path.join(BUILD, "functions", "behave", "bootstrap"), folder)


# name: (make, handler, error type, handler of the streaming function or None: awslambdaric for Python has no streaming)
RUNTIMES = {
    "go": (make_go, "bootstrap", "errorString", "bootstrap"),
    "rust": (make_rust, "bootstrap", None, "stream"),
    "python": (make_python, "app.handler", "ValueError", None),
    "node": (make_node, "index.handler", "RangeError", "index.streamed"),
    "bash": (make_bash, "bootstrap", "Shell.Asked", "bootstrap"),
    "sdk": (make_sdk, "bootstrap", "Behave.Asked", None),
}


def call(served, name, payload, path="2015-03-31/functions/%s/invocations"):
    """One instance takes all: while a slow runtime has not asked for more, the function is throttled."""
    def once():
        try:
            return served_call(served, name, payload, path)
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise
            return None
    return wait_for("an instance that is free", once)


def check(served, name, error_type, isolated):
    def error_of(payload):
        failed, body = call(served, name, payload)
        assert failed == "Unhandled", (payload, failed, body[:300])
        return json.loads(body)

    failed, body = call(served, name, {"a": [1, "ä"]})
    assert failed is None and json.loads(body) == {"a": [1, "ä"]}, (failed, body)
    body = error_of({"do": "error"})
    assert body["errorMessage"] == "as asked" and body["errorType"] in (error_type or body["errorType"]), body
    big = "x" * (1 << 20)
    assert json.loads(call(served, name, big)[1]) == big
    exit_event = {"do": "exit", "n": 3} if name == "sdk" else {"do": "exit"}
    assert "Runtime exited with error: exit status 3" in error_of(exit_event)["errorMessage"]
    assert json.loads(call(served, name, {"do": "count"})[1]) == 1
    body = json.loads(call(served, name, {"do": "count"})[1])
    assert body == 2, body
    body = error_of({"do": "sleep", "ms": 60000} if name == "sdk" else {"do": "sleep"})
    assert body["errorType"] == "Sandbox.Timedout" and "Task timed out after 10.00 seconds" in body["errorMessage"], body
    if isolated:
        body = error_of({"do": "memory", "n": 2000} if name == "sdk" else {"do": "memory"})
        assert body["errorType"] == "Runtime.ExitError" and body["errorMessage"].endswith("signal: killed"), body
    assert json.loads(call(served, name, {"do": "count"})[1]) == 1


def check_streaming(served, name):
    # The Rust runtime begins each stream with the prelude of an HTTP answer.
    assert call(served, name, {"do": "stream"})[1].endswith(b"one two three")
    frames = call(served, name, {"do": "stream"}, "2021-11-15/functions/%s/response-streaming-invocations")[1]
    assert b"three" in frames and b"InvokeComplete" in frames and b"ErrorCode" not in frames, frames


def main():
    name = sys.argv[1]
    make, handler, error_type, streaming = RUNTIMES[name]
    cache = os.path.join(CACHE, name)
    os.makedirs(cache, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lectern-runtime-") as folder, open(cache + ".lock", "w") as lock:
        os.chmod(folder, 0o755)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            make(folder, cache)
        except Skip as reason:
            print("SKIPPED:", reason)
            sys.exit(77)
        config = "service: runtimes\nprovider: {name: aws, runtime: provided.al2023, memorySize: 512, timeout: 10}\nfunctions:\n"
        config += "  plain: {name: %s, handler: %s, reservedConcurrency: 1, package: {artifact: %s}}\n" % (name, handler, folder)
        if streaming:
            config += "  stream: {name: stream, handler: %s, reservedConcurrency: 1, package: {artifact: %s}}\n" % (streaming, folder)
        with Served(config=config) as served:
            check(served, name, error_type, served.isolated())
            if streaming:
                check_streaming(served, "stream")
            print("ok", name, "with streaming" if streaming else "")


main()
