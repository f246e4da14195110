#include "compiler/codegen/cpu/kernel_run.h"

#include <sys/mman.h>

#include <algorithm>
#include <memory>

#include "executable/kernel_frame.h"

namespace stator::compiler {
namespace {

constexpr int kWorkers = 3;

// Memory whose last byte is followed by a page that faults.
class GuardedMemory {
 public:
  explicit GuardedMemory(size_t size) {
    const size_t pages = (size + 4095) / 4096 * 4096;
    mapped_ = pages + 8192;
    base_ = static_cast<char*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) abort();
    mprotect(base_, 4096, PROT_NONE);
    mprotect(base_ + 4096 + pages, 4096, PROT_NONE);
    data_ = base_ + 4096 + pages - size;
    std::memset(base_ + 4096, 0x33, pages);
  }
  GuardedMemory(const GuardedMemory&) = delete;
  GuardedMemory& operator=(const GuardedMemory&) = delete;
  ~GuardedMemory() { munmap(base_, mapped_); }
  char* data() { return data_; }

 private:
  char* base_;
  char* data_;
  size_t mapped_;
};

// Code that may be called.
class MappedCode {
 public:
  explicit MappedCode(const std::string& code) : size_(std::max<size_t>(1, code.size())) {
    base_ = static_cast<char*>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    if (base_ == MAP_FAILED) abort();
    std::memcpy(base_, code.data(), code.size());
    if (mprotect(base_, size_, PROT_READ | PROT_EXEC) != 0) abort();
    __builtin___clear_cache(base_, base_ + size_);
  }
  MappedCode(const MappedCode&) = delete;
  MappedCode& operator=(const MappedCode&) = delete;
  ~MappedCode() { munmap(base_, size_); }

  executable::KernelFn Entry(int64_t offset) const {
    return reinterpret_cast<executable::KernelFn>(base_ + offset);
  }

 private:
  char* base_;
  size_t size_;
};

void RunPhase(executable::KernelFn entry, const executable::Frame& frame, int64_t grid,
              TileOrder order) {
  switch (order) {
    case TileOrder::kWhole:
      entry(&frame, 0, grid, 0);
      return;
    case TileOrder::kSingleTilesBackwards:
      for (int64_t i = grid; i-- > 0;) entry(&frame, i, i + 1, static_cast<int32_t>(i % 2));
      return;
    case TileOrder::kUneven:
      for (int64_t i = 0, step = 1; i < grid; i += step, step = step % 5 + 1) {
        entry(&frame, i, std::min(grid, i + step), static_cast<int32_t>(step % kWorkers));
      }
      return;
  }
}

}  // namespace

std::vector<std::string> RunHere(const KernelRun& run) {
  const MappedCode code(run.code);
  std::vector<std::unique_ptr<GuardedMemory>> memory;
  std::vector<void*> buffers;
  for (const KernelRun::Buffer& buffer : run.buffers) {
    if (buffer.same_as >= 0) {
      buffers.push_back(buffers[static_cast<size_t>(buffer.same_as)]);
      continue;
    }
    memory.push_back(std::make_unique<GuardedMemory>(buffer.contents.size()));
    buffers.push_back(memory.back()->data());
    if (!buffer.contents.empty()) {
      std::memcpy(buffers.back(), buffer.contents.data(), buffer.contents.size());
    }
  }
  const int64_t stride = (run.scratch_bytes_per_worker + 63) / 64 * 64;
  GuardedMemory scratch(static_cast<size_t>(stride * kWorkers));
  executable::ErrorSlot error{};
  const executable::Frame frame{buffers.data(), run.scalars.data(), scratch.data(), stride, &error,
                                nullptr};
  for (const KernelRun::Phase& phase : run.phases) {
    RunPhase(code.Entry(phase.entry_offset), frame, phase.grid, run.order);
  }
  std::vector<std::string> results;
  for (size_t i = 0; i < run.buffers.size(); ++i) {
    if (!run.buffers[i].is_result) continue;
    results.emplace_back(static_cast<const char*>(buffers[i]), run.buffers[i].contents.size());
  }
  return results;
}

void Put(const KernelRun& run, Message* message) {
  message->Put(run.code);
  message->Put(static_cast<int64_t>(run.phases.size()));
  for (const KernelRun::Phase& phase : run.phases) {
    message->Put(phase.entry_offset);
    message->Put(phase.grid);
  }
  message->Put(static_cast<int64_t>(run.buffers.size()));
  for (const KernelRun::Buffer& buffer : run.buffers) {
    message->Put(buffer.contents);
    message->Put(buffer.same_as);
    message->Put(int64_t{buffer.is_result});
  }
  message->Put(static_cast<int64_t>(run.scalars.size()));
  for (int64_t scalar : run.scalars) message->Put(scalar);
  message->Put(run.scratch_bytes_per_worker);
  message->Put(static_cast<int64_t>(run.order));
}

KernelRun GetKernelRun(Message* message) {
  KernelRun run;
  run.code = message->GetString();
  run.phases.resize(static_cast<size_t>(message->GetNumber()));
  for (KernelRun::Phase& phase : run.phases) {
    phase.entry_offset = message->GetNumber();
    phase.grid = message->GetNumber();
  }
  run.buffers.resize(static_cast<size_t>(message->GetNumber()));
  for (KernelRun::Buffer& buffer : run.buffers) {
    buffer.contents = message->GetString();
    buffer.same_as = message->GetNumber();
    buffer.is_result = message->GetNumber() != 0;
  }
  run.scalars.resize(static_cast<size_t>(message->GetNumber()));
  for (int64_t& scalar : run.scalars) scalar = message->GetNumber();
  run.scratch_bytes_per_worker = message->GetNumber();
  run.order = static_cast<TileOrder>(message->GetNumber());
  return run;
}

}  // namespace stator::compiler
