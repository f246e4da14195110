#include "compiler/codegen/cpu/testing.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_split.h"
#include "compiler/codegen/cpu/compile_fusion.h"
#include "compiler/codegen/cpu/element_arith.h"
#include "compiler/codegen/cpu/emulator.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/dialect/dim_expr_parse.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

constexpr char kPlayer[] = "compiler/codegen/cpu/kernel_player_aarch64";

absl::StatusOr<std::vector<std::string>> RunEmulated(const KernelRun& run) {
  static auto* const emulator = new Emulator(kPlayer);
  Message request;
  Put(run, &request);
  STATOR_ASSIGN_OR_RETURN(Message answer, emulator->Call(request));
  std::vector<std::string> results;
  for (const KernelRun::Buffer& buffer : run.buffers) {
    if (buffer.is_result) results.push_back(answer.GetString());
  }
  return results;
}

// The run of a kernel on operands, with results of these dimensions.
KernelRun MakeRun(const CompiledKernel& kernel, const std::map<std::string, int64_t>& symbols,
                  const std::vector<HostArray>& operands, const std::vector<HostArray>& results,
                  TileOrder split, bool in_place) {
  KernelRun run;
  run.code.assign(kernel.code.begin(), kernel.code.end());
  for (const KernelPhase& phase : kernel.phases) {
    run.phases.push_back(
        {static_cast<int64_t>(phase.entry_offset), Evaluate(phase.grid, symbols)});
  }
  for (const HostArray& operand : operands) {
    run.buffers.push_back({std::string(operand.bytes.begin(), operand.bytes.end())});
  }
  for (const HostArray& result : results) {
    run.buffers.push_back({std::string(result.bytes.size(), '\xaa'), -1, /*is_result=*/true});
  }
  for (core::DimExpr bytes : kernel.workspaces) {
    run.buffers.push_back({std::string(Evaluate(bytes, symbols), '\x77')});
  }
  std::vector<bool> taken(operands.size());
  for (auto [operand, result] : kernel.in_place) {
    if (!in_place || taken[operand]) continue;
    if (operands[operand].bytes.size() != results[result].bytes.size()) continue;
    run.buffers[operands.size() + result].same_as = operand;
    taken[operand] = true;
  }
  for (core::DimExpr scalar : kernel.scalars) run.scalars.push_back(Evaluate(scalar, symbols));
  run.scratch_bytes_per_worker = kernel.scratch_bytes_per_worker;
  run.order = split;
  return run;
}

}  // namespace

int64_t Evaluate(core::DimExpr expr, const std::map<std::string, int64_t>& symbols) {
  auto value = expr.Evaluate([&](const core::DimSymbol& symbol) -> std::optional<int64_t> {
    auto found = symbols.find(symbol.name().str());
    if (found == symbols.end()) return std::nullopt;
    return found->second;
  });
  if (!value) {
    std::fprintf(stderr, "cannot evaluate %s\n", expr.ToString().c_str());
    abort();
  }
  return *value;
}

TestFusion::TestFusion() {
  context_.loadDialect<core::CoreDialect>();
  module_ = mlir::ModuleOp::create(mlir::UnknownLoc::get(&context_));
}

mlir::RankedTensorType TestFusion::Type(const std::string& text) {
  const size_t open = text.find('[');
  const std::string name = text.substr(0, open);
  core::Dims sizes;
  const std::string inner = text.substr(open + 1, text.size() - open - 2);
  if (!inner.empty()) {
    for (absl::string_view part : absl::StrSplit(inner, ", ")) {
      sizes.push_back(*core::ParseDimExpr(dims(), std::string(part)));
    }
  }
  mlir::Builder b(&context_);
  mlir::Type element;
  if (name == "f16") element = b.getF16Type();
  else if (name == "bf16") element = b.getBF16Type();
  else if (name == "f32") element = b.getF32Type();
  else if (name == "f64") element = b.getF64Type();
  else if (name[0] == 'u') element = b.getIntegerType(std::stoi(name.substr(2)), false);
  else element = b.getIntegerType(std::stoi(name.substr(1)));
  return core::TensorType(sizes, element);
}

core::FusionOp TestFusion::Create(const std::string& kind, const std::vector<std::string>& operands,
                                  const Build& build) {
  mlir::OpBuilder builder(&context_);
  builder.setInsertionPointToEnd(module_->getBody());
  const mlir::Location loc = mlir::UnknownLoc::get(&context_);
  llvm::SmallVector<mlir::Value> values;
  llvm::SmallVector<mlir::Type> types;
  llvm::SmallVector<mlir::Location> locations;
  for (const std::string& operand : operands) {
    types.push_back(Type(operand));
    locations.push_back(loc);
    values.push_back(builder
                         .create<mlir::UnrealizedConversionCastOp>(
                             loc, mlir::TypeRange{types.back()}, mlir::ValueRange{})
                         .getResult(0));
  }
  auto block = std::make_unique<mlir::Block>();
  block->addArguments(types, locations);
  mlir::OpBuilder body(&context_);
  body.setInsertionPointToStart(block.get());
  core::CoreBuilder core(body, loc);
  std::vector<mlir::Value> results = build(core, block->getArguments());
  if (!core.ok()) {
    std::fprintf(stderr, "building the fusion: %s\n", core.error().c_str());
    abort();
  }
  body.create<core::ReturnOp>(loc, mlir::ValueRange(results));
  llvm::SmallVector<mlir::Type> result_types;
  for (mlir::Value result : results) result_types.push_back(result.getType());
  fusion_ = builder.create<core::FusionOp>(loc, result_types, values, kind, "test");
  fusion_.getBody().push_back(block.release());
  if (mlir::failed(fusion_.verify())) abort();
  return fusion_;
}

absl::StatusOr<std::vector<HostArray>> TestFusion::Run(
    const std::map<std::string, int64_t>& symbols, const std::vector<HostArray>& operands,
    TileOrder split, const std::string& target_name, bool in_place) {
  std::shared_ptr<CompiledKernel>& kernel = compiled_[target_name];
  if (kernel == nullptr) {
    STATOR_ASSIGN_OR_RETURN(CpuTarget target, CpuTarget::FromName(target_name));
    CodegenOptions options;
    options.keep_ir = true;
    const std::unique_ptr<mlir::MLIRContext> kernel_context = CreateKernelContext();
    STATOR_ASSIGN_OR_RETURN(CompiledKernel compiled,
                            CompileFusion(fusion_, target, kernel_context.get(), options));
    kernel = std::make_shared<CompiledKernel>(std::move(compiled));
    if (getenv("STATOR_PRINT_KERNEL") != nullptr) std::fprintf(stderr, "%s\n", kernel->ir.c_str());
  }
  std::vector<HostArray> results;
  for (mlir::Type result_type : fusion_->getResultTypes()) {
    auto type = mlir::cast<mlir::RankedTensorType>(result_type);
    HostArray result;
    int64_t size = ElementBytes(type.getElementType());
    for (core::DimExpr dim : core::DimsOf(type)) {
      result.dims.push_back(Evaluate(dim, symbols));
      size *= result.dims.back();
    }
    result.bytes.resize(size);
    results.push_back(std::move(result));
  }
  const KernelRun run = MakeRun(*kernel, symbols, operands, results, split, in_place);
  std::vector<std::string> found;
  if (target_name == "aarch64") {
    STATOR_ASSIGN_OR_RETURN(found, RunEmulated(run));
  } else {
    found = RunHere(run);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    results[i].bytes.assign(found[i].begin(), found[i].end());
  }
  return results;
}

}  // namespace stator::compiler
