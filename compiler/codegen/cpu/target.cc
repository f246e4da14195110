#include "compiler/codegen/cpu/target.h"

#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"

namespace stator::compiler {
namespace {

constexpr char kTriple[] = "x86_64-unknown-linux-gnu";

// Sets an option of LLVM's tools that has no other interface, for the whole process.
void SetOption(llvm::StringRef name) {
  auto& options = llvm::cl::getRegisteredOptions();
  auto found = options.find(name);
  if (found != options.end()) found->second->addOccurrence(1, name, "true");
}

void InitializeX86Once() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    // Its search for addressing modes takes most of the time of a compile (kernels have many
    // pointers in a loop) and gains nothing measurable over base + index * scale.
    SetOption("disable-lsr");
  });
}

absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> CreateMachine(const std::string& triple,
                                                                   const std::string& cpu,
                                                                   const std::string& features) {
  InitializeX86Once();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (target == nullptr) return absl::InternalError(absl::StrCat("no backend: ", error));
  llvm::TargetOptions options;
  // A multiplication and an addition become one rounding only where the program says fma.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  // Everything explicit: the defaults are static relocation or, for JIT, the large code model.
  std::unique_ptr<llvm::TargetMachine> machine(target->createTargetMachine(
      triple, cpu, features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
      llvm::CodeGenOptLevel::Default, /*JIT=*/false));
  if (machine == nullptr) {
    return absl::InternalError(absl::StrCat("no target machine for ", triple, " ", cpu));
  }
  return machine;
}

}  // namespace

absl::StatusOr<CpuTarget> CpuTarget::Create(std::string triple, std::string cpu,
                                            std::string features) {
  absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> machine =
      CreateMachine(triple, cpu, features);
  if (!machine.ok()) return machine.status();
  const llvm::MCSubtargetInfo& info = *(*machine)->getMCSubtargetInfo();
  if (!info.checkFeatures("+avx2,+fma")) {
    return absl::FailedPreconditionError(
        absl::StrCat("CPU target '", cpu, "': kernels need AVX2 and FMA, which it has not"));
  }
  CpuTarget target;
  target.triple_ = std::move(triple);
  target.cpu_ = std::move(cpu);
  target.features_ = std::move(features);
  target.has_avx512_ = info.checkFeatures("+avx512f,+avx512bw,+avx512dq,+avx512vl");
  target.has_avx512bf16_ = target.has_avx512_ && info.checkFeatures("+avx512bf16");
  target.has_f16c_ = info.checkFeatures("+f16c");
  target.vector_bits_ = target.has_avx512_ ? 512 : 256;
  target.vector_registers_ = target.has_avx512_ ? 32 : 16;
  return target;
}

absl::StatusOr<CpuTarget> CpuTarget::Native() {
  std::map<std::string, bool> sorted;
  for (const auto& feature : llvm::sys::getHostCPUFeatures()) {
    sorted[feature.getKey().str()] = feature.getValue();
  }
  std::string features;
  for (const auto& [name, enabled] : sorted) {
    absl::StrAppend(&features, features.empty() ? "" : ",", enabled ? "+" : "-", name);
  }
  return Create(kTriple, llvm::sys::getHostCPUName().str(), std::move(features));
}

absl::StatusOr<CpuTarget> CpuTarget::FromName(const std::string& name) {
  if (name == "native") return Native();
  if (name == "x86-64-v3" || name == "x86-64-v4") return Create(kTriple, name, "");
  return absl::InvalidArgumentError(
      absl::StrCat("CPU target '", name, "' is unknown; expected native, x86-64-v3 or x86-64-v4"));
}

std::vector<std::string> CpuTarget::RequiredFeatures() const {
  std::vector<std::string> features = {"avx2", "fma"};
  if (has_avx512_) features.push_back("avx512f");
  if (has_avx512bf16_) features.push_back("avx512bf16");
  return features;
}

std::string CpuTarget::CacheKey() const { return absl::StrCat(triple_, ";", cpu_, ";", features_); }

absl::StatusOr<llvm::TargetMachine*> CpuTarget::MachineOfThisThread() const {
  // Creation costs about 0.2 ms, which a kernel of 2 ms would feel.
  thread_local std::map<std::string, std::unique_ptr<llvm::TargetMachine>> machines;
  std::unique_ptr<llvm::TargetMachine>& machine = machines[CacheKey()];
  if (machine == nullptr) {
    absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> created =
        CreateMachine(triple_, cpu_, features_);
    if (!created.ok()) return created.status();
    machine = *std::move(created);
  }
  return machine.get();
}

}  // namespace stator::compiler
