#include "graph/function_calls.h"

#include <algorithm>
#include <unordered_map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"

namespace stator::graph {
namespace {

void AddMentioned(const AttrValue& value, std::vector<std::string>* names);

void AddMentioned(const NameAttrList& function, std::vector<std::string>* names) {
  names->push_back(function.name());
  // The parser bounds how deep attributes nest.
  for (const auto& [name, value] : function.attr()) AddMentioned(value, names);
}

void AddMentioned(const AttrValue& value, std::vector<std::string>* names) {
  if (value.has_func()) AddMentioned(value.func(), names);
  for (const NameAttrList& function : value.list().func()) AddMentioned(function, names);
}

// Depth-first search over the call graph. A function is visited once; its height is then known.
class CallCheck {
 public:
  CallCheck(const FunctionDefLibrary& library, int max_depth) : max_depth_(max_depth) {
    for (const FunctionDef& function : library.function()) {
      functions_[function.signature().name()].def = &function;
    }
  }

  absl::Status Visit(const std::string& name, int* height) {
    const auto it = functions_.find(name);
    if (it == functions_.end()) {  // an op, or a function that someone else reports as missing
      *height = 0;
      return absl::OkStatus();
    }
    Entry& entry = it->second;
    if (entry.height == kOnStack) return Error("expected no recursion", name);
    if (entry.height == kNew) {
      if (static_cast<int>(stack_.size()) >= max_depth_) return TooDeep(name);
      entry.height = kOnStack;
      stack_.push_back(name);
      int highest = 0;
      for (const NodeDef& node : entry.def->node_def()) {
        for (const std::string& callee : MentionedFunctions(node)) {
          int below = 0;
          STATOR_RETURN_IF_ERROR(Visit(callee, &below));
          highest = std::max(highest, below);
        }
      }
      stack_.pop_back();
      entry.height = highest + 1;
    }
    *height = entry.height;
    // A function that was visited from elsewhere may lie deeper on this path.
    if (static_cast<int>(stack_.size()) + entry.height > max_depth_) return TooDeep(name);
    return absl::OkStatus();
  }

 private:
  static constexpr int kNew = -1;
  static constexpr int kOnStack = -2;
  struct Entry {
    const FunctionDef* def = nullptr;
    int height = kNew;
  };

  absl::Status TooDeep(const std::string& name) const {
    return Error(absl::StrCat("expected at most ", max_depth_, " nested calls"), name);
  }

  absl::Status Error(absl::string_view rule, const std::string& name) const {
    // A recursive chain is shown from the first call of the function, a deep one by its ends.
    auto first = std::find(stack_.begin(), stack_.end(), name);
    if (first == stack_.end()) first = stack_.begin();
    std::vector<std::string> chain(first, stack_.end());
    if (chain.size() > 8) {
      chain.erase(chain.begin() + 4, chain.end() - 3);
      chain.insert(chain.begin() + 4, "...");
    }
    chain.push_back(name);
    return absl::InvalidArgumentError(
        absl::StrCat("function '", name, "': ", rule, ", found ", absl::StrJoin(chain, " -> ")));
  }

  int max_depth_;
  std::unordered_map<std::string, Entry> functions_;
  std::vector<std::string> stack_;
};

}  // namespace

std::vector<std::string> MentionedFunctions(const NodeDef& node) {
  std::vector<std::string> names = {node.op()};
  for (const auto& [name, value] : node.attr()) AddMentioned(value, &names);
  std::sort(names.begin() + 1, names.end());  // attributes come in no fixed order
  return names;
}

absl::Status CheckCalls(const FunctionDefLibrary& library, int max_depth) {
  CallCheck check(library, max_depth);
  for (const FunctionDef& function : library.function()) {
    int height = 0;
    STATOR_RETURN_IF_ERROR(check.Visit(function.signature().name(), &height));
  }
  return absl::OkStatus();
}

}  // namespace stator::graph
