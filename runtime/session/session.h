// Runs parts of a graph: compiles what a call asks for, keeps it, and owns the variables.
#ifndef STATOR_RUNTIME_SESSION_SESSION_H_
#define STATOR_RUNTIME_SESSION_SESSION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "executable/compile.h"
#include "graph/graph.h"
#include "proto/config.pb.h"
#include "proto/graph.pb.h"
#include "proto/run_metadata.pb.h"
#include "runtime/core/host_function.h"
#include "runtime/core/run_control.h"
#include "runtime/core/tensor.h"
#include "runtime/core/variable_store.h"
#include "runtime/session/run_trace.h"

namespace stator::runtime {

// Makes the compiler of a session. The graph outlives it and grows by Session::Extend; random ops
// without seeds of their own draw from `seed`.
using CompilerFactory = std::function<absl::StatusOr<std::unique_ptr<executable::Compiler>>(
    const graph::Graph* graph, int64_t seed)>;

struct SessionOptions {
  const graph::OpSchemas* schemas = nullptr;  // required; outlives the session
  CompilerFactory compiler;                   // required
  graph::ImportOptions import;
  graph::GraphLimits limits;
  int num_threads = 0;                // of each run; 0: as many as the machine gives
  int64_t max_run_bytes = INT64_MAX;  // memory of one run beside variables
  int64_t seed = 0;                   // 0: a fresh one, which Session::seed tells
  executable::CompileOptions compile;
  const HostRegistry* host_functions = nullptr;  // null: the process's own
  void* host_state = nullptr;                    // HostCallContext::state
  bool check_plans = false;                      // prove each memory layout (tests, debugging)
  bool poison = false;                           // fill dead memory with NaN (tests, debugging)
};

struct CallOptions {
  int64_t timeout_ms = 0;  // 0: none
  const CancellationToken* cancellation = nullptr;
  bool trace = false;             // fill RunMetadata::step_stats
  int max_threads = 0;            // 0: the session's
  RunTrace* run_trace = nullptr;  // trace, and keep the events here, for ToChromeJson

  static CallOptions FromProto(const ::stator::RunOptions& options);
};

using NamedTensor = std::pair<std::string, Tensor>;

struct SessionStats {
  int64_t compiles = 0;     // executables made, variants included
  int64_t compile_ns = 0;   // spent on them
  int64_t executables = 0;  // held now
  int64_t runs = 0;         // that got as far as an executable
  std::vector<std::pair<std::string, int64_t>> last_compile_stages;  // stage, ns
};

class Callable;

// Thread-safe: any number of runs, Extend and Close at once.
class Session {
 public:
  static absl::StatusOr<std::unique_ptr<Session>> Create(GraphDef graph, SessionOptions options);
  static absl::StatusOr<std::unique_ptr<Session>> Create(graph::Graph graph,
                                                         SessionOptions options);
  ~Session();  // closes
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Adds nodes; names that exist are errors. All or nothing. What was compiled stays valid.
  absl::Status Extend(GraphDef graph);
  // The same for a program that grows a graph of its own: `grow` adds to the session's graph.
  absl::Status Extend(const std::function<absl::Status(graph::Graph*)>& grow);

  // Runs what `fetches` and `targets` need; the fetched tensors, in order. The first run of a
  // signature (names, and ranks of the feeds) compiles it, later ones only where sizes break a
  // guard because one of them is 1. `metadata` may be null.
  absl::StatusOr<std::vector<Tensor>> Run(const std::vector<NamedTensor>& feeds,
                                          const std::vector<std::string>& fetches,
                                          const std::vector<std::string>& targets = {},
                                          const CallOptions& options = {},
                                          RunMetadata* metadata = nullptr);

  // Names are looked up once; the first call compiles, unless Run has with the same signature. The
  // callable must not outlive the session.
  absl::StatusOr<std::unique_ptr<Callable>> MakeCallable(const std::vector<std::string>& feeds,
                                                         const std::vector<std::string>& fetches,
                                                         const std::vector<std::string>& targets);

  // Cancels the runs of this session, waits for them and returns its memory. Later calls fail with
  // kFailedPrecondition; a second Close is fine.
  absl::Status Close();

  // The variables, for checkpoints and tests. Names are those that the ops gave.
  VariableStore* variables();
  int64_t seed() const;
  SessionStats Stats() const;
  // Steps run by all executables so far, by executable::StepKind.
  std::vector<int64_t> StepCounts() const;
  // The executables held now, for reports.
  std::vector<std::shared_ptr<Executable>> Executables() const;

 private:
  friend class Callable;
  class Impl;
  explicit Session(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// A signature bound once. Thread-safe; after the first call with given shapes, a call allocates
// nothing for tensors of numbers when `outputs` is passed back in and no longer held elsewhere.
class Callable {
 public:
  ~Callable();
  Callable(const Callable&) = delete;
  Callable& operator=(const Callable&) = delete;

  // Feeds and outputs in the order of MakeCallable.
  absl::Status Run(const std::vector<Tensor>& feeds, std::vector<Tensor>* outputs,
                   const CallOptions& options = {}, RunMetadata* metadata = nullptr);

 private:
  friend class Session;
  struct State;
  explicit Callable(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_SESSION_SESSION_H_
