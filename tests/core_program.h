#ifndef STATOR_TESTS_CORE_PROGRAM_H_
#define STATOR_TESTS_CORE_PROGRAM_H_

// A program in the core dialect's text, run two ways: by the reference interpreter as it is written, and by the runtime
// after the whole pipeline. The two must agree bit for bit.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "compiler/pipeline.h"
#include "runtime/core/executable.h"
#include "runtime/core/runner.h"

namespace stator {

class CoreProgram {
 public:
  // Compiles; compile_error() tells of text that does not parse, too.
  explicit CoreProgram(const std::string& text, const compiler::PipelineOptions& options = {});

  // Runs both ways and compares every result, and every variable afterwards.
  void ExpectSame(const std::vector<runtime::Tensor>& arguments,
                  const std::map<std::string, runtime::Tensor>& variables = {});

  // The compiled results; empty after a failure, which is reported.
  std::vector<runtime::Tensor> Run(const std::vector<runtime::Tensor>& arguments);
  // The status of a compiled run.
  runtime::Status Error(const std::vector<runtime::Tensor>& arguments);
  // Steps of one kind that the last compiled run made; -1 if nothing was compiled.
  int64_t Steps(executable::StepKind kind) const;
  // Null if the program did not compile: `compile_error` says why.
  const executable::ImageModel* model() const { return executable_ ? &executable_->model() : nullptr; }
  const absl::Status& compile_error() const { return compile_error_; }

 private:
  absl::Status Compile(const compiler::PipelineOptions& options);

  std::string text_;
  absl::Status compile_error_;
  std::shared_ptr<runtime::Executable> executable_;
  std::unique_ptr<runtime::VariableStore> variables_;
  std::unique_ptr<runtime::Runner> runner_;
};

}  // namespace stator

#endif  // STATOR_TESTS_CORE_PROGRAM_H_
