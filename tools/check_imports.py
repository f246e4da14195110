#!/usr/bin/env python3
"""Checks that folders include only what they may: check_imports.py [ROOT]

Bazel's visibility guards the targets; this guards the #include lines themselves, which an unsandboxed
build would let through, and the paths that the documents name. Prints one line per offence.
"""

import os
import re
import subprocess
import sys

EVERYTHING = None

# folder: the folders it may include from besides itself. The longest matching folder decides.
ALLOWED = {
    "proto": [],
    "graph": ["proto"],
    "executable": [],
    "compiler": ["graph", "proto", "executable"],
    "runtime": ["executable"],
    "runtime/core": ["executable"],
    "runtime/device": ["executable", "runtime/core"],
    "runtime/session": ["executable", "graph", "proto", "runtime"],
    # Schemas and expansions need the compiler, host functions the runtime; one family holds both.
    "ops": ["compiler", "graph", "proto", "runtime", "formats"],
    "formats": ["graph", "runtime", "proto"],
    "data": ["runtime", "formats", "graph", "proto"],
    "nn": ["ops", "graph", "runtime", "formats", "data", "proto"],
    # The one header that programs include brings the compiler along, as stator.h does.
    "distribute/run.cc": ["distribute", "stator.h", "graph", "runtime", "proto"],
    "distribute/run.h": ["distribute"],
    "distribute": ["runtime", "executable", "graph", "proto", "formats", "data"],
    "serving": ["runtime", "formats", "distribute", "graph", "proto"],
    "tools": EVERYTHING,
    "tests": EVERYTHING,
    # Programs that people copy use the public interface.
    "examples": ["stator.h", "ops", "graph", "runtime/session", "formats", "data", "nn", "distribute/run.h", "proto"],
}

# Headers every folder that uses Abseil may have: they say nothing about their folder's idea.
FREE = {"graph/status_macros.h"}

# folder: libraries it must never see. The runtime without LLVM, protobuf and Abseil is a promise.
FORBIDDEN_LIBRARIES = {
    "executable": ["absl/", "google/protobuf/", "llvm/", "llvm-c/", "mlir/", "mlir-c/"],
    "runtime/core": ["absl/", "google/protobuf/", "llvm/", "llvm-c/", "mlir/", "mlir-c/"],
    "runtime/device": ["absl/", "google/protobuf/", "llvm/", "llvm-c/", "mlir/", "mlir-c/"],
    "runtime/session": ["llvm/", "llvm-c/", "mlir/", "mlir-c/"],
    "graph": ["llvm/", "llvm-c/", "mlir/", "mlir-c/"],
    "formats": ["llvm/", "llvm-c/", "mlir/", "mlir-c/"],
    "data": ["llvm/", "llvm-c/", "mlir/", "mlir-c/"],
    "nn": ["llvm/", "llvm-c/", "mlir/", "mlir-c/"],
    "examples": ["llvm/", "llvm-c/", "mlir/", "mlir-c/"],
}

SOURCE = re.compile(r"\.(h|cc|cu|td|inc|proto|fbs)$")
INCLUDE = re.compile(r'^\s*(?:#\s*include|import|include)\s+["<]([^">]+)[">]')


def folder_of(path, folders):
    """The longest of `folders` that holds `path`, or None."""
    best = None
    for folder in folders:
        if path == folder or path.startswith(folder + "/"):
            if best is None or len(folder) > len(best):
                best = folder
    return best


def is_test(path):
    """Tests and their helpers may build what they test through any layer below `tests`."""
    name = os.path.basename(path)
    return name.endswith("_test.cc") or name.startswith("test_") or "_test_" in name


def check_source(root, path):
    errors = []
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines()
    if path.endswith(".h"):
        guard = "STATOR_" + re.sub(r"[/.]", "_", path).upper() + "_"
        if f"#ifndef {guard}" not in lines:
            errors.append(f"{path}:1: expected the include guard {guard}")

    mine = folder_of(path, ALLOWED)
    if mine is None:
        top = path.split("/")[0]
        if "/" in path and top != "third_party":
            errors.append(f"{path}: folder '{top}' is not in the table of tools/check_imports.py")
        return errors
    libraries = folder_of(path, FORBIDDEN_LIBRARIES)
    for number, line in enumerate(lines, 1):
        match = INCLUDE.match(line)
        if not match:
            continue
        target = match.group(1)
        if libraries is not None and not is_test(path):
            for library in FORBIDDEN_LIBRARIES[libraries]:
                if target.startswith(library):
                    errors.append(f"{path}:{number}: {libraries}/ must not include {target}")
        theirs = folder_of(target, ALLOWED)
        if theirs is None or ALLOWED[mine] is EVERYTHING or target in FREE:
            continue
        if folder_of(target, [mine]) or folder_of(target, ALLOWED[mine]):
            continue
        # A unit test of ops or nn drives the whole spine; it still may not reach sideways from
        # compiler to runtime or back.
        pair = {path.split("/")[0], target.split("/")[0]}
        if is_test(path) and pair != {"compiler", "runtime"} and mine.split("/")[0] in ("ops", "nn"):
            continue
        allowed = ", ".join(ALLOWED[mine]) or "nothing"
        errors.append(f"{path}:{number}: {mine}/ must not include {target} (may: {allowed})")
    return errors


def check_document(root, path, files):
    """Every relative link, and every back-quoted path into one of our folders, must exist."""
    errors = []
    folders = {f.rsplit("/", i)[0] for f in files for i in range(1, f.count("/") + 1)}
    tops = {f.split("/")[0] for f in files if "/" in f}
    base = os.path.dirname(path)
    with open(os.path.join(root, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if "://" in link or link.startswith("mailto:"):
                    continue
                target = os.path.normpath(os.path.join(base, link))
                if target not in files and target not in folders:
                    errors.append(f"{path}:{number}: link to {link}, which does not exist")
            for name in re.findall(r"`([A-Za-z0-9_.]+/[A-Za-z0-9_./-]+)`", line):
                target = os.path.normpath(name)
                if name.split("/")[0] in tops and target not in files and target not in folders:
                    errors.append(f"{path}:{number}: names {name}, which does not exist")
    return errors


def list_files(root):
    """What git tracks or would track; a source archive without git is walked."""
    try:
        out = subprocess.run(
            ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-co", "--exclude-standard"],
            check=True, capture_output=True, text=True)
        files = [f for f in out.stdout.splitlines() if os.path.isfile(os.path.join(root, f))]
        if files:
            return files
    except (OSError, subprocess.CalledProcessError):
        pass
    files = []
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = [s for s in subfolders if not s.startswith("bazel-") and s != ".git"]
        files += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return files


def main():
    here = os.path.dirname(os.path.realpath(__file__))
    root = os.path.realpath(sys.argv[1]) if len(sys.argv) > 1 else os.path.dirname(here)
    files = set(list_files(root))
    errors = []
    sources = sorted(f for f in files if SOURCE.search(f))
    for path in sources:
        errors += check_source(root, path)
    documents = sorted(f for f in files if f.endswith(".md"))
    for path in documents:
        errors += check_document(root, path, files)
    for error in errors:
        print(error)
    print(f"{len(sources)} sources, {len(documents)} documents, {len(errors)} offences")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
