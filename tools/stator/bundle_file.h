// Bundles, loaded and run as their users will.
#ifndef STATOR_TOOLS_STATOR_BUNDLE_FILE_H_
#define STATOR_TOOLS_STATOR_BUNDLE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "executable/image_view.h"
#include "runtime/core/executable.h"
#include "runtime/core/runner.h"
#include "runtime/core/tensor.h"
#include "runtime/core/thread_pool.h"
#include "runtime/core/variable_store.h"

namespace stator::tools {

using NamedTensors = std::vector<std::pair<std::string, runtime::Tensor>>;

// Does the file begin as an image does?
bool IsImageFile(const std::string& path);

// The input or output of that name; "x" is "x:0" too. NotFound with the names that there are.
absl::StatusOr<size_t> FindPort(const std::vector<executable::Port>& ports, const std::string& what,
                                const std::string& name);

// A loaded bundle with its variables, which start as the bundle says.
class BundleProgram {
 public:
  // Constants are only hashed if asked for: they page in when used.
  static absl::StatusOr<BundleProgram> FromFile(
      const std::string& path, int threads,
      executable::HashCheck check = executable::HashCheck::kPlanAndCode);
  static absl::StatusOr<BundleProgram> FromBytes(const std::vector<uint8_t>& bytes, int threads);

  const executable::ImageModel& model() const { return executable_->model(); }
  const std::shared_ptr<runtime::Executable>& executable() const { return executable_; }

  // The entry point of that name; the only one, or "main", when the name is empty. A UsageError where
  // that does not choose one.
  absl::StatusOr<int32_t> FindEntry(const std::string& name) const;
  // The named tensors in the order of the entry's feeds. Errors name what is missing or unknown.
  absl::StatusOr<std::vector<runtime::Tensor>> OrderFeeds(const std::string& entry,
                                                          const NamedTensors& tensors) const;
  // `fetches` gets all fetches of the entry point, in its order.
  absl::Status Run(const std::string& entry, const std::vector<runtime::Tensor>& feeds,
                   const runtime::RunOptions& options, std::vector<runtime::Tensor>* fetches);
  // Of the entry point's last run.
  const runtime::RunStats& StatsOf(int32_t entry) const { return runners_[entry]->stats(); }

  // A copy of a tensor that the bundle holds.
  absl::StatusOr<runtime::Tensor> Stored(const executable::StoredTensor& tensor) const;
  runtime::VariableStore* variables() const { return variables_.get(); }

 private:
  static absl::StatusOr<BundleProgram> Make(
      executable::Result<std::shared_ptr<runtime::Executable>> executable, int threads);

  std::shared_ptr<runtime::Executable> executable_;
  std::unique_ptr<runtime::VariableStore> variables_;
  std::unique_ptr<runtime::ThreadPool> pool_;
  std::vector<std::unique_ptr<runtime::Runner>> runners_;  // per entry point, made at first use
};

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_BUNDLE_FILE_H_
