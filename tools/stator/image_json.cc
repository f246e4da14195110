#include "tools/stator/image_json.h"

#include <cstdint>
#include <vector>

#include "executable/expr_eval.h"
#include "executable/printer.h"
#include "proto/json_text.h"
#include "tools/stator/image_summary.h"

namespace stator::tools {
namespace {

using executable::ImageModel;
using executable::kNone;

std::string SizeJson(const ImageModel& model, int32_t expression) {
  const executable::Expr& e = model.expressions[expression];
  if (e.kind == executable::ExprKind::kConst) return std::to_string(e.value);
  return JsonQuote(executable::ExprToString(model, expression));
}

std::string DimsJson(const ImageModel& model, const std::vector<int32_t>& dims) {
  std::vector<std::string> sizes;
  for (const int32_t d : dims) sizes.push_back(SizeJson(model, d));
  return JsonArray(sizes);
}

std::string StringsJson(const std::vector<std::string>& strings) {
  std::vector<std::string> quoted;
  for (const std::string& s : strings) quoted.push_back(JsonQuote(s));
  return JsonArray(quoted);
}

std::string SymbolJson(const executable::Symbol& symbol, JsonObject json = {}) {
  json.Text("name", symbol.name).Text("life", executable::SymbolLifeName(symbol.life));
  json.Number("min", symbol.min);
  if (symbol.max != INT64_MAX) json.Number("max", symbol.max);
  return json.Number("divisor", symbol.divisor).ToString();
}

std::string BufferJson(const ImageModel& model, const executable::Buffer& buffer) {
  JsonObject json;
  json.Text("name", buffer.name).Text("kind", executable::BufferKindName(buffer.kind));
  json.Text("dtype", executable::DTypeName(buffer.dtype));
  json.Json("dims", DimsJson(model, buffer.dims));
  json.Json("bytes", SizeJson(model, buffer.byte_size));
  json.Number("first_wave", buffer.first_wave).Number("last_wave", buffer.last_wave);
  if (buffer.alias_of != kNone) json.Number("view_of", buffer.alias_of);
  if (buffer.in_place_of != kNone) json.Number("in_place_of", buffer.in_place_of);
  return json.ToString();
}

std::string KernelJson(const executable::Kernel& kernel) {
  JsonObject json;
  json.Text("name", kernel.name).Text("kind", kernel.kind).Number("code_bytes", kernel.code_size);
  return json.Flag("may_fail", kernel.may_fail).ToString();
}

std::string PortsJson(const ImageModel& model, const std::vector<executable::Port>& ports) {
  std::vector<std::string> out;
  for (const executable::Port& port : ports) {
    JsonObject json;
    json.Text("name", port.name).Text("dtype", executable::DTypeName(port.dtype));
    json.Json("dims", DimsJson(model, port.dims)).Number("buffer", port.buffer);
    out.push_back(json.ToString());
  }
  return JsonArray(out);
}

std::string VariableJson(const ImageModel& model, const executable::Variable& variable) {
  const bool read = variable.read_buffer != kNone;
  const bool written = variable.write_buffer != kNone;
  JsonObject json;
  json.Text("name", variable.name).Text("dtype", executable::DTypeName(variable.dtype));
  json.Json("dims", DimsJson(model, read ? variable.read_dims : variable.write_dims));
  if (variable.layout != executable::Layout::kRowMajor) {
    json.Text("layout", executable::LayoutText(variable.layout));
  }
  return json.Flag("read", read).Flag("written", written).ToString();
}

std::string BlockJson(const ImageModel& model, int32_t block);

// The blocks that a step runs.
void AddNested(const ImageModel& model, const executable::Step& step, JsonObject* json) {
  if (const auto* branch = std::get_if<executable::If>(&step.body)) {
    json->Json("then", BlockJson(model, branch->then_block));
    json->Json("else", BlockJson(model, branch->else_block));
  } else if (const auto* loop = std::get_if<executable::While>(&step.body)) {
    json->Json("cond", BlockJson(model, loop->cond_block));
    json->Json("body", BlockJson(model, loop->body_block));
  } else if (const auto* call = std::get_if<executable::CallBlock>(&step.body)) {
    json->Json("block", BlockJson(model, call->block));
  }
}

// The steps of a block, in order.
std::string BlockJson(const ImageModel& model, int32_t block) {
  std::vector<std::string> steps;
  if (block == kNone) return JsonArray(steps);
  for (const executable::Wave& wave : model.blocks[block].waves) {
    for (const executable::Step& step : wave.steps) {
      JsonObject json;
      json.Number("wave", wave.number).Text("kind", executable::StepKindName(step.kind()));
      json.Text("text", executable::PrintStep(model, step));
      if (step.source_node != kNone) json.Text("node", model.nodes[step.source_node].name);
      AddNested(model, step, &json);
      steps.push_back(json.ToString());
    }
  }
  return JsonArray(steps);
}

std::string EntryJson(const ImageModel& model, const executable::EntryPoint& entry) {
  std::vector<std::string> variables, guards;
  for (const executable::Variable& v : entry.variables) variables.push_back(VariableJson(model, v));
  for (const executable::Guard& g : entry.guards) guards.push_back(JsonQuote(g.message));
  JsonObject json;
  std::vector<std::string> symbols;
  for (const EntrySymbol& use : EntrySymbols(model, entry)) {
    JsonObject place;
    place.Text("feed", use.feed).Number("dim", use.dim);
    symbols.push_back(SymbolJson(model.symbols[use.symbol], place));
  }
  json.Text("name", entry.name).Json("feeds", PortsJson(model, entry.feeds));
  json.Json("symbols", JsonArray(symbols));
  json.Json("fetches", PortsJson(model, entry.fetches));
  json.Json("targets", StringsJson(entry.targets)).Json("variables", JsonArray(variables));
  json.Json("guards", JsonArray(guards)).Json("facts", StringsJson(entry.facts));
  json.Json("init", BlockJson(model, entry.init_block));
  return json.Json("main", BlockJson(model, entry.main_block)).ToString();
}

std::string InitialValueJson(const executable::StoredTensor& tensor) {
  std::vector<std::string> dims;
  for (const int64_t d : tensor.dims) dims.push_back(std::to_string(d));
  JsonObject json;
  json.Text("name", tensor.name).Text("dtype", executable::DTypeName(tensor.dtype));
  return json.Json("dims", JsonArray(dims)).ToString();
}

std::string TargetJson(const executable::Target& target) {
  JsonObject json;
  json.Text("name", target.name).Text("arch", target.arch);
  return json.Json("features", StringsJson(target.features)).ToString();
}

}  // namespace

std::string ImageJson(const executable::ImageView& view) {
  const ImageModel& model = view.plan;
  std::vector<std::string> targets, symbols, entries, buffers, kernels, initial_values, fixed;
  for (const executable::Target& t : view.targets) targets.push_back(TargetJson(t));
  for (const auto& tensor : model.initial_values)
    initial_values.push_back(InitialValueJson(tensor));
  for (const executable::FixedWeight& w : model.fixed_weights) {
    fixed.push_back(JsonObject().Text("name", w.name).Text("reason", w.reason).ToString());
  }
  for (const executable::Symbol& s : model.symbols) symbols.push_back(SymbolJson(s));
  for (const auto& entry : model.entry_points) entries.push_back(EntryJson(model, entry));
  for (const executable::Buffer& b : model.buffers) buffers.push_back(BufferJson(model, b));
  for (const executable::Kernel& k : model.kernels) kernels.push_back(KernelJson(k));
  JsonObject json;
  json.Text("kind", "image").Text("producer", model.producer);
  json.Json("target", TargetJson(model.target)).Json("targets", JsonArray(targets));
  json.Number("code_bytes", view.code_size).Number("constant_bytes", view.constants_size);
  json.Json("initial_values", JsonArray(initial_values)).Json("fixed_weights", JsonArray(fixed));
  json.Json("symbols", JsonArray(symbols)).Json("entry_points", JsonArray(entries));
  return json.Json("buffers", JsonArray(buffers)).Json("kernels", JsonArray(kernels)).ToString();
}

}  // namespace stator::tools
