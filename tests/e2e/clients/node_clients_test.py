"""Clients written in JavaScript: `node_clients_test.py sdk` is @aws-sdk/client-lambda, `osls` the packager's commands invoke,
deploy function, deploy list functions and rollback function. Both are fetched with npm into the cache, once."""
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile

from served import Served, bootstrap

PACKAGES = {"sdk": "@aws-sdk/client-lambda@3", "osls": "osls@4.3.1"}
ROLE = "arn:aws:iam::000000000000:role/test"


def skip(reason):
    print("SKIPPED:", reason)
    sys.exit(77)


def installed(name):
    cache = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "lectern", "clients", name)
    os.makedirs(cache, exist_ok=True)
    if not shutil.which("node") or not shutil.which("npm"):
        skip("node and npm are not installed")
    with open(os.path.join(cache, "lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(cache, "done")):
            done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", cache, PACKAGES[name]],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                skip("npm cannot fetch %s: %s" % (PACKAGES[name], done.stdout.strip().splitlines()[-1:]))
            open(os.path.join(cache, "done"), "w").close()
    return cache


def make_zip(path, data):
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("bootstrap")
        info.external_attr = 0o100755 << 16
        archive.writestr(info, data)


def environment(served):
    return {**os.environ, "AWS_ENDPOINT_URL": served.url, "AWS_ENDPOINT_URL_LAMBDA": served.url, "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
            "SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "NODE_NO_WARNINGS": "1"}


def sdk(cache, folder, served):
    code = os.path.join(folder, "f.zip")
    with open(bootstrap(), "rb") as data:
        make_zip(code, data.read())
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sdk_test.mjs")
    subprocess.run(["node", script, cache, code], env=environment(served), check=True)


def osls(cache, folder, served):
    def run(*command):
        done = subprocess.run([os.path.join(cache, "node_modules", ".bin", "osls"), *command], cwd=folder, env=environment(served),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        assert done.returncode == 0, "osls %s:\n%s" % (" ".join(command), done.stdout)
        return done.stdout

    def api(path, body=None):
        request = urllib.request.Request(served.url + "/2015-03-31/functions" + path, body and json.dumps(body).encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    script = b"#!/bin/sh\nexec /var/task/none\n"
    make_zip(os.path.join(folder, "f.zip"), script)
    with open(os.path.join(folder, "serverless.yml"), "w") as out:
        out.write("service: shop\nprovider: {name: aws, runtime: provided.al2023, region: us-east-1, memorySize: 256}\n"
                  "functions:\n  hello: {handler: bootstrap, timeout: 5, package: {artifact: f.zip}}\n")
    import base64
    with open(os.path.join(folder, "f.zip"), "rb") as data:
        made = api("", {"FunctionName": "shop-dev-hello", "Runtime": "provided.al2023", "Role": ROLE, "Handler": "bootstrap",
                        "Code": {"ZipFile": base64.b64encode(data.read()).decode()}})
    broken = made["CodeSha256"]
    assert api("/shop-dev-hello/versions", {})["Version"] == "1"
    with open(bootstrap(), "rb") as data:
        make_zip(os.path.join(folder, "f.zip"), data.read())
    run("deploy", "function", "-f", "hello")
    now = api("/shop-dev-hello/configuration")
    assert now["CodeSha256"] != broken and now["MemorySize"] == 256 and now["Timeout"] == 5, now
    assert '"a": 1' in run("invoke", "-f", "hello", "-d", '{"a": 1}')
    log = run("invoke", "-f", "hello", "-d", '{"a": 1}', "--log")
    assert "START" in log and "Duration" in log, log
    assert "hello" in run("deploy", "list", "functions")
    run("rollback", "function", "-f", "hello", "--function-version", "1")
    assert api("/shop-dev-hello/configuration")["CodeSha256"] == broken
    print("ok osls")


def main():
    name = sys.argv[1]
    cache = installed(name)
    with tempfile.TemporaryDirectory(prefix="lectern-node-") as folder, Served() as served:
        {"sdk": sdk, "osls": osls}[name](cache, folder, served)


main()
