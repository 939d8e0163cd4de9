#!/usr/bin/env python3
"""The house rules that a script can check (DESIGN, "Walls" and "Coroutines"; STYLE): walls between modules, banned calls, the coroutine
subset that g++ 12 compiles right, no floating point near money, sizes, tests that are built, secrets.

    tests/tidy.py [--root DIR] [--notes]     prints file:line: rule: message; exit 1 when there is one

Looks at what git knows and at new files that it does not ignore. tests/tidy_test.py plants one violation for each rule.
--notes adds what is allowed but worth a look: functions over a screen, files over 400 lines, headers over 150.
"""
import argparse
import ast
import bisect
import os
import re
import subprocess
import sys

FILE_LINES, FUNCTION_LINES = 600, 80          # hard; STYLE aims at 400 and 60
FILE_AIM, FUNCTION_AIM, HEADER_AIM = 400, 60, 150
BEAST_UNITS = 4                               # one costs about 25 s to compile

# Who may include whom, by module; DESIGN, "Walls", with the arrows written out.
FLOOR = {"base", "proto"}
PURE = FLOOR | {"iso", "crypto", "fees", "ledger"}
WALLS = {
    "base": set(),
    "proto": set(),
    "iso": {"base"},
    "crypto": {"base"},
    "fees": FLOOR,
    "storage": FLOOR,
    "ledger": FLOOR | {"fees"},
    "core": PURE | {"storage"},
    "net": PURE | {"storage", "core"},
    "admin": PURE | {"storage", "core"},
    "sim": {"base", "iso", "crypto"},
    "cli": PURE | {"storage", "core", "net", "admin", "sim", "app"},
    "app": PURE | {"storage", "core", "net", "admin", "sim", "cli"},
}
# What core may see of the store: the journal's promises and the doors beside it, never what keeps them.
STORAGE_SEEN_BY_CORE = {"storage/journal.h"}

# Where a library may be included: pattern of the include, pattern of the files.
HOMES = [
    (r"rocksdb/", r"storage/rocks_|tests/storage/|bench/", "RocksDB stays behind storage/rocks_*"),
    (r"boost/asio", r"switch/(net|sim)/|tests/(net|sim|admin|e2e|support)/|bench/|switch/admin/http_", "Asio lives in switch/net and switch/sim"),
    (r"boost/beast", r"switch/admin/", "Beast lives in switch/admin"),
    (r"spdlog/", r"switch/base/log\.cpp|tests/base/", "spdlog stays behind switch/base/log.h"),
    (r"CLI/", r"switch/cli/.*|switch/main\.cpp", "CLI11 stays in the command line"),
    (r"openssl/", r".*\.cpp|switch/crypto/|tests/|bench/", "OpenSSL's types stay in switch/crypto"),
    (r"(toml\+\+|zstd|zlib|date)[/.]", r".*\.cpp|tests/|bench/", "no third-party type in a header"),
]

