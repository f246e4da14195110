// Rates of generated contractions as shares of this machine's FMA peak, measured beside them.
//
//   contraction_bench [target] [substring of the row's name, or MxNxK]
//
// Each row: one thread, packing inside the kernel included; rows marked "packed" are given packed
// weights. The peak is measured just before each run: the share is the median of the runs' shares
// (so that a busy neighbour on the core slows both). "quiet" is what the least times of the grid's
// tiles add up to, against the highest peak seen.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "compiler/codegen/cpu/contraction_examples.h"
#include "compiler/codegen/cpu/contraction_test_support.h"
#include "compiler/codegen/cpu/emit_object.h"

namespace stator::compiler {
namespace {

// Of this thread: what other programs take does not count.
double Seconds() { return ThreadMilliseconds() * 1e-3; }

// About a quarter of a millisecond.
constexpr int64_t kProbeSteps = 50000;

// Ten independent chains of multiply-adds, which is more than latency times throughput. Not an
// array: the compiler would keep that in memory.
#define STATOR_DEFINE_PEAK(Function, isa, constraint, bytes)                                  \
  __attribute__((target(isa), noinline)) double Function() {                                  \
    typedef float V __attribute__((vector_size(bytes)));                                      \
    V x = {}, s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x; \
    const double start = Seconds();                                                           \
    for (int64_t i = 0; i < kProbeSteps; ++i) {                                               \
      asm("vfmadd231ps %10, %10, %0\n\tvfmadd231ps %10, %10, %1\n\t"                          \
          "vfmadd231ps %10, %10, %2\n\tvfmadd231ps %10, %10, %3\n\t"                          \
          "vfmadd231ps %10, %10, %4\n\tvfmadd231ps %10, %10, %5\n\t"                          \
          "vfmadd231ps %10, %10, %6\n\tvfmadd231ps %10, %10, %7\n\t"                          \
          "vfmadd231ps %10, %10, %8\n\tvfmadd231ps %10, %10, %9"                              \
          : "+" constraint(s0), "+" constraint(s1), "+" constraint(s2), "+" constraint(s3),   \
            "+" constraint(s4), "+" constraint(s5), "+" constraint(s6), "+" constraint(s7),   \
            "+" constraint(s8), "+" constraint(s9)                                            \
          : constraint(x));                                                                   \
    }                                                                                         \
    const double rate = kProbeSteps * 10.0 * 2 * (bytes / 4) / (Seconds() - start) * 1e-9;    \
    asm volatile("" : : constraint(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9));         \
    return rate;                                                                              \
  }
STATOR_DEFINE_PEAK(PeakOf256Bits, "avx2,fma", "x", 32)
STATOR_DEFINE_PEAK(PeakOf512Bits, "avx512f", "v", 64)
#undef STATOR_DEFINE_PEAK

double PeakGflops(const CpuTarget& target) {
  return target.has_avx512() ? PeakOf512Bits() : PeakOf256Bits();
}

struct Row {
  std::string name;
  ContractionSpec spec;
};

ContractionSpec Packed(ContractionSpec spec) {
  spec.b_prepacked = true;
  return spec;
}

std::vector<Row> Rows() {
  const Convolution conv5a{64, 32, 32, 1, 5, 5, 32, 1}, conv3a{64, 30, 30, 1, 3, 3, 32, 1};
  const Convolution conv5b{64, 18, 18, 32, 5, 5, 64, 1}, conv3b{64, 16, 16, 32, 3, 3, 64, 1};
  ContractionSpec symbolic = Matmul(128, 768, 768);
  symbolic.m[0].extent = SizeRef::Scalar(0);
  return {
      {"matmul 512x512x512 packed", Packed(Matmul(512, 512, 512))},
      {"matmul 512x512x512", Matmul(512, 512, 512)},
      {"matmul 128x768x3072 packed", Packed(Matmul(128, 768, 3072))},
      {"matmul 128x768x3072", Matmul(128, 768, 3072)},
      {"matmul 128x3072x768 packed", Packed(Matmul(128, 3072, 768))},
      {"matmul 128x3072x768", Matmul(128, 3072, 768)},
      {"matmul 128x768x768 packed", Packed(Matmul(128, 768, 768))},
      {"matmul ?x768x768 packed", Packed(symbolic)},
      {"matmul 1024x1024x1024", Matmul(1024, 1024, 1024)},
      {"matmul 64x64x64", Matmul(64, 64, 64)},
      {"matmul 128x1024x3136 (fc)", Matmul(128, 1024, 3136)},
      {"matmul 3136x1024x128 (fc dW)", Matmul(3136, 1024, 128, true, false)},
      {"matmul 128x3136x1024 (fc dX)", Matmul(128, 3136, 1024, false, true)},
      {"matmul 128x10x1024", Matmul(128, 10, 1024)},
      {"matmul 1x1024x1024", Matmul(1, 1024, 1024)},
      {"matmul 1x1024x1024 packed", Packed(Matmul(1, 1024, 1024))},
      {"matmul 1x1024x1024 transposed", Matmul(1, 1024, 1024, false, true)},
      {"dense1 forward 64x128x3136", Matmul(64, 128, 3136)},
      {"dense1 dW 3136x128x64", Matmul(3136, 128, 64, true, false)},
      {"dense1 dX 64x3136x128", Matmul(64, 3136, 128, false, true)},
      {"dense2 forward 64x10x128", Matmul(64, 10, 128)},
      {"dense2 dW 128x10x64", Matmul(128, 10, 64, true, false)},
      {"dense2 dX 64x128x10", Matmul(64, 128, 10, false, true)},
      {"conv5 1-32 forward", Forward(conv5a)},
      {"conv5 1-32 dW", FilterGradient(conv5a)},
      {"conv3 1-32 forward", Forward(conv3a)},
      {"conv3 1-32 dW", FilterGradient(conv3a)},
      {"conv5 32-64 forward", Forward(conv5b)},
      {"conv5 32-64 dW", FilterGradient(conv5b)},
      {"conv5 32-64 dX", DataGradient(conv5b)},
      {"conv3 32-64 forward", Forward(conv3b)},
      {"conv3 32-64 dW", FilterGradient(conv3b)},
      {"conv3 32-64 dX", DataGradient(conv3b)},
  };
}

int64_t Reach(SizeRef ContractionDim::*stride,
              std::vector<const std::vector<ContractionDim>*> lists) {
  int64_t reach = 1;
  for (const auto* dims : lists) {
    for (const ContractionDim& dim : *dims) {
      const int64_t extent = dim.extent.is_static() ? dim.extent.factor : 128;
      reach += (extent - 1) * std::abs((dim.*stride).factor);
    }
  }
  return reach;
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + values.size() / 2, values.end());
  return values[values.size() / 2];
}

double TotalMs(const CompiledContraction& c) {
  const LowerTimings& t = c.timings;
  return c.emit_ms + t.convert_ms + t.translate_ms + t.optimize_ms + t.codegen_ms + c.link_ms;
}

// The fastest of several: the first times in a process pay for its set-up.
absl::StatusOr<CompiledContraction> Compile(const ContractionSpec& spec, const CpuTarget& target) {
  absl::StatusOr<CompiledContraction> best = CompileContraction(spec, 1, {}, target);
  for (int i = 0; i < 4 && best.ok(); ++i) {
    absl::StatusOr<CompiledContraction> again = CompileContraction(spec, 1, {}, target);
    if (!again.ok()) return again;
    if (i == 0 || TotalMs(*again) < TotalMs(*best)) best = std::move(again);
  }
  return best;
}

// A compiled contraction with operands.
class Program {
 public:
  Program(const ContractionSpec& spec, const CompiledContraction& compiled) : compiled_(compiled) {
    int64_t sizes[3] = {1, 1, 1};
    int which = 0;
    for (const auto* dims : {&spec.m, &spec.n, &spec.k}) {
      for (const ContractionDim& dim : *dims) sizes[which] *= dim.extent.Evaluate(scalars_.data());
      flops_ *= static_cast<double>(sizes[which++]);
    }
    AddBuffer(Reach(&ContractionDim::a, {&spec.m, &spec.k}));
    AddBuffer(spec.b_prepacked ? (sizes[1] + kPanel - 1) / kPanel * kPanel * sizes[2]
                               : Reach(&ContractionDim::b, {&spec.n, &spec.k}));
    AddBuffer(sizes[0] * sizes[1]);
    const ContractionPlan& plan = compiled.plan;
    if (plan.needs_packed_buffer()) AddBuffer(Floats(plan.packed_bytes));
    if (plan.needs_partial_buffer()) AddBuffer(Floats(plan.partial_bytes));
    scratch_ = Numbers(plan.scratch_bytes / 4 + 1);
  }

