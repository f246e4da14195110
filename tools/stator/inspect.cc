// stator inspect: what is in a graph or in a compiled image.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "executable/image_view.h"
#include "executable/printer.h"
#include "executable/verifier.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "runtime/core/mapped_image.h"
#include "runtime/session/status.h"
#include "tools/stator/bundle_file.h"
#include "tools/stator/command.h"
#include "tools/stator/graph_file.h"
#include "tools/stator/graph_summary.h"
#include "tools/stator/image_json.h"
#include "tools/stator/image_summary.h"

namespace stator::tools {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{8} << 30;

struct InspectFlags {
  std::string file;
  bool nodes = false;
  bool plan = false;
  bool json = false;
};

absl::Status InspectGraph(const InspectFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const GraphFile graph,
                          LoadGraphFile(flags.file, /*allow_unknown_ops=*/true));
  const std::string text =
      flags.json ? GraphJson(graph, flags.nodes) + "\n" : GraphText(graph, flags.nodes);
  std::printf("%s", text.c_str());
  return absl::OkStatus();
}

struct Free {
  void operator()(uint8_t* memory) const { std::free(memory); }
};

// A file's bytes, aligned as the reader of images wants them.
struct AlignedFile {
  std::unique_ptr<uint8_t, Free> data;
  size_t size = 0;
};

absl::StatusOr<AlignedFile> ReadAligned(const std::string& path) {
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, formats::ReadFile(path, kMaxFileBytes));
  AlignedFile file;
  file.size = bytes.size();
  file.data.reset(static_cast<uint8_t*>(std::aligned_alloc(64, bytes.size() / 64 * 64 + 64)));
  if (file.data == nullptr) return absl::ResourceExhaustedError("no memory for " + path);
  std::memcpy(file.data.get(), bytes.data(), bytes.size());
  return file;
}

absl::Status InspectImage(const InspectFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const AlignedFile file, ReadAligned(flags.file));
  STATOR_ASSIGN_OR_RETURN(const executable::ImageHeader header,
                          runtime::ToAbsl(executable::ReadHeader(file.data.get(), file.size)));
  AlignedFile weights;
  executable::ReadOptions options;
  if ((header.flags & executable::kExternalConstants) != 0) {
    STATOR_ASSIGN_OR_RETURN(weights, ReadAligned(flags.file + ".weights"));
    options.external_constants = weights.data.get();
    options.external_constants_size = weights.size;
  }
  STATOR_ASSIGN_OR_RETURN(
      const executable::ImageView view,
      runtime::ToAbsl(executable::VerifyImage(file.data.get(), file.size, options)));
  if (flags.json) {
    std::printf("%s\n", ImageJson(view).c_str());
    return absl::OkStatus();
  }
  std::printf("%s", ImageTitle(view).c_str());
  for (const executable::Target& target : view.targets) {
    const executable::Status runs = runtime::CheckTarget(target);
    std::printf("target %s: %s\n", target.name.c_str(),
                runs.ok() ? "runs on this machine" : runs.message().c_str());
  }
  std::printf("%s", ImageSummary(view).c_str());
  if (flags.plan) std::printf("plan:\n%s", executable::PrintImage(view.plan).c_str());
  return absl::OkStatus();
}

absl::Status Inspect(const InspectFlags& flags) {
  return IsImageFile(flags.file) ? InspectImage(flags) : InspectGraph(flags);
}

}  // namespace

Command AddInspect(CLI::App& app) {
  const auto flags = std::make_shared<InspectFlags>();
  CLI::App* inspect = app.add_subcommand("inspect", "Shows what is in a graph or a bundle.");
  inspect->add_option("FILE", flags->file, "GraphDef (.pb, .pbtxt), a SavedModel's folder, or a bundle")
      ->required()
      ->check(CLI::ExistingPath);
  inspect->add_flag("--nodes", flags->nodes, "list all nodes of a graph");
  inspect->add_flag("--plan", flags->plan, "list kernels, buffers and steps of a bundle");
  inspect->add_flag("--json", flags->json, "print one JSON object");
  return {inspect, [flags] { return Inspect(*flags); }};
}

}  // namespace stator::tools
