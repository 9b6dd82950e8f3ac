"""What outlives a kill: event sources take every file once, and changes that were acknowledged are there after kill -9 of the
engine (kill_test.py is about processes)."""
import json
import os
import signal
import tempfile
import threading
import urllib.error
import urllib.request

from served import BUILD, PATIENCE, Served, api, invoke, wait_for

BEHAVE = os.path.join(BUILD, "functions", "behave")
CONFIG = """service: durable
provider: {name: aws, runtime: provided.al2023, timeout: 5}
functions:
  good: {name: good, handler: bootstrap, package: {artifact: %s}}
  bad: {name: bad, handler: bootstrap, environment: {BEHAVE_INIT: exit}, package: {artifact: %s}}
""" % (BEHAVE, BEHAVE)


def records(state, name):
    path = os.path.join(state, "destinations", name)
    if not os.path.exists(path):
        return []
    with open(path) as text:
        return [json.loads(line) for line in text if line.endswith("\n")]


def requests_of(state, name):
    """Request ids by file and version of it; a kill may repeat a report, but not make another request."""
    out = {}
    for record in records(state, name):
        for item in record["requestPayload"]["Records"]:
            out.setdefault(item["s3"]["object"]["key"], set()).add(record["requestContext"]["requestId"])
    return out


def write(folder, name, text="x"):
    with open(os.path.join(folder, ".part-" + name), "w") as out:
        out.write(text)
    os.rename(os.path.join(folder, ".part-" + name), os.path.join(folder, name))


def sources(folder):
    inbox, troubled, state = (os.path.join(folder, name) for name in ("in", "troubled", "state"))
    os.mkdir(inbox), os.mkdir(troubled)
    for index in range(3):
        write(inbox, "early%d" % index)
    mappings = "/2015-03-31/event-source-mappings"
    with Served("--retry-delay", "0.05", state=state, config=CONFIG) as served:
        for name in ("good", "bad"):
            api(served, "PUT", "/2019-09-25/functions/%s/event-invoke-config" % name, {"DestinationConfig": {
                "OnSuccess": {"Destination": "file:///%s.ok" % name}, "OnFailure": {"Destination": "file:///%s.failed" % name}}})
        try:
            api(served, "POST", mappings, {"FunctionName": "good", "EventSourceArn": "file:///nowhere/at/all"})
            raise AssertionError("a folder that is not there was taken")
        except urllib.error.HTTPError as error:
            assert error.code == 400 and "no folder of this machine" in error.read().decode()
        made = api(served, "POST", mappings, {"FunctionName": "good", "EventSourceArn": "file://" + inbox, "BatchSize": 4})
        api(served, "POST", mappings, {"FunctionName": "bad", "EventSourceArn": "arn:aws:lectern:us-east-1:000000000000:" + troubled,
                                       "MaximumRetryAttempts": 1,
                                       "DestinationConfig": {"OnFailure": {"Destination": "file:///mapping.failed"}}})
        wait_for("files that were there before", lambda: len(requests_of(state, "good.ok")) == 3)
        for index in range(20):
            write(inbox, "file%02d" % index)
        write(troubled, "sad")
        wait_for("files that appeared", lambda: len(requests_of(state, "good.ok")) == 23)
        sizes = [len(r["requestPayload"]["Records"]) for r in records(state, "good.ok")]
        assert max(sizes) <= 4 and max(sizes) > 1, sizes
        open(os.path.join(inbox, "file00"), "a").close()  # closed after writing, but nothing changed
        write(inbox, "file01", "another text")
        wait_for("the changed file", lambda: len(requests_of(state, "good.ok")["file01"]) == 2)
        wait_for("the failure", lambda: records(state, "mapping.failed"))
        failure = records(state, "mapping.failed")[0]
        assert failure["requestContext"]["condition"] == "RetriesExhausted", failure
        assert failure["requestContext"]["approximateInvokeCount"] == 2, failure
        assert not records(state, "bad.failed")
        for index in range(60):
            write(inbox, "late%02d" % index)
            if index == 30:
                served.stop(signal.SIGKILL)
    with Served("--retry-delay", "0.05", state=state) as served:
        wait_for("files around the kill", lambda: sum(n.startswith("late") for n in requests_of(state, "good.ok")) == 60)
        api(served, "PUT", mappings + "/" + made["UUID"], {"Enabled": False})
        write(inbox, "unseen")
        api(served, "PUT", mappings + "/" + made["UUID"], {"Enabled": True})
        wait_for("the file of the pause", lambda: "unseen" in requests_of(state, "good.ok"))
        api(served, "DELETE", mappings + "/" + made["UUID"])
        write(inbox, "after")
        invoke(served, "good", {})
        filtered(served, folder, state)
        seen = requests_of(state, "good.ok")
        assert "after" not in seen
        twice = {name: ids for name, ids in seen.items() if len(ids) != (2 if name == "file01" else 1)}
        assert not twice, twice
    print("ok event sources")


