#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/contraction_spec.h"

namespace stator::compiler {
namespace {

// What one block of B may take of a core's L2 cache.
constexpr int64_t kBlockBytes = 256 * 1024;
// B as a whole may take this much of L1, next to a strip of A.
constexpr int64_t kL1Bytes = 16 * 1024;
// Steps of k between loading and storing partial sums.
constexpr int64_t kBlock = 1024;
// Multiply-adds of one grid tile: some ten microseconds, so that dispatch does not count.
constexpr int64_t kTileWork = 1 << 20;
// Below this many tiles, chunks of K become part of the grid.
constexpr int64_t kFewTiles = 64;
constexpr int64_t kMaxPartialBytes = 16 << 20;

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }
int64_t RoundUp(int64_t a, int64_t b) { return CeilDiv(a, b) * b; }

std::vector<SizeRef> Extents(const std::vector<ContractionDim>& dims) {
  std::vector<SizeRef> extents;
  for (const ContractionDim& dim : dims) extents.push_back(dim.extent);
  return extents;
}

// The product if it can be written as one reference.
std::optional<SizeRef> Multiply(const SizeRef& a, const SizeRef& b) {
  if (!a.is_static() && !b.is_static()) return std::nullopt;
  return SizeRef{a.factor * b.factor, a.is_static() ? b.scalar : a.scalar};
}

bool IsOne(const SizeRef& size) { return size.is_static() && size.factor == 1; }

absl::Status CheckDims(const char* name, const std::vector<ContractionDim>& dims) {
  for (size_t i = 0; i < dims.size(); ++i) {
    if (dims[i].extent.is_static() && dims[i].extent.factor < 0) {
      return absl::InvalidArgumentError(absl::StrCat("contraction: extent of ", name, "[", i,
                                                     "] is negative: ", dims[i].extent.factor));
    }
  }
  return absl::OkStatus();
}

// Is the list, seen as one dimension, contiguous in the tensor?
bool IsContiguous(const std::vector<ContractionDim>& dims, bool in_b, bool in_out) {
  std::vector<ContractionDim> merged = CollapseDims(dims, false, in_b, in_out);
  if (merged.empty()) return true;
  return merged.size() == 1 && IsOne(in_b ? merged[0].b : merged[0].out);
}

bool InnermostIsContiguousInOut(const std::vector<ContractionDim>& dims) {
  return !dims.empty() && IsOne(dims.back().out);
}

void Swap(ContractionSpec* spec) {
  std::swap(spec->m, spec->n);
  std::swap(spec->a_offset, spec->b_offset);
  std::swap(spec->a_buffer, spec->b_buffer);
  for (auto* dims : {&spec->batch, &spec->m, &spec->n, &spec->k}) {
    for (ContractionDim& dim : *dims) std::swap(dim.a, dim.b);
  }
}

void DropUnits(std::vector<ContractionDim>* dims) {
  dims->erase(std::remove_if(dims->begin(), dims->end(),
                             [](const ContractionDim& dim) { return IsOne(dim.extent); }),
              dims->end());
}

struct Facts {
  std::optional<int64_t> batch, m, n, k;
  int full_lanes = 8;
  int64_t bytes = 4;  // of an accumulator
};

int LargestPowerOfTwo(int64_t limit) {
  int power = 1;
  while (power * 2 <= limit) power *= 2;
  return power;
}

void ChooseSource(const Facts& f, ContractionPlan* plan) {
  if (plan->spec.b_prepacked) {
    plan->b_source = OperandSource::kPrepacked;
    return;
  }
  // Direct vectors: when all of B stays in L1, when its rows are as narrow as a panel, or when too
  // few rows of A would use what packing costs.
  const bool contiguous = IsContiguous(plan->spec.n, /*in_b=*/true, /*in_out=*/false);
  const bool small = f.n && f.k && *f.n * *f.k * f.bytes <= kL1Bytes;
  const bool narrow = f.n && *f.n <= kPanel;
  const bool few_rows = f.m && *f.m <= 12;
  const bool overlapping_blocks = f.n && *f.n % f.full_lanes != 0 && !(f.k && *f.k <= kBlock);
  if (contiguous && f.n && (small || narrow || few_rows) && !overlapping_blocks) {
    plan->b_source = OperandSource::kDirect;
    return;
  }
  // One tile for all rows packs every column once, where it is used, if that leaves enough tiles.
  const int64_t columns = f.n ? *f.n : kFewTiles * kPanel;
  const bool enough_tiles = f.batch.value_or(1) * CeilDiv(columns, 4 * kPanel) >= 8;
  const bool one_block = f.m && (*f.m <= 48 || (*f.m <= 256 && enough_tiles));
  plan->b_source = one_block ? OperandSource::kPackedTile : OperandSource::kPackedPhase;
}

void ChooseRegisterTile(const Facts& f, const CpuTarget& target, ContractionPlan* plan) {
  const int full = f.full_lanes;
  plan->lanes = full;
  if (plan->b_source == OperandSource::kDirect) {
    plan->lanes = LargestPowerOfTwo(std::min<int64_t>(full, std::max<int64_t>(1, *f.n)));
  }
  const int64_t n = f.n.value_or(1 << 20);
  const int64_t columns = CeilDiv(std::max<int64_t>(1, n), plan->lanes);  // vectors needed
  const int64_t m = f.m.value_or(1 << 20);
  if (target.vector_registers() >= 32) {
    // 24 to 28 accumulators; broadcasts are memory operands, or take one of what is left.
    if (columns % 3 == 0) {
      plan->vectors = 3, plan->rows = 8;
    } else if (columns % 4 == 0 || columns > 8) {
      plan->vectors = 4, plan->rows = 6;
    } else if (columns > 1) {
      plan->vectors = 2, plan->rows = 12;
    } else {
      plan->vectors = 1, plan->rows = 12;
    }
    if (m <= 3) plan->vectors = m == 1 ? 8 : 6;
  } else {
    plan->vectors = columns == 1 ? 1 : 2;
    plan->rows = columns == 1 ? 12 : 6;
    if (m == 1) plan->vectors = 8;
    if (m == 2) plan->vectors = 6;
    if (m == 3) plan->vectors = 4;
  }
  plan->vectors = static_cast<int>(std::min<int64_t>(plan->vectors, columns));
  // Packed columns come in panels: a register tile is whole panels or divides one.
  if (plan->b_source != OperandSource::kDirect) {
    int64_t width = int64_t{plan->vectors} * plan->lanes;
    if (width > kPanel) width = RoundUp(width, kPanel);
    if (width < kPanel) width = LargestPowerOfTwo(width);
    plan->vectors = static_cast<int>(width / plan->lanes);
  }
  plan->rows = static_cast<int>(std::clamp<int64_t>(m, 1, plan->rows));
}

// Rows beyond the last full tile: one smaller tile, or two where one would be too small to keep
// the FMA units busy.
void ChooseTailRows(const Facts& f, ContractionPlan* plan) {
  plan->tail_rows = plan->rows;
  if (!f.m) return;
  int64_t full = *f.m / plan->rows;
  int64_t rest = *f.m % plan->rows;
  if (rest != 0 && rest * plan->vectors < 8 && full > 0) {
    --full;
    rest += plan->rows;
  }
  plan->full_rows = full * plan->rows;
  if (rest > 0) plan->tail_rows = static_cast<int>(CeilDiv(rest, rest > plan->rows ? 2 : 1));
}

void ChooseBlocks(const Facts& f, ContractionPlan* plan) {
  const int64_t width = int64_t{plan->vectors} * plan->lanes;
  const int64_t n = f.n ? RoundUp(std::max<int64_t>(1, *f.n), width) : int64_t{1} << 20;
  // Columns of a block: a wide block reads rows of A seldom, a block of B should stay in L2.
  const int64_t wide = std::min(n, RoundUp(4 * kPanel, width));
  const bool one_strip = f.m && *f.m <= plan->rows;
  plan->single_block =
      f.k && *f.k <= kContractionChunk && (one_strip || *f.k * wide * f.bytes <= kBlockBytes);
  plan->k_block = plan->single_block ? std::max<int64_t>(1, *f.k) : kBlock;
  if (plan->single_block) {
    const int64_t fitting = kBlockBytes / (plan->k_block * f.bytes * width) * width;
    plan->tile_columns =
        std::min(n, std::clamp(fitting, wide, std::max(wide, 256 / width * width)));
  } else {
    plan->tile_columns = wide;
  }
  const int64_t work_per_row = std::max<int64_t>(1, f.k.value_or(kBlock) * plan->tile_columns);
  int64_t rows = RoundUp(CeilDiv(kTileWork, work_per_row), plan->rows);
  // Blocked over k, every block of B should serve many rows.
  const int64_t least = plan->single_block ? 2 * plan->rows : RoundUp(48, plan->rows);
  rows = std::clamp<int64_t>(rows, least, RoundUp(plan->single_block ? 512 : 96, plan->rows));
  if (plan->b_source == OperandSource::kPackedTile) rows = RoundUp(*f.m, plan->rows);
  if (f.m) rows = std::min(rows, RoundUp(std::max<int64_t>(1, *f.m), plan->rows));
  plan->tile_rows = rows;
  if (f.m) {
    // A short last block becomes part of the one before.
    const bool merge = *f.m % rows != 0 && *f.m % rows<2 * plan->rows&& * f.m> rows;
    plan->row_blocks = *f.m / rows + (*f.m % rows != 0 && !merge ? 1 : 0);
  }
}

void ChooseSplit(const Facts& f, ContractionPlan* plan) {
  if (!f.m || !f.n || !f.batch || plan->single_block) return;
  if (f.k && *f.k <= kContractionChunk) return;
  const int64_t tiles = *f.batch * plan->row_blocks * CeilDiv(*f.n, plan->tile_columns);
  const int64_t chunks = f.k ? CeilDiv(*f.k, kContractionChunk) : 64;
  const int64_t bytes = chunks * *f.batch * *f.m * *f.n * f.bytes;
  plan->split_k = tiles > 0 && tiles < kFewTiles && bytes <= kMaxPartialBytes;
}

SizeFormula::Factor Blocks(const std::vector<ContractionDim>& dims, int64_t divisor,
                           int64_t minimum = 0) {
  return {Extents(dims), divisor, minimum};
}

void ChooseGridsAndMemory(const Facts& f, ContractionPlan* plan) {
  const ContractionSpec& spec = plan->spec;
  const SizeFormula::Factor batch = Blocks(spec.batch, 1);
  const SizeFormula::Factor chunks = Blocks(spec.k, kContractionChunk, 1);
  plan->packed_bytes.multiplier = plan->partial_bytes.multiplier = 0;
  if (plan->b_source == OperandSource::kPackedPhase) {
    const SizeFormula::Factor panels = Blocks(spec.n, kPanel);
    plan->grids.push_back({{batch, Blocks(spec.n, kPackColumns), chunks}, 1});
    plan->packed_bytes = {{batch, panels, Blocks(spec.k, 1)}, kPanel * f.bytes};
  }
  SizeFormula main{{batch, Blocks(spec.n, plan->tile_columns)}, 1};
  if (plan->row_blocks >= 0) {
    main.multiplier = plan->row_blocks;
  } else {
    main.factors.push_back(Blocks(spec.m, plan->tile_rows));
  }
  if (plan->split_k) main.factors.push_back(chunks);
  plan->grids.push_back(main);
  if (plan->split_k) {
    plan->grids.push_back({{batch, Blocks(spec.m, 1)}, 1});
    plan->partial_bytes = {{chunks, batch, Blocks(spec.m, 1), Blocks(spec.n, 1)}, f.bytes};
  }
  // The block of sums (twice when K is blocked), and packed columns.
  const int64_t columns = plan->tile_columns + plan->lanes;
  const int64_t rows = plan->single_block ? plan->rows : plan->tile_rows + 2 * plan->rows;
  int64_t elements = rows * columns * (plan->single_block ? 1 : 2) + 2 * plan->lanes;
  if (plan->b_source == OperandSource::kPackedTile) {
    elements = RoundUp(elements, kPanel);
    elements += RoundUp(plan->tile_columns, kPanel) * plan->k_block;
  }
  plan->scratch_bytes = RoundUp(elements * f.bytes, 64);
}

}  // namespace

