// Sizes of an entry point as C++: its parameters, the rules they must keep, and the function that
// computes everything that depends on them.
#ifndef STATOR_TOOLS_EMIT_OBJECT_LAYOUT_WRITER_H_
#define STATOR_TOOLS_EMIT_OBJECT_LAYOUT_WRITER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/emit_object/code_text.h"
#include "tools/emit_object/messages.h"
#include "tools/emit_object/sizes.h"
#include "tools/emit_object/steps_writer.h"

namespace stator::tools {

// The input symbols that an entry point's arguments bind. Symbols that a guard holds equal are one
// parameter: pointers carry no sizes that could differ.
class Parameters {
 public:
  Parameters(const Sizes& sizes, const executable::EntryPoint& entry, Messages* messages,
             Problems* problems);

  const std::vector<std::string>& names() const { return names_; }
  // "std::int64_t batch, std::int64_t length"; for functions that may not need them all, marked so.
  std::string Declarations(bool maybe_unused = false) const;
  // "batch, length, " + last
  std::string Call(const std::string& last) const;
  // One comment line each: what it is the size of.
  std::vector<std::string> Comments() const;

  // The parameter that stands for a symbol; a problem if there is none.
  std::string Text(int32_t symbol) const;
  // The same for an expression that is a symbol, "" for others: a leaf of SizeWriter.
  std::string Leaf(int32_t e) const;
  // "batch, 4": dimensions in terms of parameters, for people.
  std::string DimsText(const std::vector<int32_t>& dims) const;

  // Statements that return the code of the first bound or divisor that does not hold.
  std::vector<std::string> BoundChecks() const;
  // Does the guard hold because both sides are the same parameter?
  bool Holds(const executable::Guard& guard) const;

 private:
  int32_t Find(int32_t symbol) const;

  const Sizes& sizes_;
  const executable::ImageModel& m_;
  const executable::EntryPoint& entry_;
  Messages* messages_;
  Problems* problems_;
  std::map<int32_t, int32_t> same_as_;   // bound symbol: another one, or itself
  std::map<int32_t, std::string> name_;  // of symbols that are themselves
  std::vector<std::string> names_;
  executable::ImageModel renamed_;  // symbols and expressions, with the parameters' names
};

// The text of the bytes of a feed or a fetch, after definitions went to `code`. A fetch that is
// copied has the bytes of its shape, others those of their buffer.
std::string PortBytes(const executable::ImageModel& model, const executable::Port& port,
                      bool is_fetch, SizeWriter* sizes, CodeText* code);

// Writes `struct Layout` and `int lay_out(parameters, Layout*)`, for init with other names and
// without parameters.
class LayoutWriter {
 public:
  // `parameters` is null for init.
  LayoutWriter(const StepsContext& context, const Parameters* parameters, Problems* problems);
  // After the steps were written: they say what is needed. May write further sizes for them.
  std::string Write(StepsWriter* steps);

 private:
  void Rules();
  void NeededSizes(const StepsWriter& steps);
  void Views();
  void FetchBytes();
  void KernelScratch(StepsWriter* steps);
  void Place();
  void Member(const std::string& name) { members_.push_back(name); }
  void Define(int32_t e);
  void CheckFit();

  const StepsContext& x_;
  const Sizes& sizes_;
  const executable::ImageModel& m_;
  const Parameters* parameters_;
  Problems* problems_;
  SizeWriter writer_;
  CodeText code_;
  std::vector<std::string> members_;
  bool unchecked_ = false;  // something was computed since the last CheckFit
};

}  // namespace stator::tools

#endif  // STATOR_TOOLS_EMIT_OBJECT_LAYOUT_WRITER_H_
