"""Seeded simulations: each scenario must give exactly the recorded numbers, twice. `scenarios_test.py record` writes them anew."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
FILE = os.path.join(HERE, "scenarios.json")
KEPT = ("invocations", "cold_starts", "throttles", "p50_ms", "p95_ms", "p99_ms", "cost_usd")


def simulate(options):
    command = [os.path.join(os.environ["LECTERN_BUILD"], "lectern"), "simulate", "--json", *options.split()]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main():
    with open(FILE) as file:
        scenarios = json.load(file)
    faults = 0
    for scenario in scenarios:
        got = [{k: out[k] for k in KEPT} for out in (simulate(scenario["options"]), simulate(scenario["options"]))]
        if sys.argv[1:] == ["record"]:
            scenario["expected"] = got[0]
            continue
        assert got[0] == got[1], (scenario["name"], "two runs differ", got)
        for key, expected in scenario["expected"].items():
            if abs(got[0][key] - expected) > 1e-9 * abs(expected):
                faults += 1
                print("%s: %s is %r, recorded %r" % (scenario["name"], key, got[0][key], expected))
    if sys.argv[1:] == ["record"]:
        with open(FILE, "w") as file:
            json.dump(scenarios, file, indent=1)
            file.write("\n")
    return 1 if faults else 0


sys.exit(main())
