#ifndef STATOR_TOOLS_OP_WRAPPER_GEN_GENERATE_H_
#define STATOR_TOOLS_OP_WRAPPER_GEN_GENERATE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/op_def.pb.h"

namespace stator::tools {

struct OpWrappers {
  std::string header;
  std::string source;
};

// C++ text with one function for each op whose name does not start with an underscore, in namespace
// stator::ops, sorted by name:
//
//   // Multiplies matrices.
//   struct MatMulAttrs { bool transpose_a = false; bool transpose_b = false; };
//   Output MatMul(const Scope& scope, const Input& a, const Input& b, const MatMulAttrs& attrs =
//   {},
//                 const std::source_location& location = std::source_location::current());
//
// Inputs come first, then the attributes that have no default and do not follow from an input, then
// the rest as a struct. No output gives an Operation, one an Output, a list an OutputList, several
// a struct of these with the names of the schema. Names that C++ or the wrapper itself needs get a
// trailing underscore. The constant op takes a literal. The operators + - * / and unary - on
// outputs stand for AddV2, Sub, Mul, RealDiv and Neg where those are among the ops. `include_path`
// is how sources include the header.
absl::StatusOr<OpWrappers> GenerateOpWrappers(const std::vector<OpDef>& ops,
                                              absl::string_view include_path);

// For a generator's main: writes both files. Returns an exit status, after a message on stderr if
// it is not 0.
int GenerateOpWrappers(const std::vector<OpDef>& ops, const std::string& header_path,
                       const std::string& source_path, absl::string_view include_path);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_OP_WRAPPER_GEN_GENERATE_H_
