#ifndef STATOR_GRAPH_OP_SCHEMA_H_
#define STATOR_GRAPH_OP_SCHEMA_H_

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "proto/op_def.pb.h"

// What an op looks like from outside. Nothing in graph/ knows any particular op.

namespace stator::graph {

// Builds an OpDef from TensorFlow's notation:
//
//   OpSchemaBuilder("Concat")
//       .Input("axis: int32")
//       .Input("values: N * T")                       // also "x: Ref(T)", "xs: Tlist", "x: float"
//       .Output("output: T")
//       .Attr("N: int >= 2")
//       .Attr("T: {half, float} = DT_FLOAT")          // also numbertype, realnumbertype,
//       quantizedtype, .Attr("padding: {'SAME', 'VALID'} = 'SAME'")  // string, float, bool, shape,
//       tensor, func, type, .Attr("strides: list(int) >= 4 = [1,1,1,1]")  // list(...) of each
//       .Build();
//
// The setters may come in any order; Build reports the first mistake and names the op and the text.
class OpSchemaBuilder {
 public:
  explicit OpSchemaBuilder(absl::string_view name);

  OpSchemaBuilder& Input(absl::string_view spec);
  OpSchemaBuilder& Output(absl::string_view spec);
  OpSchemaBuilder& Attr(absl::string_view spec);
  OpSchemaBuilder& ControlOutput(absl::string_view name);
  OpSchemaBuilder& Summary(absl::string_view text);
  OpSchemaBuilder& Description(absl::string_view text);
  OpSchemaBuilder& Deprecated(int version, absl::string_view explanation);
  OpSchemaBuilder& SetIsAggregate();
  OpSchemaBuilder& SetIsStateful();
  OpSchemaBuilder& SetIsCommutative();
  OpSchemaBuilder& SetAllowsUninitializedInput();
  OpSchemaBuilder& SetIsDistributedCommunication();

  absl::StatusOr<OpDef> Build() const;

 private:
  OpDef flags_;  // everything that needs no parsing
  std::vector<std::string> inputs_;
  std::vector<std::string> outputs_;
  std::vector<std::string> attrs_;
};

// Checks a schema that came from elsewhere (a file, a plugin, a function's signature): names,
// references between arguments and attributes, defaults.
absl::Status CheckOpDef(const OpDef& op);

// The schemas that a graph may use. Implementations keep a returned pointer valid for their own
// lifetime and answer from any thread.
class OpSchemas {
 public:
  virtual ~OpSchemas() = default;

  // Null when there is no such op.
  virtual const OpDef* Find(absl::string_view op) const = 0;
  // All schemas, sorted by name.
  virtual std::vector<const OpDef*> List() const = 0;
};

// A plain table. Fill it first, share it then: Add is not safe beside Find.
class OpSchemaTable : public OpSchemas {
 public:
  // kAlreadyExists for a name that is taken; CheckOpDef's error for a bad schema.
  absl::Status Add(OpDef op);

  const OpDef* Find(absl::string_view op) const override;
  std::vector<const OpDef*> List() const override;

 private:
  std::map<std::string, std::unique_ptr<const OpDef>, std::less<>> ops_;
};

// The argument or attribute of that name; null when there is none.
const OpDef::AttrDef* FindAttrDef(const OpDef& op, absl::string_view name);
const OpDef::ArgDef* FindInputArg(const OpDef& op, absl::string_view name);

}  // namespace stator::graph

#endif  // STATOR_GRAPH_OP_SCHEMA_H_
