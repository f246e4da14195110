"""Services from .proto files."""

def cc_grpc_library(name, src, deps, visibility = None):
    """The service of `src`, which holds messages of `deps` (a cc_proto_library).

    Args:
      name: of the cc_library.
      src: a .proto file of this package.
      deps: the cc_proto_library of the same file.
      visibility: of the cc_library.
    """
    stem = src[:-len(".proto")]
    header = stem + ".grpc.pb.h"
    source = stem + ".grpc.pb.cc"
    native.genrule(
        name = name + "_files",
        srcs = [src],
        outs = [
            header,
            source,
        ],
        cmd = "protoc -I . --plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin " +
              "--grpc_out=$(GENDIR) $(location %s)" % src,
    )
    native.cc_library(
        name = name,
        srcs = [source],
        hdrs = [header],
        visibility = visibility,
        deps = deps + ["//third_party/grpc"],
    )
