// What an affine contraction kernel computes, and the plan of how. No MLIR here.
//
//   out[b, m, n] = Σ_k A[b, m, k] * B[b, k, n]
//
// where b, m, n, k are lists of dimensions, each with a stride in the tensors that it indexes.
// dot_general, convolutions (their windows are overlapping strides) and their gradients are specs.
//
// Numbers: the sum is a chain of fused multiply-adds from +0 in row-major order of the k list,
// in chunks of kContractionChunk; the first chunk's result is the sum so far, later ones are added
// to it in order. bf16 and f16 are widened to f32 exactly. Integers wrap around, narrow
// ones in i32 until they are stored.
#ifndef STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_SPEC_H_
#define STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_SPEC_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "compiler/codegen/cpu/target.h"
#include "executable/panels.h"

namespace stator::compiler {

inline constexpr int64_t kContractionChunk = 4096;
// Packed operands are panels of this many columns: [N/16][K][16], on every CPU.
inline constexpr int64_t kPanel = executable::kPanelColumns;
// Columns that one tile of the packing phase packs.
inline constexpr int64_t kPackColumns = 4 * kPanel;

// factor, or factor * scalars[scalar] of the frame.
struct SizeRef {
  int64_t factor = 0;
  int scalar = -1;

  static SizeRef Static(int64_t value) { return {value, -1}; }
  static SizeRef Scalar(int index, int64_t factor = 1) { return {factor, index}; }
  bool is_static() const { return scalar < 0 || factor == 0; }
  int64_t Evaluate(const int64_t* scalars) const {
    return is_static() ? factor : factor * scalars[scalar];
  }
  bool operator==(const SizeRef& other) const {
    return factor == other.factor && (is_static() ? other.is_static() : scalar == other.scalar);
  }
};

// A product of rounded-up quotients, for grids and buffer sizes: multiplier * Π max(minimum,
// ceil(Π sizes / divisor)).
struct SizeFormula {
  struct Factor {
    std::vector<SizeRef> sizes;
    int64_t divisor = 1;
    int64_t minimum = 0;
  };
  std::vector<Factor> factors;
  int64_t multiplier = 1;

  int64_t Evaluate(const int64_t* scalars) const;
};

// Strides in elements; may be zero, negative or overlapping. An unused tensor's stride is ignored
// (k in out, n in A, m in B).
struct ContractionDim {
  SizeRef extent;
  SizeRef a;
  SizeRef b;
  SizeRef out;
};

enum class ContractionType { kF32, kF64, kBf16, kF16, kI8, kI16, kI32, kI64 };

struct ContractionSpec {
  std::vector<ContractionDim> batch, m, n, k;        // outermost first
  SizeRef a_offset, b_offset, out_offset;            // of element [0, 0, 0], in elements
  ContractionType type = ContractionType::kF32;      // of A and B
  ContractionType out_type = ContractionType::kF32;  // of out, when the default store is used
  int a_buffer = 0, b_buffer = 1, out_buffer = 2;
  // B is already packed: [batch][ceil(N/16)][K][16] of the accumulator's type, densely, with any
  // value in columns beyond N. Its strides and offset are ignored.
  bool b_prepacked = false;
  // Does a callback look at output indices? Then vectors never straddle two rows of the n list.
  bool needs_indices = false;
};

enum class OperandSource {
  kDirect,       // vectors straight from B
  kPackedPhase,  // an earlier phase packs all of B into a workspace buffer
  kPackedTile,   // every tile packs what it needs into the worker's scratch
  kPrepacked,
};

// Decided from the spec's static facts and the target alone; no decision changes a result's bits.
struct ContractionPlan {
  // A and B (and m and n) change roles so that out is contiguous along n. The spec that the kernel
  // follows is `spec`, already swapped and with unit dims dropped.
  bool swapped = false;
  ContractionSpec spec;

  OperandSource b_source = OperandSource::kDirect;
  int lanes = 8;  // of the accumulators' vectors
  int rows = 6;   // register tile: rows x vectors
  int vectors = 2;
  int tail_rows = 6;       // rows of the tiles that finish what `rows` does not divide
  int64_t full_rows = -1;  // rows done with full tiles when M is static; else -1
  int store_lanes = 8;     // of the vectors given to the callbacks; 1 where out is not contiguous
  int64_t tile_rows = 0;   // one tile of the grid
  int64_t tile_columns = 0;
  int64_t row_blocks = -1;   // static number of row blocks, or -1
  bool single_block = true;  // K is static and done in one go, else in blocks of k_block
  int64_t k_block = 0;       // divides kContractionChunk
  bool split_k = false;      // the grid has chunks; a last phase adds their partial results

  std::vector<SizeFormula> grids;  // one per phase
  // Bytes of the two optional workspace buffers; multiplier 0 when not needed.
  SizeFormula packed_bytes, partial_bytes;
  int64_t scratch_bytes = 0;  // per worker
  bool converts_f16 = false;  // by an instruction

  bool needs_packed_buffer() const { return packed_bytes.multiplier != 0; }
  bool needs_partial_buffer() const { return partial_bytes.multiplier != 0; }
};

// InvalidArgument when the spec is malformed (a static extent or a chunk is negative).
absl::StatusOr<ContractionPlan> PlanContraction(const ContractionSpec& spec,
                                                const CpuTarget& target);

// Merges neighbours that are one dimension in the chosen tensors, and drops extents of 1.
std::vector<ContractionDim> CollapseDims(const std::vector<ContractionDim>& dims, bool in_a,
                                         bool in_b, bool in_out);
// Product of the extents when all are static.
std::optional<int64_t> StaticExtent(const std::vector<ContractionDim>& dims);

// Bytes of one element, and of one element of the type that sums are kept in.
int64_t ElementBytes(ContractionType type);
ContractionType AccumulatorType(ContractionType type);

}  // namespace stator::compiler

#endif  // STATOR_COMPILER_CODEGEN_CPU_CONTRACTION_SPEC_H_
