#include "graph/graph_order.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <queue>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace stator::graph {
namespace {

template <typename Visit>
void ForEachSource(const Node& node, const Visit& visit) {
  for (const Endpoint& input : node.inputs()) visit(input.node);
  for (const int control : node.control_inputs()) visit(control);
}

// Every node that is left waits for another that is left: following such inputs must come round.
absl::Status CycleError(const Graph& graph, const std::vector<int>& waiting) {
  int at = static_cast<int>(
      std::find_if(waiting.begin(), waiting.end(), [](int n) { return n > 0; }) - waiting.begin());
  std::vector<int> path;
  std::vector<int> position(waiting.size(), -1);
  while (position[at] < 0) {
    position[at] = static_cast<int>(path.size());
    path.push_back(at);
    int next = -1;
    ForEachSource(graph.node(at), [&](int source) {
      if (next < 0 && waiting[source] > 0) next = source;
    });
    at = next;
  }
  path.erase(path.begin(), path.begin() + position[at]);
  std::reverse(path.begin(), path.end());  // in the direction of the data
  std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
  path.push_back(path.front());
  constexpr size_t kShown = 20;
  const size_t hidden = path.size() > kShown ? path.size() - kShown : 0;
  path.resize(path.size() - hidden);
  std::string text = absl::StrJoin(path, " -> ", [&](std::string* out, int id) {
    absl::StrAppend(out, "'", graph.node(id).name(), "'");
  });
  if (hidden > 0) absl::StrAppend(&text, " -> ... (", hidden, " more)");
  return graph.node(path.front())
      .Annotate(absl::InvalidArgumentError(
          absl::StrCat("expected a graph without cycles, found ", text)));
}

}  // namespace

absl::StatusOr<std::vector<int>> TopologicalOrder(const Graph& graph, absl::Span<const int> nodes) {
  std::vector<bool> wanted(graph.num_nodes(), false);
  for (const int id : nodes) wanted[id] = true;
  std::vector<int> waiting(graph.num_nodes(), 0);  // inputs that have not come yet
  std::vector<std::vector<int>> users(graph.num_nodes());
  std::priority_queue<int, std::vector<int>, std::greater<int>> ready;
  for (const int id : nodes) {
    ForEachSource(graph.node(id), [&](int source) {
      if (!wanted[source]) return;
      ++waiting[id];
      users[source].push_back(id);
    });
    if (waiting[id] == 0) ready.push(id);
  }
  std::vector<int> order;
  order.reserve(nodes.size());
  while (!ready.empty()) {
    const int id = ready.top();
    ready.pop();
    order.push_back(id);
    for (const int user : users[id]) {
      if (--waiting[user] == 0) ready.push(user);
    }
  }
  if (order.size() < nodes.size()) return CycleError(graph, waiting);
  return order;
}

absl::StatusOr<std::vector<int>> TopologicalOrder(const Graph& graph) {
  std::vector<int> all(graph.num_nodes());
  std::iota(all.begin(), all.end(), 0);
  return TopologicalOrder(graph, all);
}

}  // namespace stator::graph
