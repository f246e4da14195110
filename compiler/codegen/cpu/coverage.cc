#include "compiler/codegen/cpu/coverage.h"

#include <algorithm>

namespace stator::compiler {
namespace {

using Names = std::vector<std::string_view>;

// Primitives that are lowered for the same element types.
struct Group {
  std::string_view title;
  Names elements;
  Names primitives;
};

const std::vector<Group>& Groups() {
  static const Names& all = KernelElements();
  static const Names floats = {"f16", "bf16", "f32", "f64"};
  static const Names integers = {"i1", "i8", "i16", "i32", "i64", "ui8", "ui16", "ui32", "ui64"};
  static const Names numbers = {"f16", "bf16", "f32", "f64", "i8", "i16", "i32", "i64",
                                "ui8", "ui16", "ui32", "ui64"};
  static const std::vector<Group> groups = {
      {"arithmetic", all,
       {"abs", "negate", "sign", "add", "subtract", "multiply", "maximum", "minimum", "compare",
        "select", "clamp", "convert", "bitcast_convert"}},
      {"division and powers", numbers, {"divide", "remainder", "power"}},
      {"functions", floats,
       {"exponential", "exponential_minus_one", "log", "log_plus_one", "sqrt", "rsqrt", "cbrt",
        "sine", "cosine", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh", "tanh", "asinh",
        "acosh", "atanh", "logistic", "erf", "erfc", "erf_inv", "lgamma", "digamma", "floor", "ceil",
        "round_nearest_even", "round_nearest_afz", "is_finite"}},
      {"bits", integers,
       {"not", "and", "or", "xor", "popcnt", "count_leading_zeros", "shift_left",
        "shift_right_arithmetic", "shift_right_logical"}},
      {"shape", all,
       {"constant", "broadcast_in_dim", "reshape", "transpose", "slice", "dynamic_slice",
        "dynamic_update_slice", "pad", "concatenate", "reverse", "gather", "scatter", "compact",
        "assume_dims", "stop_gradient", "optimization_barrier"}},
      {"known values", {"i32", "i64"}, {"dim_values"}},
      {"positions", numbers, {"iota"}},
      {"contractions", numbers, {"dot_general", "convolution"}},
      {"reductions and orders", all, {"reduce", "reduce_window", "cumulative", "sort", "top_k"}},
      {"gradient of pools", numbers, {"select_and_scatter"}},
      {"random", {"ui32", "ui64"}, {"rng_bits"}},
  };
  return groups;
}

bool Contains(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const Names& KernelElements() {
  static const Names elements = {"i1",  "f16", "bf16", "f32",  "f64",  "i8",  "i16",
                                 "i32", "i64", "ui8",  "ui16", "ui32", "ui64"};
  return elements;
}

Names KernelPrimitives() {
  Names names;
  for (const Group& group : Groups()) {
    names.insert(names.end(), group.primitives.begin(), group.primitives.end());
  }
  return names;
}

bool IsLowered(std::string_view primitive, std::string_view element) {
  for (const Group& group : Groups()) {
    if (Contains(group.primitives, primitive)) return Contains(group.elements, element);
  }
  return false;
}

std::string CoverageTable() {
  std::string text =
      "# Primitives on the CPU\n\n"
      "Which primitives of the core dialect become machine code, by element type. Written by\n"
      "`bazel run //compiler/codegen/cpu:coverage_table`; a test compiles and runs every entry and\n"
      "compares it with the reference interpreter. What is missing is refused with a status that\n"
      "names the op, the element type and the source node. Control flow, state, lists and host calls\n"
      "are steps of the plan, not kernels.\n";
  for (const Group& group : Groups()) {
    text += "\n## " + std::string(group.title) + "\n\n| primitive |";
    for (std::string_view element : KernelElements()) text += " " + std::string(element) + " |";
    text += "\n| --- |";
    for (size_t i = 0; i < KernelElements().size(); ++i) text += " --- |";
    for (std::string_view primitive : group.primitives) {
      text += "\n| " + std::string(primitive) + " |";
      for (std::string_view element : KernelElements()) {
        text += IsLowered(primitive, element) ? " yes |" : " – |";
      }
    }
    text += "\n";
  }
  return text;
}

}  // namespace stator::compiler
