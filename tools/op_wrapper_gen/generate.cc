#include "tools/op_wrapper_gen/generate.h"

#include <cstdio>
#include <fstream>
#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/substitute.h"
#include "graph/status_macros.h"
#include "tools/op_wrapper_gen/wrapper.h"

namespace stator::tools {
namespace {

// The op that literals make; its wrapper is written out.
constexpr char kConstant[] = "Const";

struct Operator {
  const char* symbol;
  const char* op;
  bool is_binary;
};
constexpr Operator kOperators[] = {
    {"+", "AddV2", true},   {"-", "Sub", true},  {"*", "Mul", true},
    {"/", "RealDiv", true}, {"-", "Neg", false},
};

constexpr char kHere[] = " = std::source_location::current()";

std::string ParamType(const std::string& type) {
  const bool is_small =
      type == "int64_t" || type == "float" || type == "bool" || type == "DataType";
  return is_small ? type : absl::StrCat("const ", type, "&");
}

std::string ResultType(const Wrapper& wrapper) {
  if (wrapper.outputs.empty()) return "Operation";
  if (wrapper.outputs.size() > 1) return wrapper.outputs_struct;
  return wrapper.outputs[0].is_list ? "OutputList" : "Output";
}

std::string Signature(const Wrapper& wrapper, bool with_defaults) {
  std::vector<std::string> params = {"const Scope& scope"};
  for (const Wrapper::Input& input : wrapper.inputs) {
    params.push_back(absl::StrCat("const ", input.is_list ? "InputList& " : "Input& ", input.name));
  }
  for (const Wrapper::Attr& attr : wrapper.required) {
    params.push_back(absl::StrCat(ParamType(attr.type), " ", attr.name));
  }
  if (!wrapper.optional.empty()) {
    params.push_back(
        absl::StrCat("const ", wrapper.attrs_struct, "& attrs", with_defaults ? " = {}" : ""));
  }
  params.push_back(
      absl::StrCat("const std::source_location& location", with_defaults ? kHere : ""));
  return absl::StrCat(ResultType(wrapper), " ", wrapper.function, "(",
                      absl::StrJoin(params, ",\n    "), ")");
}

// Text of unknown make as comment lines.
std::string Comment(const std::string& text) {
  std::string comment;
  for (absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    absl::StrAppend(&comment, "// ", absl::StripTrailingAsciiWhitespace(line), "\n");
  }
  // A backslash at the end would swallow the next line.
  return absl::StrReplaceAll(comment, {{"\\\n", "\n"}});
}

std::string Declaration(const Wrapper& wrapper) {
  std::string text;
  if (!wrapper.optional.empty()) {
    absl::StrAppend(&text, "struct ", wrapper.attrs_struct, " {\n");
    for (const Wrapper::Attr& attr : wrapper.optional) {
      const std::string type =
          attr.is_maybe ? absl::StrCat("std::optional<", attr.type, ">") : attr.type;
      absl::StrAppend(&text, "  ", type, " ", attr.name,
                      attr.initial.empty() ? " = {}" : attr.initial, ";\n");
    }
    absl::StrAppend(&text, "};\n");
  }
  if (wrapper.outputs.size() > 1) {
    absl::StrAppend(&text, "struct ", wrapper.outputs_struct, " {\n");
    for (const Wrapper::Output& output : wrapper.outputs) {
      absl::StrAppend(&text, output.is_list ? "  OutputList " : "  Output ", output.name, ";\n");
    }
    absl::StrAppend(&text, "};\n");
  }
  return absl::StrCat(text, Comment(wrapper.summary), Signature(wrapper, true), ";\n");
}

std::string OutputText(const Wrapper::Output& output) {
  if (output.is_list) return absl::StrCat("operation.outputs(\"", output.arg_name, "\")");
  if (output.after_list) return absl::StrCat("operation.outputs(\"", output.arg_name, "\")[0]");
  return absl::StrCat("operation.output(", output.index, ")");
}

std::string Definition(const Wrapper& wrapper) {
  std::string text = absl::StrCat(Signature(wrapper, false), " {\n  NodeBuilder builder(scope, \"",
                                  wrapper.op, "\", location);\n");
  for (const Wrapper::Input& input : wrapper.inputs) {
    absl::StrAppend(&text, "  builder.", input.is_list ? "InputList(" : "Input(", input.name,
                    ");\n");
  }
  for (const Wrapper::Attr& attr : wrapper.required) {
    absl::StrAppend(&text, "  builder.Attr(\"", attr.op_name, "\", ", attr.name, ");\n");
  }
  for (const Wrapper::Attr& attr : wrapper.optional) {
    const std::string field = absl::StrCat("attrs.", attr.name);
    if (attr.is_maybe) {
      absl::StrAppend(&text, "  if (", field, ") builder.Attr(\"", attr.op_name, "\", *", field,
                      ");\n");
    } else {
      absl::StrAppend(&text, "  builder.Attr(\"", attr.op_name, "\", ", field, ");\n");
    }
  }
  if (wrapper.outputs.empty()) return absl::StrCat(text, "  return builder.Finalize();\n}\n");
  std::vector<std::string> results;
  for (const Wrapper::Output& output : wrapper.outputs) results.push_back(OutputText(output));
  const std::string result = wrapper.outputs.size() == 1
                                 ? results[0]
                                 : absl::StrCat("{", absl::StrJoin(results, ", "), "}");
  return absl::StrCat(text, "  const Operation operation = builder.Finalize();\n  return ", result,
                      ";\n}\n");
}

constexpr char kConstantDeclaration[] =
    R"(// A value of the program. DT_INVALID: the type of the literal.
Output Const(const Scope& scope, const Literal& value, DataType dtype = DT_INVALID,
    const std::source_location& location = std::source_location::current());
Output Const(const Scope& scope, const DenseTensor& value,
    const std::source_location& location = std::source_location::current());
)";

constexpr char kConstantDefinition[] = R"(Output Const(const Scope& scope, const Literal& value,
    DataType dtype, const std::source_location& location) {
  return graph::Constant(scope, value, dtype, location);
}

