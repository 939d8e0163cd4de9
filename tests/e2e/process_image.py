"""What a core file of a running process would hold, read from /proc: every present page of every readable mapping, but for those that
are marked to stay out of a core file (MADV_DONTDUMP) and for the unwritten pages of files, which are on disk anyway.
"""

import array
import os
import re

PAGE = os.sysconf("SC_PAGE_SIZE")
_HEAD = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ (\d+)\s*(.*)$")
_CHUNK = 4 << 20


class Mapping:
    def __init__(self, match):
        self.begin, self.end = int(match.group(1), 16), int(match.group(2), 16)
        self.rights, self.inode, self.name = match.group(3), int(match.group(4)), match.group(5)
        self.flags, self.anonymous_kb = [], 0

    def in_a_core(self):
        if not self.rights.startswith("r") or "dd" in self.flags or "io" in self.flags or self.name in ("[vvar]", "[vsyscall]"):
            return False
        return self.inode == 0 or self.anonymous_kb > 0


def mappings(pid):
    out = []
    with open("/proc/%d/smaps" % pid, encoding="utf-8") as f:
        for line in f:
            head = _HEAD.match(line)
            if head:
                out.append(Mapping(head))
            elif line.startswith("Anonymous:"):
                out[-1].anonymous_kb = int(line.split()[1])
            elif line.startswith("VmFlags:"):
                out[-1].flags = line.split()[1:]
    return out


def _present(pagemap, begin, end):
    """Runs of pages that are in memory or in swap."""
    count = (end - begin) // PAGE
    entries = array.array("Q")
    entries.frombytes(os.pread(pagemap, count * 8, begin // PAGE * 8))
    start = None
    for i, entry in enumerate(entries):
        if entry >> 62:
            start = i if start is None else start
        elif start is not None:
            yield begin + start * PAGE, begin + i * PAGE
            start = None
    if start is not None:
        yield begin + start * PAGE, begin + len(entries) * PAGE


def read(pid):
    """(name of the mapping, address, bytes) of every run; the process goes on meanwhile, as it would under gcore but for a moment."""
    memory = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
    pagemap = os.open("/proc/%d/pagemap" % pid, os.O_RDONLY)
    try:
        for mapping in mappings(pid):
            if not mapping.in_a_core():
                continue
            for begin, end in _present(pagemap, mapping.begin, mapping.end):
                data = bytearray()
                for at in range(begin, end, _CHUNK):
                    try:
                        data += os.pread(memory, min(_CHUNK, end - at), at)
                    except OSError:  # unmapped meanwhile
                        break
                yield mapping.name or "anonymous", begin, bytes(data)
    finally:
        os.close(memory)
        os.close(pagemap)
