#include "graph/op_schema.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/text_format.h"
#include "graph/attr_value.h"
#include "graph/data_type.h"
#include "proto/serialize.h"
#include "proto/tensorflow_ops_for_test.h"

namespace stator::graph {
namespace {

TEST(OpSchema, BuildsTensorFlowsNotation) {
  const auto op = OpSchemaBuilder("MaxPool")
                      .Input("input: T")
                      .Output("output: T")
                      .Attr("T: {half, bfloat16, float} = DT_FLOAT")
                      .Attr("ksize: list(int) >= 4")
                      .Attr("padding: {'SAME', \"VALID\"}")
                      .Attr("data_format: string = 'NHWC'")
                      .Summary("Pools.")
                      .Build();
  ASSERT_TRUE(op.ok()) << op.status();
  OpDef expected;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"pb(
        name: "MaxPool"
        summary: "Pools."
        input_arg { name: "input" type_attr: "T" }
        output_arg { name: "output" type_attr: "T" }
        attr {
          name: "T"
          type: "type"
          default_value { type: DT_FLOAT }
          allowed_values { list { type: [ DT_HALF, DT_BFLOAT16, DT_FLOAT ] } }
        }
        attr { name: "ksize" type: "list(int)" has_minimum: true minimum: 4 }
        attr {
          name: "padding"
          type: "string"
          allowed_values { list { s: [ "SAME", "VALID" ] } }
        }
        attr {
          name: "data_format"
          type: "string"
          default_value { s: "NHWC" }
        })pb",
      &expected));
  EXPECT_EQ(PrintText(*op), PrintText(expected));
}

TEST(OpSchema, ListsAndReferences) {
  const auto op = OpSchemaBuilder("Many")
                      .Input("xs: N * T")
                      .Input("ys: Tlist")
                      .Input("ref: Ref(float)")
                      .Output("z: int32")
                      .Attr("N: int >= 2")
                      .Attr("T: realnumbertype")
                      .Attr("Tlist: list({int32, numbertype}) = [DT_INT32]")
                      .Attr("shape: shape = { unknown_rank: true }")
                      .Attr("shapes: list(shape) = [{ dim { size: 3 } }, {}]")
                      .Attr("f: func")
                      .Attr("names: list(string) = []")
                      .Build();
  ASSERT_TRUE(op.ok()) << op.status();
  EXPECT_EQ(op->input_arg(0).number_attr(), "N");
  EXPECT_EQ(op->input_arg(1).type_list_attr(), "Tlist");
  EXPECT_TRUE(op->input_arg(2).is_ref());
  EXPECT_EQ(op->input_arg(2).type(), DT_FLOAT);
  EXPECT_EQ(FindAttrDef(*op, "Tlist")->minimum(), 1);
  EXPECT_EQ(FindAttrDef(*op, "Tlist")->allowed_values().list().type_size(), 18);
  EXPECT_TRUE(FindAttrDef(*op, "shape")->default_value().shape().unknown_rank());
  EXPECT_EQ(FindAttrDef(*op, "shapes")->default_value().list().shape_size(), 2);
  EXPECT_TRUE(FindAttrDef(*op, "names")->default_value().has_list());
}

std::string AttrError(const std::string& spec) {
  return std::string(OpSchemaBuilder("Foo").Attr(spec).Build().status().message());
}

std::string InputError(const std::string& spec) {
  return std::string(
      OpSchemaBuilder("Foo").Input(spec).Attr("N: int").Attr("T: type").Build().status().message());
}

TEST(OpSchema, MistakesNameTheOpAndTheText) {
  EXPECT_EQ(
      AttrError("T: {half, floaty}"),
      "schema of op Foo, \"T: {half, floaty}\": expected an element type or a quoted string in "
      "braces, found '}'");
  EXPECT_NE(AttrError("T {half}").find("expected ':'"), std::string::npos);
  EXPECT_NE(AttrError("T: integer").find("expected an attribute type"), std::string::npos);
  EXPECT_NE(AttrError("n: int = 'a'").find("expected a value of int"), std::string::npos);
  EXPECT_NE(AttrError("n: int >= 3 = 2").find("expected at least 3, found 2"), std::string::npos);
  EXPECT_NE(AttrError("s: {'a', 'b'} = 'c'").find("expected one of {a, b}"), std::string::npos);
  EXPECT_NE(AttrError("n: int >= x").find("expected an integer"), std::string::npos);
  EXPECT_NE(AttrError("l: list(int) = 3").find("expected a list in brackets"), std::string::npos);
  EXPECT_NE(InputError("x: U").find("expected an element type or an attribute"), std::string::npos);
  EXPECT_NE(InputError("X: T").find("expected a lower-case name"), std::string::npos);
  EXPECT_NE(InputError("x: T * T").find("expected an attribute 'T' of type int"),
            std::string::npos);
  EXPECT_NE(InputError("x: N").find("expected an attribute 'N' of type type"), std::string::npos);
  EXPECT_NE(InputError("x: Ref(T").find("expected ')'"), std::string::npos);
  EXPECT_FALSE(OpSchemaBuilder("foo").Build().ok());
  EXPECT_FALSE(OpSchemaBuilder("").Build().ok());
  EXPECT_FALSE(OpSchemaBuilder("F").Input("x: int32").Input("x: int32").Build().ok());
}

