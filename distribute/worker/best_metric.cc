#include "distribute/worker/best_metric.h"

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace stator::distribute {

absl::StatusOr<absl::optional<BestMetric>> FindBestMetric(const Job& job,
                                                          const TrainingProgram& program) {
  absl::string_view name = job.checkpoint().best();
  if (name.empty()) return absl::optional<BestMetric>();
  BestMetric best;
  best.higher_is_better = absl::ConsumePrefix(&name, "max:");
  if (!best.higher_is_better) absl::ConsumePrefix(&name, "min:");
  best.name = std::string(name);
  std::vector<std::string> names;
  for (size_t i = 0; i < program.step.metrics.size(); ++i) {
    names.push_back(program.step.metrics[i].name);
    if (names.back() != name) continue;
    best.index = i;
    return absl::make_optional(best);
  }
  const size_t tested = program.evaluation_batches > 0 ? program.evaluation_metrics.size() : 0;
  for (size_t i = 0; i < tested; ++i) {
    names.push_back(absl::StrCat("test ", program.evaluation_metrics[i].name));
    if (names.back() != name) continue;
    best.of_evaluation = true;
    best.index = i;
    return absl::make_optional(best);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "checkpoint.best: expected ",
      names.empty() ? "nothing, as the program has no metrics"
                    : absl::StrCat("one of ", absl::StrJoin(names, ", "),
                                   ", or max: before it where the largest value is best"),
      ", found \"", job.checkpoint().best(), "\""));
}

}  // namespace stator::distribute
