#include "graph/graph.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "google/protobuf/text_format.h"
#include "graph/graph_order.h"
#include "graph/op_schema.h"
#include "proto/serialize.h"

namespace stator::graph {
namespace {

const OpSchemas* Schemas() {
  static const auto* table = [] {
    auto* ops = new OpSchemaTable();
    const auto add = [&](const OpSchemaBuilder& builder) {
      EXPECT_TRUE(ops->Add(*builder.Build()).ok());
    };
    add(OpSchemaBuilder("Source").Output("y: T").Attr("T: type = DT_FLOAT"));
    add(OpSchemaBuilder("Const").Output("output: dtype").Attr("value: tensor").Attr("dtype: type"));
    add(OpSchemaBuilder("Add").Input("a: T").Input("b: T").Output("c: T").Attr(
        "T: {float, int32}"));
    add(OpSchemaBuilder("Pack")
            .Input("values: N * T")
            .Output("packed: T")
            .Attr("N: int >= 1")
            .Attr("T: type"));
    add(OpSchemaBuilder("Split")
            .Input("x: T")
            .Output("parts: num * T")
            .Attr("num: int >= 1")
            .Attr("T: type"));
    add(OpSchemaBuilder("Variable").Output("ref: Ref(float)"));
    add(OpSchemaBuilder("Assign").Input("ref: Ref(float)").Input("value: float"));
    add(OpSchemaBuilder("Pool")
            .Input("x: float")
            .Output("y: float")
            .Attr("k: list(int) >= 2")
            .Attr("padding: {'SAME', 'VALID'}"));
    add(OpSchemaBuilder("Old").Deprecated(10, "Use New."));
    add(OpSchemaBuilder("NoOp"));
    add(OpSchemaBuilder("Call").Input("x: float").Output("y: float").Attr("f: func"));
    return ops;
  }();
  return table;
}

GraphDef Def(const std::string& text) {
  GraphDef def;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &def)) << text;
  return def;
}

absl::StatusOr<Graph> Import(const std::string& text) {
  return Graph::FromGraphDef(Def(text), Schemas());
}

std::string Error(const std::string& text) {
  const auto graph = Import(text);
  EXPECT_FALSE(graph.ok()) << text;
  return std::string(graph.status().message());
}

const char kSources[] =
    "node { name: 'x' op: 'Source' } "
    "node { name: 'i' op: 'Source' attr { key: 'T' value { type: DT_INT32 } } } ";
const char kFloat[] = " attr { key: 'T' value { type: DT_FLOAT } } ";

std::string Add(const std::string& inputs, const std::string& more = kFloat) {
  return std::string(kSources) + "node { name: 'add' op: 'Add' " + inputs + more + "}";
}

TEST(Graph, InfersTypesAndDefaults) {
  const auto graph = Import(Add("input: 'x' input: 'x:0' input: '^i'"));
  ASSERT_TRUE(graph.ok()) << graph.status();
  const Node& add = *graph->FindNode("add");
  EXPECT_EQ(add.id(), 2);
  EXPECT_EQ(add.inputs().size(), 2u);
  EXPECT_EQ(add.inputs()[1], (Endpoint{0, 0}));
  EXPECT_EQ(add.control_inputs()[0], 1);
  EXPECT_EQ(add.output_types()[0], DT_FLOAT);
  EXPECT_EQ(*graph->FindNode("x")->TypeAttr("T"), DT_FLOAT);  // the schema's default
  EXPECT_EQ(graph->FindNode("x")->def().attr_size(), 0);      // which is not written
  EXPECT_FALSE(add.IntAttr("T").ok());
  EXPECT_EQ(add.IntAttr("N").status().code(), absl::StatusCode::kNotFound);
}

TEST(Graph, ListArguments) {
  const auto graph = Import(
      std::string(kSources) +
      "node { name: 's' op: 'Split' input: 'x' attr { key: 'num' value { i: 3 } } " + kFloat +
      "} node { name: 'p' op: 'Pack' input: 's:2' input: 's' attr { key: 'N' value { i: 2 } } " +
      kFloat + "}");
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->FindNode("s")->num_outputs(), 3);
  EXPECT_EQ(*graph->FindNode("s")->OutputRange("parts"), std::make_pair(0, 3));
  EXPECT_EQ(*graph->FindNode("p")->InputRange("values"), std::make_pair(0, 2));
  EXPECT_FALSE(graph->FindNode("p")->InputRange("parts").ok());
}

