#include "distribute/graph_program/step_signature.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "executable/dtype.h"
#include "graph/status_macros.h"

namespace stator::distribute {
namespace {

using Tensors = google::protobuf::Map<std::string, TensorInfo>;

std::map<std::string, TensorInfo> Sorted(const Tensors& tensors) {
  return {tensors.begin(), tensors.end()};
}

bool IsOp(const TensorInfo& info) {
  return info.dtype() == DT_INVALID && !absl::StrContains(info.name(), ':');
}

class Reader {
 public:
  Reader(const MetaGraphDef& program, const std::string& name) : program_(program), name_(name) {
    for (const NodeDef& node : program.graph_def().node()) nodes_[node.name()] = &node;
  }

  absl::StatusOr<StepSignature> Read() {
    STATOR_ASSIGN_OR_RETURN(const SignatureDef* const def, Find());
    StepSignature signature;
    signature.name = name_;
    for (const auto& [key, info] : Sorted(def->inputs())) {
      STATOR_ASSIGN_OR_RETURN(SignatureInput input, ReadInput(key, info));
      signature.inputs.push_back(std::move(input));
    }
    for (const auto& [key, info] : Sorted(def->outputs())) {
      STATOR_ASSIGN_OR_RETURN(const NodeDef* const node, NodeOf("output", key, info));
      if (!IsOp(info)) {
        STATOR_ASSIGN_OR_RETURN(const bool is_sum, IsSum(*node));
        signature.metrics.push_back({key, TensorName(info), is_sum});
        continue;
      }
      if (!signature.op.empty()) {
        return Wrong(
            "output", key,
            absl::StrCat("expected one op, found another: ", signature.op, " and ", node->name()));
      }
      signature.op = node->name();
    }
    std::stable_sort(
        signature.metrics.begin(), signature.metrics.end(),
        [](const auto& a, const auto& b) { return a.key == "loss" && b.key != "loss"; });
    return signature;
  }

 private:
  absl::Status Wrong(const char* kind, const std::string& key, const std::string& what) const {
    return absl::InvalidArgumentError(
        absl::StrCat("signature '", name_, "', ", kind, " '", key, "': ", what));
  }

  absl::StatusOr<const SignatureDef*> Find() const {
    const auto found = program_.signature_def().find(name_);
    if (found != program_.signature_def().end()) return &found->second;
    std::set<std::string> names;
    for (const auto& [name, signature] : program_.signature_def()) names.insert(name);
    return absl::NotFoundError(absl::StrCat("there is no signature '", name_, "'; there are: ",
                                            names.empty() ? "none" : absl::StrJoin(names, ", ")));
  }

  static std::string TensorName(const TensorInfo& info) {
    return absl::StrContains(info.name(), ':') ? info.name() : absl::StrCat(info.name(), ":0");
  }

  absl::StatusOr<const NodeDef*> NodeOf(const char* kind, const std::string& key,
                                        const TensorInfo& info) const {
    if (info.encoding_case() != TensorInfo::kName) {
      return Wrong(kind, key, "expected a dense tensor, found another encoding");
    }
    const std::string name = info.name().substr(0, info.name().find(':'));
    const auto found = nodes_.find(name);
    if (found != nodes_.end()) return found->second;
    return Wrong(kind, key, absl::StrCat("the graph has no node '", name, "'"));
  }

  absl::StatusOr<SignatureInput> ReadInput(const std::string& key, const TensorInfo& info) const {
    STATOR_ASSIGN_OR_RETURN(const NodeDef* const node, NodeOf("input", key, info));
    SignatureInput input;
    input.key = key;
    input.tensor = TensorName(info);
    input.dtype = info.dtype();
    const auto dtype = node->attr().find("dtype");
    if (input.dtype == DT_INVALID && dtype != node->attr().end()) {
      input.dtype = dtype->second.type();
    }
    if (input.dtype == DT_INVALID) {
      return Wrong("input", key, "expected a dtype in the signature or at its node, found none");
    }
    const auto shape_attr = node->attr().find("shape");
    const TensorShapeProto* shape = info.has_tensor_shape() ? &info.tensor_shape() : nullptr;
    if (shape == nullptr && shape_attr != node->attr().end()) shape = &shape_attr->second.shape();
    input.any_shape = shape == nullptr || shape->unknown_rank();
    if (input.any_shape) return input;
    for (const auto& dim : shape->dim()) input.dims.push_back(std::max<int64_t>(dim.size(), -1));
    if (input.dims.empty()) {
      return Wrong("input", key,
                   "expected examples along its first dimension, found a scalar; a value that "
                   "steps are not fed belongs into the graph");
    }
    return input;
  }

  absl::StatusOr<bool> IsSum(const NodeDef& node) const {
    const auto found = node.attr().find("_aggregation");
    if (found == node.attr().end()) return false;
    const std::string& text = found->second.s();
    if (text == "sum" || text == "mean") return text == "sum";
    return absl::InvalidArgumentError(
        absl::StrCat("node '", node.name(),
                     "': attribute '_aggregation': expected \"mean\" or \"sum\", found \"",
                     text.substr(0, 80), "\""));
  }

  const MetaGraphDef& program_;
  const std::string& name_;
  std::map<std::string, const NodeDef*> nodes_;
};

}  // namespace

absl::StatusOr<StepSignature> FindSignature(const MetaGraphDef& program, const std::string& name,
                                            const std::string& op_signature) {
  STATOR_ASSIGN_OR_RETURN(StepSignature signature, Reader(program, name).Read());
  if (signature.op.empty() && program.signature_def().contains(op_signature)) {
    STATOR_ASSIGN_OR_RETURN(const StepSignature op, Reader(program, op_signature).Read());
    signature.op = op.op;
  }
  return signature;
}

std::string TypeText(const SignatureInput& input) {
  const std::string name = executable::DTypeName(static_cast<executable::DType>(input.dtype));
  if (input.any_shape) return absl::StrCat(name, " of any shape");
  return absl::StrCat(name, "[",
                      absl::StrJoin(input.dims, ", ",
                                    [](std::string* out, int64_t dim) {
                                      absl::StrAppend(out, dim < 0 ? "?" : absl::StrCat(dim));
                                    }),
                      "]");
}

std::string InputNames(const StepSignature& signature) {
  if (signature.inputs.empty()) return "none";
  return absl::StrJoin(signature.inputs, ", ", [](std::string* out, const SignatureInput& input) {
    absl::StrAppend(out, input.key);
  });
}

}  // namespace stator::distribute
