// What memory holds at one point of a replay, and what reading and writing does to it.
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_CONTENTS_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_CONTENTS_H_

#include <cstdint>
#include <vector>

#include "executable/plan_checker/memory_map.h"
#include "executable/plan_checker/violation_log.h"

namespace stator::executable {

// Why a value is not whole.
enum class Loss : uint8_t { kNeverWritten, kClobbered, kFreed, kOldVersion };

struct Content {
  ByteSet valid;  // the bytes whose content is still the value's own
  bool allocated = true;
  Loss loss = Loss::kNeverWritten;
  int32_t clobbered_by = kNone;  // buffer
  int writes = 0;                // steps that wrote it on this path
};

// One path's state. A copy is another path.
struct State {
  std::vector<Content> values;  // per buffer; used for the ends of view chains
  std::vector<bool> bound;      // per symbol
};

// What an entry point finds when it starts.
State StartState(const MemoryMap& memory);

// What holds on both paths.
void Merge(State* into, const State& other);

// Reads and writes of the steps that the log is at.
class Contents {
 public:
  Contents(const MemoryMap& memory, ViolationLog* log) : memory_(memory), log_(log) {}

  // What an init block writes is persistent and read only afterwards.
  void set_in_init(bool in_init) { in_init_ = in_init; }
  void EnterLoop(LoopWaves loop) { open_loops_.push_back(loop); }
  void LeaveLoop() { open_loops_.pop_back(); }

  void Read(int32_t buffer, const State& state);
  // Read, whatever the wave.
  void ReadContent(int32_t buffer, const State& state);
  // Writes the first `limit` bytes of the buffer at most.
  void Write(int32_t buffer, State* state, int64_t limit = kUnknownSize);

 private:
  void UseInWave(int32_t buffer);
  void ReportNoMemory(int32_t buffer, const Content& content);
  void Clobber(int32_t writer, Interval bytes, int32_t other, Content* victim);

  const MemoryMap& memory_;
  ViolationLog* const log_;
  std::vector<LoopWaves> open_loops_;
  bool in_init_ = false;
};

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_CONTENTS_H_
