#include "distribute/images/compile_message.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "executable/cpu_features.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

absl::StatusOr<executable::DType> CheckDType(const std::string& name, int32_t number) {
  const auto dtype = static_cast<executable::DType>(number);
  if (number >= 0 && number <= UINT8_MAX && executable::DTypeSize(dtype) > 0) return dtype;
  return absl::InvalidArgumentError(
      absl::StrCat("compile request, tensor '", name, "': expected an element type, found ",
                   number));
}

}  // namespace

control::CompileRequest ToMessage(const executable::CompileRequest& request) {
  control::CompileRequest message;
  message.set_arch(executable::HostArch());
  for (const executable::FeedSpec& feed : request.feeds) {
    control::CompileRequest::Feed& out = *message.add_feeds();
    out.set_name(feed.name);
    out.set_dtype(static_cast<int32_t>(feed.dtype));
    out.set_rank_known(feed.rank_known);
    out.mutable_dims()->Assign(feed.dims.begin(), feed.dims.end());
  }
  for (const std::string& fetch : request.fetches) message.add_fetches(fetch);
  for (const std::string& target : request.targets) message.add_targets(target);
  for (const executable::SymbolFact& fact : request.facts) {
    control::CompileRequest::Fact& out = *message.add_facts();
    out.set_tensor(fact.tensor);
    out.set_dim(fact.dim);
    out.set_value(fact.value);
  }
  for (const executable::VariableSpec& variable : request.variables) {
    control::CompileRequest::Variable& out = *message.add_variables();
    out.set_name(variable.name);
    out.set_dtype(static_cast<int32_t>(variable.dtype));
    out.mutable_dims()->Assign(variable.dims.begin(), variable.dims.end());
  }
  return message;
}

absl::StatusOr<executable::CompileRequest> FromMessage(const control::CompileRequest& message) {
  executable::CompileRequest request;
  for (const control::CompileRequest::Feed& feed : message.feeds()) {
    STATOR_ASSIGN_OR_RETURN(const executable::DType dtype, CheckDType(feed.name(), feed.dtype()));
    request.feeds.push_back(
        {feed.name(), dtype, feed.rank_known(), {feed.dims().begin(), feed.dims().end()}});
  }
  request.fetches.assign(message.fetches().begin(), message.fetches().end());
  request.targets.assign(message.targets().begin(), message.targets().end());
  for (const control::CompileRequest::Fact& fact : message.facts()) {
    request.facts.push_back({fact.tensor(), fact.dim(), fact.value()});
  }
  for (const control::CompileRequest::Variable& variable : message.variables()) {
    STATOR_ASSIGN_OR_RETURN(const executable::DType dtype,
                            CheckDType(variable.name(), variable.dtype()));
    request.variables.push_back(
        {variable.name(), dtype, {variable.dims().begin(), variable.dims().end()}});
  }
  return request;
}

}  // namespace stator::distribute
