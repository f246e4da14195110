// How a session asks for an executable without knowing the compiler. `//:stator` supplies the
// implementation; a bundle has none.
#ifndef STATOR_EXECUTABLE_COMPILE_H_
#define STATOR_EXECUTABLE_COMPILE_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "executable/dtype.h"
#include "executable/status.h"

namespace stator::executable {

// What is known of a fed tensor before any run.
struct FeedSpec {
  std::string name;  // "x:0"
  DType dtype = DType::kInvalid;
  // The graph's own knowledge (a placeholder's shape) is added by the compiler; -1 = unknown dim.
  bool rank_known = false;
  std::vector<int64_t> dims;
};

// A compile variant's assumption: dimension `dim` of feed or variable `tensor` is `value`.
// Written "x:0[0]=1".
struct SymbolFact {
  std::string tensor;
  int32_t dim = 0;
  int64_t value = 0;
  bool operator==(const SymbolFact&) const = default;
  std::string ToString() const {
    return tensor + "[" + std::to_string(dim) + "]=" + std::to_string(value);
  }
};

// A name for an unknown dimension of a fed tensor, and what its values will be. Dimensions of one name
// are one symbol: a run with unequal sizes is refused.
struct SymbolSpec {
  std::string tensor;
  int32_t dim = 0;
  std::string name;  // a letter or '_', then letters, digits, '_', '.'
  int64_t min = 0;
  int64_t max = INT64_MAX;
};

// What is known of a variable that the session already holds: its current shape. A compiler may use
// it where the graph alone leaves a shape open, and records it as dims of the entry's Variable.
struct VariableSpec {
  std::string name;
  DType dtype = DType::kInvalid;
  std::vector<int64_t> dims;
};

struct CompileOptions {
  int32_t num_threads = 0;                   // the compiler's own; 0: as many as the machine gives
  std::string cpu;                           // empty: this machine
  std::map<std::string, std::string> extra;  // "effort" = "0", "dump_dir" = ...
};

struct CompileRequest {
  std::vector<FeedSpec> feeds;       // in the caller's order: feed i of the entry point
  std::vector<std::string> fetches;  // "node:k", in the caller's order
  std::vector<std::string> targets;  // node names, run for their effects
  std::vector<SymbolFact> facts;
  std::vector<SymbolSpec> symbols;
  std::vector<VariableSpec> variables;
  CompileOptions options;
};

struct CompiledImage {
  std::vector<uint8_t> bytes;  // a whole image with one entry point, named "main"
  std::vector<std::pair<std::string, int64_t>> stage_ns;  // how long each stage took
};

// Bound to one graph when it is made. The graph may have grown between two calls. Compile may be
// called from one thread at a time.
class Compiler {
 public:
  virtual ~Compiler() = default;
  virtual Result<CompiledImage> Compile(const CompileRequest& request) = 0;
};

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_COMPILE_H_
