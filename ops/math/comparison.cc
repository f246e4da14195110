// Comparison and logic, and choices by a condition.

#include "compiler/import/expansion.h"
#include "compiler/import/op_set.h"
#include "ops/schema_types.h"

namespace stator::ops {
namespace {

using compiler::ExpandFunction;
using compiler::Expansion;
using core::ComparisonDirection;
using core::Dims;
using graph::OpSchemaBuilder;
using mlir::Value;

// Whether NumPy's rule surely forbids these shapes together.
bool SurelyIncompatible(const Dims& x, const Dims& y) {
  for (size_t i = 0; i < std::min(x.size(), y.size()); ++i) {
    std::optional<int64_t> a = x[x.size() - 1 - i].AsConstant(),
                           b = y[y.size() - 1 - i].AsConstant();
    if (a && b && *a != *b && *a != 1 && *b != 1) return true;
  }
  return false;
}

ExpandFunction Compare(ComparisonDirection direction) {
  return [direction](Expansion& e) {
    Value x = e.In("x"), y = e.In("y");
    if (!x || !y) return e.Out(Value());
    if (llvm::isa<core::ObjectType>(core::ElementTypeOf(x))) {
      return e.Out(e.Fail("comparing strings is not supported yet"));
    }
    // Equality of shapes that do not fit is false rather than an error, when the graph asks for
    // that.
    if (e.HasAttr("incompatible_shape_error") && !e.Bool("incompatible_shape_error") &&
        SurelyIncompatible(core::DimsOf(x), core::DimsOf(y))) {
      return e.Out(e.b.ScalarInt(e.b.builder().getI1Type(), direction == ComparisonDirection::kNe));
    }
    e.Out(e.b.Compare(direction, x, y));
  };
}

// The first version does not broadcast, but a vector condition chooses rows.
void ExpandSelect(Expansion& e) {
  Value condition = e.In("condition"), t = e.In("t"), f = e.In("e");
  if (!condition || !t || !f) return e.Out(Value());
  Dims dims = core::DimsOf(t);
  f = e.b.AssumeDims(f, dims, "'t' and 'e' must have the same shape");
  const int64_t rank = core::RankOf(condition);
  if (rank == 1 && dims.size() > 1) {
    condition =
        e.b.AssumeDims(condition, {dims[0]}, "a vector condition must have one element per row");
    condition = e.b.BroadcastInDim(condition, {0}, dims);
  } else if (rank != 0) {
    condition = e.b.AssumeDims(
        condition, dims, "the condition must have the shape of 't', or be a scalar or vector");
  }
  e.Out(e.b.Select(condition, t, f));
}

void ExpandSelectV2(Expansion& e) { e.Out(e.b.Select(e.In("condition"), e.In("t"), e.In("e"))); }

void ExpandClipByValue(Expansion& e) {
  Value t = e.In("t");
  Value clipped = e.b.Clamp(e.In("clip_value_min"), t, e.In("clip_value_max"));
  e.Out(clipped ? e.b.AssumeDims(clipped, core::DimsOf(t), "the limits must not be larger than 't'")
                : clipped);
}

void ExpandAnd(Expansion& e) { e.Out(e.b.And(e.In("x"), e.In("y"))); }
void ExpandOr(Expansion& e) { e.Out(e.b.Or(e.In("x"), e.In("y"))); }

OpSchemaBuilder Equality(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("x: T")
      .Input("y: T")
      .Output("z: bool")
      .Attr(kAnyType)
      .Attr("incompatible_shape_error: bool = true")
      .SetIsCommutative()
      .Summary(summary);
}

OpSchemaBuilder Order(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("x: T")
      .Input("y: T")
      .Output("z: bool")
      .Attr(kRealNumbers)
      .Summary(summary);
}

OpSchemaBuilder Logical(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("x: bool")
      .Input("y: bool")
      .Output("z: bool")
      .SetIsCommutative()
      .Summary(summary);
}

OpSchemaBuilder Choice(absl::string_view name, absl::string_view summary) {
  return OpSchemaBuilder(name)
      .Input("condition: bool")
      .Input("t: T")
      .Input("e: T")
      .Output("output: T")
      .Attr(kAnyType)
      .Summary(summary);
}

}  // namespace

void RegisterComparison(compiler::OpSet& ops) {
  ops.Add(Equality("Equal", "x == y"), Compare(ComparisonDirection::kEq));
  ops.Add(Equality("NotEqual", "x != y"), Compare(ComparisonDirection::kNe));
  ops.Add(Order("Less", "x < y"), Compare(ComparisonDirection::kLt));
  ops.Add(Order("LessEqual", "x <= y"), Compare(ComparisonDirection::kLe));
  ops.Add(Order("Greater", "x > y"), Compare(ComparisonDirection::kGt));
  ops.Add(Order("GreaterEqual", "x >= y"), Compare(ComparisonDirection::kGe));
  ops.Add(Logical("LogicalAnd", "x and y"), ExpandAnd);
  ops.Add(Logical("LogicalOr", "x or y"), ExpandOr);
  ops.Add(Choice("Select", "t where the condition holds, else e; a vector chooses rows"),
          ExpandSelect);
  ops.Add(Choice("SelectV2", "t where the condition holds, else e; all broadcast"), ExpandSelectV2);
  ops.Add(OpSchemaBuilder("ClipByValue")
              .Input("t: T")
              .Input("clip_value_min: T")
              .Input("clip_value_max: T")
              .Output("output: T")
              .Attr(kNumbers)
              .Summary("min(max(t, clip_value_min), clip_value_max)"),
          ExpandClipByValue);
}

}  // namespace stator::ops
