"""The command line against a running engine: invoke, logs, top, metrics, function URLs, a bash and curl bootstrap, awscli."""
import json
import os
import shutil
import subprocess
import tempfile
import urllib.request

from served import BUILD, PATIENCE, Served, api, bootstrap, wait_for

LECTERN = os.path.join(BUILD, "lectern")
SHELL_FUNCTION = """#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  event=$(curl -sS -D /tmp/head "$api/invocation/next")
  id=$(grep -i '^lambda-runtime-aws-request-id:' /tmp/head | tr -d '\\r' | cut -d' ' -f2)
  case $event in
    *fail*) curl -sS -X POST "$api/invocation/$id/error" -d '{"errorMessage":"no","errorType":"Shell.No"}' >/dev/null;;
    *) echo "shell saw $event"; curl -sS -X POST -H 'Content-Type: application/json' "$api/invocation/$id/response" -d "$event" >/dev/null;;
  esac
done
"""


def run(*command, code=0, env=None):
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **(env or {})})
    assert done.returncode == code, (command, done.returncode, done.stdout, done.stderr)
    return done


def commands(served):
    at = ["--endpoint", served.url]
    out = run(LECTERN, "invoke", "behave", "--payload", '{"a":1}', "--tail", *at)
    assert out.stdout == '{"a":1}\n' and "REPORT RequestId" in out.stderr
    assert "reported an error" in run(LECTERN, "invoke", "behave", "--payload", '{"do":"error"}', *at, code=1).stderr
    assert "404" in run(LECTERN, "invoke", "nobody", *at, code=1).stderr
    assert "Is `lectern serve` running" in run(LECTERN, "invoke", "f", "--endpoint", "http://127.0.0.1:1", code=1).stderr
    log = run(LECTERN, "logs", "behave", *at).stdout
    assert log.count("START RequestId") == 2 and "Version: $LATEST" in log
    top = json.loads(run(LECTERN, "top", "--json", *at).stdout)
    mine = [f for f in top["functions"] if f["name"] == "behave"][0]
    assert mine["invocations"] == 2 and sum(mine["instances"].values()) == 1, mine
    assert "behave:$LATEST" in run(LECTERN, "top", *at).stdout
    assert mine["errors"] == 1, mine
    metrics = urllib.request.urlopen(served.url + "/metrics").read().decode()
    assert 'lectern_invocations_total{function="behave",version="$LATEST"} 2' in metrics
    run(LECTERN, "serve", "--quotas", "1999", code=2)
    # A change makes a new $LATEST; what the old one has done and cost stays in the totals.
    api(served, "PUT", "/2015-03-31/functions/behave/configuration", {"LoggingConfig": {"LogFormat": "JSON"}})
    run(LECTERN, "invoke", "behave", *at)
    mine = [f for f in json.loads(run(LECTERN, "top", "--json", *at).stdout)["functions"] if f["name"] == "behave"][0]
    assert mine["invocations"] == 3 and mine["errors"] == 1, mine
    assert '"type":"platform.report"' in run(LECTERN, "logs", "behave", *at).stdout


def shell(served):
    at = ["--endpoint", served.url]
    out = run(LECTERN, "invoke", "shell", "--payload", '{"b":2}', "--tail", *at)
    assert out.stdout == '{"b":2}\n' and 'shell saw {"b":2}' in out.stderr, (out.stdout, out.stderr)
    assert '"errorType":"Shell.No"' in run(LECTERN, "invoke", "shell", "--payload", '"fail"', *at, code=1).stdout


def urls(served):
    made = urllib.request.Request(served.url + "/2021-10-31/functions/behave/url", b'{"AuthType":"NONE"}', method="POST")
    id = json.load(urllib.request.urlopen(made))["FunctionUrl"].split("//")[1].split(".")[0]
    ask = urllib.request.Request(served.url + "/a%20b?x=1&x=2", b"body", headers={
        "Host": id + ".lambda-url.localhost", "Content-Type": "text/plain", "Cookie": "c=1; d=2"})
    event = json.load(urllib.request.urlopen(ask))
    assert event["version"] == "2.0" and event["rawPath"] == "/a b" and event["body"] == "body", event
    assert event["queryStringParameters"] == {"x": "1,2"} and event["cookies"] == ["c=1", "d=2"], event
    assert event["requestContext"]["http"]["method"] == "POST"
    assert json.load(urllib.request.urlopen(served.url + "/lambda-url/" + id + "/p"))["rawPath"] == "/p"


def awscli(served):
    aws = shutil.which("aws")
    if not aws:
        print("SKIPPED: aws is not installed")
        return
    env = {"AWS_ENDPOINT_URL_LAMBDA": served.url, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
           "AWS_DEFAULT_REGION": "us-east-1"}
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.json")
        event = os.path.join(folder, "event.json")
        with open(event, "w") as file:
            file.write('{"c":3}')
        # fileb:// means the same to both major versions of the client.
        said = run(aws, "lambda", "invoke", "--function-name", "behave", "--payload", "fileb://" + event, "--log-type", "Tail",
                   out, env=env).stdout
        assert json.load(open(out)) == {"c": 3} and json.loads(said)["StatusCode"] == 200
        names = json.loads(run(aws, "lambda", "list-functions", env=env).stdout)["Functions"]
        assert {"behave", "shell"} <= {f["FunctionName"] for f in names}


def watch(served, folder):
    """A file that appears in the watched folder is an event; hidden and unwanted ones are not."""
    for name in (".hidden.png", "note.txt", "page.png"):
        with open(os.path.join(folder, name), "w") as out:
            out.write("content")
    def seen():
        log = run(LECTERN, "logs", "shell", "--endpoint", served.url).stdout
        return "page.png" in log and log
    log = wait_for("the file's event", seen)
    assert '"key":"page.png","size":7' in log and "hidden" not in log and "note.txt" not in log, log


def main():
    with tempfile.TemporaryDirectory(prefix="lectern-shell-") as folder:
        os.chmod(folder, 0o755)
        path = os.path.join(folder, "bootstrap")
        with open(path, "w") as out:
            out.write(SHELL_FUNCTION)
        os.chmod(path, 0o755)
        inbox = os.path.join(folder, "inbox")
        os.mkdir(inbox)
        config = """service: commands
provider:
  name: aws
  runtime: provided.al2023
  timeout: 60
functions:
  behave:
    name: behave
    handler: bootstrap
    package: {artifact: %s}
  shell:
    name: shell
    handler: bootstrap
    package: {artifact: %s}
custom:
  lectern:
    watch:
      - {function: shell, directory: %s, patterns: ['*.png']}
""" % (os.path.dirname(bootstrap()), folder, inbox)
        with Served(config=config) as served:
            for part in (commands, shell, urls, awscli):
                part(served)
                print("ok", part.__name__)
            watch(served, inbox)
            print("ok watch")


main()
