#ifndef STATOR_COMPILER_REFERENCE_INTERPRETER_H_
#define STATOR_COMPILER_REFERENCE_INTERPRETER_H_

// The reference interpreter: the executable meaning of the core dialect. It runs ops one by one on
// host tensors with plain loops; compiled code must give the same bits (CONTRACTS §2).
//
// Every value is checked against its type: dimension expressions are evaluated under the symbols
// bound so far. Programs may be hostile: a run ends with a Status when it exceeds its limits.

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "compiler/reference/tensor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "mlir/IR/Region.h"

namespace stator::compiler::reference {

// A value, not a reference: copies share elements, changes make a new list.
struct List {
  std::shared_ptr<const std::vector<Tensor>> elements;
};
struct Token {};
using Value = std::variant<Tensor, List, Token>;

// By the symbol name of the core.variable op. An absent variable is uninitialized.
using Variables = std::map<std::string, Tensor>;

// Calls a registered C++ function for core.host_call. Results must have the types' dtypes and
// ranks; free symbols in their types are bound to the sizes found.
using HostCall = std::function<absl::StatusOr<std::vector<Tensor>>(
    std::string_view function, absl::Span<const Tensor> operands, mlir::DictionaryAttr config,
    Budget& budget)>;

struct RunOptions {
  Budget::Limits limits;
  HostCall host_call;  // without one, core.host_call is Unimplemented
  // Symbols that the arguments do not bind.
  std::vector<std::pair<std::string, int64_t>> symbols;
};

// Runs a function (func.func) of a verified module. Arguments bind the symbols of their types;
// guards are evaluated before anything else. Writes to variables that precede an error stay. Errors
// name the op and its location; a failed core.check gives its code and message.
absl::StatusOr<std::vector<Value>> Run(mlir::Operation* function, std::vector<Value> arguments,
                                       Variables& variables, const RunOptions& options = {});

// The same for a region with one block, such as the body of a core.fusion.
absl::StatusOr<std::vector<Value>> RunRegion(mlir::Region& region, std::vector<Value> arguments,
                                             Variables& variables, const RunOptions& options = {});

// The dtype of a tensor type's elements; Unimplemented for types that have none.
absl::StatusOr<DType> DTypeOf(mlir::Type element);

// The elements of a constant attribute as a tensor.
absl::StatusOr<Tensor> TensorOf(Budget& budget, mlir::ElementsAttr value);

}  // namespace stator::compiler::reference

#endif  // STATOR_COMPILER_REFERENCE_INTERPRETER_H_
