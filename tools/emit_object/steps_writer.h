// The steps of a block as C++ statements.
#ifndef STATOR_TOOLS_EMIT_OBJECT_STEPS_WRITER_H_
#define STATOR_TOOLS_EMIT_OBJECT_STEPS_WRITER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tools/emit_object/code_text.h"
#include "tools/emit_object/messages.h"
#include "tools/emit_object/sizes.h"
#include "tools/emit_object/storage.h"

namespace stator::tools {

// Names that the emitted class and its object share.
struct ObjectNames {
  std::string constants;                          // the symbol; "" without constants
  std::vector<std::vector<std::string>> kernels;  // per kernel and phase
};

// How the function that holds the steps refers to what is outside of it.
struct StepsContext {
  const Sizes* sizes = nullptr;
  const EntryStorage* entry = nullptr;
  const BlockStorage* block = nullptr;
  const ObjectNames* names = nullptr;
  Messages* messages = nullptr;
  std::function<std::string(int32_t symbol)> input_symbol;  // a parameter
  std::vector<std::string> feeds;                           // members of the class
  std::vector<std::string> fetches;
  std::vector<std::string> variables;  // members of the state
};

// The statements find: `l`, what lay_out computed (size 12 is l.s12, slot 3 begins at l.slot_3, the
// kernels' own memory at l.kernel_scratch and has l.kernel_scratch_bytes); `scratch`; `wrote[v]`,
// set when shadowed variable v was written.
class StepsWriter {
 public:
  explicit StepsWriter(const StepsContext& context);

  // The function's body, returning 0 at its end.
  std::string Write(int depth);

  // Sizes that the body takes from `l`, after Write.
  const std::set<int32_t>& sizes_used() const { return sizes_used_; }
  // Launches whose kernels use memory of their own, each once.
  const std::vector<const executable::LaunchKernel*>& with_scratch() const { return with_scratch_; }

  // The text of a size that is known when a run starts.
  std::string StartSize(int32_t e);

 private:
  void DefineRoots();
  std::string HomeText(int32_t root, const Home& home);
  void CopyFetches();
  void MarkWritten(int32_t buffer);

  void Block(int32_t block);
  void OneStep(const executable::Step& step);
  void Do(const executable::LaunchKernel& s);
  void Do(const executable::Copy& s);
  void Do(const executable::If& s);
  void Do(const executable::While& s);
  void Do(const executable::CallBlock& s) { Block(s.block); }
  void Do(const executable::BindSymbol& s);
  void Do(const executable::Check& s);
  // Reported by FindUses; never here.
  void Do(const executable::HostCall&) {}
  void Do(const executable::Alloc&) {}
  void Do(const executable::Free&) {}
  void Do(const executable::Declared&) {}
  void Do(const executable::UseList&) {}

  // A buffer's address, of type char*; `local` writes sizes of this place.
  std::string Pointer(int32_t buffer, SizeWriter* local);
  // A writer for sizes that steps or loops change, in a scope of its own.
  SizeWriter LocalSizes();
  // Definitions into the current scope, with a check that they fit.
  void DefineLocal(const std::vector<int32_t>& expressions, SizeWriter* local);
  // The bool scalar's value; may write lines first.
  std::string Truth(int32_t predicate);
  std::vector<int32_t> OffsetsOf(const std::vector<int32_t>& buffers) const;
  void CheckSymbolValue(int32_t symbol);
  std::string Comment(const executable::Step& step) const;

  const StepsContext& x_;
  const executable::ImageModel& m_;
  const Sizes& sizes_;
  CodeText code_;
  std::set<int32_t> sizes_used_;
  std::vector<const executable::LaunchKernel*> with_scratch_;
  std::map<int32_t, std::string> root_names_;
  std::map<int32_t, std::string> symbol_names_;  // of steps and loops
  const executable::Step* step_ = nullptr;
  int truths_ = 0;
};

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_STEPS_WRITER_H_
