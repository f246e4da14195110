#include "runtime/core/golden/golden_run.h"

#include "runtime/core/initial_values.h"
#include "runtime/core/runner.h"

namespace stator::runtime {
namespace {

Status KeepPositive(HostCallContext* call) {
  const TensorView& x = call->input(0);
  if (call->attributes() != "attributes") return executable::Internal("the attributes changed");
  std::vector<float> kept;
  for (int64_t i = 0; i < x.num_elements(); ++i) {
    if (x.as<float>()[i] > 0) kept.push_back(x.as<float>()[i]);
  }
  STATOR_EXEC_RETURN_IF_ERROR(call->AllocateOutput(0, {static_cast<int64_t>(kept.size())}));
  for (size_t i = 0; i < kept.size(); ++i) call->output(0).as<float>()[i] = kept[i];
  return Status::Ok();
}

}  // namespace

Result<std::shared_ptr<Executable>> LoadGolden(const std::vector<uint8_t>& bytes) {
  static HostRegistry* const host = new HostRegistry;
  host->Register("keep_positive", KeepPositive);
  LoadOptions options;
  options.host_functions = host;
  options.check_plans = true;
  return Executable::Load(bytes.data(), bytes.size(), options);
}

Result<std::vector<Tensor>> RunFromTheStart(const std::shared_ptr<Executable>& executable,
                                            int32_t entry, const std::vector<Tensor>& feeds) {
  VariableStore store;
  STATOR_EXEC_RETURN_IF_ERROR(InitializeVariables(executable, &store));
  STATOR_EXEC_ASSIGN_OR_RETURN(const std::unique_ptr<Runner> runner,
                               Runner::Create(executable, entry, &store));
  std::vector<Tensor> fetches;
  STATOR_EXEC_RETURN_IF_ERROR(runner->Run(feeds, {}, &fetches));
  return fetches;
}

}  // namespace stator::runtime
