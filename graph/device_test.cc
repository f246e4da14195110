#include "graph/device.h"

#include <gtest/gtest.h>

#include "graph/tensor_name.h"

namespace stator::graph {
namespace {

TEST(Device, ParsesAndPrints) {
  const auto full = ParseDevice("/job:worker/replica:0/task:12/device:GPU:3");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_EQ(*full->job, "worker");
  EXPECT_EQ(*full->task, 12);
  EXPECT_EQ(*full->index, 3);
  EXPECT_EQ(DeviceText(*full), "/job:worker/replica:0/task:12/device:GPU:3");
  EXPECT_EQ(DeviceText(*ParseDevice("/gpu:1")), "/device:GPU:1");
  EXPECT_EQ(DeviceText(*ParseDevice("/device:CPU:*")), "/device:CPU:*");
  EXPECT_EQ(DeviceText(*ParseDevice("/device:cpu")), "/device:CPU:*");
  EXPECT_EQ(DeviceText(*ParseDevice("/job:*/task:2")), "/task:2");
  EXPECT_EQ(*ParseDevice(""), DeviceSpec());
}

TEST(Device, RejectsWithReason) {
  for (const char* bad :
       {"gpu:0", "/", "/job", "/job:1x", "/task:-1", "/task:x", "/task:99999999999",
        "/device:GPU:0:1", "/job:a/job:b", "/cpu:0/gpu:0", "/what:1", "//"}) {
    EXPECT_EQ(ParseDevice(bad).status().code(), absl::StatusCode::kInvalidArgument) << bad;
  }
}

TEST(Device, InnerWins) {
  const auto merge = [](const char* outer, const char* inner) {
    return DeviceText(MergeDevices(*ParseDevice(outer), *ParseDevice(inner)));
  };
  EXPECT_EQ(merge("/job:ps/task:1", "/task:2/device:CPU:0"), "/job:ps/task:2/device:CPU:0");
  EXPECT_EQ(merge("/device:GPU:1", ""), "/device:GPU:1");
  EXPECT_EQ(merge("/device:GPU:1", "/device:CPU"), "/device:CPU:*");
}

TEST(TensorName, Forms) {
  EXPECT_EQ(*ParseTensorName("a/b"), (TensorName{"a/b", 0}));
  EXPECT_EQ(*ParseTensorName("a:3"), (TensorName{"a", 3}));
  EXPECT_EQ(*ParseTensorName("^a"), (TensorName{"a", TensorName::kControl}));
  EXPECT_EQ(TensorNameText("a", 0), "a");
  EXPECT_EQ(TensorNameText("a", 2), "a:2");
  EXPECT_EQ(TensorNameText("a", TensorName::kControl), "^a");
  for (const char* bad :
       {"", "^", ":0", "a:", "a:-1", "a: 1", "a:99999999999", "^a:0", "a b", "-a"}) {
    EXPECT_FALSE(ParseTensorName(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace stator::graph
