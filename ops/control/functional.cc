// If, While and calls of functions. Handles to variables are compile-time values: they enter
// functions, and leave them only unchanged.

#include <vector>

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"

namespace stator::ops {
namespace {

using compiler::Expansion;
using compiler::NodeValue;
using core::CoreBuilder;
using graph::OpSchemaBuilder;
using mlir::Value;
using Values = CoreBuilder::Values;

constexpr char kOutputShapes[] = "output_shapes: list(shape) = []";

// TensorFlow's truth: a scalar is compared with zero, any other tensor is true unless it is empty.
Value Truth(Expansion& e, Value x) {
  if (!x) return {};
  mlir::Type element = core::ElementTypeOf(x);
  if (core::RankOf(x) == 0) {
    if (element.isInteger(1)) return x;
    if (!element.isIntOrFloat()) return e.Fail("a condition must be a boolean or a number");
    return e.b.Ne(x, e.b.ScalarInt(element, 0));
  }
  mlir::Type i64 = e.b.builder().getI64Type();
  Value size = e.b.DimScalar(core::Product(e.b.dims(), core::DimsOf(x)), i64);
  return e.b.Gt(size, e.b.ScalarInt(i64, 0));
}

std::vector<NodeValue> Arguments(Expansion& e, int first) {
  std::vector<NodeValue> arguments;
  for (int i = first; i < e.num_inputs(); ++i) arguments.push_back(e.RawIn(i));
  return arguments;
}

std::vector<NodeValue> Call(Expansion& e, const NameAttrList& function,
                            const std::vector<NodeValue>& arguments) {
  std::vector<NodeValue> results;
  if (e.b.ok() && !e.context().CallFunction(function, arguments, &results)) results.clear();
  return results;
}

Values TensorsOf(const std::vector<NodeValue>& values) {
  Values tensors;
  for (const NodeValue& value : values) {
    if (!value.variable) tensors.push_back(value.value);
  }
  return tensors;
}

bool SameHandles(const std::vector<NodeValue>& a, const std::vector<NodeValue>& b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].variable.has_value() != b[i].variable.has_value()) return false;
    if (a[i].variable && a[i].variable->symbol != b[i].variable->symbol) return false;
  }
  return true;
}

// `values` with its tensors replaced in order.
std::vector<NodeValue> WithTensors(std::vector<NodeValue> values, mlir::ValueRange tensors) {
  size_t next = 0;
  for (NodeValue& value : values) {
    if (!value.variable) value.value = next < tensors.size() ? tensors[next++] : Value();
  }
  return values;
}

void ExpandIf(Expansion& e) {
  Value pred = Truth(e, e.In(0));
  const std::vector<NodeValue> arguments = Arguments(e, 1);
  std::vector<NodeValue> on_true, on_false;
  auto branch = [&](const char* attr, std::vector<NodeValue>* results) {
    return [&e, &arguments, attr, results](mlir::ValueRange) -> Values {
      *results = Call(e, e.Attr(attr).func(), arguments);
      return TensorsOf(*results);
    };
  };
  Values tensors = e.b.If(pred, branch("then_branch", &on_true), branch("else_branch", &on_false));
  if (e.b.ok() && !SameHandles(on_true, on_false)) {
    e.Fail("both branches must return the same variable where they return a handle");
  }
  if (!e.b.ok()) return e.Out(Values(e.Types("Tout").size()));
  for (NodeValue& value : WithTensors(on_true, tensors)) e.OutRaw(std::move(value));
}

void ExpandWhile(Expansion& e) {
  const std::vector<NodeValue> initial = Arguments(e, 0);
  auto cond = [&](mlir::ValueRange carried) -> Values {
    std::vector<NodeValue> results = Call(e, e.Attr("cond").func(), WithTensors(initial, carried));
    if (e.b.ok() && (results.size() != 1 || results[0].variable)) {
      e.Fail("the condition's function must return one tensor");
    }
    return {e.b.ok() ? Truth(e, results[0].value) : Value()};
  };
  auto body = [&](mlir::ValueRange carried) -> Values {
    std::vector<NodeValue> results = Call(e, e.Attr("body").func(), WithTensors(initial, carried));
    if (e.b.ok() && !SameHandles(initial, results)) {
      e.Fail("the body must return as many values as it takes, and handles to variables unchanged");
    }
    return TensorsOf(results);
  };
  const Values operands = TensorsOf(initial);
  Values tensors = e.b.While(mlir::ValueRange(operands), cond, body);
  if (!e.b.ok()) return e.Out(Values(initial.size()));
  for (NodeValue& value : WithTensors(initial, tensors)) e.OutRaw(std::move(value));
}

void ExpandCall(Expansion& e) {
  std::vector<NodeValue> results = Call(e, e.Attr("f").func(), Arguments(e, 0));
  if (!e.b.ok()) return e.Out(Values(e.Types("Tout").size()));
  for (NodeValue& value : results) e.OutRaw(std::move(value));
}

OpSchemaBuilder If(absl::string_view name) {
  return OpSchemaBuilder(name)
      .Input("cond: Tcond")
      .Input("input: Tin")
      .Output("output: Tout")
      .Attr("Tcond: type")
      .Attr("Tin: list(type) >= 0")
      .Attr("Tout: list(type) >= 0")
      .Attr("then_branch: func")
      .Attr("else_branch: func")
      .Attr(kOutputShapes)
      .Summary("the results of one of two functions");
}

OpSchemaBuilder While(absl::string_view name) {
  return OpSchemaBuilder(name)
      .Input("input: T")
      .Output("output: T")
      .Attr("T: list(type) >= 0")
      .Attr("cond: func")
      .Attr("body: func")
      .Attr(kOutputShapes)
      .Attr("parallel_iterations: int = 10")
      .Summary("input = body(input) as long as cond(input)");
}

OpSchemaBuilder PartitionedCall(absl::string_view name) {
  return OpSchemaBuilder(name)
      .Input("args: Tin")
      .Output("output: Tout")
      .Attr("Tin: list(type) >= 0")
      .Attr("Tout: list(type) >= 0")
      .Attr("f: func")
      .Attr("config: string = ''")
      .Attr("config_proto: string = ''")
      .Attr("executor_type: string = ''")
      .Summary("the results of a function");
}

}  // namespace

void RegisterFunctional(compiler::OpSet& ops) {
  ops.Add(If("If").SetIsStateful(), ExpandIf);
  ops.Add(If("StatelessIf"), ExpandIf);
  ops.Add(While("While").SetIsStateful(), ExpandWhile);
  ops.Add(While("StatelessWhile"), ExpandWhile);
  ops.Add(PartitionedCall("PartitionedCall"), ExpandCall);
  ops.Add(
      PartitionedCall("StatefulPartitionedCall").SetIsStateful().SetIsDistributedCommunication(),
      ExpandCall);
}

}  // namespace stator::ops
