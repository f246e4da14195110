#include "distribute/graph_program/example_files.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "data/array_file.h"
#include "graph/status_macros.h"
#include "runtime/core/tensor.h"
#include "runtime/session/status.h"

namespace stator::distribute {
namespace {

using runtime::DType;
using runtime::Tensor;

std::vector<int64_t> WithoutOnes(const std::vector<int64_t>& dims) {
  std::vector<int64_t> out(dims.begin() + 1, dims.end());
  out.erase(std::remove(out.begin(), out.end(), 1), out.end());
  return out;
}

// The array's dimensions as the input wants them; empty where they do not fit.
std::vector<int64_t> Fit(const std::vector<int64_t>& dims, const SignatureInput& input) {
  if (dims.empty()) return {};
  if (input.any_shape) return dims;
  bool equal = dims.size() == input.dims.size();
  bool open = false;
  for (size_t i = 1; i < input.dims.size(); ++i) {
    open |= input.dims[i] < 0;
    equal = equal && (input.dims[i] < 0 || input.dims[i] == dims[i]);
  }
  if (equal) return dims;
  if (open || WithoutOnes(dims) != WithoutOnes(input.dims)) return {};
  std::vector<int64_t> fitted = input.dims;
  fitted[0] = dims[0];
  return fitted;
}

class Files {
 public:
  Files(const std::string& field, const std::string& directory, const StepSignature& signature)
      : field_(field), directory_(directory), signature_(signature) {}

  absl::StatusOr<Tensor> Read(const SignatureInput& input, const std::string& file) const {
    const std::string path = (std::filesystem::path(directory_) / file).string();
    const std::string place = absl::StrCat(field_, ".", input.key, ": ");
    auto array = data::ReadArrayFile(path);
    if (!array.ok()) {
      return absl::Status(array.status().code(), place + std::string(array.status().message()));
    }
    const DType dtype = static_cast<DType>(input.dtype);
    const std::vector<int64_t> dims = Fit(array->dims(), input);
    if (dims.empty() || !data::CanWiden(array->dtype(), dtype)) {
      return absl::InvalidArgumentError(absl::StrCat(
          place, path, ": expected ", TypeText(input), ", which signature '", signature_.name,
          "' takes (or a type whose values that one holds), found ", array->TypeToString()));
    }
    if (dims == array->dims()) return array;
    return runtime::ToAbsl(Tensor::FromBuffer(array->dtype(), dims, array->buffer()));
  }

 private:
  const std::string& field_;
  const std::string& directory_;
  const StepSignature& signature_;
};

absl::Status CheckKeys(const std::string& field,
                       const google::protobuf::Map<std::string, std::string>& files,
                       const StepSignature& signature) {
  std::set<std::string> keys;
  for (const SignatureInput& input : signature.inputs) {
    keys.insert(input.key);
    if (files.contains(input.key)) continue;
    return absl::InvalidArgumentError(absl::StrCat(field, ": no file for input '", input.key,
                                                   "' of signature '", signature.name,
                                                   "', whose inputs are: ", InputNames(signature)));
  }
  for (const auto& [key, file] : files) {
    if (keys.count(key) > 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(field, ".", key, ": signature '", signature.name,
                                                   "' has no input '", key,
                                                   "'; its inputs are: ", InputNames(signature)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<data::DatasetRef> ReadExamples(
    const std::string& field, const google::protobuf::Map<std::string, std::string>& files,
    const std::string& directory, const StepSignature& signature) {
  STATOR_RETURN_IF_ERROR(CheckKeys(field, files, signature));
  const Files reader(field, directory, signature);
  std::vector<Tensor> arrays;
  std::vector<DType> dtypes;
  bool widen = false;
  for (const SignatureInput& input : signature.inputs) {
    STATOR_ASSIGN_OR_RETURN(Tensor array, reader.Read(input, files.at(input.key)));
    const int64_t count = arrays.empty() ? array.dims()[0] : arrays[0].dims()[0];
    if (array.dims()[0] != count || count < 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          field, ".", input.key, ": expected ",
          arrays.empty() ? "at least one example"
                         : absl::StrCat(count, " examples, as ", signature.inputs[0].key, " has"),
          ", found ", array.dims()[0]));
    }
    dtypes.push_back(static_cast<DType>(input.dtype));
    widen |= array.dtype() != dtypes.back();
    arrays.push_back(std::move(array));
  }
  STATOR_ASSIGN_OR_RETURN(const data::DatasetRef examples, data::FromArrays(std::move(arrays)));
  if (!widen) return examples;
  return data::Map(
      examples,
      [dtypes](data::Element element, const data::MapPlace&) -> absl::StatusOr<data::Element> {
        for (size_t i = 0; i < element.size(); ++i) {
          STATOR_ASSIGN_OR_RETURN(element[i], data::Widen(element[i], dtypes[i]));
        }
        return element;
      });
}

}  // namespace stator::distribute
