#include "compiler/passes/pack_weights/pack_weights.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/dialect/constant_bytes.h"
#include "compiler/dialect/core_dialect.h"
#include "compiler/dialect/panels.h"
#include "compiler/passes/fuse/fuse.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

namespace stator::compiler {
namespace {

// Row-major; element i is i.
std::string Counting(int64_t rows, int64_t columns) {
  std::string text = "dense<[";
  for (int64_t row = 0; row < rows; ++row) {
    text += row == 0 ? "[" : ", [";
    for (int64_t column = 0; column < columns; ++column) {
      text += (column == 0 ? "" : ", ") + std::to_string(row * columns + column) + ".0";
    }
    text += "]";
  }
  return text + "]>";
}

std::string Matrix(int64_t rows, int64_t columns) {
  return "tensor<" + std::to_string(rows) + "x" + std::to_string(columns) + "xf32>";
}

class PackWeightsTest : public testing::Test {
 protected:
  // x[m, k] times the weights, stored [k, n] or [n, k].
  void Build(int64_t m, int64_t n, int64_t k, bool transposed = false, const std::string& weights = "") {
    const int64_t rows = transposed ? n : k, columns = transposed ? k : n;
    const std::string type = Matrix(rows, columns);
    const std::string text = "func.func @main(%x: " + Matrix(m, k) + ") -> " + Matrix(m, n) +
                             " {\n  %w = core.constant " + (weights.empty() ? Counting(rows, columns) : weights) +
                             " : " + type + "\n  %y = core.dot_general %x, %w, batch = [] x [], contract = [1] x [" +
                             (transposed ? "1" : "0") + "] : (" + Matrix(m, k) + ", " + type + ") -> " + Matrix(m, n) +
                             "\n  return %y : " + Matrix(m, n) + "\n}";
    context_.loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
    module_ = mlir::parseSourceString<mlir::ModuleOp>(text, &context_);
    ASSERT_TRUE(module_);
    PackWeights(*module_);
  }

  core::DotGeneralOp Dot() {
    core::DotGeneralOp dot;
    module_->walk([&](core::DotGeneralOp op) { dot = op; });
    return dot;
  }

  mlir::MLIRContext context_{mlir::MLIRContext::Threading::DISABLED};
  mlir::OwningOpRef<mlir::ModuleOp> module_;
};

TEST_F(PackWeightsTest, PanelsHoldTheColumns) {
  for (bool transposed : {false, true}) {
    const int64_t n = 64, k = 96;
    Build(20, n, k, transposed);
    const mlir::Value panels = core::PanelsOf(Dot());
    ASSERT_TRUE(panels);
    auto constant = panels.getDefiningOp<core::ConstantOp>();
    ASSERT_TRUE(constant);
    const std::optional<std::string> bytes = core::ConstantBytes(constant.getValue());
    ASSERT_TRUE(bytes && bytes->size() == n * k * sizeof(float));
    for (uint64_t panel = 0; panel < n / 16; ++panel) {
      for (uint64_t row = 0; row < k; ++row) {
        for (uint64_t column = 0; column < 16; ++column) {
          const int64_t at = static_cast<int64_t>(panel * 16 + column), depth = static_cast<int64_t>(row);
          const float expected = static_cast<float>(transposed ? at * k + depth : depth * n + at);
          float value;
          std::memcpy(&value, bytes->data() + ((panel * k + row) * 16 + column) * sizeof(float), sizeof(float));
          ASSERT_EQ(value, expected) << panel << " " << row << " " << column;
        }
      }
    }
    // The unpacked weights are gone.
    int constants = 0;
    module_->walk([&](core::ConstantOp) { ++constants; });
    EXPECT_EQ(constants, 1);
  }
}

TEST_F(PackWeightsTest, FusionKeepsThePanelsWithTheirContraction) {
  Build(20, 64, 96);
  Fuse(*module_);
  int fusions = 0;
  module_->walk([&](core::FusionOp fusion) {
    ++fusions;
    EXPECT_TRUE(llvm::any_of(fusion->getOperands(), [](mlir::Value v) { return core::RankOf(v) == 3; }));
  });
  EXPECT_EQ(fusions, 1);
  EXPECT_TRUE(core::PanelsOf(Dot()));
}

TEST_F(PackWeightsTest, LeavesWhatAKernelReadsAsItIs) {
  Build(20, 16, 512);  // one panel is the matrix itself
  EXPECT_FALSE(core::PanelsOf(Dot()));
  Build(20, 32, 64);  // small
  EXPECT_FALSE(core::PanelsOf(Dot()));
  Build(20, 72, 96);  // no whole panels
  EXPECT_FALSE(core::PanelsOf(Dot()));
  Build(20, 64, 96, false, "dense<1.0>");
  EXPECT_FALSE(core::PanelsOf(Dot()));
}

// Programs that use the variables w [96, 64] and v [64, 96].
class PanelChoiceTest : public testing::Test {
 protected:
  void Add(const std::string& body, const std::string& more = "") {
    context_.loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
    modules_.push_back(mlir::parseSourceString<mlir::ModuleOp>(
        "core.variable @w : tensor<96x64xf32> {shared_name = \"w\"}\n"
        "core.variable @v : tensor<64x96xf32> {shared_name = \"v\", container = \"c\"}\n"
        "func.func @main(%x: tensor<20x96xf32>) {\n"
        "  %w = core.read_variable @w : tensor<96x64xf32>\n"
        "  %v = core.read_variable @v : tensor<64x96xf32>\n" +
            body + more + "  return\n}",
        &context_));
    ASSERT_TRUE(modules_.back());
    choice_.Add(*modules_.back());
  }

