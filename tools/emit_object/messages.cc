#include "tools/emit_object/messages.h"

#include "executable/printer.h"
#include "tools/emit_object/code_text.h"
#include "tools/emit_object/identifiers.h"

namespace stator::tools {
namespace {

std::string Text(const executable::ImageModel& model, executable::Code code, int32_t node,
                 const std::string& text) {
  std::string out = std::string(executable::CodeName(code)) + ": ";
  const std::string where = executable::PrintNode(model, node);
  if (!where.empty()) out += "node " + where + ": ";
  return out + text;
}

}  // namespace

Messages::Messages(const executable::ImageModel* model) : model_(*model) {
  for (const executable::CheckInfo& check : model_.checks) {
    Append(Text(model_, check.code, check.source_node, check.message));
  }
}

int Messages::Append(std::string text) {
  texts_.push_back(std::move(text));
  return kFirst + static_cast<int>(texts_.size()) - 1;
}

int Messages::Add(executable::Code code, int32_t node, const std::string& text) {
  const std::string full = Text(model_, code, node, text);
  const auto [it, inserted] = codes_.emplace(full, 0);
  if (inserted) it->second = Append(full);
  return it->second;
}

std::string Messages::Function() const {
  CodeText code;
  code.Line("// What a code of `run` or `init` means.");
  code.Open("inline const char* message(int code) {");
  code.Open("switch (code) {");
  const auto add = [&](int number, const std::string& text) {
    code.Line("case " + std::to_string(number) + ":");
    code.Line("  return " + StringLiteral(text) + ";");
  };
  add(kOk, "OK");
  add(kBadSize, "InvalidArgument: a size is negative or does not fit 64 bits");
  add(kBadScratch, "InvalidArgument: scratch memory is missing or not aligned");
  add(kNoState, "InvalidArgument: `state` is null");
  add(kNoInit, "FailedPrecondition: `init` has not run");
  add(kInternal, "Internal: a step found sizes that the compiler had excluded");
  for (size_t i = 0; i < texts_.size(); ++i) add(kFirst + static_cast<int>(i), texts_[i]);
  code.Line("default:");
  code.Line("  return \"no such code\";");
  code.Close();
  code.Close();
  return code.Take();
}

}  // namespace stator::tools
