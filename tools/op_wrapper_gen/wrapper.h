#ifndef STATOR_TOOLS_OP_WRAPPER_GEN_WRAPPER_H_
#define STATOR_TOOLS_OP_WRAPPER_GEN_WRAPPER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "proto/op_def.pb.h"

namespace stator::tools {

// One op as its C++ function shows it.
struct Wrapper {
  struct Input {
    std::string name;  // in C++
    bool is_list = false;
  };
  struct Attr {
    std::string name;       // in C++
    std::string op_name;    // in the schema
    std::string type;       // "int64_t", "std::vector<float>"
    std::string initial;    // " = 3", or "" where the type's own default serves
    bool is_maybe = false;  // std::optional: the default cannot be written in C++
  };
  struct Output {
    std::string name;      // in C++
    std::string arg_name;  // in the schema
    int index = 0;         // of its first tensor, as long as no list comes before it
    bool is_list = false;
    bool after_list = false;  // the index depends on the lengths of lists
  };

  std::string op;
  std::string function;
  std::string attrs_struct;    // "" without optional attributes
  std::string outputs_struct;  // "" with fewer than two outputs
  std::string summary;
  std::vector<Input> inputs;
  std::vector<Attr> required;
  std::vector<Attr> optional;
  std::vector<Output> outputs;
};

// The wrappers of all public ops, sorted by name, with names that are free of conflicts. Errors
// name the op.
absl::StatusOr<std::vector<Wrapper>> MakeWrappers(const std::vector<OpDef>& ops);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_OP_WRAPPER_GEN_WRAPPER_H_
