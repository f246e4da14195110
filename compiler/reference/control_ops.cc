// Evaluators of control flow, checks, bound sizes and regions that only group ops.

#include "absl/strings/str_cat.h"
#include "compiler/reference/frame.h"
#include "compiler/reference/number.h"
#include "graph/status_macros.h"
#include "mlir/IR/SymbolTable.h"

namespace stator::compiler::reference {
namespace {

constexpr int kMaxCallDepth = 100;

bool IsTrue(const Value& pred) { return Load<uint64_t>(std::get<Tensor>(pred), 0) != 0; }

absl::Status RunInto(mlir::Operation* op, mlir::Region& region, std::vector<Value> arguments,
                     Frame& f) {
  STATOR_ASSIGN_OR_RETURN(std::vector<Value> results, f.RunRegion(region, std::move(arguments)));
  return f.SetAll(op->getResults(), std::move(results));
}

absl::Status EvaluateIf(core::IfOp op, Frame& f) {
  const bool taken = IsTrue(f.value(op.getPred()));
  return RunInto(op, taken ? op.getTrueBranch() : op.getFalseBranch(), {}, f);
}

absl::Status EvaluateCase(core::CaseOp op, Frame& f) {
  const int64_t count = static_cast<int64_t>(op.getBranches().size());
  const int64_t index = f.integer(op.getIndex());
  const bool inside = index >= 0 && index < count;
  return RunInto(op, op.getBranches()[inside ? index : count - 1], {}, f);
}

// Gives the loop's own symbols the sizes of the carried values.
absl::Status RebindLoopSymbols(core::WhileOp op, const std::vector<Value>& carried, Frame& f) {
  const mlir::ArrayAttr symbols = op.getLoopSymbolsAttr();
  if (!symbols) return absl::OkStatus();
  core::DimContext& context = core::DimContextOf(op.getContext());
  for (mlir::Attribute attribute : symbols) {
    const llvm::StringRef name = llvm::cast<mlir::StringAttr>(attribute).getValue();
    const core::DimSymbol* symbol = context.FindSymbol(name);
    for (size_t i = 0; i < carried.size() && symbol; ++i) {
      auto type = llvm::dyn_cast<mlir::RankedTensorType>(op.getResultTypes()[i]);
      if (!type) continue;
      const core::Dims dims = core::DimsOf(type);
      for (size_t d = 0; d < dims.size(); ++d) {
        if (dims[d].symbol() != symbol) continue;
        STATOR_RETURN_IF_ERROR(f.BindSymbol(symbol, std::get<Tensor>(carried[i]).dims()[d]));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status EvaluateWhile(core::WhileOp op, Frame& f) {
  std::vector<Value> carried = f.values(op.getOperands());
  while (true) {
    // A loop without ops must end too.
    STATOR_RETURN_IF_ERROR(f.budget().ChargeOperation());
    STATOR_RETURN_IF_ERROR(RebindLoopSymbols(op, carried, f));
    STATOR_ASSIGN_OR_RETURN(const std::vector<Value> pred, f.RunRegion(op.getCond(), carried));
    if (!IsTrue(pred[0])) break;
    STATOR_ASSIGN_OR_RETURN(carried, f.RunRegion(op.getBody(), std::move(carried)));
  }
  return f.SetAll(op.getResults(), std::move(carried));
}

absl::Status EvaluateCall(core::CallOp op, Frame& f) {
  mlir::Operation* callee = mlir::SymbolTable::lookupNearestSymbolFrom(op, op.getCalleeAttr());
  if (!callee || callee->getNumRegions() != 1 || callee->getRegion(0).empty()) {
    return absl::NotFoundError(absl::StrCat("no function ", op.getCallee().str()));
  }
  if (f.state().call_depth >= kMaxCallDepth) {
    return absl::ResourceExhaustedError(
        absl::StrCat("calls are nested deeper than ", kMaxCallDepth));
  }
  STATOR_ASSIGN_OR_RETURN(std::vector<Value> results,
                          f.Call(callee->getRegion(0), f.values(op.getOperands())));
  return f.SetAll(op.getResults(), std::move(results));
}

absl::Status EvaluateCheck(core::CheckOp op, Frame& f) {
  const Tensor& pred = f.tensor(op.getPred());
  for (int64_t i = 0; i < pred.num_elements(); ++i) {
    if (Load<uint64_t>(pred, i)) continue;
    const auto code = static_cast<absl::StatusCode>(op.getCode());
    return absl::Status(code == absl::StatusCode::kOk ? absl::StatusCode::kUnknown : code,
                        absl::StrCat(op.getMessage().str(),
                                     pred.rank() == 0 ? "" : absl::StrCat(" (element ", i, ")")));
  }
  return absl::OkStatus();
}

absl::Status EvaluateBindDim(core::BindDimOp op, Frame& f) {
  const core::DimExpr symbol = core::DimContextOf(op.getContext()).Symbol(op.getSymbol());
  return f.BindSymbol(symbol.symbol(), f.integer(op.getValue()));
}

absl::Status EvaluateHostCall(core::HostCallOp op, Frame& f) {
  const std::string name = op.getFunction().str();
  if (!f.state().host_call) {
    return absl::UnimplementedError(absl::StrCat("host function ", name, " is not available"));
  }
  STATOR_ASSIGN_OR_RETURN(
      std::vector<Tensor> results,
      f.state().host_call(name, f.tensors(op.getOperands()), op.getConfig(), f.budget()));
  return f.SetAll(op.getResults(), std::vector<Value>(results.begin(), results.end()),
                  Binding::kRebind);
}

// Results are the operands.
absl::Status PassThrough(mlir::Operation* op, Frame& f) {
  return f.SetAll(op->getResults(), f.values(op->getOperands()));
}

}  // namespace

void AddControlOps(OpTable& table) {
  On<core::IfOp>(table, EvaluateIf);
  On<core::CaseOp>(table, EvaluateCase);
  On<core::WhileOp>(table, EvaluateWhile);
  On<core::CallOp>(table, EvaluateCall);
  On<core::CompositeOp>(table, [](core::CompositeOp op, Frame& f) {
    return RunInto(op, op.getBody(), f.values(op.getOperands()), f);
  });
  On<core::FusionOp>(table, [](core::FusionOp op, Frame& f) {
    return RunInto(op, op.getBody(), f.values(op.getOperands()), f);
  });
  table[core::StopGradientOp::getOperationName()] = PassThrough;
  table[core::OptimizationBarrierOp::getOperationName()] = PassThrough;
  On<core::CheckOp>(table, EvaluateCheck);
  On<core::BindDimOp>(table, EvaluateBindDim);
  // Evaluated at the start of the function.
  On<core::GuardOp>(table, [](core::GuardOp, Frame&) { return absl::OkStatus(); });
  On<core::HostCallOp>(table, EvaluateHostCall);
  On<core::CreateTokenOp>(
      table, [](core::CreateTokenOp op, Frame& f) { return f.Set(op.getResult(), Token()); });
}

}  // namespace stator::compiler::reference
