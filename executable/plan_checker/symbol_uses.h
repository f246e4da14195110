// Which symbols an expression is built from.
#ifndef STATOR_EXECUTABLE_PLAN_CHECKER_SYMBOL_USES_H_
#define STATOR_EXECUTABLE_PLAN_CHECKER_SYMBOL_USES_H_

#include <cstdint>
#include <map>
#include <set>

#include "executable/image_model.h"

namespace stator::executable {

// The model outlives it. Each expression is walked once.
class SymbolUses {
 public:
  explicit SymbolUses(const ImageModel& model) : model_(model) {}
  const std::set<int32_t>& Of(int32_t expression);

 private:
  const ImageModel& model_;
  std::map<int32_t, std::set<int32_t>> found_;
};

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_PLAN_CHECKER_SYMBOL_USES_H_