int64_t SizeFormula::Evaluate(const int64_t* scalars) const {
  int64_t result = multiplier;
  for (const Factor& factor : factors) {
    int64_t product = 1;
    for (const SizeRef& size : factor.sizes) product *= size.Evaluate(scalars);
    result *= std::max(factor.minimum, CeilDiv(product, factor.divisor));
  }
  return result;
}

std::vector<ContractionDim> CollapseDims(const std::vector<ContractionDim>& dims, bool in_a,
                                         bool in_b, bool in_out) {
  std::vector<ContractionDim> merged;
  for (const ContractionDim& dim : dims) {
    if (IsOne(dim.extent)) continue;
    if (!merged.empty()) {
      ContractionDim& outer = merged.back();
      auto steps = [&](const SizeRef& out, const SizeRef& in) {
        return Multiply(dim.extent, in) == std::optional<SizeRef>(out);
      };
      const std::optional<SizeRef> extent = Multiply(outer.extent, dim.extent);
      if (extent && (!in_a || steps(outer.a, dim.a)) && (!in_b || steps(outer.b, dim.b)) &&
          (!in_out || steps(outer.out, dim.out))) {
        outer = {*extent, dim.a, dim.b, dim.out};
        continue;
      }
    }
    merged.push_back(dim);
  }
  return merged;
}

