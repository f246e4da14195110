// Sums of 1 KB to 256 MB over processes of this host, beside plain copies of the same bytes.
//
//   bazel run -c opt //distribute/collectives:collectives_benchmark -- [--max-mb 256]
//
// Each row: one all-reduce (sum of f32, in place) over W processes, and W concurrent memcpy of as
// many bytes by the same processes, in turns within one run; medians. `of copies` is copy time /
// sum time: 1.00 means that summing over the group costs what copying the message costs.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "distribute/collectives/group.h"
#include "distribute/collectives/mesh.h"

namespace stator::distribute {
namespace {

using executable::DType;

constexpr int kMaxSizes = 16;

// Shared by the processes; rank 0 prints it.
struct Results {
  double sum_us[kMaxSizes];
  double copy_us[kMaxSizes];
  std::atomic<int> failures;
};

double Microseconds() { return runtime::NowNanoseconds() * 1e-3; }

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

bool Ok(const absl::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok();
}

bool Measure(Group& group, const std::vector<int64_t>& sizes, Results* results) {
  const int64_t most = sizes.back() / 4;
  std::vector<float> data(most, 1.0f), copy(most, 2.0f);
  for (size_t s = 0; s < sizes.size(); ++s) {
    const int64_t count = sizes[s] / 4;
    const int rounds = static_cast<int>(std::clamp<int64_t>((256 << 20) / sizes[s], 7, 400));
    // Short operations are timed in runs, so that a start together does not weigh.
    const int repeats = static_cast<int>(std::clamp<int64_t>((1 << 18) / sizes[s], 1, 64));
    std::vector<double> sums, copies;
    for (int round = 0; round < rounds; ++round) {
      const void* input = data.data();
      if (!Ok(group.Barrier())) return false;
      double start = Microseconds();
      for (int i = 0; i < repeats; ++i) {
        if (!Ok(group.AllReduce(ReduceOp::kMean, DType::kFloat32, absl::MakeConstSpan(&input, 1),
                                data.data(), count))) {
          return false;
        }
      }
      sums.push_back((Microseconds() - start) / repeats);
      if (!Ok(group.Barrier())) return false;
      start = Microseconds();
      for (int i = 0; i < repeats; ++i) {
        std::memcpy(copy.data(), data.data(), sizes[s]);
        asm volatile("" : : "r"(copy.data()) : "memory");
      }
      copies.push_back((Microseconds() - start) / repeats);
    }
    if (group.rank() != 0) continue;
    results->sum_us[s] = Median(sums);
    results->copy_us[s] = Median(copies);
  }
  return true;
}

bool RunTask(int rank, MeshOptions mesh, const Listener& listener,
             const std::vector<int64_t>& sizes, Results* results) {
  mesh.rank = rank;
  runtime::RunControl control;
  control.deadline_ns = runtime::NowNanoseconds() + 10'000'000'000;
  auto channels = ConnectMesh(mesh, {&listener}, control);
  if (!Ok(channels.status())) return false;
  GroupOptions options;
  options.rank = rank;
  options.tasks = mesh.tasks;
  options.spin_ns = SpinBudget(static_cast<int>(mesh.tasks.size()), 1);
  if (const char* block = std::getenv("BLOCK_KB")) options.block_bytes = std::atoi(block) << 10;
  auto group = Group::Create(options, *std::move(channels));
  return Ok(group.status()) && Measure(**group, sizes, results);
}

bool Compare(const char* transport, int workers, const std::vector<int64_t>& sizes) {
  auto* results = static_cast<Results*>(
      mmap(nullptr, sizeof(Results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  if (results == MAP_FAILED) return false;
  MeshOptions mesh;
  mesh.generation = {"benchmark", 1, "a key for one run only"};
  if (const char* queue = std::getenv("QUEUE_KB")) mesh.queue_bytes = std::atoi(queue) << 10;
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < workers; ++i) {
    mesh.tasks.push_back("worker " + std::to_string(i));
    const std::string path =
        "unix:/tmp/stator.benchmark." + std::to_string(getpid()) + "." + std::to_string(i);
    auto listener = Listener::Create(std::strcmp(transport, "tcp") == 0 ? "tcp:127.0.0.1:0" : path);
    if (!Ok(listener.status())) return false;
    mesh.addresses.push_back((*listener)->address());
    listeners.push_back(*std::move(listener));
  }
  std::fflush(stdout);
  for (int rank = 1; rank < workers; ++rank) {
    if (fork() == 0) _exit(RunTask(rank, mesh, *listeners[rank], sizes, results) ? 0 : 1);
  }
  bool ok = RunTask(0, mesh, *listeners[0], sizes, results);
  for (int rank = 1; rank < workers; ++rank) {
    int status;
    wait(&status);
    ok = ok && status == 0;
  }
  for (size_t s = 0; ok && s < sizes.size(); ++s) {
    const double sum = results->sum_us[s], copy = results->copy_us[s];
    std::printf("%-14s %7d %10lld %12.1f %12.1f %10.2f %10.2f\n", transport, workers,
                static_cast<long long>(sizes[s]), sum, copy, sizes[s] / sum * 1e-3, copy / sum);
  }
  munmap(results, sizeof(Results));
  return ok;
}

int Main(int argc, char** argv) {
  int64_t most = 256;
  if (argc == 3 && std::strcmp(argv[1], "--max-mb") == 0) {
    most = std::clamp(std::atoi(argv[2]), 1, 1024);
  } else if (argc != 1) {
    std::fprintf(stderr, "usage: collectives_benchmark [--max-mb N]\n");
    return 2;
  }
  std::vector<int64_t> sizes = {1 << 10, 16 << 10, 64 << 10, 256 << 10};
  for (int64_t megabytes = 1; megabytes <= most; megabytes *= 4) sizes.push_back(megabytes << 20);
  std::printf("%-14s %7s %10s %12s %12s %10s %10s\n", "transport", "workers", "bytes", "sum us",
              "copy us", "sum GB/s", "of copies");
  for (const char* transport : {"shared_memory", "tcp"}) {
    for (const int workers : {2, 4}) {
      if (!Compare(transport, workers, sizes)) return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace stator::distribute

int main(int argc, char** argv) { return stator::distribute::Main(argc, argv); }
