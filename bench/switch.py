#!/usr/bin/env python3
"""The switch as a whole, measured from outside: `tollgate serve` on a fresh store, bench_load as its terminals and its host.

  bench/switch.py [--build build/release] [--part closed|sustained|open|restart|suspend ...] [--repeat 3] [--json FILE]

closed     64 connections x 8 in flight: durable sales a second, server CPU a sale
sustained  the same for a minute and a half: with snapshots beside the traffic and full tables
open       20,000 sales a second over 16 connections: latency from the intended send time, dropped, unanswered
restart    kill -9 with --records records in the journal, then the time until /readyz and until a sale is answered
suspend    terminals are suspended under the open loop's load: approvals of requests sent after the call returned

Every figure is the median of --repeat runs, with the least and the most. `--small` runs each part for a moment and fails when
nothing was approved or an answer was wrong: that is how the tests use it. Standard library only.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, "tests", "e2e"))
import switch  # noqa: E402

MERCHANTS = 40


class World:
    """A switch with an estate whose one host is bench_load."""

    def __init__(self, args, terminals):
        self.args = args
        self.terminals = terminals
        self.host = "127.0.0.1:%d" % switch.free_port()
        self.switch = switch.Switch(os.path.join(args.build, "tollgate"), sets=args.set)
        self.switch.start()
        self.switch.json("POST", "/v1/estate", switch.estate([self.host], terminals, MERCHANTS))
        self.file = self.switch.path("terminals.json")
        with open(self.file, "w", encoding="utf-8") as f:
            json.dump([{"tid": "%08d" % (10000001 + t), "merchant_code": switch.MERCHANT % (t % MERCHANTS + 1), "tmk": switch.TMK}
                       for t in range(terminals)], f)
        self.next_stan = 1

    def load(self, *options, feed=None):
        out = self.switch.path("load.json")
        command = [os.path.join(self.args.build, "bench", "bench_load"), "--target", self.switch.pos, "--terminals-file", self.file,
                   "--host-listen", self.host, "--server-pid", str(self.switch.process.pid), "--first-stan", str(self.next_stan),
                   "--json", out, *options]
        if feed:
            command += ["--suspend-feed", feed]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise switch.Failure("bench_load ended with %d:\n%s%s\n%s" % (done.returncode, done.stdout, done.stderr, self.switch.tail()))
        with open(out, encoding="utf-8") as f:
            report = json.load(f)
        self.next_stan = report["next_stan"]
        if report["wrong"] or not report["approved"]:
            raise switch.Failure("%d approved, %d wrong answers: %s" % (report["approved"], report["wrong"], report.get("wrong_in")))
        return report

    def close(self):
        self.switch.close()


def closed(args, window=None):
    world = World(args, args.connections * args.depth)
    try:
        r = world.load("--connections", str(args.connections), "--depth", str(args.depth), "--warm-up", args.warm_up, "--for",
                       window or args.window, *args.load)
    finally:
        world.close()
    processor = r["processor_us_per_txn"]
    return {"sales_per_s": r["approved_tps"], "server_us_per_sale": processor["server"],
            "of_generator_and_host": processor["server"] / (processor["generator"] + processor["host"]), "p50_ms": r["latency_us"]["p50"] / 1000,
            "p99_ms": r["latency_us"]["p99"] / 1000, "refused": r["refused"], "unanswered": r["unanswered"]}


def sustained(args):
    return closed(args, args.long)


def open_loop(args):
    world = World(args, args.open_terminals)
    try:
        r = world.load("--rate", str(args.rate), "--connections", "16", "--warm-up", args.warm_up, "--for", args.window, *args.load)
    finally:
        world.close()
    return {"sales_per_s": r["approved_tps"], "server_us_per_sale": r["processor_us_per_txn"]["server"], "p50_ms": r["latency_us"]["p50"] / 1000,
            "p99_ms": r["latency_us"]["p99"] / 1000, "p999_ms": r["latency_us"]["p99_9"] / 1000, "max_ms": r["latency_us"]["max"] / 1000,
            "dropped": r["dropped"], "unanswered": r["unanswered"], "refused": r["refused"]}


def restart(args):
    """Two records a sale: intent and outcome."""
    world = World(args, args.connections * args.depth)
    try:
        sales = args.records // 2
        world.load("--connections", str(args.connections), "--depth", str(args.depth), "--warm-up", "0s", "--requests", str(sales), "--for",
                   "600s", *args.load)
        world.switch.kill()
        to_ready = world.switch.start(timeout=120)
        begun = time.monotonic()
        world.load("--connections", "1", "--depth", "1", "--warm-up", "0s", "--requests", "1", "--for", "10s", *args.load)
        to_sale = to_ready + time.monotonic() - begun
    finally:
        world.close()
    return {"ready_s": to_ready, "first_sale_s": to_sale}


def suspend(args):
    world = World(args, args.open_terminals)
    feed = world.switch.path("feed")
    os.mkfifo(feed)
    failures = []
    count = [0]

    def ops():
        with open(feed, "w", encoding="utf-8") as f:
            time.sleep(args.ops_after)
            for t in range(0, args.open_terminals, max(1, args.open_terminals // args.suspensions)):
                tid, code = "%08d" % (10000001 + t), switch.MERCHANT % (t % MERCHANTS + 1)
                try:
                    world.switch.json("POST", "/v1/terminals/tid:%s@%s/suspend" % (tid, code), {"reason": "device_fault", "note": "bench"},
                                      headers={"If-Match": "*"})
                    f.write("suspended %s\n" % tid)
                    f.flush()
                    count[0] += 1
                except Exception as problem:  # noqa: BLE001: told by the main thread
                    failures.append(str(problem))
                    return
                time.sleep(0.002)

    thread = threading.Thread(target=ops)
    thread.start()
    try:
        r = world.load("--rate", str(args.rate), "--connections", "16", "--warm-up", args.warm_up, "--for", args.window, *args.load, feed=feed)
    finally:
        thread.join()
        world.close()
    if failures:
        raise switch.Failure(failures[0])
    if r["refused"] < count[0]:
        raise switch.Failure("%d terminals suspended, %d refusals: too little traffic to say anything" % (count[0], r["refused"]))
    return {"suspended": count[0], "violations": r["violations"], "refused": r["refused"], "p99_ms": r["latency_us"]["p99"] / 1000}


PARTS = {"closed": closed, "sustained": sustained, "open": open_loop, "restart": restart, "suspend": suspend}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, os.pardir, "build", "release"))
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--rate", type=int, default=20000)
    parser.add_argument("--open-terminals", type=int, default=2000)
    parser.add_argument("--suspensions", type=int, default=100)
    parser.add_argument("--records", type=int, default=1000000)
    parser.add_argument("--warm-up", default="2s")
    parser.add_argument("--for", dest="window", default="8s")
    parser.add_argument("--long", default="90s", help="of the sustained load")
    parser.add_argument("--set", action="append", default=[], help="a setting of the switch, KEY=VALUE")
    parser.add_argument("--load", action="append", default=[], help="an option for bench_load, as --load=--tick=200us")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--json")
    args = parser.parse_args()
    args.ops_after = 4.0
    if args.small:
        args.repeat, args.connections, args.depth, args.rate, args.open_terminals = 1, 4, 4, 500, 200
        args.suspensions, args.records, args.warm_up, args.window, args.ops_after = 20, 2000, "0s", "2s", 1.0
        args.long = args.window
    results = {}
    for part in args.part or PARTS:
        runs = [PARTS[part](args) for _ in range(args.repeat)]
        results[part] = runs
        print(part)
        for key in runs[0]:
            values = [run[key] for run in runs]
            print("  %-20s %12.2f   (%.2f … %.2f)" % (key, statistics.median(values), min(values), max(values)), flush=True)
        bad = [run for run in runs if run.get("violations") or run.get("unanswered")]
        if bad:
            print("%s: %s" % (part, bad))
            return 1
    if args.json:
        with open(args.json, "w", encoding="utf-8") as f:
            json.dump(results, f, indent=1)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except switch.Failure as problem:
        print("bench/switch.py: %s" % problem, file=sys.stderr)
        sys.exit(1)
