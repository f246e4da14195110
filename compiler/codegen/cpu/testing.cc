#include "compiler/codegen/cpu/testing.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "compiler/codegen/cpu/blob_runner.h"
#include "compiler/codegen/cpu/compile_fusion.h"
#include "compiler/codegen/cpu/element_arith.h"
#include "compiler/codegen/cpu/target.h"
#include "compiler/dialect/dim_expr_parse.h"
#include "executable/kernel_frame.h"
#include "graph/status_macros.h"

namespace stator::compiler {
namespace {

// Memory whose last byte is followed by a page that faults.
class GuardedMemory {
 public:
  GuardedMemory(size_t size, char fill) {
    const size_t pages = (size + 4095) / 4096 * 4096;
    mapped_ = pages + 8192;
    base_ = static_cast<char*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) abort();
    mprotect(base_, 4096, PROT_NONE);
    mprotect(base_ + 4096 + pages, 4096, PROT_NONE);
    data_ = base_ + 4096 + pages - size;
    std::memset(base_ + 4096, fill, pages);
  }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  ~GuardedMemory() { munmap(base_, mapped_); }
  char* data() { return data_; }

 private:
  char* base_;
  char* data_;
  size_t mapped_;
};

void RunPhase(executable::KernelFn entry, const executable::Frame& frame, int64_t grid,
              TileOrder split) {
  switch (split) {
    case TileOrder::kWhole: entry(&frame, 0, grid, 0); return;
    case TileOrder::kSingleTilesBackwards:
      for (int64_t i = grid; i-- > 0;) entry(&frame, i, i + 1, static_cast<int32_t>(i % 2));
      return;
    case TileOrder::kUneven:
      for (int64_t i = 0, step = 1; i < grid; i += step, step = step % 5 + 1) {
        entry(&frame, i, std::min(grid, i + step), static_cast<int32_t>(step % 3));
      }
      return;
  }
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
  std::vector<mlir::RankedTensorType> result_types;
  for (mlir::Type type : fusion_->getResultTypes()) {
    result_types.push_back(mlir::cast<mlir::RankedTensorType>(type));
  }
  return RunKernel(*kernel, symbols, operands, result_types, split, in_place);
}

std::vector<HostArray> RunKernel(const CompiledKernel& kernel,
                                 const std::map<std::string, int64_t>& symbols,
                                 const std::vector<HostArray>& operands,
                                 const std::vector<mlir::RankedTensorType>& result_types,
                                 TileOrder split, bool in_place) {
  CodeBlob blob;
  blob.code.assign(kernel.code.begin(), kernel.code.end());
  blob.alignment = kernel.alignment;
  for (size_t i = 0; i < kernel.phases.size(); ++i) {
    blob.entries.push_back({absl::StrCat("phase", i), kernel.phases[i].entry_offset});
  }
  MappedBlob mapped(blob);
  std::vector<std::unique_ptr<GuardedMemory>> memory;
  std::vector<void*> buffers;
  auto add = [&](size_t size, const char* contents, char fill) {
    memory.push_back(std::make_unique<GuardedMemory>(size, fill));
    if (contents != nullptr && size != 0) std::memcpy(memory.back()->data(), contents, size);
    buffers.push_back(memory.back()->data());
  };
  for (const HostArray& operand : operands) add(operand.bytes.size(), operand.bytes.data(), 0x55);
  std::vector<HostArray> results;
  for (mlir::RankedTensorType type : result_types) {
    HostArray result;
    int64_t size = ElementBytes(type.getElementType());
    for (core::DimExpr dim : core::DimsOf(type)) {
      result.dims.push_back(Evaluate(dim, symbols));
      size *= result.dims.back();
    }
    result.bytes.resize(size);
    add(size, nullptr, static_cast<char>(0xaa));
    results.push_back(std::move(result));
  }
  for (core::DimExpr bytes : kernel.workspaces) add(Evaluate(bytes, symbols), nullptr, 0x77);
  if (in_place) {
    std::vector<bool> taken(operands.size());
    for (auto [operand, result] : kernel.in_place) {
      if (taken[operand] || operands[operand].bytes.size() != results[result].bytes.size()) continue;
      buffers[operands.size() + result] = buffers[operand];
      taken[operand] = true;
    }
  }
  std::vector<int64_t> scalars;
  for (core::DimExpr scalar : kernel.scalars) scalars.push_back(Evaluate(scalar, symbols));
  const int64_t stride = (kernel.scratch_bytes_per_worker + 63) / 64 * 64;
  GuardedMemory scratch(stride * 3, 0x33);
  executable::ErrorSlot error{};
  const executable::Frame frame{buffers.data(), scalars.data(), scratch.data(),
                                stride,         &error,         nullptr};
  for (size_t i = 0; i < kernel.phases.size(); ++i) {
    auto entry = mapped.Entry<int32_t(const executable::Frame*, int64_t, int64_t, int32_t)>(
        absl::StrCat("phase", i));
    RunPhase(entry, frame, Evaluate(kernel.phases[i].grid, symbols), split);
  }
  for (size_t i = 0; i < results.size(); ++i) {
    if (!results[i].bytes.empty()) {
      std::memcpy(results[i].bytes.data(), buffers[operands.size() + i], results[i].bytes.size());
    }
  }
  return results;
}

}  // namespace stator::compiler
