#include "tests/ops/op_sample.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "google/protobuf/text_format.h"
#include "graph/data_type.h"
#include "graph/op_schema.h"
#include "graph/status_macros.h"
#include "graph/tensor_proto.h"
#include "tests/ops/op_recipes.h"

namespace stator::tests {
namespace {

using google::protobuf::TextFormat;

constexpr char kLibrary[] = R"(
  function {
    signature { name: 'keep' input_arg { name: 'x' type: $T } output_arg { name: 'y' type: $T } }
    node_def { name: 'same' op: 'Identity' input: 'x' attr { key: 'T' value { type: $T } } }
    ret { key: 'y' value: 'same:output:0' }
  }
  function {
    signature { name: 'step' input_arg { name: 'x' type: $T } output_arg { name: 'y' type: $T } }
    node_def { name: 'ten' op: 'Const' attr { key: 'dtype' value { type: DT_INT32 } }
      attr { key: 'value' value { tensor { dtype: DT_INT32 tensor_shape {} int_val: 10 } } } }
    node_def { name: 'cast' op: 'Cast' input: 'ten:output:0'
      attr { key: 'SrcT' value { type: DT_INT32 } } attr { key: 'DstT' value { type: $T } } }
    node_def { name: 'add' op: 'AddV2' input: 'x' input: 'cast:y:0'
      attr { key: 'T' value { type: $T } } }
    ret { key: 'y' value: 'add:z:0' }
  }
  function {
    signature { name: 'small' input_arg { name: 'x' type: $T } output_arg { name: 'y' type: DT_BOOL } }
    node_def { name: 'limit' op: 'Const' attr { key: 'dtype' value { type: DT_INT32 } }
      attr { key: 'value' value { tensor { dtype: DT_INT32 tensor_shape {} int_val: 100 } } } }
    node_def { name: 'cast' op: 'Cast' input: 'limit:output:0'
      attr { key: 'SrcT' value { type: DT_INT32 } } attr { key: 'DstT' value { type: $T } } }
    node_def { name: 'less' op: 'Less' input: 'x' input: 'cast:y:0'
      attr { key: 'T' value { type: $T } } }
    ret { key: 'y' value: 'less:z:0' }
  })";

const std::vector<DataType>& MachineTypes() {
  static const auto* const types = new std::vector<DataType>{
      DT_FLOAT, DT_DOUBLE, DT_HALF,   DT_BFLOAT16, DT_INT8,   DT_INT16, DT_INT32,
      DT_INT64, DT_UINT8,  DT_UINT16, DT_UINT32,   DT_UINT64, DT_BOOL};
  return *types;
}

bool IsFloating(DataType type) {
  return type == DT_FLOAT || type == DT_DOUBLE || type == DT_HALF || type == DT_BFLOAT16;
}

bool IsList(const OpDef::ArgDef& arg) {
  return !arg.number_attr().empty() || !arg.type_list_attr().empty();
}

// The attribute that a sample varies; null where there is none.
const OpDef::AttrDef* SampledAttr(const OpDef& op, const OpRecipe* recipe) {
  for (const OpDef::AttrDef& attr : op.attr()) {
    if (attr.type() != "type") continue;
    const bool given = recipe != nullptr &&
                       std::any_of(recipe->attrs.begin(), recipe->attrs.end(),
                                   [&](const auto& pair) { return pair.first == attr.name(); });
    if (!given) return &attr;
  }
  return nullptr;
}

// Element k of tensor `salt`: multiples of 1/8 within 3, small positive integers, some truth.
double Element(int64_t k, int salt, DataType type) {
  const int64_t mixed = k * 37 + salt * 11 + 5;
  if (IsFloating(type)) return static_cast<double>(mixed % 41 - 20) / 8;
  if (type == DT_BOOL) return (k + salt) % 3 != 1;
  return static_cast<double>(mixed % 11 + 1);
}

absl::StatusOr<std::vector<int64_t>> Numbers(const std::string& text) {
  std::vector<int64_t> numbers;
  for (absl::string_view part : absl::StrSplit(text, ',', absl::SkipEmpty())) {
    int64_t number;
    if (!absl::SimpleAtoi(part, &number))
      return absl::InternalError(absl::StrCat("recipe: ", text));
    numbers.push_back(number);
  }
  return numbers;
}

class Maker {
 public:
  Maker(const OpDef& op, DataType dtype) : op_(op), dtype_(dtype), recipe_(FindRecipe(op.name())) {}

