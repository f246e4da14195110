#include "compiler/import/graph_checker.h"

#include <gtest/gtest.h>

#include <string>

#include "compiler/import/expansion.h"
#include "graph/node_builder.h"
#include "graph/scope.h"

namespace stator::compiler {
namespace {

using graph::NodeBuilder;
using graph::Output;
using graph::PartialShape;
using graph::Scope;

// Two ops are enough here; the real ones live above this folder.
const OpSet& Ops() {
  static const OpSet* const ops = [] {
    auto* table = new OpSet();
    table->Add(graph::OpSchemaBuilder("Source")
                   .Output("output: float")
                   .Attr("shape: shape = { unknown_rank: true }"),
               [](Expansion& e) {
                 const core::Dims dims = e.ShapeAttr("shape", e.node().name());
                 e.Out(e.b.BroadcastInDim(e.b.Scalar(e.ElementType(DT_FLOAT), 0), {}, dims));
               });
    table->Add(graph::OpSchemaBuilder("Product")
                   .Input("a: float")
                   .Input("b: float")
                   .Output("product: float"),
               [](Expansion& e) { e.Out(e.b.MatMul(e.In("a"), e.In("b"))); });
    return table;
  }();
  return *ops;
}

Scope NewScope() {
  graph::ScopeOptions options;
  options.checker = NewGraphChecker(&Ops());
  return Scope::NewRoot(&Ops(), std::move(options));
}

Output Source(const Scope& scope, const std::string& name, const PartialShape& shape) {
  return NodeBuilder(scope.WithOpName(name), "Source").Attr("shape", shape).Finalize().output(0);
}

Output Product(const Scope& scope, const Output& a, const Output& b) {
  return NodeBuilder(scope, "Product").Input(a).Input(b).Finalize().output(0);
}

TEST(GraphChecker, KnowsSizesAsTheProgramIsWritten) {
  const Scope scope = NewScope();
  const Output x = Source(scope, "x", {-1, 4});
  const Output y = Product(scope, x, Source(scope, "w", {4, 3}));
  ASSERT_TRUE(scope.ok()) << scope.status();
  EXPECT_EQ(*y.Rank(), 2);
  EXPECT_EQ(*y.DimSize(-1), 3);
  EXPECT_FALSE((*y.shape())[0].value.has_value());
  EXPECT_EQ((*y.shape())[0].text, (*x.shape())[0].text);
}

TEST(GraphChecker, AMistakeNamesTheLine) {
  const Scope scope = NewScope();
  const Output x = Source(scope, "x", {-1, 4});
  const Output w = Source(scope, "w", {5, 3});
  const int line = __LINE__ + 1;
  EXPECT_FALSE(NodeBuilder(scope, "Product").Input(x).Input(w).Finalize().valid());
  const std::string message(scope.status().message());
  EXPECT_EQ(scope.status().code(), absl::StatusCode::kInvalidArgument) << message;
  EXPECT_NE(message.find("Product"), std::string::npos) << message;
  EXPECT_NE(message.find(":" + std::to_string(line)), std::string::npos) << message;
}

TEST(GraphChecker, WhatIsUnknownIsNotChecked) {
  const Scope scope = NewScope();
  const Output x = NodeBuilder(scope, "Source").Finalize().output(0);
  const Output y = Product(scope, x, Source(scope, "w", {5, 3}));
  ASSERT_TRUE(scope.ok()) << scope.status();
  EXPECT_FALSE(y.shape().has_value());
  EXPECT_FALSE(y.Rank().ok());
}

}  // namespace
}  // namespace stator::compiler
