#include "ops/shape_input.h"

namespace stator::ops {

using compiler::Expansion;
using core::DimExpr;
using core::Dims;
using mlir::Value;

namespace {

llvm::StringRef Ref(absl::string_view text) { return {text.data(), text.size()}; }

// Appends the elements of a rank-1 value, looking through concatenation.
void AppendElements(Expansion& e, Value vector, std::vector<KnownOrComputed>* elements) {
  std::optional<Dims> known = core::KnownValues(vector);
  auto concatenation = vector.getDefiningOp<core::ConcatenateOp>();
  if (!known && concatenation) {
    for (Value part : concatenation.getInputs()) AppendElements(e, part, elements);
    return;
  }
  mlir::Type element = core::ElementTypeOf(vector);
  std::optional<int64_t> size = core::DimsOf(vector)[0].AsConstant();
  if (!size) {
    e.Fail("a vector of known length is needed");
    return;
  }
  for (int64_t i = 0; i < *size && e.b.ok(); ++i) {
    if (known) {
      elements->push_back({(*known)[i], e.b.DimScalar((*known)[i], element)});
    } else {
      Value scalar = e.b.Reshape(e.b.SliceDim(vector, 0, e.b.Dim(i), e.b.Dim(i + 1)), {});
      elements->push_back({std::nullopt, scalar});
    }
  }
}

}  // namespace

bool IsNonNegative(DimExpr expr) {
  return core::ProvablyLessEqual(expr.context().Constant(0), expr);
}
bool IsNegative(DimExpr expr) {
  return core::ProvablyLessEqual(expr + 1, expr.context().Constant(0));
}

Dims ShapeInput(Expansion& e, absl::string_view argument) {
  Value value = e.In(argument);
  if (value && core::RankOf(value) > 1) {
    e.Fail("'" + Ref(argument) + "' must be a vector");
    return {};
  }
  Dims dims = e.b.ValuesAsDims(value, argument.empty() ? "size" : Ref(argument));
  for (size_t i = 0; i < dims.size(); ++i) {
    if (IsNegative(dims[i])) {
      e.Fail("'" + Ref(argument) + "' must not be negative, found " + dims[i].ToString() +
             " at position " + llvm::Twine(i));
      return {};
    }
  }
  return dims;
}

std::vector<KnownOrComputed> VectorElements(Expansion& e, absl::string_view argument) {
  Value value = e.In(argument);
  std::vector<KnownOrComputed> elements;
  if (!value) return elements;
  if (core::RankOf(value) != 1) {
    e.Fail("'" + Ref(argument) + "' must be a vector");
    return elements;
  }
  AppendElements(e, value, &elements);
  return elements;
}

int64_t AxisInput(Expansion& e, absl::string_view argument, int64_t rank) {
  const std::vector<int64_t> axis = e.RequiredInts(argument);
  if (!e.b.ok()) return 0;
  if (axis.size() != 1) {
    e.Fail("'" + Ref(argument) + "' must be one number");
    return 0;
  }
  return e.NormalizeAxis(axis[0], rank);
}

}  // namespace stator::ops
