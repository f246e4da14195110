#include "distribute/graph_program/program_file.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "proto/saved_model.pb.h"
#include "proto/serialize.h"

namespace stator::distribute {
namespace {

constexpr char kTag[] = "train";

absl::StatusOr<MetaGraphDef> ReadSavedModel(const std::string& file) {
  SavedModel model;
  STATOR_RETURN_IF_ERROR(ParseFile(file, {}, &model));
  std::vector<std::string> all;
  for (MetaGraphDef& meta : *model.mutable_meta_graphs()) {
    for (const std::string& tag : meta.meta_info_def().tags()) {
      if (tag == kTag) return std::move(meta);
    }
    all.push_back(absl::StrCat("[", absl::StrJoin(meta.meta_info_def().tags(), ", "), "]"));
  }
  if (model.meta_graphs_size() == 1) return std::move(*model.mutable_meta_graphs(0));
  return absl::InvalidArgumentError(
      absl::StrCat(file, ": expected one graph, or one that is tagged '", kTag, "', found ",
                   all.size(), " with tags ", absl::StrJoin(all, ", ")));
}

}  // namespace

absl::StatusOr<MetaGraphDef> ReadProgramFile(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    for (const char* name : {"saved_model.pb", "saved_model.pbtxt"}) {
      const std::string file = absl::StrCat(path, "/", name);
      if (std::filesystem::exists(file, error)) return ReadSavedModel(file);
    }
    return absl::NotFoundError(absl::StrCat(
        path, ": expected the folder of a SavedModel, found no saved_model.pb or .pbtxt in it"));
  }
  const std::string name = std::filesystem::path(path).filename();
  if (absl::StartsWith(name, "saved_model.")) return ReadSavedModel(path);
  MetaGraphDef meta;
  STATOR_RETURN_IF_ERROR(ParseFile(path, {}, &meta));
  if (meta.signature_def().empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path,
        ": expected a MetaGraphDef with signatures, which say what a step is fed, found "
        "none; a GraphDef alone does not have them"));
  }
  return meta;
}

}  // namespace stator::distribute
