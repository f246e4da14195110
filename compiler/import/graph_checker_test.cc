#include "compiler/import/graph_checker.h"

#include <gtest/gtest.h>

#include <string>

#include "graph/node_builder.h"
#include "graph/scope.h"
#include "ops/register_all.h"

namespace stator::compiler {
namespace {

using graph::NodeBuilder;
using graph::Output;
using graph::PartialShape;
using graph::Scope;

const OpSet& Ops() {
  static const OpSet* const ops = [] {
    auto* table = new OpSet();
    ops::RegisterAll(*table);
    return table;
  }();
  return *ops;
}

Scope NewScope() {
  graph::ScopeOptions options;
  options.checker = NewGraphChecker(&Ops());
  return Scope::NewRoot(&Ops(), std::move(options));
}

Output Placeholder(const Scope& scope, const std::string& name, const PartialShape& shape) {
  return NodeBuilder(scope.WithOpName(name), "Placeholder")
      .Attr("dtype", DT_FLOAT)
      .Attr("shape", shape)
      .Finalize()
      .output(0);
}

TEST(GraphChecker, KnowsSizesAsTheProgramIsWritten) {
  const Scope scope = NewScope();
  const Output x = Placeholder(scope, "x", {-1, 4});
  const Output w = Placeholder(scope, "w", {4, 3});
  const Output y = NodeBuilder(scope, "MatMul").Input(x).Input(w).Finalize().output(0);
  ASSERT_TRUE(scope.ok()) << scope.status();
  EXPECT_EQ(*y.Rank(), 2);
  EXPECT_EQ(*y.DimSize(-1), 3);
  EXPECT_FALSE((*y.shape())[0].value.has_value());
  EXPECT_EQ((*y.shape())[0].text, (*x.shape())[0].text);
}

TEST(GraphChecker, AMistakeNamesTheLine) {
  const Scope scope = NewScope();
  const Output x = Placeholder(scope, "x", {-1, 4});
  const Output w = Placeholder(scope, "w", {5, 3});
  const int line = __LINE__ + 1;
  EXPECT_FALSE(NodeBuilder(scope, "MatMul").Input(x).Input(w).Finalize().valid());
  const std::string message(scope.status().message());
  EXPECT_EQ(scope.status().code(), absl::StatusCode::kInvalidArgument) << message;
  EXPECT_NE(message.find("MatMul"), std::string::npos) << message;
  EXPECT_NE(message.find(":" + std::to_string(line)), std::string::npos) << message;
}

TEST(GraphChecker, WhatIsUnknownIsNotChecked) {
  const Scope scope = NewScope();
  const Output x = NodeBuilder(scope, "Placeholder").Attr("dtype", DT_FLOAT).Finalize().output(0);
  const Output w = Placeholder(scope, "w", {5, 3});
  const Output y = NodeBuilder(scope, "MatMul").Input(x).Input(w).Finalize().output(0);
  ASSERT_TRUE(scope.ok()) << scope.status();
  EXPECT_FALSE(y.shape().has_value());
  EXPECT_FALSE(y.Rank().ok());
}

}  // namespace
}  // namespace stator::compiler
