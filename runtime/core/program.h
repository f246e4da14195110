// A loaded image, flattened for execution. Built once per executable; read only afterwards.
#ifndef STATOR_RUNTIME_CORE_PROGRAM_H_
#define STATOR_RUNTIME_CORE_PROGRAM_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "executable/image_model.h"
#include "executable/kernel_frame.h"
#include "executable/verifier.h"
#include "executable/wave_range.h"
#include "runtime/core/host_function.h"

namespace stator::runtime {

using executable::ImageModel;
using executable::kNone;
using executable::StepKind;

struct ProgramLaunch {
  const executable::LaunchKernel* launch;
  const executable::Kernel* kernel;
  int32_t entry;         // entry point that it belongs to
  int32_t first_phase;   // index into the tables of phases
  int32_t first_arg;     // index into a runner's table of argument pointers
  int32_t first_scalar;  // index into a runner's table of scalars
  bool is_static;        // all scalars are known at run start
  bool writes_variable;  // never interrupted
};

struct ProgramStep {
  StepKind kind;
  int32_t id;      // index into Program::steps
  int32_t launch;  // index into Program::launches, or kNone
  const executable::Step* step;
};

struct ProgramWave {
  int32_t number;
  bool is_group;  // several launches of one phase each: dispatched together
  std::vector<ProgramStep> steps;
};

// What one step is, for traces and reports.
struct StepInfo {
  const executable::Step* step;
  int32_t entry;
  int32_t block;
  int32_t wave;
  const HostFunction* host_function;      // of a HostCall
  std::vector<int32_t> writes_variables;  // indices into the entry's variables
};

struct Program {
  const ImageModel* model;
  std::vector<executable::ExprUse> uses;         // per expression
  std::vector<std::vector<ProgramWave>> blocks;  // parallel to model->blocks
  std::vector<StepInfo> steps;                   // in program order
  std::vector<ProgramLaunch> launches;
  std::vector<executable::KernelFn> phases;  // entry of each launch's phases
  int32_t num_args = 0;
  int32_t num_scalars = 0;
  std::vector<executable::WaveRange> entry_waves;
  // Per symbol of Step or Loop life: expressions to compute anew when it is bound, in order.
  std::vector<std::vector<int32_t>> symbol_dependents;
  // Per buffer: buffers (views, in-place partners) whose address follows from it, in order.
  std::vector<std::vector<int32_t>> address_dependents;
  // Views whose offset holds Step or Loop symbols.
  std::vector<int32_t> moving_views;
  // Per buffer: an Alloc step gives it memory. A host call's Dynamic output that has none gets its
  // memory from the function.
  std::vector<bool> has_alloc;
  // Per buffer: content of constants, ready to use, and its size.
  std::vector<void*> constants;
  std::vector<int64_t> constant_bytes;
  std::vector<std::unique_ptr<std::vector<std::string>>> constant_strings;
  std::vector<std::unique_ptr<std::vector<const std::string*>>> constant_handles;
  int64_t arena_alignment = 64;
};

// `view` is verified and outlives the program. NotFound for a host function that is not registered,
// Unimplemented (naming the node) for steps and devices that this runtime does not run.
executable::Result<std::unique_ptr<Program>> BuildProgram(const executable::ImageView& view,
                                                          const HostRegistry& host);

// `status` with the step's node put before its message.
executable::Status AtStep(const ImageModel& model, const executable::Step& step,
                          const executable::Status& status);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_PROGRAM_H_
