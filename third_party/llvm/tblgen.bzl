"""Runs mlir-tblgen over an ODS file."""

def mlir_tblgen(name, td_file, outs, deps = []):
    """Generates the files of `outs`, a list of (options, output) pairs, from `td_file`.

    Args:
      name: name of the rule; a filegroup of all outputs.
      td_file: the TableGen file to read.
      outs: pairs of mlir-tblgen options and output file name.
      deps: further TableGen files that `td_file` includes, from this repository.
    """
    for opts, out in outs:
        native.genrule(
            name = name + "_" + out.replace(".", "_"),
            srcs = [td_file] + deps,
            outs = [out],
            cmd = "/usr/bin/mlir-tblgen-19 %s -I . -I /usr/lib/llvm-19/include $(location %s) -o $@" % (opts, td_file),
        )
    native.filegroup(
        name = name,
        srcs = [out for _, out in outs],
    )
