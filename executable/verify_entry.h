// The part of the verifier that looks at an entry point's own tables.
#ifndef STATOR_EXECUTABLE_VERIFY_ENTRY_H_
#define STATOR_EXECUTABLE_VERIFY_ENTRY_H_

#include "executable/model_tables.h"

namespace stator::executable {

// Feeds, fetches, variables, guards and what init depends on; not its blocks.
Status VerifyEntry(const ModelTables& tables, const EntryPoint& entry);

}  // namespace stator::executable

#endif  // STATOR_EXECUTABLE_VERIFY_ENTRY_H_
