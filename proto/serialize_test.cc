#include "proto/serialize.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "proto/attr_value.pb.h"
#include "proto/graph.pb.h"
#include "proto/struct.pb.h"

namespace stator {
namespace {

GraphDef SmallGraph() {
  GraphDef graph;
  NodeDef* node = graph.add_node();
  node->set_name("x");
  node->set_op("Placeholder");
  for (int i = 0; i < 20; ++i) {
    (*node->mutable_attr())[std::string("attr") + std::to_string(i)].set_i(i);
  }
  return graph;
}

TEST(Serialize, EqualMessagesGiveEqualBytes) {
  GraphDef forward = SmallGraph();
  GraphDef backward;
  NodeDef* node = backward.add_node();
  node->set_name("x");
  node->set_op("Placeholder");
  for (int i = 19; i >= 0; --i) {
    (*node->mutable_attr())[std::string("attr") + std::to_string(i)].set_i(i);
  }
  EXPECT_EQ(*SerializeDeterministic(forward), *SerializeDeterministic(backward));
  EXPECT_EQ(PrintText(forward), PrintText(backward));
}

TEST(Serialize, UnknownFieldsSurvive) {
  std::string bytes = *SerializeDeterministic(SmallGraph());
  bytes += std::string(
      "\xf2\x3f\x03"
      "abc",
      6);  // field 1022, three bytes
  GraphDef graph;
  ASSERT_TRUE(ParseBinary(bytes, {}, &graph).ok());
  EXPECT_EQ(*SerializeDeterministic(graph), bytes);
  EXPECT_NE(PrintText(graph).find("1022: \"abc\""), std::string::npos);
}

TEST(Serialize, DamagedAndCutBytesAreErrors) {
  const std::string bytes = *SerializeDeterministic(SmallGraph());
  GraphDef graph;
  const absl::Status cut = ParseBinary(bytes.substr(0, bytes.size() - 1), {}, &graph);
  EXPECT_EQ(cut.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(cut.message().find("stator.GraphDef"), absl::string_view::npos);
  EXPECT_FALSE(ParseBinary(bytes + std::string("\x07"), {}, &graph).ok());
}

TEST(Serialize, LimitsHold) {
  const std::string bytes = *SerializeDeterministic(SmallGraph());
  GraphDef graph;
  ParseLimits small;
  small.max_bytes = bytes.size() - 1;
  EXPECT_EQ(ParseBinary(bytes, small, &graph).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ParseText(PrintText(SmallGraph()), small, &graph).code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(Serialize, DeepNestingIsAnError) {
  std::string bytes;
  std::string text;
  for (int i = 0; i < 60; ++i) {  // every level is two messages: StructuredValue, ListValue
    StructuredValue outer;
    outer.mutable_list_value()->add_values()->ParseFromString(bytes);
    bytes = *SerializeDeterministic(outer);
    text += "list_value { values {";
  }
  for (int i = 0; i < 60; ++i) text += "} }";
  StructuredValue value;
  EXPECT_EQ(ParseBinary(bytes, {}, &value).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ParseText(text, {}, &value).code(), absl::StatusCode::kInvalidArgument);
  ParseLimits deep;
  deep.max_depth = 130;
  EXPECT_TRUE(ParseBinary(bytes, deep, &value).ok());
  EXPECT_TRUE(ParseText(text, deep, &value).ok());
}

TEST(Serialize, TextErrorsNameTheLine) {
  GraphDef graph;
  const absl::Status status = ParseText("node {\n  nam: \"x\"\n}\n", {}, &graph);
  EXPECT_NE(status.message().find("line 2"), absl::string_view::npos) << status;
  EXPECT_NE(status.message().find("nam"), absl::string_view::npos) << status;
}

TEST(Serialize, EncodingByExtensionThenContent) {
  const std::string bytes = *SerializeDeterministic(SmallGraph());
  const std::string text = PrintText(SmallGraph());
  EXPECT_EQ(DetectEncoding("a.pb", text), Encoding::kBinary);
  EXPECT_EQ(DetectEncoding("a.pbtxt", bytes), Encoding::kText);
  EXPECT_EQ(DetectEncoding("a", bytes), Encoding::kBinary);
  EXPECT_EQ(DetectEncoding("a", text), Encoding::kText);
}

TEST(Serialize, FilesAreNamedInErrors) {
  GraphDef graph;
  EXPECT_EQ(ParseFile("/nonexistent/x.pb", {}, &graph).code(), absl::StatusCode::kNotFound);
  EXPECT_FALSE(ParseFile("/tmp", {}, &graph).ok());
  const std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/graph.pbtxt";
  std::ofstream(path) << PrintText(SmallGraph());
  ASSERT_TRUE(ParseFile(path, {}, &graph).ok());
  EXPECT_EQ(graph.node(0).attr_size(), 20);
  ParseLimits small;
  small.max_bytes = 10;
  const absl::Status status = ParseFile(path, small, &graph);
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(status.message().find(path), absl::string_view::npos);
}

}  // namespace
}  // namespace stator
