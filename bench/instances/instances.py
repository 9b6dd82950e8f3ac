"""COUNT invocations at once, each in an instance of its own, that all last until the last one has begun; then a second round on the
same instances. Ends with 1 when an invocation fails or fewer instances were alive.

    instances.py [COUNT] [SECONDS that an invocation lasts]
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BUILD = os.environ["LECTERN_BUILD"]


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    lasts = float(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory(prefix="lectern-instances-") as folder:
        config = os.path.join(folder, "serverless.yml")
        with open(config, "w") as out:
            out.write("service: many\nprovider: {name: aws, runtime: provided.al2023, memorySize: 128, timeout: 300}\nfunctions:\n"
                      "  f: {name: f, handler: bootstrap, package: {artifact: %s/functions/behave}}\n" % BUILD)
        engine = subprocess.Popen([os.path.join(BUILD, "lectern"), "serve", "--listen", "127.0.0.1:0", "--config", config],
                                  stdout=subprocess.PIPE, text=True)
        url = engine.stdout.readline().split()[-1]
        failed = []

        def invoke(payload):
            try:
                request = urllib.request.Request(url + "/2015-03-31/functions/f/invocations", json.dumps(payload).encode())
                with urllib.request.urlopen(request, timeout=280) as answer:
                    if answer.headers.get("X-Amz-Function-Error"):
                        failed.append(answer.read().decode())
            except OSError as error:
                failed.append(str(error))

        def status():
            functions = json.load(urllib.request.urlopen(url + "/lectern/status"))["functions"]
            return functions[0]["instances"]

        def at_once(payload):
            threads = [threading.Thread(target=invoke, args=(payload,)) for _ in range(count)]
            start, most, all_busy = time.monotonic(), 0, None
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                most = max(most, status().get("busy", 0))
                if most >= count and all_busy is None:
                    all_busy = time.monotonic() - start
                time.sleep(0.1)
            return most, all_busy

        most, all_busy = at_once({"do": "sleep", "ms": int(lasts * 1000)})
        with open("/proc/%d/status" % engine.pid) as text:
            rss = next(int(line.split()[1]) for line in text if line.startswith("VmRSS"))
        alive = sum(status().values())
        before = time.monotonic()
        for _ in range(50):
            invoke({"do": "count"})
        warm = (time.monotonic() - before) / 50
        engine.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        code = engine.wait(30)
        print(json.dumps({"name": "instances", "wanted": count, "busy_at_once": most, "alive": alive, "failed": len(failed),
                          "first_failure": failed[:1], "all_busy_after_s": all_busy and round(all_busy, 1), "engine_rss_kb": rss,
                          "warm_ms_beside_them": round(warm * 1000, 2), "stopped_after_s": round(time.monotonic() - begun, 2),
                          "load": open("/proc/loadavg").read().split()[0]}))
        sys.exit(1 if failed or most < count or code else 0)


main()
