#include "graph/status_macros.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace stator::graph {
namespace {

absl::StatusOr<std::pair<int, int>> Make(int a, int b) {
  if (a < 0) return absl::InvalidArgumentError("negative");
  return std::pair<int, int>(a, b);
}

absl::Status Check(int a) {
  STATOR_RETURN_IF_ERROR(Make(a, 1).status());
  return absl::AlreadyExistsError("reached the end");
}

absl::StatusOr<std::unique_ptr<int>> Sum(int a, int b) {
  STATOR_ASSIGN_OR_RETURN(const auto left, Make(a, 1));
  STATOR_ASSIGN_OR_RETURN(auto right, Make(b, 2));
  return std::make_unique<int>(left.first + right.first + right.second);
}

TEST(StatusMacros, ReturnsOnlyTheError) {
  EXPECT_EQ(Check(-1).message(), "negative");
  EXPECT_EQ(Check(1).message(), "reached the end");
}

TEST(StatusMacros, AssignsOrReturnsAcrossTypes) {
  EXPECT_EQ(**Sum(3, 4), 9);
  EXPECT_EQ(Sum(3, -4).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace stator::graph
