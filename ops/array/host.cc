#include "ops/array/host.h"

#include <utility>

#include "ops/host_attributes.h"

namespace stator::ops {
namespace {

using executable::Status;
using runtime::HostCallContext;

Status StringConstant(HostCallContext* call) {
  std::vector<std::string> values = StringsAttribute(call->attributes(), "values");
  const int64_t expected = call->output(0).num_elements();
  if (static_cast<int64_t>(values.size()) != expected) {
    return executable::Internal("a constant of " + std::to_string(expected) + " strings came with " +
                                std::to_string(values.size()));
  }
  for (size_t i = 0; i < values.size(); ++i) {
    call->SetOutputString(0, static_cast<int64_t>(i), std::move(values[i]));
  }
  return Status::Ok();
}

Status Placeholder(HostCallContext*) {
  return executable::InvalidArgument("the run needs this placeholder's value, which was not fed");
}

}  // namespace

void RegisterArrayHostFunctions(runtime::HostRegistry* registry) {
  registry->Register("StringConstant", StringConstant);
  registry->Register("Placeholder", Placeholder);
}

}  // namespace stator::ops
