#ifndef STATOR_TOOLS_BENCH_MACHINE_PEAK_H_
#define STATOR_TOOLS_BENCH_MACHINE_PEAK_H_

namespace stator::tools {

// The highest rate of single-precision multiply-adds (two operations each) that `threads` threads
// reach together on this machine, in GFLOP/s, with the widest vectors it has. Takes about 50 ms; 0
// where this is not known how to measure.
double PeakGflops(int threads);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_BENCH_MACHINE_PEAK_H_
