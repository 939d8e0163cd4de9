#!/usr/bin/env python3
"""No memory of a running switch reaches a core file or another process of its user: keys are in it.

  dumpable.py BINARY

Looked at from outside, in /proc: the core limit, whose the process's files are, and whether its own user may read its memory. With
--dumpable all of it is the other way round, which shows that the look can fail.
"""

import os
import pwd
import resource
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import switch  # noqa: E402


def core_limits(pid):
    with open("/proc/%d/limits" % pid, encoding="utf-8") as f:
        line = next(line for line in f if line.startswith("Max core file size"))
    return line.split()[4:6]


def look(binary, identity, dumpable):
    """(core limits, the files are root's, its user may read its memory) of a serve with that user's rights."""
    folder = tempfile.mkdtemp(prefix="tollgate-dump-")
    shutil.chown(folder, identity.pw_uid, identity.pw_gid)
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))  # as an operator might have it: inherited, and to be lowered
    mine = os.path.join(folder, "tollgate")
    shutil.copy(binary, mine)  # the build may lie where that user cannot go
    world = switch.Switch(mine, keep=folder, arguments=["--dumpable"] if dumpable else [])
    rights = {} if os.geteuid() == identity.pw_uid else {"user": identity.pw_uid, "group": identity.pw_gid, "extra_groups": []}
    world.popen = rights
    try:
        world.start()
        pid = world.process.pid
        owner = os.stat("/proc/%d/environ" % pid).st_uid
        # A page of its memory, by the right that a debugger's first look needs; to read all of it takes no less.
        reader = subprocess.run(["cat", "/proc/%d/environ" % pid], capture_output=True, check=False, **rights)
        return core_limits(pid), owner == 0, reader.returncode == 0
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)
        world.close()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    binary = os.path.abspath(sys.argv[1])
    # Root owns what is not dumpable, so that a root's own process would show no difference.
    identity = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    inherited = "unlimited" if hard == resource.RLIM_INFINITY else str(hard)
    shipped, control = look(binary, identity, False), look(binary, identity, True)
    print("shipped:    core limits %s, files are root's: %s, memory readable by its user: %s" % shipped)
    print("--dumpable: core limits %s, files are root's: %s, memory readable by its user: %s" % control)
    if shipped != (["0", "0"], True, False):
        raise switch.Failure("a serve can be dumped: %r" % (shipped,))
    if control != ([inherited, inherited], False, True):
        raise switch.Failure("the control shows no difference: %r" % (control,))


if __name__ == "__main__":
    main()
