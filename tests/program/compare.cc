#include "tests/program/compare.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "mlir/IR/MLIRContext.h"

namespace stator::tests {
namespace {

// One compiled form of the program.
struct Way {
  std::string name;
  PipelineOptions pipeline;
  const RunInput* concrete = nullptr;
};

// What a run gives everywhere.
struct Expected {
  const RunInput* run;
  Outcome outcome;
};

absl::StatusOr<std::vector<Expected>> InterpretAll(const Program& program, bool may_fail) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  STATOR_ASSIGN_OR_RETURN(auto module, program.make(context, nullptr));
  STATOR_RETURN_IF_ERROR(Differentiate(*module));
  std::vector<Expected> expected;
  for (const RunInput& run : program.runs) {
    expected.push_back({&run, Interpret(*module, run)});
    const absl::Status& status = expected.back().outcome.status;
    if (may_fail || status.ok()) continue;
    return absl::Status(status.code(), absl::StrCat(run.name, ": ", status.message()));
  }
  return expected;
}

// Empty, or how the way differs.
std::string CompareWay(const Program& program, const Way& way, const Expected* begin,
                       const Expected* end) {
  static auto* const one = new runtime::ThreadPool(1);
  static auto* const two = new runtime::ThreadPool(2);
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  auto module = program.make(context, way.concrete);
  if (!module.ok()) return module.status().ToString();
  std::string difference;
  auto executable = Compile(**module, way.pipeline, [&](mlir::ModuleOp after_stages) {
    for (const Expected* e = begin; e != end && difference.empty(); ++e) {
      const std::string text = Difference(e->outcome, Interpret(after_stages, *e->run));
      if (!text.empty()) {
        difference = absl::StrCat(e->run->name, ", stages change the result: ", text);
      }
    }
  });
  if (!difference.empty()) return difference;
  if (!executable.ok()) return executable.status().ToString();
  for (const Expected* e = begin; e != end; ++e) {
    for (runtime::ThreadPool* pool : {one, two}) {
      const std::string text = Difference(e->outcome, Execute(*executable, *e->run, pool));
      if (!text.empty()) {
        return absl::StrCat(e->run->name, ", ", pool->size(), " threads: ", text);
      }
    }
  }
  return "";
}

}  // namespace

testing::AssertionResult SameInEveryWay(const Program& program, const CompareOptions& options) {
  const auto expected = InterpretAll(program, options.may_fail);
  if (!expected.ok()) return testing::AssertionFailure() << expected.status().ToString();
  PipelineOptions fused, unfused, avx2;
  unfused.fuse = false;
  unfused.in_place = false;
  avx2.cpu = "x86-64-v3";
  std::vector<Way> ways{{"fused", fused}};
  if (options.unfused) ways.push_back({"unfused", unfused});
  if (options.avx2) ways.push_back({"AVX2", avx2});
  for (int i = 0; i < options.concrete_runs && i < static_cast<int>(program.runs.size()); ++i) {
    ways.push_back({"concrete sizes", fused, &program.runs[i]});
  }
  for (Way& way : ways) {
    way.pipeline.num_threads = 1;
    const Expected* begin = expected->data();
    const Expected* end = begin + expected->size();
    if (way.concrete != nullptr) {
      begin += way.concrete - program.runs.data();
      end = begin + 1;
    }
    const std::string text = CompareWay(program, way, begin, end);
    if (!text.empty()) return testing::AssertionFailure() << way.name << ": " << text;
  }
  return testing::AssertionSuccess();
}

absl::StatusOr<ExecutablePtr> Compile(const Program& program, const PipelineOptions& options) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  STATOR_ASSIGN_OR_RETURN(auto module, program.make(context, nullptr));
  return Compile(*module, options);
}

}  // namespace stator::tests