Output Const(const Scope& scope, const DenseTensor& value,
    const std::source_location& location) {
  return graph::Constant(scope, value, location);
}
)";

std::vector<Operator> PresentOperators(const std::vector<Wrapper>& wrappers) {
  std::vector<Operator> present;
  for (const Operator& op : kOperators) {
    for (const Wrapper& wrapper : wrappers) {
      if (wrapper.op == op.op) present.push_back(op);
    }
  }
  return present;
}

std::string OperatorSignature(const Operator& op) {
  return absl::StrCat("Output operator", op.symbol,
                      op.is_binary ? "(const Operand& x, const Operand& y)" : "(const Operand& x)");
}

std::string OperatorDefinition(const Operator& op) {
  const char* y = op.is_binary ? "y" : "x";
  return absl::Substitute(
      "$0 {\n  const absl::optional<Scope> scope = OperatorScope(x, $1);\n"
      "  return scope ? NodeBuilder(*scope, \"$2\", x.location)$3.Finalize().output(0) : "
      "Output();\n}\n",
      OperatorSignature(op), y, op.op,
      op.is_binary ? ".Input(x.input).Input(y.input)" : ".Input(x.input)");
}

std::string Header(const std::vector<Wrapper>& wrappers, absl::string_view include_path) {
  const std::string guard = absl::StrCat(
      "STATOR_", absl::AsciiStrToUpper(absl::StrReplaceAll(include_path, {{"/", "_"}, {".", "_"}})),
      "_");
  std::string text =
      absl::Substitute(R"(// Generated from the op schemas by tools/op_wrapper_gen. Do not edit.
#ifndef $0
#define $0

#include <cstdint>
#include <limits>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "graph/node_builder.h"
#include "graph/scope.h"

namespace stator::ops {

using graph::DenseTensor;
using graph::Input;
using graph::InputList;
using graph::Literal;
using graph::Operation;
using graph::Output;
using graph::OutputList;
using graph::PartialShape;
using graph::Scope;
)",
                       guard);
  for (const Wrapper& wrapper : wrappers) {
    absl::StrAppend(&text, "\n",
                    wrapper.op == kConstant ? kConstantDeclaration : Declaration(wrapper));
  }
  absl::StrAppend(&text, "\n}  // namespace stator::ops\n\nnamespace stator::graph {\n\n");
  for (const Operator& op : PresentOperators(wrappers)) {
    absl::StrAppend(&text, OperatorSignature(op), ";  // ", op.op, "\n");
  }
  return absl::StrCat(text, "\n}  // namespace stator::graph\n\n#endif  // ", guard, "\n");
}

std::string Source(const std::vector<Wrapper>& wrappers, absl::string_view include_path) {
  std::string text = absl::Substitute(
      "// Generated from the op schemas by tools/op_wrapper_gen. Do not edit.\n#include \"$0\"\n\n"
      "namespace stator::ops {\n\nusing graph::NodeBuilder;\n",
      include_path);
  for (const Wrapper& wrapper : wrappers) {
    absl::StrAppend(&text, "\n",
                    wrapper.op == kConstant ? kConstantDefinition : Definition(wrapper));
  }
  absl::StrAppend(&text, "\n}  // namespace stator::ops\n\nnamespace stator::graph {\n");
  for (const Operator& op : PresentOperators(wrappers)) {
    absl::StrAppend(&text, "\n", OperatorDefinition(op));
  }
  return absl::StrCat(text, "\n}  // namespace stator::graph\n");
}

bool WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file.good()) return true;
  std::cerr << path << ": cannot write\n";
  return false;
}

}  // namespace

absl::StatusOr<OpWrappers> GenerateOpWrappers(const std::vector<OpDef>& ops,
                                              absl::string_view include_path) {
  STATOR_ASSIGN_OR_RETURN(const std::vector<Wrapper> wrappers, MakeWrappers(ops));
  return OpWrappers{Header(wrappers, include_path), Source(wrappers, include_path)};
}

int GenerateOpWrappers(const std::vector<OpDef>& ops, const std::string& header_path,
                       const std::string& source_path, absl::string_view include_path) {
  const absl::StatusOr<OpWrappers> wrappers = GenerateOpWrappers(ops, include_path);
  if (!wrappers.ok()) {
    std::cerr << "op wrappers: " << wrappers.status().message() << "\n";
    return 1;
  }
  return WriteFile(header_path, wrappers->header) && WriteFile(source_path, wrappers->source) ? 0
                                                                                              : 1;
}

}  // namespace stator::tools
