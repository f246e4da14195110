// Sums of 1 KB to 256 MB over processes of this host, beside plain copies of the same bytes.
//
//   bazel run -c opt //distribute/collectives:collectives_benchmark -- [--max-mb 256]
//       [--transport shared_memory|tcp|tls] [--workers N]
//
// A line is "time WHAT PROCESSES BYTES MICROSECONDS". WHAT is
//   stator      an all-reduce (sum of f32, in place) of memory from Group::Allocate
//   any_memory  the same of memory from elsewhere, which goes through queues
//   tcp, tls    the same over TCP, over TLS 1.3
//   copies      every process copies as many bytes (memcpy), all at once: the least that a sum by
//               all must move, since each process reads and writes as many bytes as the message has
// peers/compare.sh runs this beside other libraries and prints a table.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "distribute/collectives/benchmark_rounds.h"
#include "distribute/collectives/group.h"
#include "distribute/collectives/mesh.h"
#include "distribute/collectives/test_certificates.h"

namespace stator::distribute {
namespace {

using benchmark_rounds::Board;
using executable::DType;

bool Ok(const absl::Status& status) {
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok();
}

// Fails the process: the others see it die.
void Require(const absl::Status& status) {
  if (!Ok(status)) _exit(1);
}

void Sum(Group& group, float* data, int64_t count) {
  const void* input = data;
  Require(group.AllReduce(ReduceOp::kSum, DType::kFloat32, absl::MakeConstSpan(&input, 1), data,
                          count));
}

void Measure(const char* transport, Group& group, Board& board, const std::vector<int64_t>& sizes) {
  const int64_t most = sizes.back() / 4;
  const auto memory = group.Allocate(sizes.back());
  Require(memory.status());
  float* const shared = static_cast<float*>((*memory)->data());
  std::vector<float> any(most, 1.0f), copy(most, 2.0f);
  std::fill(shared, shared + most, 1.0f);
  for (float* data : {shared, any.data()}) {
    Sum(group, data, most);
    if (data[5] != static_cast<float>(group.workers())) std::abort();
    std::fill(data, data + most, 0.0f);
  }
  const bool local = group.sums_in_place() > 0;
  const auto print = [&](const char* what, int64_t bytes, double time) {
    if (group.rank() == 0) Board::Print(what, group.workers(), bytes, time);
  };
  for (const int64_t bytes : sizes) {
    const auto measure = [&](const auto& operation) {
      return board.Measure(
          group.rank(), group.workers(), bytes, [&] { Require(group.Barrier()); }, operation);
    };
    if (local) print("stator", bytes, measure([&] { Sum(group, shared, bytes / 4); }));
    print(local ? "any_memory" : transport, bytes,
          measure([&] { Sum(group, any.data(), bytes / 4); }));
    print("copies", bytes, measure([&] {
            std::memcpy(copy.data(), any.data(), static_cast<size_t>(bytes));
            asm volatile("" : : "r"(copy.data()) : "memory");
          }));
  }
}

bool RunTask(const char* transport, int rank, MeshOptions mesh, const Listener& listener,
             const std::string& board_file, const std::vector<int64_t>& sizes) {
  mesh.rank = rank;
  runtime::RunControl control;
  control.deadline_ns = runtime::NowNanoseconds() + 10'000'000'000;
  auto channels = ConnectMesh(mesh, {&listener}, control);
  if (!Ok(channels.status())) return false;
  GroupOptions options;
  options.rank = rank;
  options.tasks = mesh.tasks;
  options.spin_ns = SpinBudget(static_cast<int>(mesh.tasks.size()), 1);
  auto group = Group::Create(options, *std::move(channels));
  if (!Ok(group.status())) return false;
  Board board(board_file);
  Measure(transport, **group, board, sizes);
  return true;
}

bool Compare(const std::string& transport, int workers, const std::vector<int64_t>& sizes) {
  const std::string path = "/tmp/stator.benchmark." + std::to_string(getpid());
  MeshOptions mesh;
  mesh.generation = {"benchmark", 1, "a key for one run only"};
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 0; i < workers; ++i) {
    mesh.tasks.push_back("worker " + std::to_string(i));
    auto listener = Listener::Create(transport == "shared_memory" ? "unix:" : "tcp:127.0.0.1:0");
    if (!Ok(listener.status())) return false;
    mesh.addresses.push_back((*listener)->address());
    listeners.push_back(*std::move(listener));
  }
  const TestAuthority authority(workers);
  if (transport == "tls") mesh.tls = MeshTls{{}, authority.hosts()};
  std::fflush(stdout);
  const std::string board = path + ".board";
  const auto run = [&](int rank) {
    if (mesh.tls.has_value()) mesh.tls->identity = authority.identity(rank);
    return RunTask(transport.c_str(), rank, mesh, *listeners[rank], board, sizes);
  };
  for (int rank = 1; rank < workers; ++rank) {
    if (fork() == 0) _exit(run(rank) ? 0 : 1);
  }
  bool ok = run(0);
  for (int rank = 1; rank < workers; ++rank) {
    int status;
    wait(&status);
    ok = ok && status == 0;
  }
  unlink(board.c_str());
  return ok;
}

int Main(int argc, char** argv) {
  int64_t most = 256;
  std::vector<std::string> transports = {"shared_memory", "tcp", "tls"};
  std::vector<int> workers = {2, 4};
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = i + 1 < argc ? argv[i + 1] : "";
    if (name == "--max-mb" && std::atoi(value.c_str()) > 0) {
      most = std::min(std::atoi(value.c_str()), 1024);
    } else if (name == "--transport" && std::count(transports.begin(), transports.end(), value)) {
      transports = {value};
    } else if (name == "--workers" && std::atoi(value.c_str()) > 0) {
      workers = {std::min(std::atoi(value.c_str()), benchmark_rounds::kMaxWorkers)};
    } else {
      std::fprintf(stderr,
                   "usage: collectives_benchmark [--max-mb N] [--transport shared_memory|tcp|tls] "
                   "[--workers N]\n");
      return 2;
    }
  }
  for (const std::string& transport : transports) {
    for (const int count : workers) {
      if (!Compare(transport, count, benchmark_rounds::Sizes(most))) return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace stator::distribute

int main(int argc, char** argv) { return stator::distribute::Main(argc, argv); }