TEST(OpSchema, TableRefusesTwins) {
  OpSchemaTable table;
  ASSERT_TRUE(table.Add(*OpSchemaBuilder("B").Build()).ok());
  ASSERT_TRUE(table.Add(*OpSchemaBuilder("A").Build()).ok());
  EXPECT_EQ(table.Add(*OpSchemaBuilder("A").Build()).code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(table.Find("A")->name(), "A");
  EXPECT_EQ(table.Find("C"), nullptr);
  ASSERT_EQ(table.List().size(), 2u);
  EXPECT_EQ(table.List()[0]->name(), "A");
}

// Writes a recorded schema in the builder's notation.
std::string Quoted(const std::string& s) { return absl::StrCat("\"", absl::CEscape(s), "\""); }

std::string Message(const google::protobuf::Message& message) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  printer.PrintToString(message, &text);
  return absl::StrCat("{ ", text, " }");
}

std::string DefaultText(const AttrValue& value) {
  std::vector<std::string> items;
  const AttrValue::ListValue& list = value.list();
  for (const auto& s : list.s()) items.push_back(Quoted(s));
  for (const auto i : list.i()) items.push_back(absl::StrCat(i));
  for (const auto f : list.f()) items.push_back(absl::StrCat(f));
  for (const auto b : list.b()) items.push_back(b ? "true" : "false");
  for (const auto t : list.type()) items.push_back(DataType_Name(t));
  for (const auto& shape : list.shape()) items.push_back(Message(shape));
  switch (value.value_case()) {
    case AttrValue::kList:
      return absl::StrCat("[", absl::StrJoin(items, ", "), "]");
    case AttrValue::kS:
      return Quoted(value.s());
    case AttrValue::kType:
      return DataType_Name(value.type());
    case AttrValue::kShape:
      return Message(value.shape());
    case AttrValue::kFunc:
      return Message(value.func());
    case AttrValue::kTensor:
      return Message(value.tensor());
    case AttrValue::kF: {
      const std::string text = PrintText(value);  // the shortest text that reads back the same
      return text.substr(3);
    }
    default:
      return AttrValueText(value);
  }
}

std::string AttrSpec(const OpDef::AttrDef& attr) {
  std::string type = attr.type();
  if (attr.has_allowed_values()) {
    std::vector<std::string> names;
    for (const auto& s : attr.allowed_values().list().s()) names.push_back(Quoted(s));
    for (const int t : attr.allowed_values().list().type()) {
      names.push_back(DataTypeName(static_cast<DataType>(t)));
    }
    const std::string set = absl::StrCat("{", absl::StrJoin(names, ", "), "}");
    type = type.find("list(") == 0 ? absl::StrCat("list(", set, ")") : set;
  }
  std::string spec = absl::StrCat(attr.name(), ": ", type);
  if (attr.has_minimum()) absl::StrAppend(&spec, " >= ", attr.minimum());
  if (attr.has_default_value()) absl::StrAppend(&spec, " = ", DefaultText(attr.default_value()));
  return spec;
}

std::string ArgSpec(const OpDef::ArgDef& arg) {
  std::string type = arg.type() != DT_INVALID ? DataTypeName(arg.type())
                                              : absl::StrCat(arg.type_attr(), arg.type_list_attr());
  if (arg.is_ref()) type = absl::StrCat("Ref(", type, ")");
  if (!arg.number_attr().empty()) type = absl::StrCat(arg.number_attr(), " * ", type);
  return absl::StrCat(arg.name(), ": ", type);
}

TEST(OpSchema, RebuildsEveryOpOfTheRegistry) {
  const absl::StatusOr<OpList> ops = ReadTensorFlowOps();
  if (absl::IsNotFound(ops.status())) GTEST_SKIP() << ops.status();
  ASSERT_TRUE(ops.ok()) << ops.status();
  for (const OpDef& recorded : ops->op()) {
    SCOPED_TRACE(recorded.name());
    EXPECT_TRUE(CheckOpDef(recorded).ok()) << CheckOpDef(recorded);
    OpSchemaBuilder builder(recorded.name());
    for (const auto& arg : recorded.input_arg()) builder.Input(ArgSpec(arg));
    for (const auto& arg : recorded.output_arg()) builder.Output(ArgSpec(arg));
    for (const auto& attr : recorded.attr()) builder.Attr(AttrSpec(attr));
    if (recorded.is_stateful()) builder.SetIsStateful();
    if (recorded.is_commutative()) builder.SetIsCommutative();
    if (recorded.is_aggregate()) builder.SetIsAggregate();
    if (recorded.allows_uninitialized_input()) builder.SetAllowsUninitializedInput();
    if (recorded.is_distributed_communication()) builder.SetIsDistributedCommunication();
    if (recorded.has_deprecation()) {
      builder.Deprecated(recorded.deprecation().version(), recorded.deprecation().explanation());
    }
    const absl::StatusOr<OpDef> built = builder.Build();
    if (!built.ok()) {
      ADD_FAILURE() << built.status();
      continue;
    }
    OpDef expected = recorded;
    for (auto* args : {expected.mutable_input_arg(), expected.mutable_output_arg()}) {
      for (auto& arg : *args) arg.clear_experimental_full_type();
    }
    EXPECT_EQ(PrintText(*built), PrintText(expected));
  }
}

}  // namespace
}  // namespace stator::graph
