#include "nn/progress_bar.h"

#include <gtest/gtest.h>

namespace stator::nn {
namespace {

TEST(ProgressBar, DrawsTheShareThatIsDone) {
  EXPECT_EQ(ProgressBar::Line("epoch 1/5", 0, 100, 0, "loss 2.3"),
            "epoch 1/5 [                        ] 0/100  0.0 s  loss 2.3");
  EXPECT_EQ(ProgressBar::Line("epoch 1/5", 50, 100, 1.25, "loss 0.5"),
            "epoch 1/5 [============            ] 50/100  1.2 s  loss 0.5");
  EXPECT_EQ(ProgressBar::Line("x", 3, 3, 1, ""), "x [========================] 3/3  1.0 s  ");
}

TEST(ProgressBar, KeepsStandardOutputFree) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  ProgressBar bar("epoch 1/1", 2, /*quiet=*/false);
  bar.Update(1, "loss 1");
  bar.Finish("loss 0.5");
  ProgressBar quiet("epoch 1/1", 2, /*quiet=*/true);
  quiet.Update(1, "loss 1");
  quiet.Finish("loss 0.5");
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  const std::string err = testing::internal::GetCapturedStderr();
  EXPECT_NE(err.find("epoch 1/1 ["), std::string::npos);
  EXPECT_EQ(err.find("epoch 1/1 [", 1), std::string::npos) << "not a terminal: one line an epoch";
}

}  // namespace
}  // namespace stator::nn
