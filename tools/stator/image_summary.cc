#include "tools/stator/image_summary.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "executable/printer.h"

namespace stator::tools {
namespace {

using executable::EntryPoint;
using executable::ImageModel;
using executable::kNone;

void AddPorts(const ImageModel& model, const char* what, const std::vector<executable::Port>& ports,
              std::string* out) {
  for (const executable::Port& port : ports) {
    absl::StrAppend(out, "  ", what, " ", port.name, ": ",
                    executable::PrintType(model, port.dtype, port.dims), "\n");
  }
}

void AddSymbol(const ImageModel& model, const EntrySymbol& use, std::string* out) {
  const executable::Symbol& symbol = model.symbols[use.symbol];
  absl::StrAppend(out, "  symbol ", symbol.name, ": ", symbol.min, "..");
  if (symbol.max != INT64_MAX) absl::StrAppend(out, symbol.max);
  if (symbol.divisor != 1) absl::StrAppend(out, ", a multiple of ", symbol.divisor);
  absl::StrAppend(out, ", dimension ", use.dim, " of ", use.feed, "\n");
}

void AddEntry(const ImageModel& model, const EntryPoint& entry, std::string* out) {
  absl::StrAppend(out, "entry ", entry.name, ":\n");
  AddPorts(model, "input", entry.feeds, out);
  AddPorts(model, "output", entry.fetches, out);
  for (const std::string& target : entry.targets) absl::StrAppend(out, "  runs ", target, "\n");
  for (const EntrySymbol& symbol : EntrySymbols(model, entry)) AddSymbol(model, symbol, out);
}

// A variable, as all entry points together know it.
struct State {
  const executable::Variable* variable = nullptr;
  std::string readers, writers;
};

std::vector<State> States(const ImageModel& model) {
  std::vector<State> states;
  const auto add = [](const std::string& entry, std::string* names) {
    absl::StrAppend(names, names->empty() ? "" : ", ", entry);
  };
  for (const EntryPoint& entry : model.entry_points) {
    for (const executable::Variable& variable : entry.variables) {
      auto state = std::find_if(states.begin(), states.end(), [&](const State& s) {
        return s.variable->name == variable.name;
      });
      if (state == states.end()) state = states.insert(states.end(), State{&variable, "", ""});
      if (variable.read_buffer != kNone) add(entry.name, &state->readers);
      if (variable.write_buffer != kNone) add(entry.name, &state->writers);
    }
  }
  return states;
}

void AddState(const ImageModel& model, const State& state, std::string* out) {
  const executable::Variable& v = *state.variable;
  const auto initial =
      std::find_if(model.initial_values.begin(), model.initial_values.end(),
                   [&](const executable::StoredTensor& t) { return t.name == v.name; });
  const bool is_read = v.read_buffer != kNone;
  absl::StrAppend(out, "variable ", v.name, ": ",
                  executable::PrintType(model, v.dtype, is_read ? v.read_dims : v.write_dims));
  if (!state.readers.empty()) absl::StrAppend(out, ", read by ", state.readers);
  if (!state.writers.empty()) absl::StrAppend(out, ", written by ", state.writers);
  if (initial != model.initial_values.end()) {
    absl::StrAppend(out, ", starts with ", initial->constant_size, " bytes of the bundle");
  } else {
    absl::StrAppend(out, v.zero_initialized ? ", starts with zeros" : ", starts without a value");
  }
  absl::StrAppend(out, "\n");
}

std::string Count(size_t n, const char* one, const char* many) {
  return absl::StrCat(n, " ", n == 1 ? one : many);
}

}  // namespace

std::vector<EntrySymbol> EntrySymbols(const ImageModel& model, const EntryPoint& entry) {
  std::vector<EntrySymbol> symbols;
  for (const executable::Port& feed : entry.feeds) {
    for (size_t d = 0; d < feed.dims.size(); ++d) {
      const executable::Expr& dim = model.expressions[feed.dims[d]];
      if (dim.kind != executable::ExprKind::kSymbol) continue;
      const auto symbol = static_cast<int32_t>(dim.value);
      if (std::none_of(symbols.begin(), symbols.end(),
                       [&](const EntrySymbol& s) { return s.symbol == symbol; })) {
        symbols.push_back({symbol, feed.name, static_cast<int32_t>(d)});
      }
    }
  }
  return symbols;
}

std::string ImageTitle(const executable::ImageView& view) {
  return absl::StrCat("bundle by ", view.plan.producer, ": ",
                      Count(view.plan.entry_points.size(), "entry point", "entry points"), ", ",
                      Count(view.targets.size(), "target", "targets"), ", ", view.code_size,
                      " bytes of code, ", view.constants_size, " of constants\n");
}

std::string ImageSummary(const executable::ImageView& view) {
  const ImageModel& model = view.plan;
  std::string out;
  for (const EntryPoint& entry : model.entry_points) AddEntry(model, entry, &out);
  for (const State& state : States(model)) AddState(model, state, &out);
  for (const executable::FixedWeight& weight : model.fixed_weights) {
    absl::StrAppend(&out, "fixed weight ", weight.name, ": ", weight.reason, "\n");
  }
  for (const executable::Sample& sample : model.samples) {
    absl::StrAppend(&out, "sample of entry ", model.entry_points[sample.entry].name, "\n");
  }
  return out;
}

}  // namespace stator::tools
