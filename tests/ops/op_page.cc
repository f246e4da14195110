#include "tests/ops/op_page.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "graph/data_type.h"

namespace stator::tests {
namespace {

constexpr char kFront[] = R"(# Ops

Generated from the op registry by `bazel run //tests/ops:write_page`; a test fails when it is stale. Schemas are
TensorFlow's. For each op the page says what was found by trying it on every type that its schema admits and machines
compute with (complex, quantized and string types are not among these):

- **types**: those types; `-` for an op without a type to choose.
- **interpreter**: where the reference interpreter runs it.
- **code**: where it compiles, runs, and gives the interpreter's bits.
- **gradient**: whether reverse mode passes through it; empty where there is nothing to differentiate.

`all` stands for all of the op's types. `host` marks an op that is a C++ function at run time, tested on its own.

| op | what it gives | types | interpreter | code | gradient |
| --- | --- | --- | --- | --- | --- |
)";

template <typename Works>
std::string TypesWhere(const OpCoverage& coverage, Works works) {
  std::vector<std::string> names;
  for (const TypeCoverage& type : coverage.types) {
    if (works(type)) names.push_back(graph::DataTypeName(type.type));
  }
  if (names.empty()) return "no";
  if (names.size() == coverage.types.size()) {
    return coverage.types[0].type == DT_INVALID ? "yes" : "all";
  }
  return absl::StrJoin(names, " ");
}

bool IsHost(const OpCoverage& coverage) {
  return std::all_of(coverage.types.begin(), coverage.types.end(), [](const TypeCoverage& type) {
    return type.expands.ok() && type.interpreted.message().find("host") != absl::string_view::npos;
  });
}

std::string TypeNames(const OpCoverage& coverage) {
  if (coverage.types.size() == 1 && coverage.types[0].type == DT_INVALID) return "-";
  std::vector<std::string> names;
  for (const TypeCoverage& type : coverage.types) names.push_back(graph::DataTypeName(type.type));
  return absl::StrJoin(names, " ");
}

std::string GradientText(Gradient gradient) {
  if (gradient == Gradient::kNone) return "";
  return gradient == Gradient::kDerived ? "yes" : "no";
}

// A summary inside a table.
std::string Cell(const std::string& text) { return absl::StrReplaceAll(text, {{"|", "\\|"}}); }

}  // namespace

std::string OpPage(const std::vector<OpCoverage>& ops) {
  std::string page = kFront;
  for (const OpCoverage& op : ops) {
    const bool host = IsHost(op);
    const std::string interpreted =
        host ? "host" : TypesWhere(op, [](const TypeCoverage& t) { return t.interpreted.ok(); });
    const std::string compiled = host ? "host" : TypesWhere(op, [](const TypeCoverage& t) {
      return t.compiled.ok() && t.interpreted.ok() && t.difference.empty();
    });
    absl::StrAppend(&page, "| ", op.op->name(), " | ", Cell(op.op->summary()), " | ", TypeNames(op),
                    " | ", interpreted, " | ", compiled, " | ", GradientText(op.gradient), " |\n");
  }
  return page;
}

}  // namespace stator::tests
