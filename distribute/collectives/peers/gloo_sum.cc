// Gloo's sums over processes of this host, measured as collectives_benchmark measures ours.
//
//   gloo_sum BOARD_FILE STORE_DIRECTORY WORKERS MOST_MB
//
// Built by compare.sh with Debian's libgloo-dev; no part of the product.
#include <gloo/algorithm.h>
#include <gloo/allreduce.h>
#include <gloo/allreduce_halving_doubling.h>
#include <gloo/barrier.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/file_store.h>
#include <gloo/transport/tcp/device.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "../benchmark_rounds.h"

namespace {

using benchmark_rounds::Board;

void Run(const char* board_file, const char* store_directory, int rank, int workers,
         int64_t most_mb) {
  gloo::transport::tcp::attr address;
  address.hostname = "127.0.0.1";
  auto device = gloo::transport::tcp::CreateDevice(address);
  gloo::rendezvous::FileStore store(store_directory);
  auto context = std::make_shared<gloo::rendezvous::Context>(rank, workers);
  context->connectFullMesh(store, device);
  const auto barrier = [&] {
    gloo::BarrierOptions options(context);
    gloo::barrier(options);
  };
  Board board(board_file);
  const std::vector<int64_t> sizes = benchmark_rounds::Sizes(most_mb);
  std::vector<float> data(sizes.back() / 4, 1.0f);
  const auto ring = [&](int64_t count) {
    gloo::AllreduceOptions options(context);
    options.setAlgorithm(gloo::AllreduceOptions::Algorithm::RING);
    options.setOutput(data.data(), count);
    options.setReduceFunction(
        static_cast<void (*)(void*, const void*, const void*, size_t)>(&gloo::sum<float>));
    gloo::allreduce(options);
  };
  ring(64);
  if (data[5] != static_cast<float>(workers)) std::abort();
  std::fill(data.begin(), data.end(), 0.0f);
  for (const int64_t bytes : sizes) {
    const int64_t count = bytes / 4;
    const double by_ring = board.Measure(rank, workers, bytes, barrier, [&] { ring(count); });
    gloo::AllreduceHalvingDoubling<float> halving(context, {data.data()}, count);
    const double by_halving = board.Measure(rank, workers, bytes, barrier, [&] { halving.run(); });
    // The faster one of its ways stands for it.
    if (rank == 0) Board::Print("gloo", workers, bytes, std::min(by_ring, by_halving));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  const int workers = std::atoi(argv[3]);
  for (int rank = 1; rank < workers; ++rank) {
    if (fork() != 0) continue;
    Run(argv[1], argv[2], rank, workers, std::atoi(argv[4]));
    _exit(0);
  }
  Run(argv[1], argv[2], 0, workers, std::atoi(argv[4]));
  bool ok = true;
  for (int rank = 1; rank < workers; ++rank) {
    int status = 0;
    wait(&status);
    ok = ok && status == 0;
  }
  return ok ? 0 : 1;
}
