#include "tools/stator/graph_file.h"

#include "graph/prune.h"
#include "graph/status_macros.h"
#include "proto/graph.pb.h"
#include "proto/serialize.h"
#include "stator.h"

namespace stator::tools {
namespace {

std::string FullName(const graph::Graph& graph, const graph::Endpoint& endpoint) {
  return graph.node(endpoint.node).name() + ":" + std::to_string(endpoint.index);
}

}  // namespace

absl::StatusOr<graph::Graph> LoadGraph(const std::string& path, bool allow_unknown_ops) {
  GraphDef def;
  STATOR_RETURN_IF_ERROR(ParseFile(path, {}, &def));
  graph::ImportOptions options;
  options.allow_unknown_ops = allow_unknown_ops;
  return graph::Graph::FromGraphDef(std::move(def), &Ops(), options);
}

absl::StatusOr<executable::CompileRequest> MakeRequest(const graph::Graph& graph,
                                                       const std::vector<std::string>& feeds,
                                                       const std::vector<std::string>& fetches,
                                                       const std::vector<std::string>& targets) {
  STATOR_ASSIGN_OR_RETURN(const graph::PrunedGraph pruned,
                          graph::Prune(graph, feeds, fetches, targets));
  executable::CompileRequest request;
  for (const graph::Endpoint& feed : pruned.feeds) {
    executable::FeedSpec spec;
    spec.name = FullName(graph, feed);
    spec.dtype =
        static_cast<executable::DType>(graph.node(feed.node).output_types()[feed.index] % 100);
    request.feeds.push_back(std::move(spec));
  }
  for (const graph::Endpoint& fetch : pruned.fetches) {
    request.fetches.push_back(FullName(graph, fetch));
  }
  for (const int target : pruned.targets) request.targets.push_back(graph.node(target).name());
  return request;
}

}  // namespace stator::tools
