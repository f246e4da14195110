// What the steps of a block do to memory, and what of them an object cannot express.
#ifndef STATOR_TOOLS_EMIT_OBJECT_USES_H_
#define STATOR_TOOLS_EMIT_OBJECT_USES_H_

#include <climits>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "executable/image_model.h"
#include "executable/status.h"
#include "executable/verifier.h"

namespace stator::tools {

// Reasons why an image cannot become an object, all of them, each once.
class Problems {
 public:
  explicit Problems(const executable::ImageModel* model) : model_(*model) {}
  void Add(const executable::Step& step, const std::string& what) {
    AddNode(NodeOf(step), executable::StepKindName(step.kind()), what);
  }
  // `name` stands for what has no node.
  void AddNode(int32_t node, const std::string& name, const std::string& what);
  // Unimplemented, or OK when there are none.
  executable::Status ToStatus() const;

  // The step's node or, for a launch, the first of its nodes; kNone for neither.
  static int32_t NodeOf(const executable::Step& step);

 private:
  const executable::ImageModel& model_;
  std::vector<std::string> texts_;
};

// A buffer as bytes from the start of the buffer that owns its memory.
struct Place {
  int32_t root = executable::kNone;
  std::vector<int32_t> offsets;  // expressions; their sum
};
// Follows views and in-place chains.
Place PlaceOf(const executable::ImageModel& model, int32_t buffer);

// Of a root: the waves in which steps touch it. A loop touches what is in it until its last wave.
struct RootUse {
  int32_t last_read = -1;
  int32_t first_write = INT_MAX;
  bool may_fail_writing = false;  // some writer may stop half way
};

struct BlockUses {
  std::map<int32_t, RootUse> roots;
  std::set<int32_t> dynamic_symbols;  // bound by steps or loops
  std::set<int32_t> exchanged;        // roots that loops carry: their address changes
  std::vector<executable::CarriedPair> pairs;
};

// Walks the block and all that is nested in it. Problems are added, and not walked into.
BlockUses FindUses(const executable::ImageModel& model, int32_t block, Problems* problems);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_USES_H_
