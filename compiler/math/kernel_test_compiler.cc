#include "compiler/math/kernel_test_compiler.h"

#include <utility>

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Host.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"

namespace stator::compiler::math {
namespace {

void Check(bool condition, const char* what) {
  if (!condition) llvm::report_fatal_error(what);
}

llvm::StringMap<bool> HostFeatures() { return llvm::sys::getHostCPUFeatures(); }

std::unique_ptr<llvm::TargetMachine> CreateTargetMachine(llvm::StringRef cpu) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  const std::string triple = llvm::sys::getProcessTriple();
  std::string error;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(triple, error);
  Check(target != nullptr, error.c_str());
  std::string features;
  if (cpu.empty()) {
    cpu = llvm::sys::getHostCPUName();
    for (const auto& feature : HostFeatures()) {
      features += (features.empty() ? "" : ",") + std::string(feature.second ? "+" : "-") +
                  feature.first().str();
    }
  }
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, cpu, features, {}, llvm::Reloc::PIC_));
}

void Lower(mlir::ModuleOp module) {
  mlir::PassManager passes(module.getContext());
  passes.addPass(mlir::createConvertSCFToCFPass());
  passes.addPass(mlir::createConvertVectorToLLVMPass());
  passes.addPass(mlir::createConvertMathToLLVMPass());
  passes.addPass(mlir::createArithToLLVMConversionPass());
  passes.addPass(mlir::createConvertFuncToLLVMPass());
  passes.addPass(mlir::createConvertControlFlowToLLVMPass());
  passes.addPass(mlir::createReconcileUnrealizedCastsPass());
  Check(mlir::succeeded(passes.run(module)), "lowering to the llvm dialect failed");
}

// The standard optimizations, so that tests see the bits that optimized code computes.
void Optimize(llvm::Module& module, llvm::TargetMachine& machine) {
  llvm::PassBuilder builder(&machine);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(module, modules);
}

class JitKernels : public LoadedKernels {
 public:
  explicit JitKernels(std::unique_ptr<llvm::orc::LLJIT> jit) : jit_(std::move(jit)) {}

  TestKernel Find(const std::string& name) override {
    return llvm::cantFail(jit_->lookup(name)).toPtr<TestKernel>();
  }

 private:
  std::unique_ptr<llvm::orc::LLJIT> jit_;
};

}  // namespace

KernelTestCompiler::KernelTestCompiler() : builder_(&context_) {
  context_
      .loadDialect<mlir::arith::ArithDialect, mlir::func::FuncDialect, mlir::LLVM::LLVMDialect,
                   mlir::math::MathDialect, mlir::scf::SCFDialect, mlir::vector::VectorDialect>();
  mlir::registerBuiltinDialectTranslation(context_);
  mlir::registerLLVMDialectTranslation(context_);
  module_ = mlir::ModuleOp::create(builder_.getUnknownLoc());
}

void KernelTestCompiler::Add(
    const std::string& name, mlir::Type operand,
    llvm::function_ref<mlir::Value(mlir::OpBuilder&, mlir::Location, mlir::Value, mlir::Value)>
        emit) {
  const mlir::Location location = builder_.getUnknownLoc();
  const auto pointer = mlir::LLVM::LLVMPointerType::get(&context_);
  builder_.setInsertionPointToEnd(module_->getBody());
  auto function = builder_.create<mlir::func::FuncOp>(
      location, name, builder_.getFunctionType({pointer, pointer, pointer}, {}));
  mlir::Block* block = function.addEntryBlock();
  builder_.setInsertionPointToEnd(block);
  mlir::Value operands[2];
  for (int i = 0; i < 2; ++i) {
    operands[i] = builder_.create<mlir::LLVM::LoadOp>(location, operand, block->getArgument(i),
                                                      /*alignment=*/1);
  }
  const mlir::Value result = emit(builder_, location, operands[0], operands[1]);
  builder_.create<mlir::LLVM::StoreOp>(location, result, block->getArgument(2), /*alignment=*/1);
  builder_.create<mlir::func::ReturnOp>(location);
}

std::string KernelTestCompiler::CompileToObject(llvm::StringRef cpu) {
  Check(mlir::succeeded(module_->verify()), "emitted operations do not verify");
  Lower(*module_);
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module = mlir::translateModuleToLLVMIR(*module_, context);
  Check(module != nullptr, "translation to LLVM IR failed");
  const std::unique_ptr<llvm::TargetMachine> machine = CreateTargetMachine(cpu);
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(machine->getTargetTriple().str());
  Optimize(*module, *machine);

  llvm::SmallVector<char, 0> object;
  llvm::raw_svector_ostream stream(object);
  llvm::legacy::PassManager passes;
  Check(!machine->addPassesToEmitFile(passes, stream, nullptr, llvm::CodeGenFileType::ObjectFile),
        "the target cannot write object files");
  passes.run(*module);
  return std::string(object.data(), object.size());
}

std::vector<std::string> UndefinedSymbols(const std::string& object) {
  const llvm::MemoryBufferRef buffer(object, "object");
  const auto file = llvm::cantFail(llvm::object::ObjectFile::createObjectFile(buffer));
  std::vector<std::string> names;
  for (const llvm::object::SymbolRef& symbol : file->symbols()) {
    if (!(llvm::cantFail(symbol.getFlags()) & llvm::object::SymbolRef::SF_Undefined)) continue;
    const llvm::StringRef name = llvm::cantFail(symbol.getName());
    if (!name.empty()) names.push_back(name.str());
  }
  return names;
}

std::unique_ptr<LoadedKernels> LoadKernels(const std::string& object) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
  llvm::cantFail(jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(object)));
  return std::make_unique<JitKernels>(std::move(jit));
}

bool MachineHas(llvm::StringRef feature) { return HostFeatures().lookup(feature); }

}  // namespace stator::compiler::math
