#include "tools/stator/graph_file.h"

#include <sys/stat.h>

#include "absl/strings/str_cat.h"
#include "formats/tensor_bundle.h"
#include "graph/prune.h"
#include "graph/status_macros.h"
#include "proto/graph.pb.h"
#include "proto/saved_model.pb.h"
#include "proto/serialize.h"
#include "proto/trackable_object_graph.pb.h"
#include "stator.h"

namespace stator::tools {
namespace {

std::string FullName(const graph::Graph& graph, const graph::Endpoint& endpoint) {
  return graph.node(endpoint.node).name() + ":" + std::to_string(endpoint.index);
}

absl::StatusOr<graph::Graph> MakeGraph(GraphDef def, bool allow_unknown_ops) {
  graph::ImportOptions options;
  options.allow_unknown_ops = allow_unknown_ops;
  return graph::Graph::FromGraphDef(std::move(def), &Ops(), options);
}

absl::StatusOr<MetaGraphDef> ChooseMetaGraph(const std::string& folder) {
  SavedModel model;
  STATOR_RETURN_IF_ERROR(ParseFile(folder + "/saved_model.pb", {}, &model));
  for (MetaGraphDef& meta : *model.mutable_meta_graphs()) {
    for (const std::string& tag : meta.meta_info_def().tags()) {
      if (tag == "serve") return std::move(meta);
    }
  }
  if (model.meta_graphs_size() == 1) return std::move(*model.mutable_meta_graphs(0));
  return absl::NotFoundError(absl::StrCat(folder, ": none of its ", model.meta_graphs_size(),
                                          " graphs is tagged 'serve'"));
}

// Checkpoints of objects name tensors by paths; the object graph inside tells the variables' names.
absl::StatusOr<std::map<std::string, std::string>> ObjectKeys(const std::string& prefix) {
  std::map<std::string, std::string> keys;
  STATOR_ASSIGN_OR_RETURN(const formats::BundleReader reader, formats::BundleReader::Open(prefix));
  constexpr char kObjectGraph[] = "_CHECKPOINTABLE_OBJECT_GRAPH";
  if (!reader.Find(kObjectGraph).ok()) return keys;
  STATOR_ASSIGN_OR_RETURN(const std::vector<std::string> text, reader.ReadStrings(kObjectGraph));
  TrackableObjectGraph objects;
  if (text.size() != 1 || !objects.ParseFromString(text[0])) {
    return absl::DataLossError(absl::StrCat(prefix, ": the object graph does not parse"));
  }
  for (const auto& node : objects.nodes()) {
    for (const auto& attribute : node.attributes()) {
      if (!attribute.full_name().empty()) keys[attribute.full_name()] = attribute.checkpoint_key();
    }
  }
  return keys;
}

}  // namespace

bool IsFolder(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

absl::StatusOr<GraphFile> LoadGraphFile(const std::string& path, bool allow_unknown_ops) {
  if (!IsFolder(path)) {
    STATOR_ASSIGN_OR_RETURN(graph::Graph graph, LoadGraph(path, allow_unknown_ops));
    return GraphFile{std::move(graph), {}, {}, {}};
  }
  STATOR_ASSIGN_OR_RETURN(MetaGraphDef meta, ChooseMetaGraph(path));
  STATOR_ASSIGN_OR_RETURN(
      graph::Graph graph,
      MakeGraph(std::move(*meta.mutable_graph_def()), allow_unknown_ops));
  GraphFile file{std::move(graph), {}, {}, {}};
  file.signatures.insert(meta.signature_def().begin(), meta.signature_def().end());
  const std::string prefix = path + "/variables/variables";
  if (struct stat info; stat((prefix + ".index").c_str(), &info) == 0) {
    file.checkpoint = prefix;
    STATOR_ASSIGN_OR_RETURN(file.checkpoint_keys, ObjectKeys(prefix));
  }
  return file;
}

std::string SignatureNames(const GraphFile& file) {
  std::string names;
  for (const auto& [key, signature] : file.signatures) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", key);
  }
  return names.empty() ? "none" : names;
}

absl::StatusOr<NamedSignature> FindSignature(const GraphFile& file, const std::string& name) {
  const auto found = file.signatures.find(name);
  if (found == file.signatures.end()) {
    return absl::NotFoundError(
        absl::StrCat("there is no signature '", name, "'; there are: ", SignatureNames(file)));
  }
  NamedSignature out;
  const std::map<std::string, TensorInfo> inputs(found->second.inputs().begin(),
                                                 found->second.inputs().end());
  const std::map<std::string, TensorInfo> outputs(found->second.outputs().begin(),
                                                  found->second.outputs().end());
  for (const auto& [key, tensor] : inputs) out.inputs.emplace_back(key, tensor.name());
  for (const auto& [key, tensor] : outputs) out.outputs.emplace_back(key, tensor.name());
  return out;
}

absl::StatusOr<graph::Graph> LoadGraph(const std::string& path, bool allow_unknown_ops) {
  GraphDef def;
  STATOR_RETURN_IF_ERROR(ParseFile(path, {}, &def));
  return MakeGraph(std::move(def), allow_unknown_ops);
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
