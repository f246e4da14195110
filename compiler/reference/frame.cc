#include "compiler/reference/frame.h"

#include "absl/strings/str_cat.h"
#include "compiler/reference/number.h"
#include "graph/status_macros.h"

namespace stator::compiler::reference {
namespace {

std::string LocationText(mlir::Location loc) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (auto name = llvm::dyn_cast<mlir::NameLoc>(loc)) {
    stream << name.getName().getValue();
  } else if (!llvm::isa<mlir::UnknownLoc>(loc)) {
    loc.print(stream);
  }
  return text;
}

absl::Status AtOp(const absl::Status& status, mlir::Operation* op) {
  const std::string loc = LocationText(op->getLoc());
  return absl::Status(status.code(),
                      absl::StrCat(status.message(), " [", op->getName().getStringRef().str(),
                                   loc.empty() ? "" : " at ", loc, "]"));
}

}  // namespace

RunState::RunState(Variables& variables, const RunOptions& options)
    : budget(options.limits), variables(variables), host_call(options.host_call) {
  AddElementwiseAndShapeOps(table);
  AddNumericOps(table);
  AddControlOps(table);
  AddStateOps(table);
}

std::vector<Tensor> Frame::tensors(mlir::ValueRange range) const {
  std::vector<Tensor> result;
  for (mlir::Value v : range) result.push_back(tensor(v));
  return result;
}

std::vector<Value> Frame::values(mlir::ValueRange range) const {
  std::vector<Value> result;
  for (mlir::Value v : range) result.push_back(value(v));
  return result;
}

int64_t Frame::integer(mlir::Value v) const { return Load<int64_t>(tensor(v), 0); }

// ---- Sizes ----

absl::StatusOr<int64_t> Frame::Evaluate(core::DimExpr expr) const {
  const core::DimSymbol* unbound = nullptr;
  std::optional<int64_t> value =
      expr.Evaluate([&](const core::DimSymbol& symbol) -> std::optional<int64_t> {
        auto it = symbols_.find(&symbol);
        if (it != symbols_.end()) return it->second;
        unbound = &symbol;
        return std::nullopt;
      });
  if (value) return *value;
  if (unbound) {
    return absl::FailedPreconditionError(absl::StrCat("dimension ", expr.ToString(),
                                                      " uses symbol ", unbound->name().str(),
                                                      " before it is bound"));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "dimension ", expr.ToString(), " overflows or divides by zero for the sizes given"));
}

absl::StatusOr<Shape> Frame::Evaluate(llvm::ArrayRef<core::DimExpr> exprs) const {
  Shape sizes;
  for (core::DimExpr e : exprs) {
    STATOR_ASSIGN_OR_RETURN(const int64_t size, Evaluate(e));
    sizes.push_back(size);
  }
  return sizes;
}

absl::StatusOr<Shape> Frame::DimsOfType(mlir::RankedTensorType type) const {
  return Evaluate(core::DimsOf(type));
}

absl::StatusOr<Shape> Frame::DimsOfType(mlir::Value v) const {
  return DimsOfType(llvm::cast<mlir::RankedTensorType>(v.getType()));
}

absl::Status Frame::BindSymbol(const core::DimSymbol* symbol, int64_t size) {
  const core::DimFacts& facts = symbol->facts();
  if (size < facts.min || (facts.max && size > *facts.max) || size % facts.divisor != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "size ", size, " of ", symbol->name().str(), " is not allowed: at least ", facts.min,
        facts.max ? absl::StrCat(", at most ", *facts.max) : "",
        facts.divisor > 1 ? absl::StrCat(", divisible by ", facts.divisor) : "", " expected"));
  }
  symbols_[symbol] = size;
  return absl::OkStatus();
}

absl::Status Frame::BindShape(mlir::RankedTensorType type, const Shape& dims, Binding binding) {
  const core::Dims exprs = core::DimsOf(type);
  if (exprs.size() != dims.size()) return absl::OkStatus();  // CheckShape will say it
  for (size_t i = 0; i < dims.size(); ++i) {
    const core::DimSymbol* symbol = exprs[i].symbol();
    if (!symbol) continue;
    const bool rebind =
        binding == Binding::kRebind && symbol->facts().life != core::DimLife::kInput;
    if (rebind || !symbols_.contains(symbol)) STATOR_RETURN_IF_ERROR(BindSymbol(symbol, dims[i]));
  }
  return absl::OkStatus();
}

