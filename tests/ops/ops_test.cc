// Every op of the registry, tried on every type: generated code against the interpreter, exactly,
// and the page that tells what works.

#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "graph/data_type.h"
#include "gtest/gtest.h"
#include "tests/ops/op_coverage.h"
#include "tests/ops/op_page.h"

namespace stator::tests {
namespace {

const std::vector<OpCoverage>& All() {
  static const auto* const all = new std::vector<OpCoverage>(AllCoverage());
  return *all;
}

std::string Name(const OpCoverage& op, const TypeCoverage& type) {
  return op.op->name() + " on " + graph::DataTypeName(type.type);
}

TEST(OpsTest, EveryOpExpands) {
  for (const OpCoverage& op : All()) {
    bool any = false;
    std::string errors;
    for (const TypeCoverage& type : op.types) {
      any |= type.expands.ok();
      if (!type.expands.ok()) errors += "\n  " + Name(op, type) + ": " + type.expands.ToString();
    }
    EXPECT_TRUE(any) << op.op->name() << errors;
  }
}

TEST(OpsTest, CodeGivesTheInterpretersBits) {
  for (const OpCoverage& op : All()) {
    for (const TypeCoverage& type : op.types) {
      EXPECT_EQ(type.difference, "") << Name(op, type);
    }
  }
}

// What is not lowered yet says so; an internal error is a bug.
TEST(OpsTest, WhatDoesNotWorkSaysSo) {
  for (const OpCoverage& op : All()) {
    for (const TypeCoverage& type : op.types) {
      for (const absl::Status& status : {type.expands, type.interpreted, type.compiled}) {
        if (status.ok() || absl::IsUnknown(status)) continue;
        std::cout << Name(op, type) << ": " << status << "\n";
        EXPECT_FALSE(absl::IsInternal(status)) << Name(op, type) << ": " << status;
      }
    }
  }
}

TEST(OpsTest, ThePageIsFresh) {
  std::ifstream file("docs/ops.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::vector<std::string> found = absl::StrSplit(text.str(), '\n'),
                                 expected = absl::StrSplit(OpPage(All()), '\n');
  for (size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    ASSERT_EQ(found[i], expected[i])
        << "docs/ops.md:" << i + 1 << " is stale: run bazel run //tests/ops:write_page";
  }
  EXPECT_EQ(found.size(), expected.size()) << "run bazel run //tests/ops:write_page";
}

}  // namespace
}  // namespace stator::tests
