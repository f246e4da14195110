#ifndef STATOR_DISTRIBUTE_JOB_ENVIRONMENT_H_
#define STATOR_DISTRIBUTE_JOB_ENVIRONMENT_H_

// Environment variables behind a function, so that whoever reads them can be tested.

#include <functional>
#include <map>
#include <optional>
#include <string>

namespace stator::distribute {

// The value of a variable, or nothing where it is not set. Safe to call from any thread.
using EnvironmentLookup = std::function<std::optional<std::string>(const std::string& name)>;

// The variables of this process, as they are when asked.
EnvironmentLookup ProcessEnvironment();

// These variables and no others.
EnvironmentLookup EnvironmentOf(std::map<std::string, std::string> variables);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_ENVIRONMENT_H_