TEST(Graph, EdgesThatDoNotFit) {
  EXPECT_EQ(Error(Add("input: 'x' input: 'i'")),
            "node 'add' (op Add): input 1 'b': expected float, found int32 from 'i'");
  EXPECT_EQ(Error(Add("input: 'x'")), "node 'add' (op Add): expected 2 inputs, found 1");
  EXPECT_EQ(Error(Add("input: 'x' input: 'x' input: 'x'")),
            "node 'add' (op Add): expected 2 inputs, found 3");
  EXPECT_EQ(Error(Add("input: 'x' input: 'y'")),
            "node 'add' (op Add): input 1: expected a node of the graph, found 'y'");
  EXPECT_EQ(Error(Add("input: 'x' input: 'x:1'")),
            "node 'add' (op Add): input 1: expected one of the 1 outputs of node 'x', found 'x:1'");
  EXPECT_NE(Error(Add("input: 'x' input: 'x:-1'")).find("expected a number after the colon"),
            std::string::npos);
  EXPECT_NE(Error(Add("input: '^i' input: 'x' input: 'x'")).find("data inputs before control"),
            std::string::npos);
  EXPECT_NE(Error(Add("input: 'x' input: ''")).find("tensor name ''"), std::string::npos);
}

TEST(Graph, References) {
  const std::string variable = "node { name: 'v' op: 'Variable' } ";
  EXPECT_TRUE(
      Import(variable + "node { name: 'p' op: 'Add' input: 'v' input: 'v' " + kFloat + "}").ok());
  EXPECT_TRUE(Import(variable + "node { name: 'p' op: 'Assign' input: 'v' input: 'v' }").ok());
  EXPECT_EQ(Error(std::string(kSources) + "node { name: 'p' op: 'Assign' input: 'x' input: 'x' }"),
            "node 'p' (op Assign): input 0 'ref': expected float_ref, found float from 'x'");
}

TEST(Graph, AttributesThatDoNotFit) {
  const std::string inputs = "input: 'x' input: 'x' ";
  EXPECT_EQ(Error(Add(inputs, "")),
            "node 'add' (op Add): attribute 'T': expected a value of type type, found none");
  EXPECT_EQ(
      Error(Add(inputs, "attr { key: 'T' value { i: 1 } }")),
      "node 'add' (op Add): attribute 'T': expected a value of type type, found 1 of type int");
  EXPECT_EQ(Error(Add(inputs, "attr { key: 'T' value { type: DT_HALF } }")),
            "node 'add' (op Add): attribute 'T': expected one of {float, int32}, found half");
  EXPECT_NE(Error(Add(inputs, "attr { key: 'T' value { type: DT_FLOAT_REF } }")).find("reference"),
            std::string::npos);
  EXPECT_NE(Error(Add(inputs, "attr { key: 'T' value { placeholder: 'U' } }")).find("placeholder"),
            std::string::npos);
  const std::string unknown = "attr { key: 'zap' value { b: false } } ";
  EXPECT_NE(
      Error(Add(inputs, kFloat + unknown)).find("attribute 'zap': expected a name that op Add"),
      std::string::npos);
  EXPECT_TRUE(Import("versions { producer: 5000 } " + Add(inputs, kFloat + unknown)).ok());
  EXPECT_NE(Error("versions { producer: 5000 } " +
                  Add(inputs, std::string(kFloat) + "attr { key: 'zap' value { b: true } } "))
                .find("'zap'"),
            std::string::npos);
  EXPECT_TRUE(
      Import(Add(inputs, std::string(kFloat) + "attr { key: '_zap' value { i: 3 } } ")).ok());
  const auto pool = [](const std::string& attrs) {
    return std::string(kSources) + "node { name: 'p' op: 'Pool' input: 'x' " + attrs + "}";
  };
  EXPECT_EQ(Error(pool("attr { key: 'k' value { list { i: 1 } } } "
                       "attr { key: 'padding' value { s: 'SAME' } }")),
            "node 'p' (op Pool): attribute 'k': expected at least 2 elements, found 1");
  EXPECT_EQ(
      Error(pool("attr { key: 'k' value { list { i: [1, 2] } } } "
                 "attr { key: 'padding' value { s: 'FULL' } }")),
      "node 'p' (op Pool): attribute 'padding': expected one of {SAME, VALID}, found \"FULL\"");
  EXPECT_NE(Error(pool("attr { key: 'k' value { list { i: [1, 2] s: 'x' } } } "
                       "attr { key: 'padding' value { s: 'SAME' } }"))
                .find("list(string and int)"),
            std::string::npos);
}

