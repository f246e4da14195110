#ifndef STATOR_COMPILER_IMPORT_EXPANSION_H_
#define STATOR_COMPILER_IMPORT_EXPANSION_H_

// What an op's expansion sees of its node: inputs, attributes, a CoreBuilder, and places for its outputs.
//
//   ops.Add(OpSchemaBuilder("Softsign").Input("features: T").Output("activations: T").Attr("T: {...} = DT_FLOAT"),
//           [](Expansion& e) {
//             mlir::Value x = e.In(0);
//             e.Out(e.b.Div(x, e.b.Add(e.b.Abs(x), e.b.SplatLike(x, 1))));
//           });
//
// The node has been checked against its schema before: attributes exist (defaults filled in) and have their types, the
// number and dtypes of inputs are right. What an expansion must check itself are values and shapes. Errors are sticky
// (e.Fail, CoreBuilder): after one, inputs and results are null and everything passes through; the importer adds node
// name, op and source line.

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "compiler/dialect/core_builder.h"
#include "proto/node_def.pb.h"
#include "proto/op_def.pb.h"
#include "proto/types.pb.h"

namespace stator::compiler {

// A variable of the session, resolved at compile time from its handle.
struct VariableRef {
  std::string symbol;                // of the core.variable op
  mlir::RankedTensorType type;       // unknown dimensions are symbols bound from the stored value
};

// A node's output: a core value (tensor or list), or a handle to a variable.
struct NodeValue {
  mlir::Value value;
  std::optional<VariableRef> variable;
};

// What the importer offers to expansions besides the builder.
class ExpansionContext {
 public:
  virtual ~ExpansionContext() = default;
  // Expands the function's body in place (calls are inlined); false after an error, which the builder holds.
  virtual bool CallFunction(const NameAttrList& function, const std::vector<NodeValue>& arguments,
                            std::vector<NodeValue>* results) = 0;
  // The variable of that container and name; declares it on first use. A zero_initialized one (a hidden random counter)
  // starts as zeros, any other must be assigned before it is read.
  virtual VariableRef DeclareVariable(absl::string_view container, absl::string_view shared_name,
                                      mlir::RankedTensorType type, bool zero_initialized = false) = 0;
  // A source of fresh seeds for ops whose seeds are both 0, taken from the session's seed; logged with it.
  virtual uint64_t FreshSeed() = 0;
};

class Expansion {
 public:
  Expansion(const NodeDef& node, const OpDef& op, std::vector<NodeValue> inputs, core::CoreBuilder& builder,
            ExpansionContext& context)
      : b(builder), node_(node), op_(op), inputs_(std::move(inputs)), context_(context) {}

  core::CoreBuilder& b;

  const NodeDef& node() const { return node_; }
  ExpansionContext& context() { return context_; }
  // Keeps the first error; returns a null value.
  mlir::Value Fail(const llvm::Twine& message) { return b.Fail(message); }

  // Inputs, flattened or by the name of the argument.
  int num_inputs() const { return static_cast<int>(inputs_.size()); }
  mlir::Value In(int index);
  mlir::Value In(absl::string_view argument);
  core::CoreBuilder::Values InList(absl::string_view argument);
  const NodeValue& RawIn(int index) const { return inputs_[index]; }
  // The variable behind a handle; an empty symbol after an error.
  VariableRef VariableIn(int index);

  // Attributes.
  int64_t Int(absl::string_view name) const;
  float Float(absl::string_view name) const;
  bool Bool(absl::string_view name) const;
  std::string Str(absl::string_view name) const;
  std::vector<int64_t> Ints(absl::string_view name) const;
  DataType Type(absl::string_view name) const;
  std::vector<DataType> Types(absl::string_view name) const;
  const AttrValue& Attr(absl::string_view name) const;
  bool HasAttr(absl::string_view name) const;

  // The core element type for a dtype; fails the node for one that machines do not compute with.
  mlir::Type ElementType(DataType dtype);
  mlir::Type ElementTypeAttr(absl::string_view name) { return ElementType(Type(name)); }
  // Dimensions of a shape attribute; unknown ones become symbols of life input with this prefix. Fails on unknown rank.
  core::Dims ShapeAttr(absl::string_view name, llvm::StringRef symbol_prefix);

  // A constant integer vector or scalar input as plain numbers; none if it is not known at compile time.
  std::optional<std::vector<int64_t>> ConstantInts(mlir::Value value);
  // The same for inputs that must be constant (axes, permutations): fails the node otherwise, naming the argument.
  std::vector<int64_t> RequiredInts(absl::string_view argument);
  // Axes of a tensor of this rank: negative ones counted from the end, range-checked, sorted, distinct.
  std::vector<int64_t> NormalizeAxes(const std::vector<int64_t>& axes, int64_t rank);
  int64_t NormalizeAxis(int64_t axis, int64_t rank);

  // Outputs, in the order of the schema.
  void Out(mlir::Value value) { outputs_.push_back({value, std::nullopt}); }
  void Out(const core::CoreBuilder::Values& values) {
    for (mlir::Value value : values) Out(value);
  }
  void OutRaw(NodeValue value) { outputs_.push_back(std::move(value)); }
  const std::vector<NodeValue>& outputs() const { return outputs_; }

 private:
  // [begin, end) of an argument's inputs.
  std::pair<int, int> ArgumentRange(absl::string_view argument) const;

  const NodeDef& node_;
  const OpDef& op_;
  std::vector<NodeValue> inputs_;
  ExpansionContext& context_;
  std::vector<NodeValue> outputs_;
};

// The core element type of a dtype, null for dtypes without one (resource, variant, quantized, reference).
mlir::Type ElementTypeOfDataType(DataType dtype, mlir::MLIRContext* context);
// And back; DT_INVALID if there is none.
DataType DataTypeOfElementType(mlir::Type element);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_IMPORT_EXPANSION_H_
