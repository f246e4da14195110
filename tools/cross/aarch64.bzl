"""Parts of an ordinary build that are made for aarch64."""

# A sanitizer watches the programs of this machine, not those under its emulator.
def _plain(options):
    return [option for option in options if not option.startswith("-fsanitize")]

def _to_aarch64(settings, attr):
    return {
        "//command_line_option:cpu": "aarch64",
        "//command_line_option:crosstool_top": "//tools/cross:toolchains",
        "//command_line_option:copt": _plain(settings["//command_line_option:copt"]),
        "//command_line_option:linkopt": _plain(settings["//command_line_option:linkopt"]),
    }

_aarch64_transition = transition(
    implementation = _to_aarch64,
    inputs = [
        "//command_line_option:copt",
        "//command_line_option:linkopt",
    ],
    outputs = [
        "//command_line_option:cpu",
        "//command_line_option:crosstool_top",
        "//command_line_option:copt",
        "//command_line_option:linkopt",
    ],
)

def _aarch64_binary(ctx):
    file = ctx.actions.declare_file(ctx.label.name)
    built = ctx.attr.binary[0][DefaultInfo].files.to_list()
    ctx.actions.symlink(output = file, target_file = built[0], is_executable = True)
    return DefaultInfo(executable = file, files = depset([file]))

# The file `name` is the program or shared library `binary`, built for aarch64 whatever this build is
# for. It runs under qemu-aarch64.
aarch64_binary = rule(
    implementation = _aarch64_binary,
    attrs = {
        "binary": attr.label(cfg = _aarch64_transition, mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    executable = True,
)
