#!/usr/bin/env python3
"""kill -9 at random points under load, many rounds; afterwards the terminals' own log against the ledger.

  kill_loop.py BINARY [--rounds 200] [--seed 1] [--control]

--control runs the switch with answers before their commit (a test flag): that must be caught, or the harness proves nothing.
An unsynced write survives kill -9, so switching sync off would be no control here.
"""

import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import audit  # noqa: E402
import switch  # noqa: E402


def run(args):
    chance = random.Random(args.seed)
    world = switch.Switch(args.binary, flags="answer_before_commit" if args.control else "")
    try:
        ports = [switch.free_port() for _ in range(2)]
        for i, port in enumerate(ports):
            world.spawn("sim", "host", "--listen", "127.0.0.1:%d" % port, "--log", world.path("host%d.jsonl" % i), log="host.log")
        world.start()
        world.json("POST", "/v1/estate", switch.estate(["127.0.0.1:%d" % p for p in ports], args.terminals, 7))
        log = world.path("terminals.jsonl")
        terminals = world.path("terminals.json")
        with open(terminals, "w", encoding="utf-8") as f:
            import json
            json.dump([{"tid": "%08d" % (10000001 + t), "merchant_code": switch.MERCHANT % (t % 7 + 1), "tmk": switch.TMK}
                       for t in range(args.terminals)], f)
        fleet = world.spawn("sim", "terminals", "--target", world.pos, "--terminals-file", terminals, "--tps", str(args.tps),
                            "--timeout", "4s", "--log", log, log="terminals.log")
        slowest = 0.0
        for round_number in range(args.rounds):
            time.sleep(chance.uniform(0.02, 0.35))
            if world.process.poll() is not None:
                raise switch.Failure("serve ended by itself:\n" + world.tail())
            world.kill()
            slowest = max(slowest, world.start())
            if fleet.poll() is not None:
                raise switch.Failure("the terminals ended early")
        # Let every terminal come to an end with what it owes, and the switch with what it owes upstream.
        time.sleep(2)
        fleet.terminate()
        fleet.wait(60)
        world.request("GET", "/readyz")

        def owed():
            host, port = world.ports["metrics"].rsplit(":", 1)
            import http.client
            connection = http.client.HTTPConnection(host, int(port), timeout=10)
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
            return [l for l in text.splitlines() if l.startswith("tollgate_reversals_owed ")][0].split()[1] == "0"
        switch.wait_for(owed, 60, "the reversal queue to empty")
        entries, trailer = world.ledger()
        findings, counts = audit.audit(switch.read_log(log), entries)
        code = world.stop()
        if code != 0:
            findings.append("serve ended with %d after SIGTERM" % code)
        verified = world.run("ledger", "verify", "--data", world.path("data"), check=False)
        if verified.returncode != 0:
            findings.append("ledger verify: " + verified.stdout[-1500:] + verified.stderr[-500:])
        print("%d rounds, slowest start %.2f s, %s, findings %d" % (args.rounds, slowest, counts, len(findings)))
        for finding in findings[:20]:
            print("  " + finding)
        if counts["approved"] < args.rounds:
            print("too few approvals for a test: %d" % counts["approved"])
            return 1
        if args.control:
            print("control: " + ("caught" if findings else "NOT caught"))
            return 0 if findings else 1
        return 1 if findings else 0
    finally:
        world.close(keep_files=args.keep)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--terminals", type=int, default=40)
    parser.add_argument("--tps", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--control", action="store_true")
    parser.add_argument("--keep", action="store_true")
    sys.exit(run(parser.parse_args()))


if __name__ == "__main__":
    main()
