#include "tools/stator/bundle_file.h"

#include <cstdio>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "executable/image_view.h"
#include "graph/status_macros.h"
#include "ops/register_host_functions.h"
#include "runtime/core/initial_values.h"
#include "runtime/session/status.h"
#include "tools/stator/usage.h"

namespace stator::tools {
namespace {

runtime::LoadOptions WithHostFunctions() {
  static const bool registered = [] {
    ops::RegisterHostFunctions(runtime::HostRegistry::Default());
    return true;
  }();
  (void)registered;
  return {};
}

std::string Names(const std::vector<executable::Port>& ports) {
  std::string text;
  for (const executable::Port& port : ports) absl::StrAppend(&text, text.empty() ? "" : ", ", port.name);
  return text.empty() ? "none" : text;
}

}  // namespace

bool IsImageFile(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  char magic[sizeof(executable::kImageMagic)];
  const bool is_image = std::fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
                        std::memcmp(magic, executable::kImageMagic, sizeof(magic)) == 0;
  std::fclose(file);
  return is_image;
}

absl::StatusOr<size_t> FindPort(const std::vector<executable::Port>& ports, const std::string& what,
                                const std::string& name) {
  for (size_t i = 0; i < ports.size(); ++i) {
    if (ports[i].name == name || ports[i].name == name + ":0") return i;
  }
  return absl::NotFoundError(
      absl::StrCat("there is no ", what, " '", name, "'; there are: ", Names(ports)));
}

absl::StatusOr<BundleProgram> BundleProgram::Make(
    executable::Result<std::shared_ptr<runtime::Executable>> executable, int threads) {
  BundleProgram program;
  STATOR_ASSIGN_OR_RETURN(program.executable_, runtime::ToAbsl(std::move(executable)));
  program.variables_ = std::make_unique<runtime::VariableStore>();
  STATOR_RETURN_IF_ERROR(runtime::ToAbsl(
      runtime::InitializeVariables(program.executable_, program.variables_.get())));
  if (threads <= 0) threads = runtime::ThreadPool::DefaultSize();
  program.pool_ = std::make_unique<runtime::ThreadPool>(threads);
  program.runners_.resize(program.model().entry_points.size());
  return program;
}

absl::StatusOr<BundleProgram> BundleProgram::FromFile(const std::string& path, int threads,
                                                      executable::HashCheck check) {
  runtime::LoadOptions options = WithHostFunctions();
  options.hash_check = check;
  return Make(runtime::Executable::LoadFile(path, options), threads);
}

absl::StatusOr<BundleProgram> BundleProgram::FromBytes(const std::vector<uint8_t>& bytes, int threads) {
  return Make(runtime::Executable::Load(bytes.data(), bytes.size(), WithHostFunctions()), threads);
}

absl::StatusOr<int32_t> BundleProgram::FindEntry(const std::string& name) const {
  const auto& entries = model().entry_points;
  if (name.empty() && entries.size() == 1) return 0;
  const int32_t index = executable_->FindEntry(name.empty() ? "main" : name);
  if (index != executable::kNone) return index;
  std::string names;
  for (const auto& entry : entries) absl::StrAppend(&names, names.empty() ? "" : ", ", entry.name);
  if (name.empty()) {
    return UsageError(absl::StrCat("the bundle has ", entries.size(), " entry points; choose with --entry: ", names));
  }
  return absl::NotFoundError(absl::StrCat("there is no entry point '", name, "'; there are: ", names));
}

absl::StatusOr<std::vector<runtime::Tensor>> BundleProgram::OrderFeeds(
    const std::string& entry, const NamedTensors& tensors) const {
  STATOR_ASSIGN_OR_RETURN(const int32_t index, FindEntry(entry));
  const std::vector<executable::Port>& ports = model().entry_points[index].feeds;
  std::vector<runtime::Tensor> ordered(ports.size());
  for (const auto& [name, tensor] : tensors) {
    STATOR_ASSIGN_OR_RETURN(const size_t at, FindPort(ports, "input", name));
    ordered[at] = tensor;
  }
  for (size_t i = 0; i < ports.size(); ++i) {
    if (!ordered[i].valid()) {
      return absl::InvalidArgumentError(absl::StrCat("input '", ports[i].name, "' was not given"));
    }
  }
  return ordered;
}

absl::Status BundleProgram::Run(const std::string& entry, const std::vector<runtime::Tensor>& feeds,
                                const runtime::RunOptions& options,
                                std::vector<runtime::Tensor>* fetches) {
  STATOR_ASSIGN_OR_RETURN(const int32_t index, FindEntry(entry));
  std::unique_ptr<runtime::Runner>& runner = runners_[index];
  if (runner == nullptr) {
    STATOR_ASSIGN_OR_RETURN(runner, runtime::ToAbsl(runtime::Runner::Create(
                                        executable_, index, variables_.get(), pool_.get())));
  }
  return runtime::ToAbsl(runner->Run(feeds, options, fetches));
}

absl::StatusOr<runtime::Tensor> BundleProgram::Stored(const executable::StoredTensor& tensor) const {
  return runtime::ToAbsl(runtime::Tensor::FromBytes(tensor.dtype, tensor.dims,
                                                    executable_->Bytes(tensor), tensor.constant_size));
}

}  // namespace stator::tools
