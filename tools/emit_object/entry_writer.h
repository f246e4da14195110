// An entry point as a C++ class.
#ifndef STATOR_TOOLS_EMIT_OBJECT_ENTRY_WRITER_H_
#define STATOR_TOOLS_EMIT_OBJECT_ENTRY_WRITER_H_

#include <string>
#include <vector>

#include "tools/emit_object/state_writer.h"
#include "tools/emit_object/steps_writer.h"

namespace stator::tools {

// What an entry point's class takes from the rest of the header.
struct HeaderContext {
  const Sizes* sizes = nullptr;
  const ObjectNames* names = nullptr;
  const std::vector<StateVariable>* variables = nullptr;
  Messages* messages = nullptr;
};

// The class, named `class_name`. Problems: sizes that an entry point cannot know when it starts.
std::string WriteEntry(const HeaderContext& header, const EntryStorage& storage,
                       const std::string& class_name, Problems* problems);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_ENTRY_WRITER_H_
