// What host functions are given and may give back.
#include "gtest/gtest.h"
#include "runtime/core/test_runner.h"

namespace stator::runtime {
namespace {

TEST(HostCall, SeesStringsAndBindsShapes) {
  Words t;
  HostRegistry host;
  EXPECT_EQ(t.Load(&host).status().ToString(),
            "NotFound: node split: host function split is not registered in this program");
  host.Register("split", [](HostCallContext* c) -> Status {
    EXPECT_EQ(c->output(0).data, nullptr);
    std::vector<std::string> parts;
    for (int64_t i = 0; i < c->input(0).num_elements(); ++i) {
      std::string rest = c->InputString(0, i);
      if (rest.empty()) return executable::InvalidArgument("empty text");
      for (size_t at; (at = rest.find(c->attributes())) != std::string::npos;) {
        parts.push_back(rest.substr(0, at));
        rest = rest.substr(at + 1);
      }
      parts.push_back(rest);
    }
    STATOR_EXEC_RETURN_IF_ERROR(c->AllocateOutput(0, {static_cast<int64_t>(parts.size())}));
    for (size_t i = 0; i < parts.size(); ++i) {
      c->SetOutputString(0, static_cast<int64_t>(i), parts[i]);
    }
    return Status::Ok();
  });
  auto runner = MakeRunner(&t, nullptr, &host);
  std::vector<Tensor> fetched;
  const Status status = runner->Run({*Tensor::FromStrings({2}, {"a,bc", "def"})}, {}, &fetched);
  ASSERT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(fetched[0].strings(), (std::vector<std::string>{"def", "bc", "a"}));
  // Each call makes its output anew: nothing of the run before is written or shown.
  ASSERT_TRUE(runner->Run({*Tensor::FromStrings({1}, {"g"})}, {}, &fetched).ok());
  EXPECT_EQ(fetched[0].strings(), std::vector<std::string>{"g"});
  EXPECT_EQ(runner->Run({*Tensor::FromStrings({1}, {""})}, {}, &fetched).ToString(),
            "InvalidArgument: node split: empty text");
}

}  // namespace
}  // namespace stator::runtime
