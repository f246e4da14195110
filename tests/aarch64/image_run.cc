#include "tests/aarch64/image_run.h"

#include <memory>
#include <utility>

#include "runtime/core/executable.h"
#include "runtime/core/initial_values.h"
#include "runtime/core/runner.h"
#include "runtime/core/variable_store.h"

namespace stator::tests {
namespace {

using compiler::Message;
using runtime::Tensor;

void Put(const Tensor& tensor, Message* message) {
  message->Put(static_cast<int64_t>(tensor.dtype()));
  message->Put(static_cast<int64_t>(tensor.dims().size()));
  for (int64_t dim : tensor.dims()) message->Put(dim);
  message->Put(tensor.raw(), static_cast<size_t>(tensor.bytes()));
}

Tensor GetTensor(Message* message) {
  const auto dtype = static_cast<executable::DType>(message->GetNumber());
  std::vector<int64_t> dims(static_cast<size_t>(message->GetNumber()));
  for (int64_t& dim : dims) dim = message->GetNumber();
  const std::string bytes = message->GetString();
  auto tensor =
      Tensor::FromBytes(dtype, std::move(dims), bytes.data(), static_cast<int64_t>(bytes.size()));
  if (!tensor.ok()) std::abort();  // the two sides disagree
  return std::move(tensor).value();
}

void Put(const std::vector<Tensor>& tensors, Message* message) {
  message->Put(static_cast<int64_t>(tensors.size()));
  for (const Tensor& tensor : tensors) Put(tensor, message);
}

std::vector<Tensor> GetTensors(Message* message) {
  std::vector<Tensor> tensors(static_cast<size_t>(message->GetNumber()));
  for (Tensor& tensor : tensors) tensor = GetTensor(message);
  return tensors;
}

void Put(const std::map<std::string, Tensor>& variables, Message* message) {
  message->Put(static_cast<int64_t>(variables.size()));
  for (const auto& [name, value] : variables) {
    message->Put(name);
    Put(value, message);
  }
}

std::map<std::string, Tensor> GetVariables(Message* message) {
  std::map<std::string, Tensor> variables;
  for (int64_t count = message->GetNumber(); count > 0; --count) {
    std::string name = message->GetString();
    variables[std::move(name)] = GetTensor(message);
  }
  return variables;
}

executable::Status Run(const ImageRun& run, runtime::VariableStore* store, ImageResult* result) {
  for (const auto& [name, value] : run.variables) {
    STATOR_EXEC_RETURN_IF_ERROR(store->Write(name, value));
  }
  runtime::LoadOptions load;
  load.check_plans = true;
  STATOR_EXEC_ASSIGN_OR_RETURN(
      auto executable, runtime::Executable::Load(reinterpret_cast<const uint8_t*>(run.image.data()),
                                                 run.image.size(), load));
  STATOR_EXEC_RETURN_IF_ERROR(runtime::InitializeVariables(executable, store));
  runtime::ThreadPool pool(run.threads);
  STATOR_EXEC_ASSIGN_OR_RETURN(auto runner, runtime::Runner::Create(executable, 0, store, &pool));
  runtime::RunOptions options;
  options.poison = true;
  return runner->Run(run.feeds, options, &result->fetches);
}

}  // namespace

ImageResult RunHere(const ImageRun& run) {
  ImageResult result;
  runtime::VariableStore store;
  result.status = Run(run, &store, &result);
  if (!result.status.ok()) result.fetches.clear();
  for (const executable::VariableSpec& variable : store.Specs()) {
    result.variables[variable.name] = store.Read(variable.name).value();
  }
  return result;
}

void Put(const ImageRun& run, Message* message) {
  message->Put(run.image);
  message->Put(int64_t{run.threads});
  Put(run.feeds, message);
  Put(run.variables, message);
}

ImageRun GetImageRun(Message* message) {
  ImageRun run;
  run.image = message->GetString();
  run.threads = static_cast<int>(message->GetNumber());
  run.feeds = GetTensors(message);
  run.variables = GetVariables(message);
  return run;
}

void Put(const ImageResult& result, Message* message) {
  message->Put(static_cast<int64_t>(result.status.code()));
  message->Put(std::string(result.status.message()));
  Put(result.fetches, message);
  Put(result.variables, message);
}

ImageResult GetImageResult(Message* message) {
  ImageResult result;
  const auto code = static_cast<executable::Code>(message->GetNumber());
  std::string text = message->GetString();
  if (code != executable::Code::kOk) result.status = executable::Status(code, std::move(text));
  result.fetches = GetTensors(message);
  result.variables = GetVariables(message);
  return result;
}

}  // namespace stator::tests
