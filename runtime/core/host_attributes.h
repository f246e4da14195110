#ifndef STATOR_RUNTIME_CORE_HOST_ATTRIBUTES_H_
#define STATOR_RUNTIME_CORE_HOST_ATTRIBUTES_H_

#include <string>
#include <string_view>
#include <vector>

// What an expansion tells its host function: the text of the dictionary attribute that
// core.host_call carries, as in {has_side_effect = false, values = ["a", "b"]}.

namespace stator::runtime {

// The strings of a list of strings under that name, without their escapes; empty where there is
// none.
std::vector<std::string> StringsAttribute(std::string_view attributes, std::string_view name);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_HOST_ATTRIBUTES_H_
