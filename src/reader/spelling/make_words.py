#!/usr/bin/env python3
"""Write the English words of Debian's scowl package as a C++ source: make_words.py FOLDER OUT.cpp

Words are lower case, sorted, one a line, each with how common it is: 1 to 3 for everyday to ordinary words, 9 for rare words, names and
abbreviations, which are known but never put in the place of another word.
"""
import re
import sys

COMMON = {10: 1, 20: 2, 35: 3}
RARE = [(kind, size) for kind in ("words", "upper", "proper-names", "abbreviations") for size in (10, 20, 35, 40, 50)]

DATES = """january february march april may june july august september october november december
monday tuesday wednesday thursday friday saturday sunday"""


def words(folder, name):
    try:
        text = open("%s/%s" % (folder, name), encoding="latin-1").read()
    except FileNotFoundError:
        return
    for word in text.split():
        if re.fullmatch(r"[A-Za-z]{2,}", word):
            yield word.lower()


def main():
    folder, out = sys.argv[1:]
    rank = {}
    for kind, size in RARE:
        common = COMMON.get(size, 9) if kind == "words" else 9
        for region in ("english", "american", "british", "british_z", "canadian"):
            for word in words(folder, "%s-%s.%d" % (region, kind, size)):
                rank[word] = min(common, rank.get(word, 9))
    for name in DATES.split():
        rank[name] = 2
    if len(rank) < 10000:
        sys.exit("%s holds no word lists: install the Debian package scowl" % folder)
    lines = ["%s%d" % (word, rank[word]) for word in sorted(rank)]
    with open(out, "w", encoding="ascii") as f:
        f.write('#include "reader/spelling/english.h"\n\nnamespace lectern::reader {\nconst std::string_view kEnglishWords =\n')
        for at in range(0, len(lines), 10):
            f.write('    "%s\\n"\n' % "\\n".join(lines[at:at + 10]))
        f.write("    ;\n}  // namespace lectern::reader\n")


if __name__ == "__main__":
    main()
