// Graphs that TensorFlow wrote, imported with the schemas of its own registry.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "graph/function_body.h"
#include "graph/graph.h"
#include "graph/graph_order.h"
#include "proto/meta_graph.pb.h"
#include "proto/saved_model.pb.h"
#include "proto/serialize.h"
#include "proto/tensorflow_ops_for_test.h"

namespace stator::graph {
namespace {

namespace fs = std::filesystem;

std::vector<GraphDef> GraphsIn(const fs::path& path) {
  const std::string name = path.filename();
  const std::string extension = path.extension();
  const bool other = path.string().find("/onnx_") != std::string::npos || name == "schema.pbtxt" ||
                     name == "ops.pbtxt" || name == "saved_model_debug_info.pb";
  if (other) return {};
  if (name == "saved_model.pb" || name == "saved_model.pbtxt") {
    SavedModel model;
    EXPECT_TRUE(ParseFile(path, {}, &model).ok());
    std::vector<GraphDef> graphs;
    for (const MetaGraphDef& meta : model.meta_graphs()) graphs.push_back(meta.graph_def());
    return graphs;
  }
  if (extension == ".meta") {
    MetaGraphDef meta;
    EXPECT_TRUE(ParseFile(path, {}, &meta).ok());
    return {meta.graph_def()};
  }
  if (extension != ".pb" && extension != ".pbtxt") return {};
  GraphDef graph;
  EXPECT_TRUE(ParseFile(path, {}, &graph).ok());
  return {graph};
}

void CheckFunctions(const Graph& graph) {
  for (const FunctionDef& function : graph.functions().function()) {
    if (function.signature().attr_size() > 0) continue;
    const auto body = InstantiateFunction(graph, function, {});
    EXPECT_TRUE(body.ok()) << body.status();
    if (!body.ok()) continue;
    EXPECT_EQ(static_cast<int>(body->args.size()), function.signature().input_arg_size());
    EXPECT_EQ(static_cast<int>(body->results.size()), function.signature().output_arg_size());
    EXPECT_TRUE(TopologicalOrder(*body->graph).ok());
  }
}

TEST(Import, EveryGraphOfTheTestData) {
  const auto ops = ReadTensorFlowOps();
  if (absl::IsNotFound(ops.status())) GTEST_SKIP() << ops.status();
  OpSchemaTable schemas;
  for (const OpDef& op : ops->op()) ASSERT_TRUE(schemas.Add(op).ok());
  ImportOptions options;
  options.allow_unknown_ops = true;  // the recorded registry lacks one op that a graph uses
  int graphs = 0;
  int functions = 0;
  int refused = 0;
  for (const auto& entry : fs::recursive_directory_iterator(std::getenv("STATOR_TEST_DATA"))) {
    SCOPED_TRACE(entry.path().string());
    for (GraphDef& def : GraphsIn(entry.path())) {
      const std::string bytes = *SerializeDeterministic(def);
      const auto graph = Graph::FromGraphDef(std::move(def), &schemas, options);
      if (!graph.ok()) {
        // Frozen with a constant in the place of a variable that is assigned to: no session takes
        // it either.
        EXPECT_NE(graph.status().message().find("expected float_ref, found float"),
                  absl::string_view::npos)
            << graph.status();
        ++refused;
        continue;
      }
      EXPECT_EQ(*SerializeDeterministic(graph->ToGraphDef()), bytes);
      CheckFunctions(*graph);
      ++graphs;
      functions += graph->functions().function_size();
    }
  }
  EXPECT_GT(graphs, 300);
  EXPECT_GT(functions, 10);
  EXPECT_LT(refused, 10);
}

}  // namespace
}  // namespace stator::graph
