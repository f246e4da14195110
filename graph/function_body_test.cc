#include "graph/function_body.h"

#include <gtest/gtest.h>

#include <string>

#include "google/protobuf/text_format.h"

namespace stator::graph {
namespace {

const OpSchemas* Schemas() {
  static const auto* table = [] {
    auto* ops = new OpSchemaTable();
    const auto add = [&](const OpSchemaBuilder& op) { EXPECT_TRUE(ops->Add(*op.Build()).ok()); };
    add(OpSchemaBuilder("Split")
            .Input("x: T")
            .Output("parts: n * T")
            .Output("rest: T")
            .Attr("n: int")
            .Attr("T: type"));
    add(OpSchemaBuilder("Pack").Input("xs: N * T").Output("y: T").Attr("N: int").Attr("T: type"));
    add(OpSchemaBuilder("Print").Input("x: T").Attr("T: type").SetIsStateful());
    add(OpSchemaBuilder("Map").Input("x: T").Output("y: T").Attr("T: type").Attr("f: func"));
    return ops;
  }();
  return table;
}

absl::StatusOr<Graph> Library(const std::string& function) {
  GraphDef def;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
      "library { function { signature { name: 'f' " + function + " } }", &def));
  return Graph::FromGraphDef(def, Schemas());
}

const char kPolymorphic[] = R"pb(
    input_arg { name: "a" type_attr: "T" } input_arg { name: "bs" type_attr: "T" number_attr: "M" }
    output_arg { name: "out" type_attr: "T" } output_arg { name: "all" type_attr: "T" number_attr: "M" }
    attr { name: "T" type: "type" } attr { name: "M" type: "int" default_value { i: 2 } }
    control_output: "printed"
  }
      node_def { name: "pack" op: "Pack" input: "a" input: "split:parts:1" input: "split:rest" input: "^print"
    attr { key: "N" value { i: 3 } } attr { key: "T" value { placeholder: "T" } } }
  node_def { name: "split" op: "Split" input: "bs:1"
    attr { key: "n" value { placeholder: "M" } } attr { key: "T" value { placeholder: "T" } } }
  node_def { name: "print" op: "Print" input: "a" attr { key: "T" value { placeholder: "T" } } }
  node_def { name: "map" op: "Map" input: "a" attr { key: "T" value { placeholder: "T" } }
    attr { key: "f" value { func { name: "g" attr { key: "U" value { placeholder: "T" } } } } } }
  arg_attr { key: 0 value { attr { key: "_user_name" value { s: "image" } } } }
  ret { key: "out" value: "pack:y:0" } ret { key: "all" value: "split:parts" }
  control_ret { key: "printed" value: "print" })pb";

TEST(FunctionBody, SubstitutesAndTranslates) {
  const auto library = Library(kPolymorphic);
  ASSERT_TRUE(library.ok()) << library.status();
  NameAttrList call;
  call.set_name("f");
  (*call.mutable_attr())["T"].set_type(DT_HALF);
  const auto body = InstantiateFunction(*library, call);
  ASSERT_TRUE(body.ok()) << body.status();
  const Graph& graph = *body->graph;
  ASSERT_EQ(body->args.size(), 3u);
  EXPECT_EQ(graph.node(body->args[2]).name(), "bs_1");
  EXPECT_EQ(graph.node(body->args[2]).output_types()[0], DT_HALF);
  EXPECT_EQ(*graph.node(body->args[2]).IntAttr("index"), 2);
  EXPECT_EQ(*graph.node(body->args[0]).StringAttr("_user_name"), "image");
  const Node& pack = *graph.FindNode("pack");
  EXPECT_EQ(pack.def().input(1), "split:1");
  EXPECT_EQ(pack.def().input(2), "split:2");
  EXPECT_EQ(pack.control_inputs()[0], graph.FindNode("print")->id());
  EXPECT_EQ(graph.FindNode("split")->def().input(0), "bs_1");
  EXPECT_EQ(graph.FindNode("map")->FindAttr("f")->func().attr().at("U").type(), DT_HALF);
  ASSERT_EQ(body->results.size(), 3u);
  EXPECT_EQ(body->results[0], (Endpoint{pack.id(), 0}));
  EXPECT_EQ(body->results[2], (Endpoint{graph.FindNode("split")->id(), 1}));
  ASSERT_EQ(body->control_results.size(), 1u);
}

std::string Error(const std::string& function) {
  const auto library = Library(function);
  EXPECT_TRUE(library.ok()) << library.status();
  NameAttrList call;
  call.set_name("f");
  const auto body = InstantiateFunction(*library, call);
  EXPECT_FALSE(body.ok());
  return std::string(body.status().message());
}

TEST(FunctionBody, MistakesNameFunctionAndNode) {
  const std::string signature =
      "input_arg { name: 'a' type: DT_FLOAT } output_arg { name: 'out' type: DT_FLOAT } } ";
  const std::string ret = "ret { key: 'out' value: 'a' } ";
  EXPECT_EQ(Error(kPolymorphic), "function 'f': argument 'a': expected attribute 'T', found none");
  EXPECT_EQ(Error(signature), "function 'f': result 'out': expected a tensor, found none");
  EXPECT_EQ(
      Error(signature + ret + "node_def { name: 'n' op: 'Nope' }"),
      "function 'f': node 'n' (op Nope): expected an op or function that exists, found 'Nope'");
  const std::string print = "node_def { name: 'n' op: 'Print' attr { key: 'T' value { ";
  EXPECT_EQ(Error(signature + ret + print + "type: DT_FLOAT } } input: 'b' }"),
            "function 'f': node 'n' (op Print): expected an argument of the function or "
            "node:output:index, found 'b'");
  EXPECT_NE(Error(signature + ret + print + "type: DT_INT32 } } input: 'a' }")
                .find("expected int32, found float from 'a'"),
            std::string::npos);
  EXPECT_NE(Error(signature + ret + print + "placeholder: 'U' } } input: 'a' }")
                .find("expected an attribute of the function, found 'U'"),
            std::string::npos);
  EXPECT_NE(
      Error("input_arg { name: 'a' type: DT_INT32 } output_arg { name: 'out' type: DT_FLOAT } } " +
            ret)
          .find("result 0: expected float, found int32"),
      std::string::npos);
}

}  // namespace
}  // namespace stator::graph