PURE_FOLDERS = r"(fees|switch/(iso|ledger|core))/"
PRODUCT = r"(fees|storage|switch)/"
# Words that may not stand in the code (comments and strings do not count): rule, files, except in, pattern, reason.
BANNED = [
    ("clock", PURE_FOLDERS, None, r"\b(gettimeofday|clock_gettime|SystemClock|(steady|system|high_resolution|utc)_clock)\b|\bstd::time\b|(::|\.|->)now\s*\(|\btime\s*\(\s*(0|NULL|nullptr)?\s*\)",
     "the pure part gets `now` as a parameter"),
    ("chance", r".", r"switch/base/chance\.cpp", r"\b(s?rand|rand_r|[dlm]rand48)\s*\(|\brandom_device\b",
     "chance comes from switch/base/chance.h, so that a seed replays it"),
    ("chance", PRODUCT, None, r"\bstd::(mt19937\w*|default_random_engine|minstd_rand\w*)", "chance comes from switch/base/chance.h"),
    ("sleep", PRODUCT, r"switch/sim/", r"\b(u|nano)?sleep\s*\(|\bsleep_(for|until)\b", "wait on a deadline or an event, never on the clock"),
    ("printf", PRODUCT, r"switch/base/check\.cpp|storage/rocks_log\.cpp", r"\bv?(f|s|sn|d|as)?printf\s*\(", "printf takes anything, a secret too; use fmt or the log"),
    ("reveal", r".", r"switch/(base|crypto|core|sim)/|switch/cli/crypto_|tests/|bench/", r"(\.|->)\s*reveal\s*\(", "secrets are opened only in base, crypto, core and sim"),
    ("memcmp", r"switch/crypto/", None, r"(?<!CRYPTO_)\bmemcmp\s*\(", "compare with equal_in_constant_time"),
    ("sync-wal", r".", None, r"\bSyncWAL\b", "wrong with WAL tracking until RocksDB 7.10 (durability, section 2)"),
    ("delete-range", r"storage/", None, r"\bDeleteRange\b", "wrong with insertion hints in RocksDB 7.8 (storage/README.md)"),
    ("activated", r"switch/core/", r"switch/core/(terminal\.h|partition_command\.cpp)", r"\bset_activated\b", "Terminal::set() and activate() keep the gate's copy with it"),
    ("ranges-copy", PRODUCT, None, r"\branges::copy(_backward)?\s*\(", "g++ 12 copies bytes one by one here; std::copy is a memmove"),
    ("prefetch", PRODUCT, r"switch/base/prefetch\.h", r"\b__builtin_prefetch\b", "g++ drops the calls of what only fetches; base/prefetch.h does not let it"),
    ("resume", r"storage/|switch/", None, r"(\.|->)Resume\s*\(", "a failed write is unknown: stop, restart, look (P6)"),
    ("float", r"fees/|switch/ledger/|storage/", None, r"\b(float|double)\b|(?<![\w.])(?!0[xX])(\d[\d']*\.[\d']*|\.\d[\d']*|\d[\d']*(?=[eE]))([eE][+-]?\d+)?[fFlL]?(?![\w.])",
     "money and its books are whole numbers"),
]
# In any text file, comments too. Written so that this file does not find itself.
BANNED_TEXT = [
    ("todo", r".", r"\b(TO[D]O|FIX[M]E)\b", "do it, or write down in the README why not"),
    ("switched-off", r".", r"\bDIS[A]BLED_|\bGTEST_SK[I]P\b|\bunittest\.sk[i]p|\bit\.on[l]y\b", "a test that does not run is not a test"),
    ("machine-path", r".", r"(?<![\w.])/(wor[k]|roo[t]|hom[e])/|/tm[p]/b-|\.\./share[d]\b", "a path of one machine"),
]
TEXT = (".cpp", ".h", ".py", ".sh", ".js", ".mjs", ".css", ".html", ".md", ".toml", ".proto", ".cmake", ".txt", ".yaml", ".yml", ".json", ".service")
SIZED = (".cpp", ".h", ".py", ".sh", ".js", ".mjs", ".css", ".proto", ".cmake", "CMakeLists.txt")

TOKEN = re.compile(r'(?P<number>\b[0-9](?:[eEpP][+-]|[0-9a-zA-Z_.]|\'[0-9a-zA-Z])*)|(?P<skip>//[^\n]*|/\*.*?\*/|R"(?P<d>[^(\s]*)\(.*?\)(?P=d)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')', re.S)


def blank(match):
    if match.group("number"):
        return match.group()
    return re.sub(r"[^\n]", " ", match.group())


