#include "compiler/codegen/cpu/emit_object.h"

#include <time.h>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"

namespace stator::compiler {
namespace {

// As fast code as O3 for kernels that are vectorized already, in a seventh of the time.
constexpr char kPasses[] = "function(sroa,early-cse,simplifycfg,instcombine<no-verify-fixpoint>)";

void SetAttributes(llvm::Module& module, const CpuTarget& target, llvm::TargetMachine& machine) {
  module.setTargetTriple(target.triple());
  module.setDataLayout(machine.createDataLayout());
  const std::string vector_width = absl::StrCat(target.vector_bits());
  for (llvm::GlobalVariable& global : module.globals()) {
    if (!global.isDeclaration()) global.setDSOLocal(true);
  }
  for (llvm::Function& function : module) {
    if (function.isDeclaration()) continue;
    function.setDSOLocal(true);  // else even calls inside the module go through a GOT
    function.setDoesNotThrow();  // else unwind tables
    function.addFnAttr("target-cpu", target.cpu());
    if (!target.features().empty()) function.addFnAttr("target-features", target.features());
    if (target.is_aarch64()) continue;
    // Some CPUs' tuning prefers 256 bit although 512 is what the kernel was written for.
    function.addFnAttr("prefer-vector-width", vector_width);
    function.addFnAttr("min-legal-vector-width", vector_width);
  }
}

absl::Status RunPasses(llvm::Module& module, llvm::TargetMachine& machine,
                       const std::string& passes) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(&machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::ModulePassManager manager;
  if (llvm::Error error = builder.parsePassPipeline(manager, passes.empty() ? kPasses : passes)) {
    return absl::InternalError(absl::StrCat("pass pipeline: ", llvm::toString(std::move(error))));
  }
  manager.run(module, modules);
  return absl::OkStatus();
}

}  // namespace

double ThreadMilliseconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) * 1e-6;
}

absl::StatusOr<std::string> EmitObject(llvm::Module& module, const CpuTarget& target,
                                       const std::string& passes, EmitTimings* timings) {
  absl::StatusOr<llvm::TargetMachine*> machine = target.MachineOfThisThread();
  if (!machine.ok()) return machine.status();
  double start = ThreadMilliseconds();
  SetAttributes(module, target, **machine);
  std::string problem;
  llvm::raw_string_ostream problem_stream(problem);
  if (llvm::verifyModule(module, &problem_stream)) {
    return absl::InternalError(absl::StrCat("invalid LLVM IR: ", problem));
  }
  absl::Status status = RunPasses(module, **machine, passes);
  if (!status.ok()) return status;
  if (timings != nullptr) timings->optimize_ms = ThreadMilliseconds() - start;

  start = ThreadMilliseconds();
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager codegen;
  if ((*machine)->addPassesToEmitFile(codegen, stream, nullptr, llvm::CodeGenFileType::ObjectFile,
                                      /*DisableVerify=*/true)) {
    return absl::InternalError("the target cannot emit object files");
  }
  codegen.run(module);
  if (timings != nullptr) timings->codegen_ms = ThreadMilliseconds() - start;
  return std::string(bytes.data(), bytes.size());
}

}  // namespace stator::compiler
