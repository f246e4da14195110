// An MPI's sums over processes of this host, measured as collectives_benchmark measures ours.
//
//   mpirun -np WORKERS mpi_sum BOARD_FILE MOST_MB
//
// Built by compare.sh with Debian's libopenmpi-dev; no part of the product.
#include <mpi.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "../benchmark_rounds.h"

int main(int argc, char** argv) {
  using benchmark_rounds::Board;
  MPI_Init(&argc, &argv);
  if (argc != 3) return 2;
  int rank = 0, workers = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &workers);
  Board board(argv[1]);
  const std::vector<int64_t> sizes = benchmark_rounds::Sizes(std::atoi(argv[2]));
  std::vector<float> data(sizes.back() / 4, 1.0f);
  const auto sum = [&](int64_t count) {
    MPI_Allreduce(MPI_IN_PLACE, data.data(), static_cast<int>(count), MPI_FLOAT, MPI_SUM,
                  MPI_COMM_WORLD);
  };
  sum(64);
  if (data[5] != static_cast<float>(workers)) std::abort();
  std::fill(data.begin(), data.end(), 0.0f);
  for (const int64_t bytes : sizes) {
    const double time = board.Measure(
        rank, workers, bytes, [] { MPI_Barrier(MPI_COMM_WORLD); }, [&] { sum(bytes / 4); });
    if (rank == 0) Board::Print("open_mpi", workers, bytes, time);
  }
  MPI_Finalize();
  return 0;
}