absl::Status Frame::CheckShape(mlir::RankedTensorType type, const Tensor& tensor) const {
  if (type.getRank() != tensor.rank()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", type.getRank(), " dimensions, found ", ToString(tensor.dims())));
  }
  STATOR_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(type.getElementType()));
  STATOR_ASSIGN_OR_RETURN(const Shape dims, DimsOfType(type));
  if (dtype == tensor.dtype() && dims == tensor.dims()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", executable::DTypeName(dtype), ToString(dims), ", found ",
                   executable::DTypeName(tensor.dtype()), ToString(tensor.dims())));
}

absl::Status Frame::BindToTypes(mlir::TypeRange types, absl::Span<const Value> values,
                                Binding binding) {
  if (types.size() != values.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected ", types.size(), " values, found ", values.size()));
  }
  // All symbols first: an expression may use one that a later value binds.
  for (size_t i = 0; i < values.size(); ++i) {
    auto type = llvm::dyn_cast<mlir::RankedTensorType>(types[i]);
    const Tensor* tensor = std::get_if<Tensor>(&values[i]);
    if ((type != nullptr) != (tensor != nullptr)) {
      if (!type && !tensor) continue;
      return absl::InvalidArgumentError(absl::StrCat("value ", i, " is of the wrong kind"));
    }
    if (type) STATOR_RETURN_IF_ERROR(BindShape(type, tensor->dims(), binding));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    auto type = llvm::dyn_cast<mlir::RankedTensorType>(types[i]);
    if (!type) continue;
    if (absl::Status s = CheckShape(type, std::get<Tensor>(values[i])); !s.ok()) {
      return absl::Status(s.code(), absl::StrCat("value ", i, ": ", s.message()));
    }
  }
  return absl::OkStatus();
}

// ---- Values ----

absl::Status Frame::SetAll(mlir::ValueRange results, std::vector<Value> values, Binding binding) {
  STATOR_RETURN_IF_ERROR(BindToTypes(results.getTypes(), values, binding));
  for (size_t i = 0; i < values.size(); ++i) values_[results[i]] = std::move(values[i]);
  return absl::OkStatus();
}

absl::Status Frame::Set(mlir::Value v, Value value, Binding binding) {
  std::vector<Value> values;
  values.push_back(std::move(value));
  return SetAll(v, std::move(values), binding);
}

void Frame::Release(mlir::Operation* op) {
  auto it = state_.last_uses.find(op);
  if (it == state_.last_uses.end()) return;
  for (mlir::Value v : it->second) values_.erase(v);
}

// ---- Blocks ----

namespace {

// Records for each value of the block the last op of the block that needs it, nested ops included.
void PlanReleases(mlir::Block& block, RunState& state) {
  if (!state.planned_blocks.insert(&block).second) return;
  auto plan = [&](mlir::Value v, mlir::Operation* first) {
    mlir::Operation* last = first;
    for (mlir::Operation* user : v.getUsers()) {
      mlir::Operation* ancestor = block.findAncestorOpInBlock(*user);
      if (ancestor && last->isBeforeInBlock(ancestor)) last = ancestor;
    }
    state.last_uses[last].push_back(v);
  };
  for (mlir::BlockArgument v : block.getArguments()) plan(v, &block.front());
  for (mlir::Operation& op : block) {
    for (mlir::Value v : op.getResults()) plan(v, &op);
  }
}

}  // namespace

absl::Status Frame::Execute(mlir::Operation* op) {
  STATOR_RETURN_IF_ERROR(budget().ChargeOperation());
  auto it = state_.table.find(op->getName().getStringRef());
  if (it != state_.table.end()) return it->second(op, *this);
  if (op->hasTrait<core::ElementwiseOp>()) return EvaluateElementwise(op, *this);
  return absl::UnimplementedError("the reference interpreter does not run this op");
}

