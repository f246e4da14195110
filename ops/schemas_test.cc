// Every schema equals TensorFlow's.

#include <map>
#include <set>
#include <string>
#include <utility>

#include "gtest/gtest.h"
#include "ops/register_all.h"
#include "proto/serialize.h"
#include "proto/tensorflow_ops_for_test.h"

namespace stator::ops {
namespace {

// Ops that TensorFlow does not have.
const std::set<std::string>& OwnOps() {
  static const auto* const kOwn = new std::set<std::string>{"Gradients", "ReduceBucket"};
  return *kOwn;
}

// Attributes of later versions of TensorFlow than the one whose schemas the test reads.
const std::set<std::pair<std::string, std::string>>& LaterAttributes() {
  static const auto* const kLater =
      new std::set<std::pair<std::string, std::string>>{{"VarHandleOp", "debug_name"}};
  return *kLater;
}

OpDef WithoutLaterAttributes(OpDef op) {
  auto* attrs = op.mutable_attr();
  for (int i = attrs->size(); i-- > 0;) {
    if (LaterAttributes().count({op.name(), attrs->Get(i).name()})) attrs->DeleteSubrange(i, 1);
  }
  return op;
}

// Without the texts, which are our own.
OpDef WithoutDocumentation(OpDef op) {
  op.clear_summary();
  op.clear_description();
  for (auto& arg : *op.mutable_input_arg()) arg.clear_description();
  for (auto& arg : *op.mutable_output_arg()) arg.clear_description();
  for (auto& attr : *op.mutable_attr()) attr.clear_description();
  return op;
}

TEST(SchemasTest, EqualTensorFlows) {
  absl::StatusOr<OpList> tensorflow = ReadTensorFlowOps();
  if (absl::IsNotFound(tensorflow.status())) GTEST_SKIP() << tensorflow.status();
  ASSERT_TRUE(tensorflow.ok()) << tensorflow.status();
  std::map<std::string, const OpDef*> expected;
  for (const OpDef& op : tensorflow->op()) expected[op.name()] = &op;

  compiler::OpSet ops;
  RegisterAll(ops);
  for (const OpDef* op : ops.List()) {
    if (OwnOps().count(op->name())) continue;
    auto it = expected.find(op->name());
    ASSERT_TRUE(it != expected.end()) << op->name() << " is not one of TensorFlow's";
    EXPECT_EQ(WithoutDocumentation(WithoutLaterAttributes(*op)).DebugString(),
              WithoutDocumentation(WithoutLaterAttributes(*it->second)).DebugString());
  }
}

TEST(SchemasTest, EveryOpHasASummary) {
  compiler::OpSet ops;
  RegisterAll(ops);
  EXPECT_GT(ops.List().size(), 40u);
  for (const OpDef* op : ops.List()) EXPECT_FALSE(op->summary().empty()) << op->name();
}

}  // namespace
}  // namespace stator::ops
