// How all programs of the collectives benchmark measure, so that their numbers compare. Includes
// nothing of the project: programs of other libraries are built with a plain compiler.
//
// One round: all workers meet at a barrier, do the operation, and meet again; it lasts from the
// first worker's start to the last worker's end, so nobody gains by being scheduled first.
#ifndef STATOR_DISTRIBUTE_COLLECTIVES_BENCHMARK_ROUNDS_H_
#define STATOR_DISTRIBUTE_COLLECTIVES_BENCHMARK_ROUNDS_H_

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace benchmark_rounds {

constexpr int kMaxWorkers = 64;

inline double Microseconds() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

// 1 KB to `most_mb` MB.
inline std::vector<int64_t> Sizes(int64_t most_mb) {
  std::vector<int64_t> sizes = {1 << 10, 16 << 10, 64 << 10, 256 << 10};
  for (int64_t mb = 1; mb <= most_mb; mb *= 4) sizes.push_back(mb << 20);
  return sizes;
}

// Short operations are timed in runs, so that a start together does not weigh.
inline int Repeats(int64_t bytes) {
  return static_cast<int>(std::clamp<int64_t>((1 << 18) / bytes, 1, 32));
}

inline int Rounds(int64_t bytes) {
  return static_cast<int>(std::clamp<int64_t>((int64_t{96} << 20) / bytes, 3, 25));
}

// Where the workers note their times: a file that all map.
class Board {
 public:
  explicit Board(const std::string& path) {
    const int fd = open(path.c_str(), O_RDWR | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(Times)) != 0) Die("board");
    void* const memory = mmap(nullptr, sizeof(Times), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) Die("board");
    close(fd);
    times_ = static_cast<Times*>(memory);
  }

  // The median over the rounds, in microseconds per operation; of use to rank 0.
  template <typename Barrier, typename Operation>
  double Measure(int rank, int workers, int64_t bytes, const Barrier& barrier,
                 const Operation& operation) {
    const int repeats = Repeats(bytes);
    std::vector<double> all;
    for (int round = -1; round < Rounds(bytes); ++round) {  // the first one warms up
      barrier();
      times_->start[rank] = Microseconds();
      for (int i = 0; i < repeats; ++i) operation();
      times_->end[rank] = Microseconds();
      barrier();
      if (round < 0) continue;
      all.push_back((*std::max_element(times_->end, times_->end + workers) -
                     *std::min_element(times_->start, times_->start + workers)) /
                    repeats);
    }
    std::sort(all.begin(), all.end());
    return all[all.size() / 2];
  }

  static void Print(const char* what, int workers, int64_t bytes, double microseconds) {
    std::printf("time %s %d %lld %.2f\n", what, workers, static_cast<long long>(bytes),
                microseconds);
    std::fflush(stdout);
  }

 private:
  struct Times {
    double start[kMaxWorkers];
    double end[kMaxWorkers];
  };
  [[noreturn]] static void Die(const char* what) {
    std::perror(what);
    std::exit(1);
  }
  Times* times_;
};

}  // namespace benchmark_rounds

#endif  // STATOR_DISTRIBUTE_COLLECTIVES_BENCHMARK_ROUNDS_H_
