#!/usr/bin/env python3
"""Runs the commands of README.md as they stand there, in a scratch folder against a real switch. Both languages list the same ones.

  readme_commands.py BINARY SOURCE_DIR BUILD_DIR

deploy/demo and deploy/test are only looked at: the first builds the tree, the second runs this test. A command ends with exit code 0, or
the README is wrong. Controls: a command that does not exist and a list that differs must be noticed.
"""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import switch  # noqa: E402

# What a line has to say; a line that is not here only has to succeed.
SAYS = {"terminals suspend": "ACTIVE → SUSPENDED", "transactions ls": "sale", "ledger verify": "0 failed", "check": "0 failed", "apply": "0 refused",
        "fees ls": "in_force", "fees replay": ", 0 failed"}


def commands(text):
    """The indented lines that are commands, without prompt and remark."""
    out = []
    for line in text.splitlines():
        match = re.match(r"    (?:\$ )?((?:tollgate|deploy/\w+)\b.*)$", line)
        if match:
            out.append(re.sub(r"\s+#.*$", "", match.group(1)).strip())
    return out


def differing(one, other):
    return [c for c in one if c not in other] + [c for c in other if c not in one] or ([] if one == other else ["their order"])


class Reader:
    """Somebody who types what the README says."""

    def __init__(self, binary, source, build):
        self.source, self.build = source, build
        self.world = switch.Switch(binary)
        self.server = None
        os.symlink(binary, self.world.path("tollgate"))
        for name in ("deploy", "tests"):
            os.symlink(os.path.join(source, name), self.world.path(name))
        # The ports of the sample configuration may be taken here: the environment moves them, the command stays as it is.
        self.environment = {**os.environ, "PATH": self.world.dir + os.pathsep + os.environ["PATH"], "TOLLGATE__HTTP__ADDRESS": "127.0.0.1:0",
                            "TOLLGATE__METRICS__ADDRESS": "127.0.0.1:0", "TOLLGATE__LISTENER__POS__ADDRESS": "127.0.0.1:0",
                            "TOLLGATE_TOKEN_FILE": self.world.path("token"), "LANG": "C.UTF-8"}

    def run(self, command):
        done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=self.world.dir, env=self.environment, capture_output=True, text=True, timeout=120)
        if done.returncode != 0:
            raise switch.Failure("$ %s\nends with %d:\n%s%s" % (command, done.returncode, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def serve(self, command):
        with open(self.world.path("serve.log"), "ab") as log:
            self.server = subprocess.Popen(command.split(), cwd=self.world.dir, env=self.environment, stdout=log, stderr=log)
        ports = self.world.path("ports.json")
        switch.wait_for(lambda: os.path.exists(ports) or self.server.poll() is not None, 60, "$ " + command)
        if not os.path.exists(ports):
            raise switch.Failure("$ %s\nends:\n%s" % (command, self.world.tail()))
        with open(ports, encoding="utf-8") as f:
            self.world.ports = json.load(f)
        with open(self.world.path("token"), encoding="utf-8") as f:
            self.world.token = f.read().strip()
        self.environment["TOLLGATE_URL"] = "http://" + self.world.ports["http"]
        port = switch.free_port()
        self.world.spawn("sim", "host", "--listen", "127.0.0.1:%d" % port)
        with open(self.world.path("estate.json"), "w", encoding="utf-8") as f:
            json.dump(switch.estate(["127.0.0.1:%d" % port], 3, 1), f, ensure_ascii=False)
        # The merchant that the README suspends a terminal of.
        self.run("sed -i 's/%s/102290058120001/g' estate.json" % (switch.MERCHANT % 1))

    def trade(self):
        switch.wait_for(lambda: self.world.json("GET", "/v1/hosts")["data"][0]["state"] == "signed_on", 15, "the host")
        self.run("tollgate sim terminals --target %s --terminals-file estate.json --tps 100 --count 20" % self.world.ports["listeners"]["pos"])

    def stop(self):
        self.server.terminate()
        if self.server.wait(30) != 0:
            raise switch.Failure("serve ends with %d" % self.server.returncode)
        self.server = None

    def follow(self, command):
        if command.startswith("deploy/"):
            path = os.path.join(self.source, command.split()[0])
            if not os.access(path, os.X_OK):
                raise switch.Failure("%s is not there, or cannot be run" % command)
            self.run("bash -n " + path)
            return
        if command.startswith("tollgate serve"):
            return self.serve(command)
        if "--data" in command and self.server is not None:
            self.stop()
        said = self.run(command)
        wanted = [text for words, text in SAYS.items() if words in command]
        if any(text not in said for text in wanted):
            raise switch.Failure("$ %s\ndoes not say %s:\n%s" % (command, wanted, said))
        if command.startswith("tollgate apply"):
            self.trade()

    def close(self):
        if self.server is not None:
            self.server.kill()
            self.server.wait()
        self.world.close()


def named_tests(text, build):
    """Every `ctest -R NAME` names a test that there is."""
    names = re.findall(r"`ctest -R (\w+)`", text)
    for name in names:
        listed = subprocess.run(["ctest", "--test-dir", build, "-N", "-R", name], capture_output=True, text=True, timeout=60).stdout
        if "Total Tests: 0" in listed or "Total Tests:" not in listed:
            raise switch.Failure("`ctest -R %s` names no test" % name)
    return names


def controls(reader):
    if not differing(["tollgate a"], ["tollgate b"]) or commands("    $ tollgate x y   # z\n    deploy/demo   # a\ntollgate no\n") != ["tollgate x y", "deploy/demo"]:
        raise switch.Failure("the lists are not compared")
    try:
        reader.follow("tollgate terminals suspendd tid:10000001")
    except switch.Failure:
        return
    raise switch.Failure("a command that does not exist passes")


def main():
    if len(sys.argv) != 4:
        print(__doc__)
        return 2
    binary, source, build = (os.path.abspath(a) for a in sys.argv[1:])
    reader = None
    try:
        texts = []
        for name in ("README.md", "README.zh-CN.md"):
            with open(os.path.join(source, name), encoding="utf-8") as f:
                texts.append(f.read())
        listed = commands(texts[0])
        if difference := differing(listed, commands(texts[1])):
            raise switch.Failure("README.md and README.zh-CN.md differ in: %s" % difference)
        tests = [named_tests(text, build) for text in texts]
        if tests[0] != tests[1] or not tests[0] or len(listed) < 8:
            raise switch.Failure("the READMEs name %s, %s and %d commands" % (*tests, len(listed)))
        reader = Reader(binary, source, build)
        controls(reader)
        for command in listed:
            reader.follow(command)
            print("ok  " + command, flush=True)
        print("%d commands, %d tests named" % (len(listed), len(tests[0])))
        return 0
    except switch.Failure as failure:
        print("failed: %s" % failure)
        return 1
    finally:
        if reader is not None:
            reader.close()


if __name__ == "__main__":
    sys.exit(main())