  mlir::MLIRContext context_{mlir::MLIRContext::Threading::DISABLED};
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> modules_;
  PanelChoice choice_;
};

constexpr char kTimesW[] =
    "  %a = core.dot_general %x, %w, batch = [] x [], contract = [1] x [0] : "
    "(tensor<20x96xf32>, tensor<96x64xf32>) -> tensor<20x64xf32>\n";
constexpr char kTimesVTransposed[] =
    "  %b = core.dot_general %x, %v, batch = [] x [], contract = [1] x [1] : "
    "(tensor<20x96xf32>, tensor<64x96xf32>) -> tensor<20x64xf32>\n";
using Chosen = std::map<std::string, bool>;

TEST_F(PanelChoiceTest, WhatContractionsRead) {
  Add(kTimesW, kTimesVTransposed);
  Add(kTimesW);
  EXPECT_EQ(choice_.Stored(), (Chosen{{"w", true}, {"c/v", false}}));
  PackWeights(*modules_[0], {.variables = false, .stored = choice_.Stored()});
  modules_[0]->walk([](core::DotGeneralOp dot) {
    const mlir::Value panels = core::PanelsOf(dot);
    ASSERT_TRUE(panels);
    EXPECT_TRUE(panels.getDefiningOp<core::ReadVariableOp>());
  });
  for (auto variable : modules_[0]->getOps<core::VariableOp>()) {
    const std::optional<core::StoredPanels> stored = core::StoredPanelsOf(variable);
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->columns_last, variable.getSymName() == "w");
    EXPECT_EQ(stored->type.getShape()[0], stored->columns_last ? 96 : 64);
  }
}

TEST_F(PanelChoiceTest, NotWhatAnyProgramReadsOtherwise) {
  Add(kTimesW);
  Add("  %n = core.negate %w : tensor<96x64xf32>\n");
  EXPECT_EQ(choice_.Stored(), Chosen());
}

TEST_F(PanelChoiceTest, NotWhatAnyProgramWrites) {
  Add(kTimesW);
  Add("  core.assign_variable @w, %w : tensor<96x64xf32>\n");
  EXPECT_EQ(choice_.Stored(), Chosen());
}

TEST_F(PanelChoiceTest, NotWhatIsReadBothWays) {
  Add(kTimesVTransposed);
  Add(kTimesW,
      "  %c = core.dot_general %a, %v, batch = [] x [], contract = [1] x [0] : "
      "(tensor<20x64xf32>, tensor<64x96xf32>) -> tensor<20x96xf32>\n");
  EXPECT_EQ(choice_.Stored(), (Chosen{{"w", true}}));
}

}  // namespace
}  // namespace stator::compiler
