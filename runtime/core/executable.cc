#include "runtime/core/executable.h"

namespace stator::runtime {

Result<std::shared_ptr<Executable>> Executable::Load(const uint8_t* data, size_t size,
                                                     const LoadOptions& options) {
  STATOR_EXEC_ASSIGN_OR_RETURN(std::unique_ptr<MappedImage> image,
                               MappedImage::FromBytes(data, size, options.hash_check, options.weights_path));
  return Finish(std::move(image), options);
}

Result<std::shared_ptr<Executable>> Executable::LoadFile(const std::string& path,
                                                         const LoadOptions& options) {
  STATOR_EXEC_ASSIGN_OR_RETURN(std::unique_ptr<MappedImage> image,
                               MappedImage::FromFile(path, options.hash_check, options.weights_path));
  return Finish(std::move(image), options);
}

Result<std::shared_ptr<Executable>> Executable::LoadFd(int fd, uint64_t offset, uint64_t size,
                                                       const LoadOptions& options) {
  STATOR_EXEC_ASSIGN_OR_RETURN(std::unique_ptr<MappedImage> image,
                               MappedImage::FromFd(fd, offset, size, options.hash_check, options.weights_path));
  return Finish(std::move(image), options);
}

Result<std::shared_ptr<Executable>> Executable::Finish(std::unique_ptr<MappedImage> image,
                                                       const LoadOptions& options) {
  std::shared_ptr<Executable> out(new Executable);
  out->image_ = std::move(image);
  out->options_ = options;
  const HostRegistry* host =
      options.host_functions != nullptr ? options.host_functions : HostRegistry::Default();
  STATOR_EXEC_ASSIGN_OR_RETURN(out->program_, BuildProgram(out->image_->view(), *host));
  for (size_t i = 0; i < out->model().entry_points.size(); ++i) {
    out->init_.push_back(std::make_unique<InitState>());
  }
  return out;
}

int32_t Executable::FindEntry(std::string_view name) const {
  const std::vector<executable::EntryPoint>& entries = model().entry_points;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (entries[i].name == name) return static_cast<int32_t>(i);
  }
  return kNone;
}

std::array<int64_t, executable::kNumStepKinds> Executable::StepCounts() const {
  std::array<int64_t, executable::kNumStepKinds> counts{};
  for (size_t i = 0; i < counts.size(); ++i) {
    counts[i] = step_counts_[i].load(std::memory_order_relaxed);
  }
  return counts;
}

Result<std::shared_ptr<const PlanInstance>> Executable::PlanFor(int32_t entry,
                                                                const std::vector<int64_t>& symbols,
                                                                GuardFailure* guard_failure) {
  {
    const std::lock_guard<std::mutex> lock(plans_mutex_);
    for (auto it = plans_.begin(); it != plans_.end(); ++it) {
      if (it->entry != entry || it->plan->symbols != symbols) continue;
      plans_.splice(plans_.begin(), plans_, it);
      return plans_.front().plan;
    }
  }
  // Outside the lock: two runs may make the same plan; they are equal.
  STATOR_EXEC_ASSIGN_OR_RETURN(
      std::shared_ptr<const PlanInstance> plan,
      MakePlanInstance(*program_, entry, symbols, options_.check_plans, guard_failure));
  const std::lock_guard<std::mutex> lock(plans_mutex_);
  plans_.push_front({entry, plan});
  if (plans_.size() > options_.max_plans) plans_.pop_back();
  return plan;
}

}  // namespace stator::runtime
