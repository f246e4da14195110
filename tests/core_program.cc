#include "tests/core_program.h"

#include <cstring>

#include "compiler/autodiff/differentiate.h"
#include "compiler/reference/interpreter.h"
#include "executable/image_builder.h"
#include "executable/printer.h"
#include "executable/verifier.h"
#include "graph/status_macros.h"
#include "gtest/gtest.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"

namespace stator {
namespace {

using runtime::Tensor;
namespace reference = compiler::reference;

mlir::OwningOpRef<mlir::ModuleOp> Parse(const std::string& text, mlir::MLIRContext* context) {
  context->loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
  return mlir::parseSourceString<mlir::ModuleOp>(text, context);
}

reference::Tensor ToReference(const Tensor& t) { return reference::MakeTensor(t.dtype(), t.dims(), t.raw()); }

void ExpectEqual(const std::string& what, const reference::Tensor& expected, const Tensor& found) {
  ASSERT_EQ(expected.dtype(), found.dtype()) << what;
  ASSERT_EQ(expected.dims(), found.dims()) << what;
  const int64_t size = expected.element_size();
  for (int64_t i = 0; i < expected.num_elements(); ++i) {
    const char *a = expected.data() + i * size, *b = static_cast<const char*>(found.raw()) + i * size;
    if (std::memcmp(a, b, static_cast<size_t>(size)) == 0) continue;
    ADD_FAILURE() << what << " differs at element " << i << " of " << found.TypeToString()
                  << (found.dtype() == executable::DType::kFloat32
                          ? ": expected " + std::to_string(expected.As<float>()[i]) + ", found " +
                                std::to_string(found.data<float>()[i])
                          : "");
    return;
  }
}

}  // namespace

CoreProgram::CoreProgram(const std::string& text, const compiler::PipelineOptions& options)
    : text_(text), variables_(std::make_unique<runtime::VariableStore>()) {
  compile_error_ = Compile(options);
}

absl::Status CoreProgram::Compile(const compiler::PipelineOptions& options) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module = Parse(text_, &context);
  if (!module) return absl::InvalidArgumentError("the test's text does not parse");
  STATOR_RETURN_IF_ERROR(compiler::RunCoreStages(*module, options));
  STATOR_ASSIGN_OR_RETURN(executable::ImageModel model, compiler::GenerateImage(*module, options));
  const std::vector<uint8_t> bytes = executable::Serialize(model);
  runtime::LoadOptions load;
  load.check_plans = true;
  auto loaded = runtime::Executable::Load(bytes.data(), bytes.size(), load);
  if (!loaded.ok()) {
    return absl::InternalError(loaded.status().ToString() + "\n" + executable::PrintImage(model));
  }
  executable_ = *loaded;
  auto runner = runtime::Runner::Create(executable_, 0, variables_.get());
  if (!runner.ok()) return absl::InternalError(runner.status().ToString());
  runner_ = *std::move(runner);
  return absl::OkStatus();
}

runtime::Status CoreProgram::Error(const std::vector<Tensor>& arguments) {
  if (!runner_) return runtime::Status(runtime::Code::kInternal, std::string(compile_error_.message()));
  std::vector<Tensor> results;
  runtime::RunOptions options;
  options.poison = true;
  return runner_->Run(arguments, options, &results);
}

std::vector<Tensor> CoreProgram::Run(const std::vector<Tensor>& arguments) {
  std::vector<Tensor> results;
  EXPECT_TRUE(compile_error_.ok()) << compile_error_;
  if (!runner_) return results;
  runtime::RunOptions options;
  options.poison = true;
  const runtime::Status status = runner_->Run(arguments, options, &results);
  EXPECT_TRUE(status.ok()) << status.ToString() << "\n" << executable::PrintImage(executable_->model());
  if (!status.ok()) results.clear();
  return results;
}

void CoreProgram::ExpectSame(const std::vector<Tensor>& arguments, const std::map<std::string, Tensor>& variables) {
  ASSERT_TRUE(compile_error_.ok()) << compile_error_;
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  mlir::OwningOpRef<mlir::ModuleOp> module = Parse(text_, &context);
  ASSERT_TRUE(module);
  // The interpreter knows no gradients; everything else runs as it is written.
  const absl::Status differentiated = compiler::Differentiate(*module);
  ASSERT_TRUE(differentiated.ok()) << differentiated;
  std::vector<reference::Value> values;
  for (const Tensor& t : arguments) values.push_back(ToReference(t));
  reference::Variables state;
  for (const auto& [name, value] : variables) {
    state[name] = ToReference(value);
    ASSERT_TRUE(variables_->Write(name, value).ok());
  }
  auto expected = reference::Run(module->lookupSymbol("main"), std::move(values), state);
  ASSERT_TRUE(expected.ok()) << expected.status();
  const std::vector<Tensor> found = Run(arguments);
  ASSERT_EQ(found.size(), expected->size());
  for (size_t i = 0; i < found.size(); ++i) {
    ExpectEqual("result " + std::to_string(i), std::get<reference::Tensor>((*expected)[i]), found[i]);
  }
  for (const auto& [name, value] : state) {
    auto stored = variables_->Read(name);
    ASSERT_TRUE(stored.ok()) << name << ": " << stored.status().ToString();
    ExpectEqual("variable " + name, value, *stored);
  }
}

int64_t CoreProgram::Steps(executable::StepKind kind) const {
  return runner_ ? runner_->stats().steps[static_cast<size_t>(kind)] : -1;
}

}  // namespace stator
