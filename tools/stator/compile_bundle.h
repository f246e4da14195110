// Graphs compiled into bundles: what `stator compile` does once its flags are parsed.
#ifndef STATOR_TOOLS_STATOR_COMPILE_BUNDLE_H_
#define STATOR_TOOLS_STATOR_COMPILE_BUNDLE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "executable/image_model.h"
#include "runtime/core/tensor.h"
#include "tools/stator/bundle_file.h"

namespace stator::tools {

// An entry point by the names of its tensors. With a signature, these come from the SavedModel.
struct EntryFlags {
  std::string name;
  std::string signature;
  std::vector<std::string> feeds;
  std::vector<std::string> fetches;
  std::vector<std::string> targets;  // nodes to run for their effect
};

struct CompileFlags {
  std::string graph;       // GraphDef, or the folder of a SavedModel
  std::string checkpoint;  // prefix; empty: a SavedModel's own, or none
  std::vector<EntryFlags> entries;
  std::vector<std::string> targets = {"x86-64-v4", "x86-64-v3"};  // CPUs, best first
  std::vector<std::string> symbols;  // "x:0[0]=batch", "x:0[0]=batch,1..64" or "x:0[0]=batch,1.."
  bool fixed_weights = false;
  bool pack_weights = true;  // see compiler::BundleOptions
  bool strip = false;
  std::vector<std::string> samples;  // "TENSOR=FILE.npy", inputs of the first entry point
};

// "NAME [feed=TENSOR,...] [fetch=TENSOR,...] [run=NODE,...] [signature=KEY]".
absl::StatusOr<EntryFlags> ParseEntry(const std::string& text);

// One model per target, with initial values and samples.
absl::StatusOr<std::vector<executable::ImageModel>> CompileBundle(const CompileFlags& flags);

// The same, loaded, for a run on this machine.
absl::StatusOr<BundleProgram> CompileProgram(CompileFlags flags, int threads);

// Every node that cannot be compiled, one a line: "node: why". Empty if all can.
absl::StatusOr<std::vector<std::string>> CheckGraph(const CompileFlags& flags);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_STATOR_COMPILE_BUNDLE_H_