def filtered(served, folder, state):
    """FilterCriteria: refused in Lambda's words when wrong; files that do not fit are never events."""
    mappings, inbox = "/2015-03-31/event-source-mappings", os.path.join(folder, "filtered")
    os.mkdir(inbox)
    body = {"FunctionName": "good", "EventSourceArn": "file://" + inbox}
    try:
        api(served, "POST", mappings, {**body, "FilterCriteria": {"Filters": [{"Pattern": '{"s3":"x"}'}]}})
        raise AssertionError("a pattern without a list was taken")
    except urllib.error.HTTPError as error:
        assert error.code == 400 and json.load(error) == {"Type": "User", "message": "Invalid filter pattern definition."}
    made = api(served, "POST", mappings, {**body, "FilterCriteria": {"Filters": [{"Pattern": json.dumps(
        {"s3": {"object": {"key": [{"suffix": ".png"}], "size": [{"numeric": ["<", 5]}]}}})}]}})
    try:
        api(served, "POST", mappings, body)
        raise AssertionError("a second mapping of the same folder was taken")
    except urllib.error.HTTPError as error:
        assert error.code == 409 and made["UUID"] in json.load(error)["message"]
    for name, text in (("a.txt", "x"), ("long.png", "too long"), ("b.png", "x"), ("z.png", "y")):
        write(inbox, name, text)
    wait_for("the files that fit", lambda: {"b.png", "z.png"} <= set(requests_of(state, "good.ok")))
    assert not {"a.txt", "long.png"} & set(requests_of(state, "good.ok"))


def killed_engine(folder):
    state = os.path.join(folder, "state2")
    acknowledged, expected_events = {}, 0
    for round_number in range(6):
        served = Served("--retry-delay", "0.05", state=state, config=CONFIG if round_number == 0 else None)
        for name, description in acknowledged.items():
            found = api(served, "GET", "/2015-03-31/functions/%s/versions" % "good")
            assert any(v["Description"] == description for v in found["Versions"] if v["Version"] == name), (name, description)
        if round_number == 5:
            wait_for("events", lambda: len({r["requestContext"]["requestId"] for r in records(state, "ok")}) >= expected_events)
            served.stop()
            break
        api(served, "PUT", "/2019-09-25/functions/good/event-invoke-config", {"DestinationConfig": {"OnSuccess": {"Destination": "file:///ok"}}})
        counts = {"events": 0}

        def change():
            try:
                for index in range(10_000):
                    text = "round %d change %d" % (round_number, index)
                    api(served, "PUT", "/2015-03-31/functions/good/configuration", {"Description": text})
                    version = api(served, "POST", "/2015-03-31/functions/good/versions", {})
                    acknowledged[version["Version"]] = text
                    event = urllib.request.Request(served.url + "/2015-03-31/functions/good/invocations", b"{}",
                                                   headers={"X-Amz-Invocation-Type": "Event"})
                    urllib.request.urlopen(event, timeout=PATIENCE).read()
                    counts["events"] += 1
            except (OSError, ValueError, urllib.error.URLError):
                pass  # the engine was killed

        writer = threading.Thread(target=change)
        writer.start()
        wait_for("changes", lambda: counts["events"] >= 3 + round_number)
        served.stop(signal.SIGKILL)
        writer.join()
        expected_events += counts["events"]
    print("ok kill -9 of the engine:", len(acknowledged), "versions and", expected_events, "events kept over 5 kills")


def main():
    with tempfile.TemporaryDirectory(prefix="lectern-durable-") as folder:
        sources(folder)
        killed_engine(folder)


main()
