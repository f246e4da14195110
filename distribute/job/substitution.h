#ifndef STATOR_DISTRIBUTE_JOB_SUBSTITUTION_H_
#define STATOR_DISTRIBUTE_JOB_SUBSTITUTION_H_

// Environment variables inside values: ${NAME}, ${NAME:-otherwise}, and $${ for a plain ${.

#include <string>

#include "absl/status/statusor.h"
#include "distribute/job/environment.h"

namespace stator::distribute {

// `text` with its variables replaced; `otherwise` counts where the variable is unset or empty, and
// is taken as it is. An unset variable without one is an error, as is a ${ that is not well formed.
absl::StatusOr<std::string> SubstituteVariables(const std::string& text,
                                                const EnvironmentLookup& environment);

// Text that SubstituteVariables turns into `text`.
std::string EscapeVariables(const std::string& text);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_JOB_SUBSTITUTION_H_