std::optional<int64_t> StaticExtent(const std::vector<ContractionDim>& dims) {
  int64_t product = 1;
  bool known = true;
  for (const ContractionDim& dim : dims) {
    if (dim.extent.is_static() && dim.extent.factor == 0) return 0;
    known = known && dim.extent.is_static();
    product *= dim.extent.factor;
  }
  return known ? std::optional<int64_t>(product) : std::nullopt;
}

int64_t ElementBytes(ContractionType type) {
  switch (type) {
    case ContractionType::kF64:
    case ContractionType::kI64:
      return 8;
    case ContractionType::kF32:
    case ContractionType::kI32:
      return 4;
    case ContractionType::kBf16:
    case ContractionType::kF16:
    case ContractionType::kI16:
      return 2;
    case ContractionType::kI8:
      return 1;
  }
  return 0;
}

ContractionType AccumulatorType(ContractionType type) {
  switch (type) {
    case ContractionType::kBf16:
    case ContractionType::kF16:
      return ContractionType::kF32;
    case ContractionType::kI8:
    case ContractionType::kI16:
      return ContractionType::kI32;
    default:
      return type;
  }
}

absl::StatusOr<ContractionPlan> PlanContraction(const ContractionSpec& spec,
                                                const CpuTarget& target) {
  for (const auto& [name, dims] : {std::pair("batch", &spec.batch), std::pair("m", &spec.m),
                                   std::pair("n", &spec.n), std::pair("k", &spec.k)}) {
    absl::Status status = CheckDims(name, *dims);
    if (!status.ok()) return status;
  }
  ContractionPlan plan;
  plan.spec = spec;
  plan.converts_f16 = target.converts_f16();
  for (auto* dims : {&plan.spec.batch, &plan.spec.m, &plan.spec.n, &plan.spec.k}) {
    DropUnits(dims);
  }
  if (!spec.b_prepacked && !InnermostIsContiguousInOut(plan.spec.n) &&
      InnermostIsContiguousInOut(plan.spec.m)) {
    plan.swapped = true;
    Swap(&plan.spec);
  }
  Facts facts{StaticExtent(plan.spec.batch), StaticExtent(plan.spec.m), StaticExtent(plan.spec.n),
              StaticExtent(plan.spec.k)};
  facts.bytes = ElementBytes(AccumulatorType(spec.type));
  facts.full_lanes = target.Lanes(static_cast<int>(facts.bytes * 8));

  const std::vector<ContractionDim>& n = plan.spec.n;
  const bool rows_of_vectors = n.size() == 1 || (!n.empty() && n.back().extent.is_static() &&
                                                 n.back().extent.factor % facts.full_lanes == 0);
  const bool one_row = !spec.needs_indices && IsContiguous(n, /*in_b=*/false, /*in_out=*/true);
  const bool vectors = InnermostIsContiguousInOut(n) && (rows_of_vectors || one_row);
  plan.store_lanes = vectors ? facts.full_lanes : 1;

  ChooseSource(facts, &plan);
  ChooseRegisterTile(facts, target, &plan);
  ChooseTailRows(facts, &plan);
  ChooseBlocks(facts, &plan);
  ChooseSplit(facts, &plan);
  ChooseGridsAndMemory(facts, &plan);
  return plan;
}

}  // namespace stator::compiler
