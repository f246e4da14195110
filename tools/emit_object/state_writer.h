// The variables of all entry points as a C++ struct.
#ifndef STATOR_TOOLS_EMIT_OBJECT_STATE_WRITER_H_
#define STATOR_TOOLS_EMIT_OBJECT_STATE_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tools/emit_object/sizes.h"
#include "tools/emit_object/uses.h"

namespace stator::tools {

// A variable of the image; entry points name the same one by its name.
struct StateVariable {
  std::string name;
  std::string member;
  executable::DType dtype = executable::DType::kInvalid;
  std::vector<int64_t> dims;
  int64_t elements = 0;
  int64_t bytes = 0;
  bool written = false;  // it needs memory of its own
  bool zeros = false;    // starts as zeros
  int64_t initial = -1;  // bytes from the start of the constants; < 0: none
};

// Each once, in the order of the image. Problems: a shape that is not fixed, or differs between
// entry points.
std::vector<StateVariable> FindVariables(const Sizes& sizes, Problems* problems);

// "float"; empty for types that C++ has no name for.
std::string CppType(executable::DType dtype);

// VariableInfo, Variable, Weight and State; "" without variables. `constants` is the object's
// symbol.
std::string WriteState(const std::vector<StateVariable>& variables, const std::string& constants);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_STATE_WRITER_H_
