// Rates of generated contractions as shares of this machine's FMA peak, measured beside them.
//
//   contraction_bench [target] [substring of the row's name]
//
// Each row: one thread, packing inside the kernel included; rows marked "packed" are given packed
// weights. The peak is measured just before each run: the share is the median of the runs' shares
// (so that a busy neighbour on the core slows both), and beside it that of the fastest run.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "compiler/codegen/cpu/contraction_test_support.h"
#include "compiler/codegen/cpu/emit_object.h"

namespace stator::compiler {
namespace {

SizeRef S(int64_t value) { return SizeRef::Static(value); }
ContractionDim Dim(int64_t extent, int64_t a, int64_t b, int64_t out) {
  return {S(extent), S(a), S(b), S(out)};
}

// Of this thread: what other programs take does not count.
double Seconds() { return ThreadMilliseconds() * 1e-3; }

// About a quarter of a millisecond.
constexpr int64_t kProbeSteps = 50000;

// Ten independent chains of multiply-adds, which is more than latency times throughput.
__attribute__((target("avx2,fma"), noinline)) double PeakGflops() {
  typedef float V __attribute__((vector_size(32)));
  V x = {};
  V s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x;
  const double start = Seconds();
  for (int64_t i = 0; i < kProbeSteps; ++i) {
    asm("vfmadd231ps %10, %10, %0\n\tvfmadd231ps %10, %10, %1\n\t"
        "vfmadd231ps %10, %10, %2\n\tvfmadd231ps %10, %10, %3\n\t"
        "vfmadd231ps %10, %10, %4\n\tvfmadd231ps %10, %10, %5\n\t"
        "vfmadd231ps %10, %10, %6\n\tvfmadd231ps %10, %10, %7\n\t"
        "vfmadd231ps %10, %10, %8\n\tvfmadd231ps %10, %10, %9"
        : "+x"(s0), "+x"(s1), "+x"(s2), "+x"(s3), "+x"(s4), "+x"(s5), "+x"(s6), "+x"(s7),
          "+x"(s8), "+x"(s9)
        : "x"(x));
  }
  const double rate = kProbeSteps * 10.0 * 16 / (Seconds() - start) * 1e-9;
  V sum = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9;
  asm volatile("" : : "x"(sum));
  return rate;
}

__attribute__((target("avx512f"), noinline)) double PeakGflops512() {
  typedef float V __attribute__((vector_size(64)));
  V x = {};
  V s0 = x, s1 = x, s2 = x, s3 = x, s4 = x, s5 = x, s6 = x, s7 = x, s8 = x, s9 = x;
  const double start = Seconds();
  for (int64_t i = 0; i < kProbeSteps; ++i) {
    asm("vfmadd231ps %10, %10, %0\n\tvfmadd231ps %10, %10, %1\n\t"
        "vfmadd231ps %10, %10, %2\n\tvfmadd231ps %10, %10, %3\n\t"
        "vfmadd231ps %10, %10, %4\n\tvfmadd231ps %10, %10, %5\n\t"
        "vfmadd231ps %10, %10, %6\n\tvfmadd231ps %10, %10, %7\n\t"
        "vfmadd231ps %10, %10, %8\n\tvfmadd231ps %10, %10, %9"
        : "+v"(s0), "+v"(s1), "+v"(s2), "+v"(s3), "+v"(s4), "+v"(s5), "+v"(s6), "+v"(s7),
          "+v"(s8), "+v"(s9)
        : "v"(x));
  }
  const double rate = kProbeSteps * 10.0 * 32 / (Seconds() - start) * 1e-9;
  V sum = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9;
  asm volatile("" : : "v"(sum));
  return rate;
}

struct Row {
  std::string name;
  ContractionSpec spec;
};

ContractionSpec Matmul(int64_t m, int64_t n, int64_t k, bool transpose_a = false,
                       bool transpose_b = false) {
  ContractionSpec spec;
  spec.m = {Dim(m, transpose_a ? 1 : k, 0, n)};
  spec.n = {Dim(n, 0, transpose_b ? k : 1, 1)};
  spec.k = {Dim(k, transpose_a ? m : 1, transpose_b ? 1 : n, 0)};
  return spec;
}

ContractionSpec Packed(ContractionSpec spec) {
  spec.b_prepacked = true;
  return spec;
}

struct Convolution {
  int64_t n, h, w, ci, kernel, co;  // h, w with padding
  int64_t oh() const { return h - kernel + 1; }
  int64_t ow() const { return w - kernel + 1; }
};

ContractionSpec Forward(const Convolution& c) {
  ContractionSpec spec;
  const int64_t row = c.w * c.ci;
  spec.m = {Dim(c.n, c.h * row, 0, c.oh() * c.ow() * c.co), Dim(c.oh(), row, 0, c.ow() * c.co),
            Dim(c.ow(), c.ci, 0, c.co)};
  spec.n = {Dim(c.co, 0, 1, 1)};
  spec.k = {Dim(c.kernel, row, c.kernel * c.ci * c.co, 0), Dim(c.kernel, c.ci, c.ci * c.co, 0),
            Dim(c.ci, 1, c.co, 0)};
  return spec;
}

ContractionSpec FilterGradient(const Convolution& c) {
  ContractionSpec spec;
  const int64_t row = c.w * c.ci;
  spec.m = {Dim(c.kernel, row, 0, c.kernel * c.ci * c.co), Dim(c.kernel, c.ci, 0, c.ci * c.co),
            Dim(c.ci, 1, 0, c.co)};
  spec.n = {Dim(c.co, 0, 1, 1)};
  spec.k = {Dim(c.n, c.h * row, c.oh() * c.ow() * c.co, 0), Dim(c.oh(), row, c.ow() * c.co, 0),
            Dim(c.ow(), c.ci, c.co, 0)};
  return spec;
}

ContractionSpec DataGradient(const Convolution& c) {
  ContractionSpec spec;
  const int64_t row = c.w * c.co, filter = c.kernel * c.kernel * c.ci * c.co;
  spec.m = {Dim(c.n, c.h * row, 0, c.oh() * c.ow() * c.ci), Dim(c.oh(), row, 0, c.ow() * c.ci),
            Dim(c.ow(), c.co, 0, c.ci)};
  spec.n = {Dim(c.ci, 0, c.co, 1)};
  spec.k = {Dim(c.kernel, row, -c.kernel * c.ci * c.co, 0), Dim(c.kernel, c.co, -c.ci * c.co, 0),
            Dim(c.co, 1, 1, 0)};
  spec.b_offset = S(filter - c.ci * c.co);
  return spec;
}

std::vector<Row> Rows() {
  const Convolution conv5a{64, 32, 32, 1, 5, 32}, conv3a{64, 30, 30, 1, 3, 32};
  const Convolution conv5b{64, 18, 18, 32, 5, 64}, conv3b{64, 16, 16, 32, 3, 64};
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

std::vector<float> Numbers(size_t count) {
  std::vector<float> numbers(count);
  uint32_t state = 1;
  for (float& x : numbers) {
    state = state * 1664525u + 1013904223u;
    x = static_cast<float>(state >> 8) / 8388608.0f - 1.0f;
  }
  return numbers;
}

int64_t Reach(const ContractionSpec& spec, SizeRef ContractionDim::*stride,
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

void Run(const Row& row, const CpuTarget& target) {
  absl::StatusOr<CompiledContraction> compiled = CompileContraction(row.spec, 1, {}, target);
  if (!compiled.ok()) {
    std::printf("%-32s %s\n", row.name.c_str(), compiled.status().ToString().c_str());
    return;
  }
  // Compiled again: the first times in a process pay for its set-up.
  double best_compile = 1e9;
  for (int i = 0; i < 4; ++i) {
    absl::StatusOr<CompiledContraction> again = CompileContraction(row.spec, 1, {}, target);
    const LowerTimings& t = again->timings;
    const double total = again->emit_ms + t.convert_ms + t.translate_ms + t.optimize_ms +
                         t.codegen_ms + again->link_ms;
    if (total < best_compile) {
      best_compile = total;
      compiled = std::move(again);
    }
  }
  if (std::getenv("CONTRACTION_DUMP") != nullptr) {
    std::FILE* file = std::fopen(std::getenv("CONTRACTION_DUMP"), "wb");
    std::fwrite(compiled->object.data(), 1, compiled->object.size(), file);
    std::fclose(file);
  }
  const ContractionSpec& spec = row.spec;
  const std::vector<int64_t> scalars = {128};
  double flops = 2;
  int64_t sizes[3] = {1, 1, 1};
  int which = 0;
  for (const auto* dims : {&spec.m, &spec.n, &spec.k}) {
    for (const ContractionDim& dim : *dims) sizes[which] *= dim.extent.Evaluate(scalars.data());
    flops *= static_cast<double>(sizes[which++]);
  }
  std::vector<float> a = Numbers(Reach(spec, &ContractionDim::a, {&spec.m, &spec.k}));
  std::vector<float> b =
      Numbers(spec.b_prepacked ? (sizes[1] + 15) / 16 * 16 * sizes[2]
                               : Reach(spec, &ContractionDim::b, {&spec.n, &spec.k}));
  std::vector<float> out(sizes[0] * sizes[1]);
  auto allocate = [](int64_t bytes) {
    return std::aligned_alloc(64, static_cast<size_t>((bytes + 127) / 64 * 64));
  };
  std::vector<void*> buffers = {a.data(), b.data(), out.data()};
  const ContractionPlan& plan = compiled->plan;
  if (plan.needs_packed_buffer()) {
    buffers.push_back(allocate(plan.packed_bytes.Evaluate(scalars.data())));
  }
  if (plan.needs_partial_buffer()) {
    buffers.push_back(allocate(plan.partial_bytes.Evaluate(scalars.data())));
  }
  char* scratch = static_cast<char*>(allocate(plan.scratch_bytes));
  executable::Frame frame{buffers.data(),     scalars.data(), scratch,
                          plan.scratch_bytes, nullptr,        nullptr};
  const int phases = static_cast<int>(plan.grids.size());
  std::vector<double> shares, times, main_shares;
  const int main_phase = plan.b_source == OperandSource::kPackedPhase ? 1 : 0;
  double best_peak = 0;
  const double deadline = Seconds() + 0.5;
  while (shares.size() < 7 || (shares.size() < 300 && Seconds() < deadline)) {
    const double peak = target.has_avx512() ? PeakGflops512() : PeakGflops();
    best_peak = std::max(best_peak, peak);
    // Short ones several times, so that the clock's grain does not count.
    const int repeats = static_cast<int>(std::max(1.0, 2e7 / flops));
    const double start = Seconds();
    double main_time = 0;
    for (int repeat = 0; repeat < repeats; ++repeat) {
      for (int phase = 0; phase < phases; ++phase) {
        const double phase_start = repeats == 1 ? Seconds() : 0;
        compiled->Phase(phase)(&frame, 0, plan.grids[phase].Evaluate(scalars.data()), 0);
        if (repeats == 1 && phase == main_phase) main_time = Seconds() - phase_start;
      }
    }
    const double total = Seconds() - start;
    if (repeats > 1) main_time = total;
    times.push_back(total / repeats);
    shares.push_back(flops * repeats / total * 1e-7 / peak);
    main_shares.push_back(flops * repeats / main_time * 1e-7 / peak);
  }
  const double best = *std::min_element(times.begin(), times.end());
  const LowerTimings& t = compiled->timings;
  std::printf(
      "%-30s %8.3f ms %6.1f GF/s %5.1f%% (best %5.1f%%, main phase %5.1f%%) | tile %dx%dx%d block"
      " %ldx%ld k %ld src %d split %d grid %ld code %zu | compile %.1f = emit %.1f convert %.1f"
      " translate %.1f opt %.1f codegen %.1f link %.1f\n",
      row.name.c_str(), Median(times) * 1e3, flops / Median(times) * 1e-9, Median(shares),
      flops / best * 1e-7 / best_peak, Median(main_shares), plan.rows,
      plan.vectors, plan.lanes, plan.tile_rows, plan.tile_columns, plan.k_block,
      static_cast<int>(plan.b_source), plan.split_k,
      plan.grids[main_phase].Evaluate(scalars.data()), compiled->blob->blob().code.size(),
      compiled->emit_ms + t.convert_ms + t.translate_ms + t.optimize_ms + t.codegen_ms +
          compiled->link_ms,
      compiled->emit_ms, t.convert_ms, t.translate_ms, t.optimize_ms, t.codegen_ms,
      compiled->link_ms);
  for (size_t i = 3; i < buffers.size(); ++i) std::free(buffers[i]);
  std::free(scratch);
}

int Main(int argc, char** argv) {
  absl::StatusOr<CpuTarget> target = CpuTarget::FromName(argc > 1 ? argv[1] : "native");
  if (!target.ok()) {
    std::fprintf(stderr, "%s\n", target.status().ToString().c_str());
    return 1;
  }
  double peak = 0;
  for (int i = 0; i < 100; ++i) {
    peak = std::max(peak, target->has_avx512() ? PeakGflops512() : PeakGflops());
  }
  std::printf("FMA peak %.1f GFLOP/s, one thread\n", peak);
  for (const Row& row : Rows()) {
    if (argc > 2 && row.name.find(argv[2]) == std::string::npos) continue;
    Run(row, *target);
  }
  return 0;
}

}  // namespace
}  // namespace stator::compiler

int main(int argc, char** argv) { return stator::compiler::Main(argc, argv); }