  double flops() const { return flops_; }
  int main_phase() const { return compiled_.plan.b_source == OperandSource::kPackedPhase ? 1 : 0; }
  int64_t Grid(int phase) const { return compiled_.plan.grids[phase].Evaluate(scalars_.data()); }

  // Returns the seconds of the main phase.
  double Run() {
    executable::Frame frame = MakeFrame();
    double main_time = 0;
    for (int phase = 0; phase < phases(); ++phase) {
      const double start = Seconds();
      compiled_.Phase(phase)(&frame, 0, Grid(phase), 0);
      if (phase == main_phase()) main_time = Seconds() - start;
    }
    return main_time;
  }

  // Runs tile by tile. Keeps the least time of each, so that their sum is that of a quiet machine.
  void RunTiles() {
    executable::Frame frame = MakeFrame();
    least_.resize(phases());
    for (int phase = 0; phase < phases(); ++phase) {
      least_[phase].resize(Grid(phase), 1e9);
      for (int64_t tile = 0; tile < Grid(phase); ++tile) {
        const double start = Seconds();
        compiled_.Phase(phase)(&frame, tile, tile + 1, 0);
        least_[phase][tile] = std::min(least_[phase][tile], Seconds() - start);
      }
    }
  }
  double QuietSeconds() const {
    double sum = 0;
    for (const std::vector<double>& times : least_) {
      sum = std::accumulate(times.begin(), times.end(), sum);
    }
    return sum;
  }

