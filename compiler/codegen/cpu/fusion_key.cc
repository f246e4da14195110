#include <cctype>
#include <string>

#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/compile_fusion.h"
#include "compiler/dialect/dim_expr_parse.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/raw_ostream.h"

namespace stator::compiler {
namespace {

using core::DimExpr;

class KeyWriter {
 public:
  std::string Write(core::FusionOp fusion) {
    absl::StrAppend(&key_, fusion.getKind().str(), "(");
    for (mlir::Value argument : fusion.getBody().front().getArguments()) Define(argument);
    absl::StrAppend(&key_, ")\n");
    for (mlir::Operation& op : fusion.getBody().front()) WriteOp(op);
    return key_ + facts_;
  }

 private:
  void Define(mlir::Value value) {
    absl::StrAppend(&key_, "%", numbers_.size(), ":");
    numbers_[value] = static_cast<int>(numbers_.size());
    WriteType(value.getType());
    absl::StrAppend(&key_, " ");
  }

  void WriteType(mlir::Type type) {
    auto tensor = mlir::cast<mlir::RankedTensorType>(type);
    std::string element;
    llvm::raw_string_ostream stream(element);
    tensor.getElementType().print(stream);
    absl::StrAppend(&key_, element);
    WriteDims(core::DimsOf(tensor));
  }

  void WriteDims(llvm::ArrayRef<DimExpr> dims) {
    absl::StrAppend(&key_, "[");
    for (DimExpr dim : dims) absl::StrAppend(&key_, Renamed(dim), ",");
    absl::StrAppend(&key_, "]");
  }

  void WriteOp(mlir::Operation& op) {
    absl::StrAppend(&key_, op.getName().getStringRef().str(), "(");
    for (mlir::Value operand : op.getOperands()) absl::StrAppend(&key_, "%", numbers_[operand], ",");
    absl::StrAppend(&key_, "){");
    for (mlir::NamedAttribute attr : op.getAttrs()) {
      absl::StrAppend(&key_, attr.getName().str(), "=");
      if (auto dims = mlir::dyn_cast<core::DimsAttr>(attr.getValue())) {
        WriteDims(dims.getDims());
      } else {
        WriteAttribute(attr.getValue());
      }
      absl::StrAppend(&key_, ";");
    }
    absl::StrAppend(&key_, "}->");
    for (mlir::Value result : op.getResults()) Define(result);
    absl::StrAppend(&key_, "\n");
  }

  void WriteAttribute(mlir::Attribute attribute) {
    if (auto dense = mlir::dyn_cast<mlir::DenseElementsAttr>(attribute)) {
      absl::StrAppend(&key_, dense.isSplat() ? "splat:" : "dense:",
                      absl::string_view(dense.getRawData().data(), dense.getRawData().size()));
      return;
    }
    std::string text;
    llvm::raw_string_ostream stream(text);
    attribute.print(stream);
    absl::StrAppend(&key_, text);
  }

  // The expression with every symbol replaced by its number; the facts of new symbols are noted.
  std::string Renamed(DimExpr expr) {
    const std::string text = expr.ToString();
    core::DimContext& context = expr.context();
    std::string renamed;
    for (size_t i = 0; i < text.size();) {
      size_t end = i;
      auto is_word = [&](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '.' || c == '$';
      };
      while (end < text.size() && is_word(text[end])) ++end;
      if (end == i) {
        renamed += text[i++];
        continue;
      }
      const std::string word = text.substr(i, end - i);
      const core::DimSymbol* symbol = context.FindSymbol(word);
      renamed += symbol == nullptr ? word : absl::StrCat("s", NumberOf(*symbol));
      i = end;
    }
    return renamed;
  }

  int NumberOf(const core::DimSymbol& symbol) {
    auto [found, is_new] = symbols_.try_emplace(&symbol, static_cast<int>(symbols_.size()));
    if (is_new) {
      const std::string facts = core::PrintSymbolFacts(symbol);
      absl::StrAppend(&facts_, "s", found->second, facts.substr(facts.find(':')), "\n");
    }
    return found->second;
  }

  std::string key_;
  std::string facts_;
  llvm::DenseMap<mlir::Value, int> numbers_;
  llvm::DenseMap<const core::DimSymbol*, int> symbols_;
};

}  // namespace

std::string FusionKey(core::FusionOp fusion) { return KeyWriter().Write(fusion); }

}  // namespace stator::compiler
