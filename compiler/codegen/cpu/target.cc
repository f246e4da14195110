#include "compiler/codegen/cpu/target.h"

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "executable/cpu_features.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

namespace stator::compiler {
namespace {

constexpr char kX86Triple[] = "x86_64-unknown-linux-gnu";
constexpr char kArmTriple[] = "aarch64-unknown-linux-gnu";

// Sets an option of LLVM's tools that has no other interface, for the whole process.
void SetOption(llvm::StringRef name) {
  auto& options = llvm::cl::getRegisteredOptions();
  auto found = options.find(name);
  if (found != options.end()) found->second->addOccurrence(1, name, "true");
}

void InitializeBackendsOnce() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeAArch64TargetInfo();
    LLVMInitializeAArch64Target();
    LLVMInitializeAArch64TargetMC();
    LLVMInitializeAArch64AsmPrinter();
    // Its search for addressing modes takes most of the time of a compile (kernels have many
    // pointers in a loop) and gains nothing measurable over base + index * scale.
    SetOption("disable-lsr");
  });
}

absl::StatusOr<std::unique_ptr<llvm::TargetMachine>> CreateMachine(const std::string& triple,
                                                                   const std::string& cpu,
                                                                   const std::string& features) {
  InitializeBackendsOnce();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (target == nullptr) return absl::InternalError(absl::StrCat("no backend: ", error));
  llvm::TargetOptions options;
  // A multiplication and an addition become one rounding only where the program says fma.
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  // Everything explicit: the defaults are static relocation or, for JIT, the large code model. The
  // small model of aarch64 addresses by pages, so that code moves in steps of 4 KiB only; x86-64
  // has no tiny one.
  const auto model = triple == kArmTriple ? llvm::CodeModel::Tiny : llvm::CodeModel::Small;
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, cpu, features, options, llvm::Reloc::PIC_, model,
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
  const bool is_aarch64 = triple == kArmTriple;
  if (!is_aarch64 && !info.checkFeatures("+avx2,+fma")) {
    return absl::FailedPreconditionError(
        absl::StrCat("CPU target '", cpu, "': kernels need AVX2 and FMA, which it has not"));
  }
  CpuTarget target;
  target.triple_ = std::move(triple);
  target.cpu_ = std::move(cpu);
  target.features_ = std::move(features);
  if (is_aarch64) {
    target.is_aarch64_ = target.converts_f16_ = true;
    target.required_features_ = {"neon"};
    target.vector_bits_ = 128;
    target.vector_registers_ = 32;
    return target;
  }
  target.has_avx512_ = info.checkFeatures("+avx512f,+avx512bw,+avx512dq,+avx512vl");
  target.converts_f16_ = info.checkFeatures("+f16c");
  for (const executable::CpuFeature& feature : executable::CpuFeatures(target.arch())) {
    if (info.checkFeatures(absl::StrCat("+", feature.name))) {
      target.required_features_.push_back(feature.name);
    }
  }
  target.vector_bits_ = target.has_avx512_ ? 512 : 256;
  target.vector_registers_ = target.has_avx512_ ? 32 : 16;
  return target;
}

absl::StatusOr<CpuTarget> CpuTarget::Native() {
  std::vector<std::string> present;
  for (const executable::CpuFeature& feature : executable::CpuFeatures(executable::HostArch())) {
    if (feature.present) present.push_back(feature.name);
  }
  return FromName(absl::StrCat(executable::HostArch(), ":", absl::StrJoin(present, ",")));
}

absl::StatusOr<CpuTarget> CpuTarget::WithFeatures(const std::vector<std::string>& names) {
  // No feature that a loader elsewhere could not ask for, though LLVM may know more of this CPU. The
  // level's name also decides what LLVM takes for fast: of plain x86-64 it splits vector accesses.
  std::set<std::string> wanted(names.begin(), names.end());
  const bool wide = wanted.count("avx512vl") > 0;
  std::vector<std::string> features;
  for (const executable::CpuFeature& feature : executable::CpuFeatures("x86_64")) {
    features.push_back(absl::StrCat(wanted.erase(feature.name) > 0 ? "+" : "-", feature.name));
  }
  if (!wanted.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("CPU target: expected features of x86_64, found '",
                                                   *wanted.begin(), "'"));
  }
  return Create(kX86Triple, wide ? "x86-64-v4" : "x86-64-v3", absl::StrJoin(features, ","));
}

absl::StatusOr<CpuTarget> CpuTarget::FromName(const std::string& name) {
  if (name == "native") return Native();
  if (name == "x86-64-v3" || name == "x86-64-v4") return Create(kX86Triple, name, "");
  // "generic" has the instructions of the first 64-bit ARM CPUs.
  if (name == "aarch64" || name == "aarch64:neon") return Create(kArmTriple, "generic", "");
  if (absl::StartsWith(name, "x86_64:")) {
    return WithFeatures(absl::StrSplit(name.substr(name.find(':') + 1), ',', absl::SkipEmpty()));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "CPU target '", name, "' is unknown; expected native, x86-64-v3, x86-64-v4 or aarch64"));
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
