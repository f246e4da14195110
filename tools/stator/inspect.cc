// stator inspect: what is in a graph or in a compiled image.
#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "executable/image_view.h"
#include "executable/printer.h"
#include "executable/verifier.h"
#include "formats/file.h"
#include "graph/graph.h"
#include "graph/status_macros.h"
#include "runtime/session/status.h"
#include "tools/stator/command.h"
#include "tools/stator/graph_file.h"
#include "tools/stator/graph_summary.h"
#include "tools/stator/image_json.h"

namespace stator::tools {
namespace {

constexpr int64_t kMaxFileBytes = int64_t{8} << 30;

struct InspectFlags {
  std::string file;
  bool nodes = false;
  bool json = false;
};

absl::Status InspectGraph(const InspectFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const graph::Graph graph,
                          LoadGraph(flags.file, /*allow_unknown_ops=*/true));
  const std::string text =
      flags.json ? GraphJson(graph, flags.nodes) + "\n" : GraphText(graph, flags.nodes);
  std::printf("%s", text.c_str());
  return absl::OkStatus();
}

absl::Status InspectImage(const InspectFlags& flags, const std::string& bytes) {
  // The reader wants aligned bytes.
  const std::unique_ptr<uint64_t[]> aligned(new uint64_t[bytes.size() / 8 + 2]);
  auto* data = reinterpret_cast<uint8_t*>(aligned.get());
  if (reinterpret_cast<uintptr_t>(data) % 16 != 0) data += 8;
  std::memcpy(data, bytes.data(), bytes.size());
  STATOR_ASSIGN_OR_RETURN(const executable::ImageView view,
                          runtime::ToAbsl(executable::VerifyImage(data, bytes.size())));
  if (flags.json) {
    std::printf("%s\n", ImageJson(view).c_str());
    return absl::OkStatus();
  }
  std::printf("image: %lld bytes of code, %lld of constants\n",
              static_cast<long long>(view.code_size), static_cast<long long>(view.constants_size));
  std::printf("%s", executable::PrintImage(view.plan).c_str());
  return absl::OkStatus();
}

absl::Status Inspect(const InspectFlags& flags) {
  STATOR_ASSIGN_OR_RETURN(const std::string bytes, formats::ReadFile(flags.file, kMaxFileBytes));
  const size_t magic = sizeof(executable::kImageMagic);
  if (bytes.size() >= magic && std::memcmp(bytes.data(), executable::kImageMagic, magic) == 0) {
    return InspectImage(flags, bytes);
  }
  return InspectGraph(flags);
}

}  // namespace

Command AddInspect(CLI::App& app) {
  const auto flags = std::make_shared<InspectFlags>();
  CLI::App* inspect = app.add_subcommand("inspect", "Shows what is in a graph or an image.");
  inspect->add_option("FILE", flags->file, "GraphDef (.pb, .pbtxt), or an image that `opt` wrote")
      ->required()
      ->check(CLI::ExistingFile);
  inspect->add_flag("--nodes", flags->nodes, "list all nodes of a graph");
  inspect->add_flag("--json", flags->json, "print one JSON object");
  return {inspect, [flags] { return Inspect(*flags); }};
}

}  // namespace stator::tools