absl::StatusOr<std::vector<Value>> Frame::RunRegion(mlir::Region& region,
                                                    std::vector<Value> arguments, Binding binding) {
  if (!region.hasOneBlock() || region.front().empty()) {
    return absl::InvalidArgumentError("a region with one block expected");
  }
  mlir::Block& block = region.front();
  PlanReleases(block, state_);
  STATOR_RETURN_IF_ERROR(SetAll(block.getArguments(), std::move(arguments), binding));
  for (mlir::Operation& op : block.without_terminator()) {
    absl::Status status = Execute(&op);
    if (!status.ok()) {
      if (state_.error_located) return status;
      state_.error_located = true;
      return AtOp(status, &op);
    }
    Release(&op);
  }
  mlir::Operation* terminator = block.getTerminator();
  std::vector<Value> results = values(terminator->getOperands());
  Release(terminator);
  return results;
}

absl::Status Frame::CheckGuards(mlir::Region& region) {
  absl::Status status;
  region.walk([&](core::GuardOp guard) {
    auto check = [&]() -> absl::Status {
      STATOR_ASSIGN_OR_RETURN(const Shape lhs, Evaluate(guard.getLhs().getDims()));
      STATOR_ASSIGN_OR_RETURN(const Shape rhs, Evaluate(guard.getRhs().getDims()));
      for (size_t i = 0; i < lhs.size() && i < rhs.size(); ++i) {
        const int64_t a = lhs[i], b = rhs[i];
        const bool holds[] = {a == b, a != b, a >= b, a > b, a <= b, a < b};
        if (!holds[static_cast<int>(guard.getRelation())]) {
          return absl::InvalidArgumentError(guard.getMessage().str());
        }
      }
      return absl::OkStatus();
    };
    status = check();
    if (!status.ok()) status = AtOp(status, guard);
    return status.ok() ? mlir::WalkResult::advance() : mlir::WalkResult::interrupt();
  });
  if (!status.ok()) state_.error_located = true;
  return status;
}

absl::Status Frame::BindVariables(mlir::Operation* module) {
  for (mlir::Region& region : module->getRegions()) {
    for (auto variable : region.getOps<core::VariableOp>()) {
      auto type = llvm::cast<mlir::RankedTensorType>(variable.getType());
      auto it = state_.variables.find(variable.getSymName().str());
      if (it != state_.variables.end()) {
        STATOR_RETURN_IF_ERROR(BindShape(type, it->second.dims(), Binding::kCheck));
        if (absl::Status s = CheckShape(type, it->second); !s.ok()) return AtOp(s, variable);
      } else if (variable.getZeroInitialized()) {
        STATOR_ASSIGN_OR_RETURN(const DType dtype, DTypeOf(type.getElementType()));
        STATOR_ASSIGN_OR_RETURN(Shape dims, DimsOfType(type));
        STATOR_ASSIGN_OR_RETURN(Tensor zeros, budget().Allocate(dtype, std::move(dims)));
        state_.variables[variable.getSymName().str()] = zeros;
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Value>> Frame::RunFunction(mlir::Region& region,
                                                      std::vector<Value> arguments) {
  // The symbols of the arguments are bound anew.
  for (mlir::Type t : region.getArgumentTypes()) {
    auto type = llvm::dyn_cast<mlir::RankedTensorType>(t);
    if (!type) continue;
    for (core::DimExpr e : core::DimsOf(type)) {
      if (e.symbol()) symbols_.erase(e.symbol());
    }
  }
  STATOR_RETURN_IF_ERROR(BindToTypes(region.getArgumentTypes(), arguments, Binding::kCheck));
  mlir::Operation* module = region.getParentOfType<mlir::ModuleOp>();
  if (module && state_.call_depth == 0) STATOR_RETURN_IF_ERROR(BindVariables(module));
  STATOR_RETURN_IF_ERROR(CheckGuards(region));
  return RunRegion(region, std::move(arguments));
}

absl::StatusOr<std::vector<Value>> Frame::Call(mlir::Region& region, std::vector<Value> arguments) {
  Frame callee(state_);
  callee.symbols_ = symbols_;
  ++state_.call_depth;
  absl::StatusOr<std::vector<Value>> results = callee.RunFunction(region, std::move(arguments));
  --state_.call_depth;
  return results;
}

}  // namespace stator::compiler::reference