TEST(Graph, HostileNumbers) {
  const std::string split =
      std::string(kSources) + "node { name: 's' op: 'Split' input: 'x' " + kFloat;
  for (const char* number : {"0", "-5"}) {
    EXPECT_NE(Error(split + "attr { key: 'num' value { i: " + number + " } } }").find("at least 1"),
              std::string::npos);
  }
  for (const char* number : {"65537", "4611686018427387904", "9223372036854775807"}) {
    EXPECT_NE(Error(split + "attr { key: 'num' value { i: " + number + " } } }")
                  .find("expected at most 65536 in all"),
              std::string::npos);
  }
  const auto constant = [](const std::string& dims) {
    return "node { name: 'c' op: 'Const' attr { key: 'dtype' value { type: DT_FLOAT } } "
           "attr { key: 'value' value { tensor { dtype: DT_FLOAT float_val: 0 tensor_shape { " +
           dims + " } } } } }";
  };
  EXPECT_TRUE(Import(constant("dim { size: 1000 }")).ok());
  EXPECT_NE(Error(constant("dim { size: -1 }")).find("at least 0, found -1"), std::string::npos);
  EXPECT_NE(Error(constant("dim { size: -7 }")).find("found -7"), std::string::npos);
  EXPECT_NE(Error(constant("dim { size: 4294967296 } dim { size: 4294967296 }")).find("63 bits"),
            std::string::npos);
  EXPECT_NE(Error(constant("dim { size: 4294967296 }")).find("at most 2147483648 bytes"),
            std::string::npos);
  EXPECT_NE(Error(constant("dim { size: 4611686018427387904 }")).find("at most"),
            std::string::npos);
}

TEST(Graph, Names) {
  EXPECT_NE(Error(std::string(kSources) + "node { name: 'x' op: 'NoOp' }")
                .find("expected a name of its own, found another node of op Source"),
            std::string::npos);
  for (const char* name : {"", "a b", "a:0", "^a", "/a", "\\303\\244"}) {
    EXPECT_FALSE(Import(std::string("node { op: 'NoOp' name: '") + name + "' }").ok()) << name;
  }
  EXPECT_EQ(Error("node { name: 'n' op: 'Nope' }"),
            "node 'n' (op Nope): expected an op or function that exists, found 'Nope'");
  EXPECT_NE(Error("node { name: 'n' op: 'NoOp' device: 'gpu' }").find("device 'gpu'"),
            std::string::npos);
}

TEST(Graph, UnknownOpsAreKeptOnRequest) {
  ImportOptions options;
  options.allow_unknown_ops = true;
  const auto graph = Graph::FromGraphDef(
      Def("node { name: 'n' op: 'Nope' } node { name: 'add' op: 'Add' input: 'n:7' input: 'n' " +
          std::string(kFloat) + "}"),
      Schemas(), options);
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->FindNode("n")->schema(), nullptr);
  EXPECT_EQ(graph->FindNode("add")->inputs()[0], (Endpoint{0, 7}));
}

TEST(Graph, Versions) {
  EXPECT_FALSE(Import("versions { producer: 2000 min_consumer: 1999 }").ok());
  EXPECT_FALSE(Import("versions { producer: 20 bad_consumers: 898 }").ok());
  EXPECT_NE(Error("versions { producer: 10 } node { name: 'o' op: 'Old' }").find("Use New."),
            std::string::npos);
  EXPECT_TRUE(Import("versions { producer: 9 } node { name: 'o' op: 'Old' }").ok());
}

TEST(Graph, LoopsAreDataAndCyclesHaveNames) {
  const auto graph = Import("node { name: 'c' op: 'Add' input: 'b' input: 'x' " +
                            std::string(kFloat) + "}" + "node { name: 'x' op: 'Source' }" +
                            "node { name: 'a' op: 'Add' input: 'c' input: 'x' " + kFloat + "}" +
                            "node { name: 'b' op: 'Add' input: 'x' input: 'a' " + kFloat + "}" +
                            "node { name: 'after' op: 'NoOp' input: '^b' }");
  ASSERT_TRUE(graph.ok()) << graph.status();
  const auto order = TopologicalOrder(*graph);
  EXPECT_EQ(order.status().message(),
            "node 'c' (op Add): expected a graph without cycles, found 'c' -> 'a' -> 'b' -> 'c'");
  const auto self = Import("node { name: 'n' op: 'NoOp' input: '^n' }");
  EXPECT_NE(TopologicalOrder(*self).status().message().find("'n' -> 'n'"), absl::string_view::npos);
}

TEST(Graph, OrderFollowsEdgesThenCreation) {
  const auto graph = Import(
      "node { name: 'late' op: 'NoOp' input: '^second' } node { name: 'first' op: 'NoOp' } "
      "node { name: 'second' op: 'NoOp' } node { name: 'third' op: 'NoOp' }");
  EXPECT_EQ(*TopologicalOrder(*graph), (std::vector<int>{1, 2, 0, 3}));
  EXPECT_EQ(*TopologicalOrder(*graph, {0, 3}), (std::vector<int>{0, 3}));
}

