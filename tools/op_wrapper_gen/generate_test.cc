#include "tools/op_wrapper_gen/generate.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "graph/op_schema.h"
#include "proto/tensorflow_ops_for_test.h"

namespace stator::tools {
namespace {

OpDef MatMul() {
  return *graph::OpSchemaBuilder("MatMul")
              .Input("a: T")
              .Input("b: T")
              .Output("product: T")
              .Attr("transpose_a: bool = false")
              .Attr("kind: {'x', 'y'}")
              .Attr("T: {float, half}")
              .Summary("Multiplies\nmatrices. \\")
              .Build();
}

TEST(Generate, GoldenText) {
  const auto wrappers = GenerateOpWrappers({MatMul()}, "ops/wrappers.h");
  ASSERT_TRUE(wrappers.ok()) << wrappers.status();
  const std::string declaration = R"(
struct MatMulAttrs {
  bool transpose_a = false;
};
// Multiplies
// matrices. 
Output MatMul(const Scope& scope,
    const Input& a,
    const Input& b,
    const std::string& kind,
    const MatMulAttrs& attrs = {},
    const std::source_location& location = std::source_location::current());
)";
  const std::string definition = R"(
Output MatMul(const Scope& scope,
    const Input& a,
    const Input& b,
    const std::string& kind,
    const MatMulAttrs& attrs,
    const std::source_location& location) {
  NodeBuilder builder(scope, "MatMul", location);
  builder.Input(a);
  builder.Input(b);
  builder.Attr("kind", kind);
  builder.Attr("transpose_a", attrs.transpose_a);
  const Operation operation = builder.Finalize();
  return operation.output(0);
}
)";
  EXPECT_NE(wrappers->header.find(declaration), std::string::npos) << wrappers->header;
  EXPECT_NE(wrappers->source.find(definition), std::string::npos) << wrappers->source;
  EXPECT_NE(wrappers->header.find("#ifndef STATOR_OPS_WRAPPERS_H_\n"), std::string::npos);
  EXPECT_NE(wrappers->source.find("#include \"ops/wrappers.h\"\n"), std::string::npos);
  EXPECT_EQ(wrappers->header.find("operator"), std::string::npos);
}

TEST(Generate, MistakesNameTheOp) {
  EXPECT_EQ(GenerateOpWrappers({MatMul(), MatMul()}, "w.h").status().message(),
            "op 'MatMul': found two schemas");
  OpDef bad = MatMul();
  bad.mutable_input_arg(0)->set_type_attr("U");
  EXPECT_NE(GenerateOpWrappers({bad}, "w.h").status().message().find("'MatMul'"),
            absl::string_view::npos);
  EXPECT_EQ(GenerateOpWrappers({MatMul()}, "/nonexistent/w.h", "/nonexistent/w.cc", "w.h"), 1);
}

TEST(Generate, EveryOpOfTheRegistry) {
  const absl::StatusOr<OpList> ops = ReadTensorFlowOps();
  if (absl::IsNotFound(ops.status())) GTEST_SKIP() << ops.status();
  ASSERT_TRUE(ops.ok()) << ops.status();
  const std::vector<OpDef> list(ops->op().begin(), ops->op().end());
  const std::string dir = std::getenv("TEST_TMPDIR");
  EXPECT_EQ(GenerateOpWrappers(list, dir + "/w.h", dir + "/w.cc", "w.h"), 0);
  std::vector<OpDef> backwards(list.rbegin(), list.rend());
  EXPECT_EQ(GenerateOpWrappers(list, "w.h")->header, GenerateOpWrappers(backwards, "w.h")->header);
}

}  // namespace
}  // namespace stator::tools
