// stator ops: which ops there are, and what each looks like.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "graph/op_schema.h"
#include "proto/json_text.h"
#include "proto/serialize.h"
#include "stator.h"
#include "tools/stator/command.h"

namespace stator::tools {
namespace {

struct OpsFlags {
  std::string name;
  bool json = false;
};

absl::Status List(const OpsFlags& flags) {
  if (!flags.name.empty()) {
    const OpDef* op = Ops().Find(flags.name);
    if (op == nullptr) return absl::NotFoundError("there is no op '" + flags.name + "'");
    std::printf("%s", PrintText(*op).c_str());
    return absl::OkStatus();
  }
  bool first = true;
  for (const OpDef* op : Ops().List()) {
    if (flags.json) {
      std::printf("%s{\"name\": %s, \"summary\": %s}", first ? "[" : ",\n ",
                  JsonQuote(op->name()).c_str(), JsonQuote(op->summary()).c_str());
    } else {
      std::printf("%s%s%s\n", op->name().c_str(), op->summary().empty() ? "" : "  ",
                  op->summary().c_str());
    }
    first = false;
  }
  if (flags.json) std::printf("%s]\n", first ? "[" : "");
  return absl::OkStatus();
}

}  // namespace

Command AddOps(CLI::App& app) {
  const auto flags = std::make_shared<OpsFlags>();
  CLI::App* ops = app.add_subcommand("ops", "Lists the ops, or shows one.");
  ops->add_option("NAME", flags->name, "print this op's schema");
  ops->add_flag("--json", flags->json, "names and summaries as a JSON array");
  return {ops, [flags] { return List(*flags); }};
}

}  // namespace stator::tools
