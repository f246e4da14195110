// Models of the C interface: loading and looking at them.
#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "executable/expr_eval.h"
#include "runtime/core/builtin_functions.h"
#include "runtime/core/c_api.h"
#include "runtime/core/symbol_entries.h"

namespace stator::runtime {
namespace {

using executable::InvalidArgument;

ModelData::Type MakeType(const ImageModel& image, const std::vector<int32_t>& dims) {
  ModelData::Type type;
  for (int32_t e : dims) {
    const executable::Expr& expr = image.expressions[e];
    type.dims.push_back(expr.kind == executable::ExprKind::kConst ? expr.value : -1);
    type.texts.push_back(executable::ExprToString(image, e));
  }
  return type;
}

ModelData::VariableInfo MakeVariable(const ImageModel& image, const executable::Variable& v) {
  const bool read = v.read_buffer != kNone;
  return {&v, MakeType(image, read ? v.read_dims : v.write_dims), read, v.write_buffer != kNone};
}

void Describe(ModelData* data) {
  const ImageModel& image = data->image();
  std::map<std::string, ModelData::VariableInfo> all;
  for (const executable::EntryPoint& entry : image.entry_points) {
    ModelData::Entry& out = data->entries.emplace_back();
    for (const executable::Port& p : entry.feeds) out.inputs.push_back(MakeType(image, p.dims));
    for (const executable::Port& p : entry.fetches) out.outputs.push_back(MakeType(image, p.dims));
    for (const executable::Variable& v : entry.variables) {
      ModelData::VariableInfo info = MakeVariable(image, v);
      const auto [at, fresh] = all.emplace(v.name, info);
      if (!fresh) {
        // One that only asks whether it has a value does not know its shape.
        if (!at->second.read && !at->second.written) at->second.type = info.type;
        at->second.read |= info.read;
        at->second.written |= info.written;
      }
      out.variables.push_back(std::move(info));
    }
  }
  for (auto& [name, info] : all) data->variables.push_back(std::move(info));
  // Now that nothing moves any more.
  const auto fix = [](ModelData::Type* type) {
    for (const std::string& text : type->texts) type->text_pointers.push_back(text.c_str());
  };
  for (ModelData::Entry& entry : data->entries) {
    for (ModelData::Type& type : entry.inputs) fix(&type);
    for (ModelData::Type& type : entry.outputs) fix(&type);
    for (ModelData::VariableInfo& v : entry.variables) fix(&v.type);
  }
  for (ModelData::VariableInfo& v : data->variables) fix(&v.type);
  data->symbol_entries = SymbolEntries(image);
  for (const std::string& feature : image.target.features) {
    data->features += (data->features.empty() ? "" : " ") + feature;
  }
}

Status ReadLoadOptions(const stator_load_options* given, ModelData* data, LoadOptions* options) {
  stator_load_options o;
  STATOR_EXEC_RETURN_IF_ERROR(ReadOptions("load options", given, &o));
  if (o.verify != STATOR_VERIFY_DEFAULT && o.verify != STATOR_VERIFY_FULL) {
    return InvalidArgument("load options: verify is " + std::to_string(o.verify));
  }
  data->log = o.log;
  data->log_user = o.log_user;
  if (o.num_host_functions > 0 && o.host_functions == nullptr) {
    return InvalidArgument("load options: host_functions is NULL");
  }
  for (int32_t i = 0; i < o.num_host_functions; ++i) {
    stator_host_entry entry;
    STATOR_EXEC_RETURN_IF_ERROR(ReadElement("host function", o.host_functions, i, &entry));
    if (entry.name == nullptr || entry.function == nullptr) {
      return InvalidArgument("load options: host function " + std::to_string(i) +
                             " has no name or no function");
    }
    if (!data->host_functions.Register(entry.name, MakeHostFunction(entry.function, entry.user))) {
      return Status(Code::kAlreadyExists,
                    std::string("load options: host function ") + entry.name + " is given twice");
    }
  }
  RegisterBuiltinFunctions(&data->host_functions);
  options->host_functions = &data->host_functions;
  if (o.weights_path != nullptr) options->weights_path = o.weights_path;
  options->hash_check = o.verify == STATOR_VERIFY_FULL ? executable::HashCheck::kAll
                                                       : executable::HashCheck::kPlanAndCode;
  return Status::Ok();
}

// `load` makes the executable from the options.
template <typename Load>
Status LoadModel(const std::string& name, const stator_load_options* given, stator_model** model,
                 Load load) {
  if (model == nullptr) return InvalidArgument("model is NULL");
  *model = nullptr;
  auto data = std::make_shared<ModelData>();
  LoadOptions options;
  STATOR_EXEC_RETURN_IF_ERROR(ReadLoadOptions(given, data.get(), &options));
  STATOR_EXEC_ASSIGN_OR_RETURN(data->executable, load(options));
  Describe(data.get());
  const ImageModel& image = data->image();
  data->Log(STATOR_LOG_INFO, "loaded " + name + ": made by " + image.producer + " for " +
                                 image.target.arch + " (" + data->features + "), entry points " +
                                 std::to_string(image.entry_points.size()));
  *model = new stator_model{std::move(data)};
  return Status::Ok();
}

Status CheckEntry(const stator_model* model, int32_t entry) {
  if (model == nullptr) return InvalidArgument("model is NULL");
  const size_t count = model->data->entries.size();
  if (entry >= 0 && static_cast<size_t>(entry) < count) return Status::Ok();
  return executable::NotFound("entry " + std::to_string(entry) + " of " + std::to_string(count));
}

Status GetPort(const stator_model* model, int32_t entry, int32_t index, bool input,
               stator_port_info* info) {
  STATOR_EXEC_RETURN_IF_ERROR(CheckEntry(model, entry));
  const executable::EntryPoint& e = model->data->image().entry_points[entry];
  const std::vector<executable::Port>& ports = input ? e.feeds : e.fetches;
  if (index < 0 || static_cast<size_t>(index) >= ports.size()) {
    return executable::NotFound("entry " + e.name + ": " + (input ? "input " : "output ") +
                                std::to_string(index) + " of " + std::to_string(ports.size()));
  }
  const ModelData::Entry& described = model->data->entries[entry];
  const ModelData::Type& type = (input ? described.inputs : described.outputs)[index];
  stator_port_info out = STATOR_INIT(stator_port_info);
  out.name = ports[index].name.c_str();
  out.dtype = static_cast<stator_dtype>(ports[index].dtype);
  out.rank = static_cast<int32_t>(type.dims.size());
  out.dims = type.dims.data();
  out.dim_texts = type.text_pointers.data();
  return WriteStruct("info", out, info);
}

Status GetVariable(const stator_model* model, int32_t entry, int32_t index,
                   stator_variable_info* info) {
  if (entry != STATOR_ALL_ENTRIES || model == nullptr) {
    STATOR_EXEC_RETURN_IF_ERROR(CheckEntry(model, entry));
  }
  const std::vector<ModelData::VariableInfo>& variables =
      entry == STATOR_ALL_ENTRIES ? model->data->variables : model->data->entries[entry].variables;
  if (index < 0 || static_cast<size_t>(index) >= variables.size()) {
    return executable::NotFound("variable " + std::to_string(index) + " of " +
                                std::to_string(variables.size()));
  }
  const ModelData::VariableInfo& v = variables[index];
  stator_variable_info out = STATOR_INIT(stator_variable_info);
  out.name = v.variable->name.c_str();
  out.dtype = static_cast<stator_dtype>(v.variable->dtype);
  out.rank = static_cast<int32_t>(v.type.dims.size());
  out.dims = v.type.dims.data();
  out.dim_texts = v.type.text_pointers.data();
  out.is_read = v.read;
  out.is_written = v.written;
  const auto& initial = model->data->image().initial_values;
  out.has_initial_value = v.variable->zero_initialized ||
                          std::any_of(initial.begin(), initial.end(), [&](const auto& value) {
                            return value.name == v.variable->name;
                          });
  return WriteStruct("info", out, info);
}

int32_t FindPort(const std::vector<executable::Port>& ports, const std::string& name) {
  const auto full = [](const std::string& n) {
    return n.find(':') == std::string::npos ? n + ":0" : n;
  };
  for (size_t i = 0; i < ports.size(); ++i) {
    if (full(ports[i].name) == full(name)) return static_cast<int32_t>(i);
  }
  return -1;
}

}  // namespace
}  // namespace stator::runtime

