#!/usr/bin/env python3
"""The binary layout of the plugin ABI, as text, and the promise that it never changes.

  layout.py dump  --cc CC --include DIR                 prints the layout of the headers
  layout.py check --cc CC --include DIR --frozen FILE…  compares it with those of releases

A frozen file lists every struct, its fields (offset, size, type) and every constant of one minor
version. What it lists must still hold: `check` makes a C program of _Static_asserts out of it, so
that the compiler is the judge. Structs may have grown at their end, except those that do not begin
with struct_size. What the headers have beyond all frozen files is reported too: it needs a new
minor version, or a line in the file of the one that is being made.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

STRUCT = re.compile(r"(?:typedef )?struct (\w+) \{(.*?)\n\}(?: \1)?;", re.S)
UNION = re.compile(r"union \{(.*?)\} (\w+);", re.S)
POINTER = re.compile(r"^(.*?)\(\*(\w+)\)(\(.*\))$", re.S)
TYPEDEF = re.compile(r"^typedef (.*?)(?:\(\*(\w+)\)(\(.*?\))| (\w+));", re.M | re.S)
DEFINE = re.compile(r"^#define (NX_\w+)[ \t]+(.+?)\s*$", re.M)
# Not part of the layout: they say which version it is, or are C and no numbers.
NO_CONSTANTS = {"NX_ABI_MINOR", "NX_TARGET_MINOR", "NX_EXPORT", "NX_PLUGIN_HEAD",
                "NX_PLUGIN_FUNCTION", "NX_PLUGIN_LINKAGE"}


def without_comments(text):
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)


def one_line(text):
    return " ".join(text.split())


def fields_of(body, prefix=""):
    """(field, type) of a struct's body; the type is empty where C has no name for it."""
    for union in UNION.finditer(body):
        for field, kind in fields_of(union.group(1)):
            yield union.group(2) + "." + field, kind
    for part in UNION.sub("", body).split(";"):
        part = one_line(part)
        if not part:
            continue
        pointer = POINTER.match(part)
        if pointer:
            yield pointer.group(2), f"{pointer.group(1).strip()} (*){pointer.group(3)}"
            continue
        kind, names = re.match(r"^(.*?)((?:\w+(?:\[\w+\])?)(?:, \w+)*)$", part).groups()
        for name in names.split(", "):
            array = re.match(r"^(\w+)(\[\w+\])$", name)
            if array:
                yield array.group(1), kind.strip() + array.group(2)
            else:
                yield name, kind.strip()


def typedefs_of(text):
    """(name, type) of what is neither a struct of ours nor an opaque handle."""
    for kind, pointer, arguments, name in TYPEDEF.findall(text):
        if pointer:
            yield pointer, one_line(f"{kind.strip()} (*){arguments}")
        elif not kind.startswith("struct"):
            yield name, one_line(kind)


def parse(include):
    """({struct: [(field, type)]}, {constant or typedef: definition}) of all C headers."""
    structs, constants = {}, {}
    for path in sorted(pathlib.Path(include, "nexus").glob("*.h")):
        text = without_comments(path.read_text(encoding="utf-8"))
        for name, body in STRUCT.findall(text):
            structs[name] = list(fields_of(body))
        for name, kind in typedefs_of(text):
            constants[name] = "typedef " + kind
        for name, value in DEFINE.findall(text):
            if name not in NO_CONSTANTS and not value.endswith("\\"):
                constants[name] = value
    return structs, constants