 private:
  executable::Frame MakeFrame() {
    return {buffers_.data(),
            scalars_.data(),
            reinterpret_cast<char*>(scratch_.get()),
            compiled_.plan.scratch_bytes,
            nullptr,
            nullptr};
  }
  int phases() const { return static_cast<int>(compiled_.plan.grids.size()); }

  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  using Memory = std::unique_ptr<float[], Free>;

  // Aligned as the runtime's buffers are.
  static Memory Numbers(int64_t count) {
    const size_t bytes = (static_cast<size_t>(count) * sizeof(float) + 127) / 64 * 64;
    Memory memory(static_cast<float*>(std::aligned_alloc(64, bytes)));
    uint32_t state = 1;
    for (int64_t i = 0; i < count; ++i) {
      state = state * 1664525u + 1013904223u;
      memory[i] = static_cast<float>(state >> 8) / 8388608.0f - 1.0f;
    }
    return memory;
  }
  int64_t Floats(const SizeFormula& bytes) const { return bytes.Evaluate(scalars_.data()) / 4 + 1; }
  void AddBuffer(int64_t count) {
    memory_.push_back(Numbers(count));
    buffers_.push_back(memory_.back().get());
  }

  const CompiledContraction& compiled_;
  const std::vector<int64_t> scalars_ = {128};
  std::vector<Memory> memory_;
  Memory scratch_;
  std::vector<void*> buffers_;
  std::vector<std::vector<double>> least_;  // by phase and tile
  double flops_ = 2;
};

struct Rates {
  std::vector<double> times, shares, main_shares;  // of one run each; shares in percent
  double best_peak = 0;
};

Rates Measure(Program* program, const CpuTarget& target) {
  Rates rates;
  // Short ones several times, so that the clock's grain does not count.
  const int repeats = static_cast<int>(std::max(1.0, 2e7 / program->flops()));
  const double percent = program->flops() * repeats * 1e-7;
  const double deadline = Seconds() + 1.5;
  while (rates.times.size() < 7 || (rates.times.size() < 300 && Seconds() < deadline)) {
    const double peak = PeakGflops(target);
    rates.best_peak = std::max(rates.best_peak, peak);
    const double start = Seconds();
    double main_time = 0;
    for (int repeat = 0; repeat < repeats; ++repeat) main_time += program->Run();
    const double total = Seconds() - start;
    rates.times.push_back(total / repeats);
    rates.shares.push_back(percent / total / peak);
    rates.main_shares.push_back(percent / main_time / peak);
    program->RunTiles();
  }
  return rates;
}

void Run(const Row& row, const CpuTarget& target) {
  absl::StatusOr<CompiledContraction> compiled = Compile(row.spec, target);
  if (!compiled.ok()) {
    std::printf("%-32s %s\n", row.name.c_str(), compiled.status().ToString().c_str());
    return;
  }
  if (const char* path = std::getenv("CONTRACTION_DUMP")) {
    std::FILE* file = std::fopen(path, "wb");
    std::fwrite(compiled->object.data(), 1, compiled->object.size(), file);
    std::fclose(file);
  }
  Program program(row.spec, *compiled);
  const Rates rates = Measure(&program, target);
  const double time = Median(rates.times), flops = program.flops();
  std::printf("%-30s %8.3f ms %6.1f GF/s %5.1f%% (quiet %5.1f%%, main phase %5.1f%%)",
              row.name.c_str(), time * 1e3, flops / time * 1e-9, Median(rates.shares),
              flops / program.QuietSeconds() * 1e-7 / rates.best_peak, Median(rates.main_shares));
  const ContractionPlan& plan = compiled->plan;
  std::printf(" | tile %dx%dx%d block %ldx%ld k %ld src %d split %d grid %ld code %zu", plan.rows,
              plan.vectors, plan.lanes, plan.tile_rows, plan.tile_columns, plan.k_block,
              static_cast<int>(plan.b_source), plan.split_k, program.Grid(program.main_phase()),
              compiled->blob->blob().code.size());
  const LowerTimings& t = compiled->timings;
  std::printf(
      " | compile %.1f = emit %.1f convert %.1f translate %.1f opt %.1f codegen %.1f link"
      " %.1f\n",
      TotalMs(*compiled), compiled->emit_ms, t.convert_ms, t.translate_ms, t.optimize_ms,
      t.codegen_ms, compiled->link_ms);
}

int Main(int argc, char** argv) {
  absl::StatusOr<CpuTarget> target = CpuTarget::FromName(argc > 1 ? argv[1] : "native");
  if (!target.ok()) {
    std::fprintf(stderr, "%s\n", target.status().ToString().c_str());
    return 1;
  }
  double peak = 0;
  for (int i = 0; i < 100; ++i) {
    peak = std::max(peak, PeakGflops(*target));
  }
  std::printf("FMA peak %.1f GFLOP/s, one thread\n", peak);
  int m = 0, n = 0, k = 0;
  if (argc > 2 && std::sscanf(argv[2], "%dx%dx%d", &m, &n, &k) == 3) {
    Run({std::string(argv[2]) + " packed", Packed(Matmul(m, n, k))}, *target);
    Run({argv[2], Matmul(m, n, k)}, *target);
    return 0;
  }
  for (const Row& row : Rows()) {
    if (argc > 2 && row.name.find(argv[2]) == std::string::npos) continue;
    Run(row, *target);
  }
  return 0;
}

}  // namespace
}  // namespace stator::compiler

int main(int argc, char** argv) { return stator::compiler::Main(argc, argv); }