TEST(Graph, ImportIsAllOrNothing) {
  Graph graph(Schemas());
  ASSERT_TRUE(graph.Import(Def(kSources)).ok());
  EXPECT_FALSE(graph
                   .Import(Def("library { function { signature { name: 'f' } } } "
                               "node { name: 'n' op: 'NoOp' } node { name: 'm' op: 'Nope' }"))
                   .ok());
  EXPECT_EQ(graph.num_nodes(), 2);
  EXPECT_EQ(graph.FindNode("n"), nullptr);
  EXPECT_EQ(graph.FindFunction("f"), nullptr);
  EXPECT_TRUE(graph.Import(Def("node { name: 'n' op: 'NoOp' input: '^x' }")).ok());
  EXPECT_EQ(graph.Import(Def("node { name: 'n' op: 'NoOp' }")).code(),
            absl::StatusCode::kAlreadyExists);
}

TEST(Graph, KeepsWhatItDoesNotKnow) {
  std::string bytes = *SerializeDeterministic(
      Def(Add("input: 'x' input: 'x'") +
          "library { function { signature { name: 'f' } } gradient { function_name: 'f' } } "
          "versions { producer: 100 } debug_info { files: 'a.py' }"));
  bytes += std::string(
      "\xf2\x3f\x03"
      "abc",
      6);  // field 1022
  GraphDef def;
  ASSERT_TRUE(ParseBinary(bytes, {}, &def).ok());
  const auto graph = Graph::FromGraphDef(std::move(def), Schemas());
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(*SerializeDeterministic(graph->ToGraphDef()), bytes);
}

TEST(Graph, SourceLocations) {
  Graph graph(Schemas());
  NodeDef def;
  def.set_name("x");
  def.set_op("Source");
  ASSERT_TRUE(graph.AddNode(def, {"train.cc", 42, "main"}).ok());
  EXPECT_EQ(
      graph.AddNode(def, {"train.cc", 50, "main"}).status().message(),
      "node 'x' (op Source, at train.cc:50): expected a name of its own, found another node of "
      "op Source at train.cc:42");
  const auto again = Graph::FromGraphDef(graph.ToGraphDef(), Schemas());
  EXPECT_EQ(again->FindNode("x")->source(), (SourceLocation{"train.cc", 42, "main"}));
  ExportOptions bare;
  bare.source_locations = false;
  EXPECT_FALSE(graph.ToGraphDef(bare).has_debug_info());
}

std::string Function(const std::string& name, const std::string& callee) {
  return "function { signature { name: '" + name +
         "' input_arg { name: 'x' type: DT_FLOAT } output_arg { name: 'y' type: DT_FLOAT } } "
         "node_def { name: 'call' op: '" +
         callee + "' input: 'x' } ret { key: 'y' value: 'call:y:0' } } ";
}

std::string Library(const std::string& functions) { return "library { " + functions + " } "; }

TEST(Graph, FunctionsThatCallThemselves) {
  EXPECT_EQ(Error(Library(Function("f", "f"))),
            "function 'f': expected no recursion, found f -> f");
  EXPECT_EQ(Error(Library(Function("f", "g") + Function("g", "h") + Function("h", "g"))),
            "function 'g': expected no recursion, found g -> h -> g");
  std::string chain;
  for (int i = 0; i < 64; ++i)
    chain += Function("f" + std::to_string(i), "f" + std::to_string(i + 1));
  EXPECT_TRUE(Import(Library(chain)).ok());
  EXPECT_NE(Error(Library(Function("g", "f0") + chain)).find("at most 64 nested calls"),
            std::string::npos);
  EXPECT_NE(Error(Library(chain + Function("g", "f0"))).find("at most 64 nested calls"),
            std::string::npos);
  std::string through_attr =
      "library { function { signature { name: 'f' } node_def { name: 'c' op: 'Call' "
      "attr { key: 'f' value { func { name: 'f' } } } } } }";
  EXPECT_NE(Error(through_attr).find("no recursion"), std::string::npos);
}

TEST(Graph, FunctionsAreOps) {
  const auto graph = Import(Library(Function("f", "Source")) + std::string(kSources) +
                            "node { name: 'n' op: 'f' input: 'x' }");
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->FindNode("n")->output_types()[0], DT_FLOAT);
  EXPECT_NE(Error(Library(Function("f", "Source")) + std::string(kSources) +
                  "node { name: 'n' op: 'f' input: 'i' }")
                .find("input 0 'x': expected float, found int32"),
            std::string::npos);
  EXPECT_NE(Error(Library(Function("f", "g") + Function("f", "h"))).find("one definition"),
            std::string::npos);
}

}  // namespace
}  // namespace stator::graph
