#!/usr/bin/env python3
"""suspend while a terminal trades: no approval of a request that it sent after the call had returned; also after kill -9.

  suspend_under_load.py BINARY [--control]

--control never suspends and says that it did: approvals after that moment must be found, or the comparison proves nothing.
"""

import argparse
import json
import os
import random
import sys
import time
from datetime import datetime

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import switch  # noqa: E402


def instant(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def violations(log, suspended):
    """Approvals whose request left the terminal after its suspend had returned. Times are of one machine's clock."""
    found = []
    for line in switch.read_log(log):
        until = suspended.get(line["tid"])
        if until is None or line["outcome"] != "approved" or line["kind"] in ("sign_in", "sign_out", "echo"):
            continue
        sent = instant(line["at"]) - line["latency_us"] / 1e6
        if sent > until:
            found.append("%s STAN %06d: sent %.1f ms after suspend had returned, approved" % (line["tid"], line["stan"], (sent - until) * 1e3))
    return found


def run(args):
    chance = random.Random(args.seed)
    world = switch.Switch(args.binary)
    try:
        port = switch.free_port()
        world.spawn("sim", "host", "--listen", "127.0.0.1:%d" % port, log="host.log")
        world.start()
        world.json("POST", "/v1/estate", switch.estate(["127.0.0.1:%d" % port], args.terminals, 5))
        terminals, log = world.path("terminals.json"), world.path("terminals.jsonl")
        with open(terminals, "w", encoding="utf-8") as f:
            json.dump([{"tid": "%08d" % (10000001 + t), "merchant_code": switch.MERCHANT % (t % 5 + 1), "tmk": switch.TMK}
                       for t in range(args.terminals)], f)
        fleet = world.spawn("sim", "terminals", "--target", world.pos, "--terminals-file", terminals, "--tps", "600",
                            "--mix", "sale=100", "--timeout", "5s", "--log", log, log="terminals.log")
        time.sleep(2)
        suspended = {}
        victims = ["%08d" % (10000001 + t) for t in chance.sample(range(args.terminals), args.terminals // 2)]
        for tid in victims:
            code = switch.MERCHANT % ((int(tid) - 10000001) % 5 + 1)
            if not args.control:
                world.json("POST", "/v1/terminals/tid:%s@%s/suspend" % (tid, code), {"reason": "device_fault", "note": "under load"},
                           headers={"If-Match": "*"})
            suspended[tid] = time.time()
            time.sleep(0.02)
        time.sleep(2)
        if not args.control:
            world.kill()
            world.start()
            time.sleep(2)
        fleet.terminate()
        fleet.wait(60)
        found = violations(log, suspended)
        lines = switch.read_log(log)
        refused = sum(1 for l in lines if l["tid"] in suspended and l["code"] == "58")
        approved = sum(1 for l in lines if l["outcome"] == "approved")
        print("%d terminals suspended under load, %d approvals in all, %d refusals 58, %d violations" % (len(victims), approved, refused, len(found)))
        for line in found[:10]:
            print("  " + line)
        if args.control:
            print("control: " + ("caught" if found else "NOT caught"))
            return 0 if found else 1
        if approved < 500 or refused < len(victims):
            print("too little traffic for a test")
            return 1
        return 1 if found else 0
    finally:
        world.close(keep_files=args.keep)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--terminals", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--keep", action="store_true")
    sys.exit(run(parser.parse_args()))


if __name__ == "__main__":
    main()
