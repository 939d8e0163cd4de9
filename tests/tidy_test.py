#!/usr/bin/env python3
"""Negative controls of tidy.py: each rule finds the violation that is planted for it, at its line, and leaves the clean twin alone."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True
import tidy  # noqa: E402

HEAD = "// What this is for, who owns it, which thread it belongs to, and what it promises.\n#pragma once\n"
TO_DO = "TO" + "DO"  # this file is looked at too
SKIP, OFF = "GTEST_" + "SKIP", "DISABLED" + "_"
HOME = "/home" + "/someone/x"


def body(text, head="#include <x>\n"):
    return head + "void f() {\n" + text + "\n}\n"


def coroutine(statement):
    return "awaitable f() {\n" + statement + "\n}\n"


# rule, path, planted text, line of the finding, a clean twin of the same path
PLANTED = [
    ("include-root", "switch/net/a.cpp", '#include "b.h"\n', 1, '#include "switch/base/known.h"\n'),
    ("include-root", "switch/net/a.cpp", '#include "../base/known.h"\n', 1, '#include "tollgate/v1/records.pb.h"\n'),
    ("wall", "fees/a.cpp", '\n#include "switch/iso/known.h"\n', 2, '#include "switch/base/known.h"\n'),
    ("wall", "storage/a.cpp", '#include "switch/iso/known.h"\n', 1, '#include "switch/base/known.h"\n'),
    ("wall", "switch/iso/a.h", HEAD + '#include "switch/core/known.h"\n', 3, HEAD + '#include "switch/base/known.h"\n'),
    ("wall", "switch/core/a.cpp", '#include "switch/net/known.h"\n', 1, '#include "switch/iso/known.h"\n'),
    ("wall", "switch/core/a.cpp", '#include "storage/rocks_known.h"\n', 1, '#include "storage/journal.h"\n'),
    ("wall", "switch/base/a.cpp", '#include "tests/known.h"\n', 1, '#include "switch/base/known.h"\n'),
    ("home", "storage/journal.cpp", "#include <rocksdb/db.h>\n", 1, "#include <string>\n"),
    ("home", "switch/core/a.cpp", "#include <boost/asio/ip/tcp.hpp>\n", 1, "#include <boost/unordered/unordered_flat_map.hpp>\n"),
    ("home", "switch/net/a.cpp", "#include <boost/beast/http.hpp>\n", 1, "#include <boost/asio/ip/tcp.hpp>\n"),
    ("home", "switch/net/a.cpp", "#include <spdlog/spdlog.h>\n", 1, '#include "switch/base/known.h"\n'),
    ("home", "switch/config.h", HEAD + "#include <toml++/toml.h>\n", 3, HEAD),
    ("pure", "switch/core/a.cpp", "#include <thread>\n", 1, "#include <vector>\n"),
    ("pure", "fees/a.cpp", "#include <fstream>\n", 1, "#include <string>\n"),
    ("clock", "switch/core/a.cpp", body("auto t = SystemClock::now();"), 3, body('auto t = now.instant;  // SystemClock::now()\nput("gettimeofday");')),
    ("clock", "switch/iso/a.cpp", body("auto t = time(nullptr);"), 3, body("auto t = business_time(x);")),
    ("chance", "switch/net/a.cpp", body("int x = rand();"), 3, body("int x = chance.below(4) + operand(2);")),
    ("chance", "tests/a_support.cpp", body("std::random_device d;"), 3, body("std::mt19937 d(1);")),
    ("chance", "switch/net/a.cpp", body("std::mt19937 d(1);"), 3, body("SeededChance d(1);")),
    ("sleep", "switch/net/a.cpp", body("std::this_thread::sleep_for(x);"), 3, body("timer.expires_after(x);")),
    ("printf", "switch/net/a.cpp", body('std::printf("%s", pan);'), 3, body('fmt::print("{}", masked);')),
    ("reveal", "switch/admin/a.cpp", body("auto pan = card.reveal();"), 3, body("auto pan = card.masked();")),
    ("memcmp", "switch/crypto/a.cpp", body("return std::memcmp(a, b, 4) == 0;"), 3, body("return CRYPTO_memcmp(a, b, 4) == 0;")),
    ("sync-wal", "storage/rocks_a.cpp", body("db->SyncWAL();"), 3, body("db->Write(options, batch);")),
    ("delete-range", "storage/rocks_a.cpp", body("db->DeleteRange(options, family, a, b);"), 3, body("db->Delete(options, family, a);")),
    ("activated", "switch/core/a.cpp", body("terminal->terminal.set_activated(true);"), 3, body("terminal->activate();")),
    ("ranges-copy", "switch/net/a.cpp", body("std::ranges::copy(bytes, out);"), 3, body("std::copy(bytes.begin(), bytes.end(), out);")),
    ("prefetch", "switch/core/a.cpp", body("__builtin_prefetch(p);"), 3, body("prefetch_for_writing(p, 8);")),
    ("resume", "storage/rocks_a.cpp", body("db->Resume();"), 3, body("stop();")),
    ("float", "fees/a.cpp", body("double rate = 6;"), 3, body("long rate = 6'000'000;  // 0.6 % double\nint e = 0x1e5;")),
    ("float", "switch/ledger/a.cpp", body("auto x = 0.5 * y;"), 3, body("auto x = y.z;\nauto v = a.b1;")),
    ("float", "storage/a.cpp", body("auto x = 1e6;"), 3, body("auto x = 1'000'000;")),
    ("todo", "switch/net/a.cpp", f"// {TO_DO}: later\n", 1, "// later\n"),
    ("todo", "README.md", f"\n{TO_DO}\n", 2, "todo is a word\n"),
    ("switched-off", "tests/a_support.cpp", f"TEST(A, {OFF}B) {{}}\n", 1, "TEST(A, B) {}\n"),
    ("switched-off", "tests/a_support.cpp", f"void f() {{ {SKIP}(); }}\n", 1, "void f() {}\n"),
    ("machine-path", "deploy/a.sh", f"cat {HOME}\n", 1, "cat /etc/tollgate/tollgate.toml\n"),
    ("coroutine", "switch/net/a.cpp", coroutine("if (co_await ready()) go();"), 2, coroutine("const bool is = co_await ready();\nif (is) go();")),
    ("coroutine", "switch/net/a.cpp", coroutine("while (auto x = co_await next()) go();"), 2, coroutine("while (true) {\nauto x = co_await next();\n}")),
    ("coroutine", "switch/net/a.cpp", coroutine("use(co_await next());"), 2, coroutine("auto n = co_await next();\nuse(n);")),
    ("coroutine", "switch/net/a.cpp", coroutine("n = co_await next();"), 2, coroutine("std::size_t n = co_await next(a, std::move(b));")),
    ("coroutine", "switch/net/a.cpp", coroutine("int n = co_await next() + 1;"), 2, coroutine("const auto [error, n] = co_await s->read(buffer(data), token);")),
    ("coroutine", "switch/net/a.cpp", coroutine("int n = 1 + co_await next();"), 2, coroutine("if (x) co_await next();\nelse co_return co_await last();")),
    ("coroutine", "switch/net/a.cpp", coroutine("co_await write({a, b});"), 2, coroutine("co_await write(Frame(a, b));")),
    ("coroutine", "switch/net/a.cpp", coroutine("co_await run([&] { go(); });"), 2, coroutine("co_await run(go_on);")),
    ("coroutine", "switch/net/a.cpp", coroutine("auto n = x ? co_await a() : 0;"), 2, coroutine("case_a: co_await a();")),
    ("coroutine", "switch/net/a.cpp", coroutine("co_await (a() || b());"), 2, coroutine("co_await this->template next<std::vector<int>>();")),
    ("coroutine-lambda", "switch/net/a.cpp", "void f() {\nauto g = [this](int a) -> awaitable<void> {\nco_return;\n};\n}\n", 3, coroutine("co_return;")),
    ("coroutine-lambda", "switch/net/a.cpp", "void f() {\nspawn(x, [] {\nif (y) {\nco_yield 1;\n}\n});\n}\n", 4, "int a[2] = {1, 2};\n" + coroutine("co_yield 1;")),
    ("file-size", "switch/net/a.cpp", "// line\n" * 601, 601, "// line\n" * 600),
    ("function-size", "switch/net/a.cpp", "namespace n {\nint f(int a) const {\n" + "a();\n" * 79 + "}\n}\n", 2, "namespace n {\n" + ("int f(int a) {\n" + "a();\n" * 40 + "}\n") * 3 + "}\n"),
    ("function-size", "switch/net/a.cpp", "A::A(int a) : a_{a}, b_(a) {\nfor (int i = 0; i < 1; ++i) {\n" + "a();\n" * 79 + "}\n}\n", 1, "struct A {\n" + "int a;\n" * 90 + "};\n"),
    ("function-size", "tests/a_support.cpp", "TEST(A, Does) {\n" + "a();\n" * 80 + "}\n", 1, "const int a[] = {\n" + "1,\n" * 90 + "};\n"),
    ("function-size", "tests/a.py", "def f():\n" + "    a()\n" * 80, 1, "def f():\n" + "    a()\n" * 70),
    ("header-paragraph", "switch/net/a.h", "#pragma once\n", 1, HEAD),
    ("pragma-once", "fees/a.h", HEAD.splitlines()[0] + "\n", 1, HEAD),
    ("not-built", "tests/net/a_test.cpp", "// forgotten\n", 1, None),
    ("not-built", "tests/fuzz/a_fuzz.cpp", "// forgotten\n", 1, None),
]

# A tree in which nothing is wrong; planted files are laid over it.
CLEAN = {
    "CMakeLists.txt": "project(tollgate)\n",
    "switch/base/known.h": HEAD,
    "switch/iso/known.h": HEAD,
    "switch/core/known.h": HEAD,
    "switch/net/known.h": HEAD,
    "storage/journal.h": HEAD,
    "storage/rocks_known.h": HEAD,
    "fees/known.h": HEAD,
    "tests/known.h": "// support\n",
    "tests/base/known_test.cpp": "// named by its own folder\n",
    "tests/base/CMakeLists.txt": "tollgate_test(base SOURCES known_test.cpp)\n",
    "tests/other/known_test.cpp": "// named by the folder above\n",
    "tests/CMakeLists.txt": "tollgate_test(other SOURCES other/known_test.cpp)\n",
    **{f"{folder}/README.md": "# what\n" for folder in ("fees", "storage", "switch/base", "switch/iso", "switch/core", "switch/net",
                                                        "switch/crypto", "switch/ledger", "switch/admin", "switch/sim")},
}


def found(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                f.write(text)
        return {(path, line, rule) for path, line, rule, _ in tidy.inspect(root).findings}


class Rules(unittest.TestCase):
    def test_a_clean_tree_has_no_finding(self):
        self.assertEqual(found(CLEAN), set())

    def test_each_planted_violation_is_found_and_nothing_else(self):
        for rule, path, text, line, twin in PLANTED:
            with self.subTest(rule=rule, text=text[:80]):
                self.assertEqual(found({**CLEAN, path: text}), {(path, line, rule)})
                if twin is not None:
                    self.assertEqual(found({**CLEAN, path: twin}), set(), "the clean twin")

    def test_every_rule_has_a_planted_violation(self):
        self.assertEqual(tidy.RULES - {p[0] for p in PLANTED}, {"readme", "beast-units"})  # planted below

    def test_a_module_without_readme(self):
        self.assertEqual(found({k: v for k, v in CLEAN.items() if k != "fees/README.md"}), {("fees", 1, "readme")})

    def test_a_fifth_beast_unit_also_through_a_header(self):
        beast = {"switch/admin/http.h": HEAD + "#include <boost/beast/http.hpp>\n"}
        units = {f"switch/admin/u{i}.cpp": '#include "switch/admin/http.h"\n' for i in range(5)}
        four = dict(list(units.items())[:4])
        self.assertEqual(found({**CLEAN, **beast, **four}), set())
        self.assertEqual(found({**CLEAN, **beast, **units}), {("switch/admin/u4.cpp", 1, "beast-units")})

    def test_a_test_that_only_a_comment_of_another_name_resembles(self):
        files = {**CLEAN, "tests/base/own_test.cpp": "//\n", "tests/base/CMakeLists.txt": "tollgate_test(base SOURCES known_test.cpp unknown_test.cpp my-own_test.cpp)\n"}
        self.assertEqual(found(files), {("tests/base/own_test.cpp", 1, "not-built")})

    def test_raw_strings_and_digit_separators_do_not_confuse(self):
        text = 'auto a = R"x(double rand() ")" )x";\nauto b = 1\'000\'000;\nchar c = \'"\';\nauto d = "double";\n'
        self.assertEqual(found({**CLEAN, "fees/a.cpp": text}), set())


class Script(unittest.TestCase):
    def run_on(self, files):
        with tempfile.TemporaryDirectory() as root:
            subprocess.run(["git", "init", "-q", root], check=True)
            for path, text in files.items():
                os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
                with open(os.path.join(root, path), "w", encoding="utf-8") as f:
                    f.write(text)
            return subprocess.run([sys.executable, tidy.__file__, "--root", root], capture_output=True, text=True)

    def test_exits_0_on_a_clean_tree_and_1_on_a_finding_with_its_place(self):
        self.assertEqual(self.run_on(CLEAN).returncode, 0)
        bad = self.run_on({**CLEAN, "fees/a.cpp": "double rate;\n"})
        self.assertEqual(bad.returncode, 1)
        self.assertIn("fees/a.cpp:1: float: double", bad.stdout)

    def test_leaves_alone_what_git_ignores(self):
        self.assertEqual(self.run_on({**CLEAN, ".gitignore": "/build/\n", "build/fees/a.cpp": "double rate;\n"}).returncode, 0)

    def test_an_empty_tree_is_an_error_and_not_a_pass(self):
        self.assertEqual(self.run_on({"README.md": "x\n"}).returncode, 2)


if __name__ == "__main__":
    unittest.main()
