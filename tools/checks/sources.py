"""What the checks of the sources share: which files there are, and their text without comments."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KERNEL_TREES = ("kernel", "syscalls", "vfs", "net")
SOURCE = re.compile(r"\.(h|cc|c|S|def|inc)$")
# A comment, or something in which // and /* are no comment; a line continuation is part of either.
TOKENS = re.compile(r'//(?:\\\n|[^\n])*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(*trees):
    """Paths, relative to the root, of the sources below these folders, sorted."""
    found = []
    for tree in trees:
        for folder, _, names in os.walk(os.path.join(ROOT, tree)):
            found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names if SOURCE.search(name)]
    return sorted(found)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def strip_comments(text, keep_strings=True):
    """Comments become blanks, and strings empty ones unless kept; lines stay where they were."""
    def replace(match):
        token = match.group(0)
        if token[0] == "/":
            return re.sub(r"[^\n]", " ", token)
        return token if keep_strings else token[0] * 2
    return TOKENS.sub(replace, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def report(check, problems, what_holds):
    """Prints and returns the exit code."""
    for problem in problems:
        print(problem)
    print(f"{check}: {len(problems)} problems" if problems else f"{check}: {what_holds}")
    return 1 if problems else 0