class Source:
    """A file: its text, and for C++ its code with comments, strings and preprocessor lines made blank (same length)."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), "rb") as f:
            data = f.read()
        self.binary = b"\0" in data[:8000]
        self.text = "" if self.binary else data.decode("utf-8", "replace")
        self.starts = [0] + [m.end() for m in re.finditer("\n", self.text)]
        self.cpp = path.endswith((".cpp", ".h"))
        self.code = ""
        if self.cpp:
            plain = TOKEN.sub(blank, self.text)
            self.code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), plain, flags=re.M)
        self.includes = re.findall(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)', self.text, re.M) if self.cpp else []

    def line(self, at):
        return bisect.bisect_right(self.starts, at)

    def line_of(self, word):
        return self.line(max(self.text.find(word), 0))


class House:
    def __init__(self, root):
        self.root = root
        self.paths = list_files(root)
        self.sources = [Source(root, p) for p in self.paths if p.endswith(TEXT) or os.path.dirname(p) in ("deploy", ".ci")]
        self.cpp = [s for s in self.sources if s.cpp]
        self.known = set(self.paths)
        self.findings, self.notes = [], []

    def report(self, source, line, rule, message):
        self.findings.append((source if isinstance(source, str) else source.path, line, rule, message))

    def note(self, source, line, rule, message):
        self.notes.append((source.path, line, rule, message))


def list_files(root):
    if os.path.exists(os.path.join(root, ".git")):
        git = ["git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(git, capture_output=True, check=True).stdout.decode().split("\0")
    else:  # an unpacked archive, or the tests of this script
        names = [os.path.relpath(os.path.join(d, f), root) for d, _, files in os.walk(root) for f in files]
        names = [n for n in names if not n.startswith("build/")]
    return sorted({n for n in names if n and os.path.isfile(os.path.join(root, n))})


def module_of(path):
    parts = path.split("/")
    if parts[0] in ("fees", "storage", "proto") and len(parts) > 1:
        return parts[0]
    if parts[0] == "switch":
        return parts[1] if len(parts) > 2 else "app"
    return None


# ---- walls ----------------------------------------------------------------------------------------------------


def check_walls(house):
    generated = re.compile(r"(^|/)[\w-]+\.(pb\.h|inc)$")
    for s in house.cpp:
        mine = module_of(s.path)
        for kind, name in s.includes:
            line = s.line_of(name)
            if kind == "<":
                check_home(house, s, name, line)
                continue
            if name not in house.known and not generated.search(name):
                house.report(s, line, "include-root", f'"{name}" is not a file under the root of the repository')
                continue
            theirs = "proto" if name.startswith("tollgate/v1/") else module_of(name)
            if mine in WALLS and theirs is None:
                house.report(s, line, "wall", f'{mine} includes "{name}", which is no module')
            elif mine in WALLS and theirs not in WALLS[mine] | {mine}:
                house.report(s, line, "wall", f"{mine} must not know {theirs}")
            elif mine == "core" and theirs == "storage" and name not in STORAGE_SEEN_BY_CORE:
                house.report(s, line, "wall", f'core sees of storage only {", ".join(sorted(STORAGE_SEEN_BY_CORE))}')


def check_home(house, s, name, line):
    for library, home, reason in HOMES:
        if re.match(library, name) and not re.match(home, s.path):
            house.report(s, line, "home", f"<{name}>: {reason}")


def check_beast(house):
    """Counts translation units that see Beast, also through headers of this repository."""
    direct = {s.path: any(n.startswith("boost/beast") for _, n in s.includes) for s in house.cpp}
    inner = {s.path: [n for k, n in s.includes if k == '"'] for s in house.cpp}

    def sees(path, seen):
        if path in seen or path not in direct:
            return False
        seen.add(path)
        return direct[path] or any(sees(n, seen) for n in inner[path])

    units = [s for s in house.cpp if s.path.endswith(".cpp") and s.path.startswith("switch/") and sees(s.path, set())]
    for s in units[BEAST_UNITS:]:
        house.report(s, 1, "beast-units", f"{len(units)} translation units see Beast, at most {BEAST_UNITS} may")


def check_pure(house):
    doors = re.compile(r"(thread|fstream|filesystem|iostream|unistd\.h|sys/\w+\.h|fcntl\.h)$|switch/base/(log|metrics)\w*\.h$")
    for s in house.cpp:
        if re.match(PURE_FOLDERS, s.path):
            for _, name in s.includes:
                if doors.match(name):
                    house.report(s, s.line_of(name), "pure", f"{name}: the pure part has no thread, file, socket or log")


# ---- banned words ---------------------------------------------------------------------------------------------


def check_banned(house):
    for rule, files, exempt, pattern, reason in BANNED:
        word = re.compile(pattern)
        for s in house.cpp:
            if re.match(files, s.path) and not (exempt and re.match(exempt, s.path)):
                for m in word.finditer(s.code):
                    house.report(s, s.line(m.start()), rule, f"{m.group().strip()}: {reason}")
    for rule, files, pattern, reason in BANNED_TEXT:
        word = re.compile(pattern)
        for s in house.sources:
            if re.match(files, s.path):
                for m in word.finditer(s.text):
                    house.report(s, s.line(m.start()), rule, f"{m.group().strip()}: {reason}")


# ---- coroutines -----------------------------------------------------------------------------------------------

LAMBDA_HEAD = re.compile(r"\[[^\[\]]*\]\s*(<[^{};]*>)?\s*(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?\s*(mutable|noexcept|constexpr|static|\s)*(->[^{};]*)?$")
INITIALISER = re.compile(r"(?:(?:const|static|constexpr|auto|unsigned|typename)\s+)*[\w:]*(?:<[^;{}]*>)?[\w:]*\s*(?:const\s*)?[&*]*\s*(?:\b\w+|\[[\w\s,]+\])\s*=$")


def strip_heads(text):
    """Drops what may stand before a statement: labels, else, and conditions that hold no co_await."""
    while True:
        before = text
        text = re.sub(r"^(case\b[^:]*(::[^:]*)*|default|\w+)\s*:(?!:)\s*", "", text.strip())
        text = re.sub(r"^(else|do)\b\s*", "", text)
        head = re.match(r"(if(\s+constexpr)?|while|for|switch)\s*\(", text)
        if head:
            depth, at = 1, head.end()
            while at < len(text) and depth:
                depth += {"(": 1, ")": -1}.get(text[at], 0)
                at += 1
            if depth == 0:
                text = text[at:]
        if text == before:
            return text.strip()


def statement_start(code, at):
    """Where the statement of code[at] begins, or None when an open bracket lies between."""
    depth = 0
    for i in range(at - 1, -1, -1):
        c = code[i]
        if c in ")]":
            depth += 1
        elif c in "([":
            depth -= 1
            if depth < 0:
                return None
        elif c in ";{}" and depth == 0:
            return i + 1
    return 0


def await_defect(code, at):
    start = statement_start(code, at)
    if start is None:
        return "inside a condition, an argument or a bracket"
    prefix = strip_heads(code[start:at])
    if prefix not in ("", "co_return"):
        declares = INITIALISER.fullmatch(re.sub(r"\s+", " ", prefix))
        if not declares or re.fullmatch(r"\w+\s*=", prefix) or re.match(r"(return|co_yield)\b", prefix):
            return "not a whole statement, an initialiser of a named variable or after co_return"
    depth, i, expression_end = 0, at + len("co_await"), None
    while i < len(code):
        c = code[i]
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(c, 0)
        if c == "{":
            return "a braced list, an aggregate or a lambda in the awaited expression"
        if c == ";" and depth == 0:
            break
        if depth == 0 and c == ")":
            expression_end = i
        i += 1
    rest = code[at + len("co_await"):i]
    if re.search(r"[(,]\s*\[", rest):
        return "a lambda in the awaited expression"
    if rest.lstrip().startswith("("):
        return "part of a larger expression"
    if expression_end is not None and code[expression_end + 1:i].strip():
        return "part of a larger expression"
    outer, depth = [], 0
    for c in rest:  # the awaited expression without what stands in brackets: no operator may be left
        depth += c in "(["
        outer.append("" if depth else c)
        depth -= c in ")]"
    if re.search(r"[?+*/%|^!=]|&&|(?<!-)>(?!\s*$)\s*=|==", "".join(outer).replace("->", "")):
        return "part of a larger expression"
    return None


def check_coroutines(house):
    keyword = re.compile(r"\bco_(await|return|yield)\b")
    for s in house.cpp:
        if "co_" not in s.code:
            continue
        for m in keyword.finditer(s.code):
            if m.group() == "co_await" and not re.search(r"operator\s*$", s.code[:m.start()]):
                defect = await_defect(s.code, m.start())
                if defect:
                    house.report(s, s.line(m.start()), "coroutine", f"co_await {defect}; g++ 12 miscompiles it")
            if in_lambda(s.code, m.start()):
                house.report(s, s.line(m.start()), "coroutine-lambda", "a lambda that is a coroutine; write a named function")


def in_lambda(code, at):
    depth = 0
    for i in range(at - 1, -1, -1):
        if code[i] == "}":
            depth += 1
        elif code[i] == "{":
            depth -= 1
            if depth < 0:
                depth = 0
                if LAMBDA_HEAD.search(code[max(0, i - 400):i].rstrip()):
                    return True
    return False


# ---- sizes ----------------------------------------------------------------------------------------------------

NOT_A_FUNCTION = re.compile(r"^(if|for|while|switch|catch|namespace|class|struct|union|enum|do|else|try|extern)\b|=\s*(\[[^\]]*\].*)?$", re.S)
FUNCTION_TAIL = re.compile(r"\)\s*(const|noexcept|override|final|mutable|&|->\s*[\w:<>,\s&*]+|\s)*$")


def functions(code):
    """(start, end) of each outermost function body that looks like one."""
    stack, last, found = [], 0, []
    for m in re.finditer(r"[(){};]", code):
        c, at = m.group(), m.start()
        if c == "(":
            stack.append(("(", 0, False))
        elif c == ")":
            if stack and stack[-1][0] == "(":
                stack.pop()
        elif c == "{":
            head = code[last:at].strip()
            inside = any(f for _, _, f in stack)
            is_function = (not inside and not (stack and stack[-1][0] == "(") and not NOT_A_FUNCTION.search(head)
                           and bool(FUNCTION_TAIL.search(head) or re.search(r"\)\s*:\s*\w.*[)}]$", head, re.S)))
            begin = last + len(code[last:at]) - len(code[last:at].lstrip())
            stack.append(("{", begin, is_function))
            last = at + 1
        elif c == "}":
            while stack and stack[-1][0] == "(":
                stack.pop()
            if stack:
                _, begin, is_function = stack.pop()
                if is_function:
                    found.append((begin, at))
            last = at + 1
        elif not (stack and stack[-1][0] == "("):
            last = at + 1
    return found


def check_sizes(house):
    for s in house.sources:
        lines = s.text.count("\n")
        if s.path.endswith(SIZED) or "." not in os.path.basename(s.path):
            if lines > FILE_LINES:
                house.report(s, FILE_LINES + 1, "file-size", f"{lines} lines, at most {FILE_LINES}")
            elif lines > FILE_AIM:
                house.note(s, FILE_AIM + 1, "file-size", f"{lines} lines, aim under {FILE_AIM}")
        if s.path.endswith(".h") and re.match(PRODUCT, s.path) and lines > HEADER_AIM:
            house.note(s, HEADER_AIM + 1, "header-size", f"{lines} lines, aim under {HEADER_AIM}")
        spans = [(s.line(a), s.line(b)) for a, b in functions(s.code)] if s.cpp else python_functions(s)
        for first, last in spans:
            length = last - first + 1
            if length > FUNCTION_LINES:
                house.report(s, first, "function-size", f"{length} lines, at most {FUNCTION_LINES}")
            elif length > FUNCTION_AIM:
                house.note(s, first, "function-size", f"{length} lines, aim under {FUNCTION_AIM}")


def python_functions(s):
    if not s.path.endswith(".py"):
        return []
    try:
        tree = ast.parse(s.text)
    except SyntaxError:
        return []  # the interpreter says it better
    return [(n.lineno, n.end_lineno) for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]


# ---- the shape of a module ------------------------------------------------------------------------------------


def check_headers(house):
    for s in house.cpp:
        if not s.path.endswith(".h") or not re.match(PRODUCT, s.path):
            continue
        opening = re.match(r"(?://[^\n]*\n)+", s.text)
        if not opening or len(opening.group()) < 60:
            house.report(s, 1, "header-paragraph", "a header begins with a paragraph: what for, who owns it, which thread, what it promises")
        if "#pragma once" not in s.text:
            house.report(s, 1, "pragma-once", "missing")


def check_readmes(house):
    folders = {os.path.dirname(s.path) for s in house.cpp if module_of(s.path) not in (None, "app")}
    modules = {"/".join(f.split("/")[:2]) if f.startswith("switch/") else f.split("/")[0] for f in folders}
    for folder in sorted(modules):
        if f"{folder}/README.md" not in house.known:
            house.report(folder, 1, "readme", "a module folder has a README.md: purpose, promises, decisions")


def check_built(house):
    lists = {os.path.dirname(s.path): s.text for s in house.sources if os.path.basename(s.path) == "CMakeLists.txt"}
    for path in house.paths:
        if not re.search(r"_(test|fuzz)\.(cpp|py|sh|mjs|js)$", path) or not path.startswith(("tests/", "bench/", "switch/console/")):
            continue
        folder, rest, named = os.path.dirname(path), os.path.basename(path), False
        while not named:
            named = bool(re.search(r"(?<![\w-])" + re.escape(rest) + r"(?![\w-])", lists.get(folder, "")))
            if not folder:
                break
            rest = f"{os.path.basename(folder)}/{rest}"
            folder = os.path.dirname(folder)
        if not named:
            house.report(path, 1, "not-built", "no CMakeLists.txt names it: it never runs")


CHECKS = [check_walls, check_beast, check_pure, check_banned, check_coroutines, check_sizes, check_headers, check_readmes, check_built]
RULES = ({"include-root", "wall", "home", "beast-units", "pure", "coroutine", "coroutine-lambda", "file-size", "function-size",
          "header-paragraph", "pragma-once", "readme", "not-built"} | {b[0] for b in BANNED} | {b[0] for b in BANNED_TEXT})


def inspect(root):
    house = House(root)
    for check in CHECKS:
        check(house)
    return house


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser.add_argument("--notes", action="store_true", help="also what is allowed but worth a look")
    args = parser.parse_args()
    house = inspect(args.root)
    if not house.cpp:
        print(f"tidy: no C++ file under {args.root}", file=sys.stderr)
        return 2
    if args.notes:
        for path, line, rule, message in sorted(house.notes):
            print(f"{path}:{line}: note: {rule}: {message}")
    for path, line, rule, message in sorted(set(house.findings)):
        print(f"{path}:{line}: {rule}: {message}")
    print(f"tidy: {len(house.sources)} files, {len(RULES)} rules, {len(set(house.findings))} findings")
    return 1 if house.findings else 0


if __name__ == "__main__":
    sys.exit(main())
