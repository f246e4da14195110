// An image as a relocatable object file and a C++ header that runs it without any library.
//
//   object   ELF64 for the image's target: kernels in .text, constants in .rodata; no relocations
//            and no undefined symbols. Its own symbols begin with EmitOptions::name and are hidden,
//            so the object belongs to the program or shared library that it is linked into.
//   header   C++17, readable on its own; includes cstddef, cstdint and cstring, calls memcpy and
//            memset. One class per entry point: arguments and results by name, sizes that the
//            graph leaves open as parameters, `scratch_size`, `run`. README.md shows a use.
//
// A run is single threaded, allocates nothing and gives the bits of the runtime.
#ifndef STATOR_TOOLS_EMIT_OBJECT_EMIT_OBJECT_H_
#define STATOR_TOOLS_EMIT_OBJECT_EMIT_OBJECT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "executable/image_model.h"
#include "executable/status.h"

namespace stator::tools {

struct EmitOptions {
  std::string name = "model";   // prefix of the object's symbols; made an identifier
  std::string name_space = "";  // of the header, "a::b" too; empty: the name
};

struct EmittedObject {
  std::vector<uint8_t> object;
  std::string header;
};

// `model` holds its constants and code. The same model and options give the same bytes.
//
// InvalidArgument for a malformed image or namespace. Unimplemented, naming every node at once, for
// what needs the runtime: memory whose size only the run knows, lists, host functions, strings,
// devices other than cpu, variables without a fixed shape.
executable::Result<EmittedObject> EmitObject(const executable::ImageModel& model,
                                             const EmitOptions& options);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_EMIT_OBJECT_H_
