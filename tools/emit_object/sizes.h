// Size expressions as C++.
#ifndef STATOR_TOOLS_EMIT_OBJECT_SIZES_H_
#define STATOR_TOOLS_EMIT_OBJECT_SIZES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "executable/image_model.h"
#include "executable/verifier.h"

namespace stator::tools {

// What is known of a model's expressions before any run. The model outlives it.
class Sizes {
 public:
  explicit Sizes(const executable::ImageModel* model);

  const executable::ImageModel& model() const { return model_; }
  const executable::ExprUse& use(int32_t e) const { return uses_[e]; }
  bool KnownAtStart(int32_t e) const { return uses_[e].KnownAtStart(); }
  // The value of an expression without symbols and scalars, unless computing it overflows.
  std::optional<int64_t> Constant(int32_t e) const { return constants_[e]; }
  // Every expression's value where all input symbols have likely sizes; 0 where that has no value.
  // Deterministic; used to compare sizes, never as a size.
  const std::vector<int64_t>& Samples() const { return samples_; }

 private:
  const executable::ImageModel& model_;
  std::vector<executable::ExprUse> uses_;
  std::vector<std::optional<int64_t>> constants_;
  std::vector<int64_t> samples_;
};

// "784"; values beyond int with their type.
std::string Int64Literal(int64_t value);

// A bound or divisor of a symbol: the value's name followed by `broken` (" < 2") is the condition
// that a value must not meet, `rule` ("at least 2") says so to people.
struct SymbolRule {
  std::string broken;
  std::string rule;
};
std::vector<SymbolRule> RulesOf(const executable::Symbol& symbol);

// Writes definitions of expressions into one C++ scope, each once, by calls of a variable `c` of
// the prelude's type Checked.
class SizeWriter {
 public:
  // The text of a leaf, or of an expression that another scope has; "" if it is computed here.
  using Known = std::function<std::string(int32_t expr)>;

  // Expression 12 is defined as `declaration` + `prefix` + "12".
  SizeWriter(const Sizes* sizes, Known known, std::string declaration, std::string prefix)
      : sizes_(*sizes),
        known_(std::move(known)),
        declaration_(std::move(declaration)),
        prefix_(std::move(prefix)) {}

  // What to write where the value is needed. Defined() must have been called for it.
  std::string Text(int32_t e) const;
  // Lines without indentation that define what `e` needs and is not defined yet.
  std::vector<std::string> Define(int32_t e);

 private:
  std::string Leaf(int32_t e) const;  // "" if it must be computed

  const Sizes& sizes_;
  const Known known_;
  const std::string declaration_;
  const std::string prefix_;
  std::set<int32_t> defined_;
};

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_SIZES_H_