  absl::StatusOr<OpSample> Make() {
    node_.set_name("op");
    node_.set_op(op_.name());
    STATOR_RETURN_IF_ERROR(SetAttrs());
    if (op_.name() == "Placeholder") {
      STATOR_RETURN_IF_ERROR(FeedItself());
    } else {
      STATOR_RETURN_IF_ERROR(AddInputs());
    }
    *sample_.graph.add_node() = node_;
    sample_.program.targets.push_back("op");
    AddFetches();
    return std::move(sample_);
  }

 private:
  std::string WithType(const std::string& text) const {
    return absl::StrReplaceAll(text, {{"$T", DataType_Name(MainType())}});
  }
  DataType MainType() const { return dtype_ == DT_INVALID ? DT_FLOAT : dtype_; }

  absl::Status SetAttrs() {
    if (recipe_ != nullptr) {
      for (const auto& [name, text] : recipe_->attrs) {
        AttrValue value;
        if (!TextFormat::ParseFromString(WithType(text), &value)) {
          return absl::InternalError(absl::StrCat("recipe of ", op_.name(), ": ", text));
        }
        const bool calls = value.has_func() && sample_.graph.library().function_size() == 0;
        if (calls &&
            !TextFormat::ParseFromString(WithType(kLibrary), sample_.graph.mutable_library())) {
          return absl::InternalError("the library does not parse");
        }
        (*node_.mutable_attr())[name] = value;
      }
    }
    const OpDef::AttrDef* sampled = SampledAttr(op_, recipe_);
    for (const OpDef::AttrDef& attr : op_.attr()) {
      if (attr.type() != "type" || node_.attr().count(attr.name()) > 0) continue;
      (*node_.mutable_attr())[attr.name()].set_type(&attr == sampled ? MainType()
                                                                     : OtherType(attr));
    }
    return absl::OkStatus();
  }

  // The type of an attribute that is not sampled: its default, else int32 where that is allowed.
  static DataType OtherType(const OpDef::AttrDef& attr) {
    if (attr.has_default_value()) return attr.default_value().type();
    if (!attr.has_allowed_values()) return DT_INT32;
    const auto& allowed = attr.allowed_values().list().type();
    const bool has_int32 = std::find(allowed.begin(), allowed.end(), DT_INT32) != allowed.end();
    return has_int32 ? DT_INT32 : static_cast<DataType>(allowed[0]);
  }

  DataType TypeOf(const OpDef::ArgDef& arg) const {
    if (arg.type() != DT_INVALID) return arg.type();
    if (!arg.type_attr().empty()) return node_.attr().at(arg.type_attr()).type();
    return MainType();
  }

