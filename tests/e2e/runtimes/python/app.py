"""The functions that runtimes_test.py expects, for awslambdaric."""
import os
import time

count = 0


def handler(event, context):
    global count
    count += 1
    what = event.get("do") if isinstance(event, dict) else None
    if what == "error":
        raise ValueError("as asked")
    if what == "exit":
        os._exit(3)
    if what == "sleep":
        time.sleep(60)
    if what == "count":
        return count
    if what == "memory":
        kept = []
        while True:
            kept.append(b"x" * (1 << 20))
    return event
