"""Generates a C++ header from a FlatBuffers schema."""

def flatbuffer_cc_library(name, src, visibility = None):
    """Declares cc_library `name` with the header `<src without .fbs>_generated.h`."""
    header = src[:-len(".fbs")] + "_generated.h"
    native.genrule(
        name = name + "_header",
        srcs = [src],
        outs = [header],
        cmd = "flatc --cpp --cpp-std c++17 --scoped-enums -o $(@D) $<",
    )
    native.cc_library(
        name = name,
        hdrs = [header],
        visibility = visibility,
        deps = ["//third_party/flatbuffers"],
    )