  absl::Status AddInputs() {
    std::vector<std::string> specs;
    if (recipe_ != nullptr) specs = recipe_->inputs;
    if (recipe_ == nullptr) {
      for (const OpDef::ArgDef& arg : op_.input_arg()) {
        const std::string spec = arg.type() == DT_RESOURCE ? "v 3" : "x 2,3";
        specs.insert(specs.end(), arg.number_attr().empty() ? 1 : 2, spec);
      }
    }
    size_t lists = 0, next = 0;
    for (const OpDef::ArgDef& arg : op_.input_arg()) lists += IsList(arg);
    for (const OpDef::ArgDef& arg : op_.input_arg()) {
      size_t count = 1;
      if (IsList(arg) && lists > 0) count = (specs.size() - (op_.input_arg_size() - lists)) / lists;
      const DataType type = TypeOf(arg);
      if (!arg.number_attr().empty()) {
        (*node_.mutable_attr())[arg.number_attr()].set_i(static_cast<int64_t>(count));
      }
      for (size_t i = 0; i < count && next < specs.size(); ++i) {
        if (!arg.type_list_attr().empty()) {
          (*node_.mutable_attr())[arg.type_list_attr()].mutable_list()->add_type(type);
        }
        STATOR_RETURN_IF_ERROR(AddInput(specs[next++], type));
      }
    }
    return absl::OkStatus();
  }

  absl::Status AddInput(const std::string& spec, DataType type) {
    const std::string name = absl::StrCat("in", inputs_++);
    const std::pair<std::string, std::string> parts = absl::StrSplit(spec, absl::MaxSplits(' ', 1));
    const char kind = parts.first[0];
    if (kind == 't' || kind == 'p') return AddStrings(name, parts.second, kind == 'p');
    STATOR_ASSIGN_OR_RETURN(std::vector<int64_t> numbers, Numbers(parts.second));
    if (kind == 'v') return AddVariable(name, numbers);
    if (kind == 'x') {
      AddFeed(name, type, numbers, 0);
    } else if (kind == 'i') {
      AddFeed(name, type, numbers, parts.first[1] - '0');
    } else {
      STATOR_RETURN_IF_ERROR(AddConstant(name, type, numbers, kind));
    }
    node_.add_input(name);
    return absl::OkStatus();
  }

  void SetType(const char* attr, DataType type, NodeDef* node) {
    (*node->mutable_attr())[attr].set_type(type);
  }

  NodeDef* AddNode(const std::string& name, const std::string& op, DataType type) {
    NodeDef* node = sample_.graph.add_node();
    node->set_name(name);
    node->set_op(op);
    SetType("dtype", type, node);
    return node;
  }

  void SetShape(const std::vector<int64_t>& dims, NodeDef* node) {
    TensorShapeProto* shape = (*node->mutable_attr())["shape"].mutable_shape();
    for (int64_t size : dims) shape->add_dim()->set_size(size);
  }

  // A placeholder; `limit`: its elements are integers below that.
  void AddFeed(const std::string& name, DataType type, const std::vector<int64_t>& dims,
               int limit) {
    SetShape(dims, AddNode(name, "Placeholder", type));
    Feed(name + ":0", type, dims, limit);
    if (type == MainType() && IsFloating(type)) sample_.floats.push_back(name + ":0");
  }

  void Feed(const std::string& tensor, DataType type, const std::vector<int64_t>& dims, int limit) {
    int64_t count = 1;
    for (int64_t size : dims) count *= size;
    const int salt = static_cast<int>(sample_.program.feeds.size());
    std::vector<double> values;
    for (int64_t k = 0; k < count; ++k) {
      values.push_back(limit > 0 ? static_cast<double>((k * 7 + salt) % limit)
                                 : Element(k, salt, type));
    }
    sample_.program.feeds.push_back(tensor);
    sample_.run.feeds.push_back(MakeNumbers(static_cast<DType>(type), dims, values));
  }

  absl::Status FeedItself() {
    Feed("op:0", MainType(), {3}, 0);
    after_.set_name("after");
    after_.set_op("Identity");
    after_.add_input("op");
    SetType("T", MainType(), &after_);
    return absl::OkStatus();
  }