using namespace stator::runtime;  // NOLINT: this is their C face
using stator::executable::InvalidArgument;

extern "C" {

stator_code stator_model_load_file(const char* path, const stator_load_options* options,
                                   stator_model** model, stator_error* error) {
  if (path == nullptr) return Report(InvalidArgument("path is NULL"), error);
  return Report(LoadModel(path, options, model,
                          [&](const LoadOptions& o) { return Executable::LoadFile(path, o); }),
                error);
}

stator_code stator_model_load_memory(const void* data, size_t size,
                                     const stator_load_options* options, stator_model** model,
                                     stator_error* error) {
  if (data == nullptr) return Report(InvalidArgument("data is NULL"), error);
  return Report(LoadModel("a bundle in memory", options, model,
                          [&](const LoadOptions& o) {
                            return Executable::Load(static_cast<const uint8_t*>(data), size, o);
                          }),
                error);
}

stator_code stator_model_load_fd(int fd, uint64_t offset, uint64_t size,
                                 const stator_load_options* options, stator_model** model,
                                 stator_error* error) {
  return Report(
      LoadModel("descriptor " + std::to_string(fd), options, model,
                [&](const LoadOptions& o) { return Executable::LoadFd(fd, offset, size, o); }),
      error);
}

void stator_model_destroy(stator_model* model) { delete model; }

stator_code stator_model_get_info(const stator_model* model, stator_model_info* info,
                                  stator_error* error) {
  if (model == nullptr) return Report(InvalidArgument("model is NULL"), error);
  const ModelData& data = *model->data;
  const ImageModel& image = data.image();
  stator_model_info out = STATOR_INIT(stator_model_info);
  out.producer = image.producer.c_str();
  out.target = image.target.name.c_str();
  out.arch = image.target.arch.c_str();
  out.features = data.features.c_str();
  out.num_entries = static_cast<int32_t>(data.entries.size());
  out.num_symbols = static_cast<int32_t>(image.symbols.size());
  out.num_variables = static_cast<int32_t>(data.variables.size());
  out.num_fixed_weights = static_cast<int32_t>(image.fixed_weights.size());
  out.constant_bytes = data.executable->view().constants_size;
  out.code_bytes = data.executable->view().code_size;
  return Report(WriteStruct("info", out, info), error);
}

stator_code stator_model_get_entry(const stator_model* model, int32_t entry,
                                   stator_entry_info* info, stator_error* error) {
  if (const Status status = CheckEntry(model, entry); !status.ok()) return Report(status, error);
  const stator::executable::EntryPoint& e = model->data->image().entry_points[entry];
  stator_entry_info out = STATOR_INIT(stator_entry_info);
  out.name = e.name.c_str();
  out.num_inputs = static_cast<int32_t>(e.feeds.size());
  out.num_outputs = static_cast<int32_t>(e.fetches.size());
  out.num_variables = static_cast<int32_t>(e.variables.size());
  return Report(WriteStruct("info", out, info), error);
}

stator_code stator_model_get_input(const stator_model* model, int32_t entry, int32_t index,
                                   stator_port_info* info, stator_error* error) {
  return Report(GetPort(model, entry, index, true, info), error);
}

stator_code stator_model_get_output(const stator_model* model, int32_t entry, int32_t index,
                                    stator_port_info* info, stator_error* error) {
  return Report(GetPort(model, entry, index, false, info), error);
}

int32_t stator_model_find_entry(const stator_model* model, const char* name) {
  return model == nullptr || name == nullptr ? -1 : model->data->executable->FindEntry(name);
}

int32_t stator_model_find_input(const stator_model* model, int32_t entry, const char* name) {
  if (!CheckEntry(model, entry).ok() || name == nullptr) return -1;
  return FindPort(model->data->image().entry_points[entry].feeds, name);
}

int32_t stator_model_find_output(const stator_model* model, int32_t entry, const char* name) {
  if (!CheckEntry(model, entry).ok() || name == nullptr) return -1;
  return FindPort(model->data->image().entry_points[entry].fetches, name);
}

stator_code stator_model_get_symbol(const stator_model* model, int32_t index,
                                    stator_symbol_info* info, stator_error* error) {
  if (model == nullptr) return Report(InvalidArgument("model is NULL"), error);
  const auto& symbols = model->data->image().symbols;
  if (index < 0 || static_cast<size_t>(index) >= symbols.size()) {
    return Report(stator::executable::NotFound("symbol " + std::to_string(index) + " of " +
                                               std::to_string(symbols.size())),
                  error);
  }
  const stator::executable::Symbol& symbol = symbols[index];
  stator_symbol_info out = STATOR_INIT(stator_symbol_info);
  out.name = symbol.name.c_str();
  out.entry = model->data->symbol_entries[index];
  out.min = symbol.min;
  out.max = symbol.max;
  out.divisor = symbol.divisor;
  out.known_before = symbol.life == stator::executable::SymbolLife::kInput;
  return Report(WriteStruct("info", out, info), error);
}

stator_code stator_model_get_fixed_weight(const stator_model* model, int32_t index,
                                          stator_fixed_weight_info* info, stator_error* error) {
  if (model == nullptr) return Report(InvalidArgument("model is NULL"), error);
  const auto& weights = model->data->image().fixed_weights;
  if (index < 0 || static_cast<size_t>(index) >= weights.size()) {
    return Report(stator::executable::NotFound("fixed weight " + std::to_string(index) + " of " +
                                               std::to_string(weights.size())),
                  error);
  }
  stator_fixed_weight_info out = STATOR_INIT(stator_fixed_weight_info);
  out.name = weights[index].name.c_str();
  out.reason = weights[index].reason.c_str();
  return Report(WriteStruct("info", out, info), error);
}

stator_code stator_model_get_variable(const stator_model* model, int32_t entry, int32_t index,
                                      stator_variable_info* info, stator_error* error) {
  return Report(GetVariable(model, entry, index, info), error);
}

}  // extern "C"
