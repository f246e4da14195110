// A loaded image, ready to run.
#ifndef STATOR_RUNTIME_CORE_EXECUTABLE_H_
#define STATOR_RUNTIME_CORE_EXECUTABLE_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/host_function.h"
#include "runtime/core/mapped_image.h"
#include "runtime/core/plan_instance.h"
#include "runtime/core/program.h"
#include "runtime/core/variable_store.h"

namespace stator::runtime {

struct LoadOptions {
  const HostRegistry* host_functions = nullptr;  // null: HostRegistry::Default()
  executable::HashCheck hash_check = executable::HashCheck::kAll;
  // Prove each new memory layout (executable/plan_checker; slow, for tests and debugging).
  bool check_plans = false;
  size_t max_plans = 32;  // layouts kept for recent symbol values
  // The file of external constants. "": PATH.weights for LoadFile, none for the others.
  std::string weights_path;
};

// What the init block left: kPersistent buffers, for one set of variable versions.
struct PersistentSet {
  std::vector<uint64_t> versions;
  std::vector<BufferRef> buffers;  // per buffer; null for other kinds
};

// Thread-safe; shared by all its runs, see runner.h.
class Executable {
 public:
  // Verifies everything that a run relies on. The bytes are copied.
  static Result<std::shared_ptr<Executable>> Load(const uint8_t* data, size_t size,
                                                  const LoadOptions& options = {});
  static Result<std::shared_ptr<Executable>> LoadFile(const std::string& path,
                                                      const LoadOptions& options = {});
  // See MappedImage::FromFd.
  static Result<std::shared_ptr<Executable>> LoadFd(int fd, uint64_t offset, uint64_t size,
                                                    const LoadOptions& options = {});

  const executable::ImageModel& model() const { return image_->view().plan; }
  const executable::ImageView& view() const { return image_->view(); }
  const Program& program() const { return *program_; }
  // The tensor's bytes in the image; it lies in `model()`.
  const uint8_t* Bytes(const executable::StoredTensor& tensor) const {
    return image_->view().constants + tensor.constant_offset;
  }
  // Number of the version that initial values are, in any store.
  uint64_t initial_version() const { return initial_version_; }
  // Index of an entry point, or kNone.
  int32_t FindEntry(std::string_view name) const;

  // Steps run so far, by kind, over all runs.
  std::array<int64_t, executable::kNumStepKinds> StepCounts() const;

  // The plan of an entry under these values of the Input symbols; made once, kept for reuse.
  Result<std::shared_ptr<const PlanInstance>> PlanFor(int32_t entry,
                                                      const std::vector<int64_t>& symbols,
                                                      GuardFailure* guard_failure);

 private:
  friend class Runner;
  friend class RunExecution;

  struct CachedPlan {
    int32_t entry;
    std::shared_ptr<const PlanInstance> plan;
  };
  struct InitState {
    std::mutex mutex;
    std::shared_ptr<const PersistentSet> current;
  };

  Executable() = default;
  static Result<std::shared_ptr<Executable>> Finish(std::unique_ptr<MappedImage> image,
                                                    const LoadOptions& options);

  std::unique_ptr<MappedImage> image_;
  std::unique_ptr<Program> program_;
  LoadOptions options_;
  const uint64_t initial_version_ = NextVersionNumber();
  std::mutex plans_mutex_;
  std::list<CachedPlan> plans_;                   // most recent first
  std::vector<std::unique_ptr<InitState>> init_;  // per entry point
  std::array<std::atomic<int64_t>, executable::kNumStepKinds> step_counts_{};
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_EXECUTABLE_H_