  absl::Status AddConstant(const std::string& name, DataType type,
                           const std::vector<int64_t>& numbers, char kind) {
    graph::DenseTensor tensor;
    tensor.dtype = type;
    const auto count = static_cast<int64_t>(numbers.size());
    if (kind == 'c') tensor.shape = {count};
    if (kind == 'm') tensor.shape = {count / 2, 2};
    const Tensor values =
        MakeNumbers(static_cast<DType>(type), tensor.shape, {numbers.begin(), numbers.end()});
    tensor.bytes.assign(values.data(), static_cast<size_t>(values.num_bytes()));
    STATOR_ASSIGN_OR_RETURN(
        *(*AddNode(name, "Const", type)->mutable_attr())["value"].mutable_tensor(),
        graph::EncodeTensor(tensor));
    return absl::OkStatus();
  }

  absl::Status AddStrings(const std::string& name, const std::string& text, bool is_scalar) {
    graph::DenseTensor tensor;
    tensor.dtype = DT_STRING;
    tensor.strings = {text};
    if (!is_scalar) tensor.shape = {1};
    STATOR_ASSIGN_OR_RETURN(
        *(*AddNode(name, "Const", DT_STRING)->mutable_attr())["value"].mutable_tensor(),
        graph::EncodeTensor(tensor));
    node_.add_input(name);
    return absl::OkStatus();
  }

  // A variable, assigned before the op and read after it.
  absl::Status AddVariable(const std::string& name, const std::vector<int64_t>& dims) {
    SetShape(dims, AddNode(name, "VarHandleOp", MainType()));
    AddFeed(name + "_value", MainType(), dims, 0);
    NodeDef* assign = AddNode(name + "_assign", "AssignVariableOp", MainType());
    assign->add_input(name);
    assign->add_input(name + "_value");
    node_.add_input(name);
    assigns_.push_back(name + "_assign");
    variables_.push_back(name);
    return absl::OkStatus();
  }

  void AddFetches() {
    NodeDef* op = sample_.graph.mutable_node(sample_.graph.node_size() - 1);
    if (!after_.name().empty()) {  // what is fed cannot be fetched
      *sample_.graph.add_node() = after_;
      sample_.program.fetches.push_back("after:0");
      return;
    }
    for (const std::string& assign : assigns_) op->add_input("^" + assign);
    int index = 0;
    for (const OpDef::ArgDef& arg : op_.output_arg()) {
      int64_t count = 1;
      if (!arg.number_attr().empty()) count = op->attr().at(arg.number_attr()).i();
      if (!arg.type_list_attr().empty())
        count = op->attr().at(arg.type_list_attr()).list().type_size();
      for (int64_t i = 0; i < count; ++i, ++index) {
        if (arg.type() != DT_RESOURCE)
          sample_.program.fetches.push_back(absl::StrCat("op:", index));
      }
    }
    for (const std::string& variable : variables_) {
      NodeDef* read = AddNode(variable + "_after", "ReadVariableOp", MainType());
      read->add_input(variable);
      read->add_input("^op");
      sample_.program.fetches.push_back(variable + "_after:0");
    }
  }

  const OpDef& op_;
  const DataType dtype_;
  const OpRecipe* const recipe_;
  NodeDef node_;
  NodeDef after_;  // of a placeholder, which is fed itself
  OpSample sample_;
  int inputs_ = 0;
  std::vector<std::string> assigns_, variables_;
};

}  // namespace

std::vector<DataType> SampleTypes(const OpDef& op) {
  const OpRecipe* recipe = FindRecipe(op.name());
  if (recipe != nullptr && !recipe->types.empty()) return recipe->types;
  const OpDef::AttrDef* attr = SampledAttr(op, recipe);
  if (attr == nullptr) return {DT_INVALID};
  if (!attr->has_allowed_values()) return MachineTypes();
  const auto& allowed = attr->allowed_values().list().type();
  std::vector<DataType> types;
  for (DataType type : MachineTypes()) {
    if (std::find(allowed.begin(), allowed.end(), type) != allowed.end()) types.push_back(type);
  }
  return types;
}

absl::StatusOr<OpSample> MakeSample(const OpDef& op, DataType dtype) {
  return Maker(op, dtype).Make();
}

}  // namespace stator::tests
