// Where the buffers of one entry point live in an emitted program.
#ifndef STATOR_TOOLS_EMIT_OBJECT_STORAGE_H_
#define STATOR_TOOLS_EMIT_OBJECT_STORAGE_H_

#include <cstdint>
#include <map>
#include <vector>

#include "tools/emit_object/scratch.h"
#include "tools/emit_object/sizes.h"
#include "tools/emit_object/uses.h"

namespace stator::tools {

enum class HomeKind {
  kScratch,
  kArgument,     // the caller's; index: of feeds
  kResult,       // the caller's; index: of fetches
  kConstants,    // in the object
  kVariable,     // the state's memory; index: of the entry's variables
  kPersistent,   // what init leaves
  kInitialized,  // a flag of a variable, as the run found it; index: of the entry's variables
};
struct Home {
  HomeKind kind = HomeKind::kScratch;
  int32_t index = executable::kNone;
};

// One block of an entry point, main or init: it becomes a function.
struct BlockStorage {
  int32_t block = executable::kNone;
  BlockUses uses;
  std::map<int32_t, Home> homes;  // of every root that the block's steps or its fetches touch
  ScratchLayout scratch;
};

struct EntryStorage {
  const executable::EntryPoint* entry = nullptr;
  BlockStorage main;
  BlockStorage init;  // block is kNone without one
  // Variables of the entry that a run writes beside the old version and copies when it ends: the
  // old content is read after the new one was written, or the writer may fail half way.
  std::vector<bool> shadowed;
  std::vector<int32_t> copied_fetches;    // results that are copied from where they are
  std::map<int32_t, int64_t> persistent;  // root: bytes from the start
  int64_t persistent_bytes = 0;
};

// Unimplemented reasons go to `problems`. The layout is proved by executable/plan_checker for the
// sample sizes: Internal if that fails.
executable::Result<EntryStorage> FindStorage(const Sizes& sizes, int32_t entry, Problems* problems);

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_STORAGE_H_
