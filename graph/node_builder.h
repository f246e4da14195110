#ifndef STATOR_GRAPH_NODE_BUILDER_H_
#define STATOR_GRAPH_NODE_BUILDER_H_

#include <initializer_list>
#include <map>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/variant.h"
#include "graph/literal.h"
#include "graph/scope.h"
#include "graph/tensor_proto.h"
#include "graph/tensor_shape.h"
#include "proto/attr_value.pb.h"

namespace stator::graph {

// What an op takes: a tensor of the program, or a value that becomes a constant beside the node.
class Input {
 public:
  Input(const Output& output) : value_(output) {}           // NOLINT: implicit by design
  Input(DenseTensor tensor) : value_(std::move(tensor)) {}  // NOLINT: implicit by design
  Input(std::initializer_list<Literal> items) : value_(Literal(items)) {}  // NOLINT
  template <typename T>
  requires(!std::is_same_v<T, Input> && !std::is_same_v<T, Output> &&
           std::is_constructible_v<Literal, const T&>) Input(const T& value)
      : value_(Literal(value)) {}  // NOLINT: implicit by design

  const Output* output() const { return absl::get_if<Output>(&value_); }
  const DenseTensor* tensor() const { return absl::get_if<DenseTensor>(&value_); }
  const Literal* literal() const { return absl::get_if<Literal>(&value_); }

 private:
  absl::variant<Output, DenseTensor, Literal> value_;
};

// Several inputs for one argument.
class InputList {
 public:
  InputList(std::initializer_list<Input> inputs) : inputs_(inputs) {}   // NOLINT: implicit
  InputList(std::vector<Input> inputs) : inputs_(std::move(inputs)) {}  // NOLINT: implicit
  InputList(const std::vector<Output>& outputs)                         // NOLINT: implicit
      : inputs_(outputs.begin(), outputs.end()) {}
  InputList(const OutputList& outputs)  // NOLINT: implicit by design
      : inputs_(outputs.begin(), outputs.end()) {}

  const std::vector<Input>& inputs() const { return inputs_; }

 private:
  std::vector<Input> inputs_;
};

// An Input that remembers where it was written: what operators take, which have no room for a
// location.
struct Operand {
  template <typename T>
  requires(std::is_same_v<T, Output> || LiteralNumber<T>)
      Operand(const T& value, const std::source_location& location =  // NOLINT: implicit by design
                              std::source_location::current())
      : input(value), location(location) {}

  Input input;
  std::source_location location;
};

// Where an operator puts its node: the scope of the first operand that is a valid output. Absent
// when none is, which is the case after an error that a scope holds already.
absl::optional<Scope> OperatorScope(const Operand& x, const Operand& y);

// A C++ value as an attribute: bool, integers, floating-point numbers, strings, DataType,
// PartialShape, DenseTensor, NameAttrList (a function), and vectors of these except DenseTensor.
template <typename T>
AttrValue ToAttr(const T& value);

// Adds one node. Data inputs come in the order of the op's schema. Type and length attributes that
// the inputs determine need not be given; a literal takes the type that the other inputs or the
// schema ask for.
//
//   Output y = NodeBuilder(scope, "MatMul").Input(x).Input(w).Attr("transpose_b",
//   true).Finalize().output(0);
class NodeBuilder {
 public:
  NodeBuilder(const Scope& scope, absl::string_view op,
              const std::source_location& location = std::source_location::current());

  NodeBuilder& Input(const graph::Input& input);
  NodeBuilder& InputList(const graph::InputList& inputs);
  template <typename T>
  NodeBuilder& Attr(absl::string_view name, const T& value) {
    return AttrProto(name, ToAttr(value));
  }
  NodeBuilder& AttrProto(absl::string_view name, AttrValue value);
  NodeBuilder& ControlInput(const Operation& operation);

  // An invalid operation after an error, which the scope then holds.
  Operation Finalize();

 private:
  struct Arg {
    std::vector<graph::Input> inputs;
    bool is_list = false;
  };

  absl::Status Build(Operation* operation);
  absl::Status CheckArg(const OpDef::ArgDef& schema, const Arg& arg) const;
  void DeduceAttrs(const OpDef& schema);
  void DeduceFromLiterals(const OpDef& schema);
  absl::Status AddInputs(const OpDef& schema);
  absl::Status AddInput(const graph::Input& input, DataType dtype,
                        const std::string& constant_name);
  Operation AddConstant(const DenseTensor& tensor, const std::string& name);

  Scope scope_;
  std::source_location location_;
  NodeDef def_;
  std::vector<Arg> args_;
  std::vector<Operation> control_;
};

// A value of the program as a node of its own. DT_INVALID: the literal's natural type.
Output Constant(const Scope& scope, const Literal& value, DataType dtype = DT_INVALID,
                const std::source_location& location = std::source_location::current());
Output Constant(const Scope& scope, const DenseTensor& value,
                const std::source_location& location = std::source_location::current());

// Below: the implementation of ToAttr.

namespace attr_internal {

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

AttrValue TensorAttr(const DenseTensor& tensor);

}  // namespace attr_internal

template <typename T>
AttrValue ToAttr(const T& value) {
  AttrValue attr;
  if constexpr (std::is_same_v<T, AttrValue>) {
    attr = value;
  } else if constexpr (std::is_same_v<T, DataType>) {
    attr.set_type(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    attr.set_b(value);
  } else if constexpr (std::is_integral_v<T>) {
    attr.set_i(static_cast<int64_t>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    attr.set_f(static_cast<float>(value));
  } else if constexpr (std::is_same_v<T, PartialShape>) {
    *attr.mutable_shape() = value.proto();
  } else if constexpr (std::is_same_v<T, DenseTensor>) {
    attr = attr_internal::TensorAttr(value);
  } else if constexpr (std::is_same_v<T, TensorProto>) {
    *attr.mutable_tensor() = value;
  } else if constexpr (std::is_same_v<T, NameAttrList>) {
    *attr.mutable_func() = value;
  } else if constexpr (attr_internal::IsVector<T>::value) {
    AttrValue::ListValue* list = attr.mutable_list();
    for (const auto& element : value) {
      const AttrValue one = ToAttr<typename T::value_type>(element);
      switch (one.value_case()) {
        case AttrValue::kType:
          list->add_type(one.type());
          break;
        case AttrValue::kB:
          list->add_b(one.b());
          break;
        case AttrValue::kI:
          list->add_i(one.i());
          break;
        case AttrValue::kF:
          list->add_f(one.f());
          break;
        case AttrValue::kShape:
          *list->add_shape() = one.shape();
          break;
        case AttrValue::kFunc:
          *list->add_func() = one.func();
          break;
        default:
          list->add_s(one.s());
      }
    }
  } else {
    attr.set_s(std::string(value));
  }
  return attr;
}

}  // namespace stator::graph

#endif  // STATOR_GRAPH_NODE_BUILDER_H_
