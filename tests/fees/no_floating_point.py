#!/usr/bin/env python3
"""No floating point in fees/: not a type, not a literal, not a function of it. Exit 0 when there is none.

Comments and strings do not count. The control at the end makes sure that the search can find something.
"""
import pathlib
import re
import sys

TYPES = re.compile(r"\b(float|double|long\s+double|_Float\d+|std::float\w*)\b")
LITERALS = re.compile(r"(?<![\w.])\d+\.\d*(?:[eE][+-]?\d+)?[fFlL]?\b|(?<![\w.])\d+[eE][+-]?\d+\b")
FUNCTIONS = re.compile(r"\b(std::)?(floor|ceil|round|lround|trunc|fmod|pow|strtod|stod|stof)\s*\(")


def code_only(text):
    text = re.sub(r'R"\((?:.|\n)*?\)"', '""', text)
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    text = re.sub(r"//[^\n]*", "", text)
    return re.sub(r"/\*(?:.|\n)*?\*/", "", text)


def findings(text):
    return [m.group(0) for pattern in (TYPES, LITERALS, FUNCTIONS) for m in pattern.finditer(code_only(text))]


def main():
    for planted in ("double x;", "auto y = 1.5;", "auto z = 1e9;", "return std::floor(v);"):
        if not findings(planted):
            print(f"the search is blind to: {planted}")
            return 1
    if findings('// 1.5\nauto s = "0.006"; x.y(1\'000); a[0].b;'):
        print("the search sees what is not there")
        return 1
    folder = pathlib.Path(sys.argv[1])
    files = sorted(folder.glob("*.h")) + sorted(folder.glob("*.cpp"))
    bad = [(f.name, found) for f in files for found in findings(f.read_text())]
    for name, found in bad:
        print(f"{name}: {found}")
    print(f"{len(files)} files, {len(bad)} findings")
    return 0 if files and not bad else 1


if __name__ == "__main__":
    sys.exit(main())
