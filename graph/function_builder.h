#ifndef STATOR_GRAPH_FUNCTION_BUILDER_H_
#define STATOR_GRAPH_FUNCTION_BUILDER_H_

#include <memory>
#include <source_location>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "graph/function_body.h"
#include "graph/scope.h"

namespace stator::graph {

// Builds a function in C++: a body over arguments, added to the library of a program.
//
//   FunctionBuilder square(scope, "square");
//   Output x = square.Arg("x", DT_FLOAT);
//   NameAttrList f = square.Finish({x * x});
//
// Outputs of the body are of use only while the builder lives. Errors, in the body too, become
// errors of the program's scope and name the user's line.
class FunctionBuilder {
 public:
  // The name gets a number if the library has it already.
  FunctionBuilder(const Scope& program, absl::string_view name);

  // The scope of the body. Tensors of the program cannot be used in it: pass them as arguments.
  const Scope& scope() const { return body_; }
  Output Arg(absl::string_view name, DataType dtype,
             const std::source_location& location = std::source_location::current());
  // A node that runs even if no result needs it. Stateful ones must be named here.
  void AlsoRun(const Operation& operation);

  // Adds the function; call it once. The result is what attributes of type func take.
  NameAttrList Finish(const std::vector<Output>& results);

 private:
  absl::StatusOr<FunctionDef> MakeFunction(const std::vector<Output>& results) const;

  Scope program_;
  std::string name_;
  std::shared_ptr<const BodySchemas> schemas_;
  Scope body_;
  std::vector<Output> args_;
  std::vector<Operation> also_run_;
};

}  // namespace stator::graph

#endif  // STATOR_GRAPH_FUNCTION_BUILDER_H_