def compile_and_run(compiler, include, source):
    with tempfile.TemporaryDirectory() as folder:
        path, program = pathlib.Path(folder, "layout.c"), pathlib.Path(folder, "layout")
        path.write_text(source, encoding="utf-8")
        made = subprocess.run([compiler, "-std=c11", "-Wno-deprecated-declarations", "-I", include,
                               path, "-o", program], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            # The asserts carry their own words; what surrounds them helps nobody.
            errors = re.findall(r'(?:static assertion failed|static_assert failed)[^"]*"(.*?)"',
                                made.stderr)
            sys.exit("\n".join(errors) if errors else made.stderr)
        return subprocess.run([program], capture_output=True, text=True, check=False)


PROLOGUE = ('#include <stdio.h>\n#include <string.h>\n#include "nexus/nexus.h"\n'
            "#define TYPE_OF(s, f) __typeof__(((s *)0)->f)\n"
            "#define SIZE_OF(s, f) sizeof(((s *)0)->f)\n")


def c_name(struct):
    return struct if struct != "nx_host" else "struct nx_host"


def dump(options):
    structs, constants = parse(options.include)
    body = [PROLOGUE, "int main(void) {"]
    for struct, fields in structs.items():
        name = c_name(struct)
        body.append(f'  printf("struct {struct} %zu\\n", sizeof({name}));')
        for field, kind in fields:  # a union comes first, but its offsets tell where it belongs
            body.append(f'  printf("  {field} %zu %zu | {kind}\\n", offsetof({name}, {field}), '
                        f"SIZE_OF({name}, {field}));")
    for name, value in constants.items():
        if value.startswith("typedef "):
            body.append(f'  puts("type {name} {value[8:]}");')
        elif value.startswith('"'):
            body.append(f'  printf("text {name} %s\\n", {name});')
        else:
            body.append(f'  printf("number {name} %lld\\n", (long long)({name}));')
    body.append("  return 0;\n}\n")
    print("# Frozen: see docs/abi-policy.md. Made by tests/abi/layout.py dump, for 64-bit machines.\n"
          "# struct <name> <size>, its fields: <name> <offset> <size> | <type>; then constants.")
    print(compile_and_run(options.cc, options.include, "\n".join(body)).stdout, end="")


def read_frozen(path):
    """[(struct, size, [(field, offset, size, type)])], {constant: (kind, value)}."""
    structs, constants = [], {}
    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        if line.startswith("  "):
            layout, _, kind = line.partition(" | ")
            field, offset, size = layout.split()
            structs[-1][2].append((field, int(offset), int(size), kind.strip()))
        elif line.startswith("struct "):
            _, name, size = line.split()
            structs.append((name, int(size), []))
        else:
            kind, name, value = line.split(" ", 2)
            constants[name] = (kind, value)
    return structs, constants


def check_program(path):
    structs, constants = read_frozen(path)
    release = pathlib.Path(path).stem
    body = [PROLOGUE]

    def must(condition, text):
        body.append(f'_Static_assert({condition}, "{text}, in {release}");')

    for struct, size, fields in structs:
        name = c_name(struct)
        grows = fields[0][0] == "struct_size"
        must(f"sizeof({name}) {'>=' if grows else '=='} {size}", f"{struct} has {size} bytes")
        for field, offset, field_size, kind in fields:
            must(f"offsetof({name}, {field}) == {offset}", f"{struct}.{field} is at {offset}")
            must(f"SIZE_OF({name}, {field}) == {field_size}",
                 f"{struct}.{field} has {field_size} bytes")
            must(f"__builtin_types_compatible_p(TYPE_OF({name}, {field}), {kind})",
                 f"{struct}.{field} is {kind}")
    for name, (kind, value) in constants.items():
        if kind == "type":
            must(f"__builtin_types_compatible_p({name}, {value})", f"{name} is {value}")
        elif kind == "number":
            must(f"({name}) == ({value if value != str(-2**63) else 'INT64_MIN'})",
                 f"{name} is {value}")
    body.append("int main(void) {\n  int failures = 0;")
    for name, (kind, value) in constants.items():
        if kind == "text":
            body.append(f'  if (strcmp({name}, "{value}") != 0) '
                        f'failures += puts("{name} is \\"{value}\\", in {release}") >= 0;')
    body.append("  return failures;\n}\n")
    return "\n".join(body)


def unknown_names(include, frozen):
    """What the headers have and no frozen file lists."""
    known = set()
    for path in frozen:
        structs, constants = read_frozen(path)
        known.update(constants)
        for struct, _, fields in structs:
            known.add(struct)
            known.update(f"{struct}.{field[0]}" for field in fields)
    structs, constants = parse(include)
    names = list(constants)
    for struct, fields in structs.items():
        names.append(struct)
        names.extend(f"{struct}.{field}" for field, _ in fields)
    return [name for name in names if name not in known]


def check(options):
    for path in options.frozen:
        result = compile_and_run(options.cc, options.include, check_program(path))
        if result.returncode != 0:
            sys.exit(result.stdout)
    unknown = unknown_names(options.include, options.frozen)
    if unknown:
        sys.exit("not in any sdk/abi/v*.txt (docs/abi-policy.md says what to do): "
                 + ", ".join(unknown))
    print(f"{len(options.frozen)} frozen layout(s) hold")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("dump", "check"))
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--include", required=True)
    parser.add_argument("--frozen", nargs="*", default=[])
    options = parser.parse_args()
    (dump if options.action == "dump" else check)(options)


if __name__ == "__main__":
    main()
