// Host functions of the C interface.
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/core/stator_runtime.hpp"
#include "runtime/core/test_c_api.h"

namespace stator_runtime {
namespace {

Error Split(stator_call* call) {
  Error::Slot slot;
  std::vector<std::string> parts;
  auto input = stator_init<stator_tensor>();
  Error error = slot(stator_call_input(call, 0, &input, &slot.error));
  if (!error.ok()) return error;
  const stator_string comma = stator_call_attributes(call);
  for (int64_t i = 0; i < input.dims[0]; ++i) {
    stator_string value;
    error = slot(stator_call_input_string(call, 0, i, &value, &slot.error));
    if (!error.ok()) return error;
    if (value.size == 0) return Error(STATOR_OUT_OF_RANGE, "empty text");
    std::string rest(value.data, value.size);
    for (size_t at; (at = rest.find(comma.data, 0, comma.size)) != std::string::npos;) {
      parts.push_back(rest.substr(0, at));
      rest = rest.substr(at + comma.size);
    }
    parts.push_back(rest);
  }
  auto output = stator_init<stator_tensor>();
  error = slot(stator_call_output(call, 0, &output, &slot.error));
  if (!error.ok()) return error;
  EXPECT_EQ(output.rank, -1);
  const int64_t n = static_cast<int64_t>(parts.size());
  error = slot(stator_call_allocate_output(call, 0, 1, &n, &output, &slot.error));
  if (!error.ok()) return error;
  EXPECT_EQ(output.dims[0], n);
  for (int64_t i = 0; i < n; ++i) {
    error = slot(
        stator_call_set_output_string(call, 0, i, parts[i].data(), parts[i].size(), &slot.error));
    if (!error.ok()) return error;
  }
  EXPECT_EQ(stator_call_set_output_string(call, 0, n, "", 0, nullptr), STATOR_INVALID_ARGUMENT);
  EXPECT_EQ(stator_call_input(call, 1, &input, nullptr), STATOR_INVALID_ARGUMENT);
  return Error(stator_call_poll(call), "");
}

TEST(HostFunctions, AreFoundByNameAndSeeStrings) {
  const std::string bytes = Bytes("words");
  EXPECT_EQ(Model::LoadMemory(bytes.data(), bytes.size()).error().message(),
            "node split: host function split is not registered in this program");
  LoadOptions options;
  options.host_functions = {{"split", Split}};
  const Model model = Load("words", std::move(options));
  Context context = Make(model, Threads(1));
  const auto strings = [](const std::vector<std::string>& values) {
    std::vector<stator_string> list;
    for (const std::string& v : values) list.push_back({v.data(), v.size()});
    return Tensor::Of<stator_string>({static_cast<int64_t>(values.size())}, list);
  };
  const std::vector<std::string> text = {"a,bc", "def"};
  std::vector<Tensor> out;
  const Error error = context.Run(0, List(strings(text)), &out);
  ASSERT_TRUE(error.ok()) << error.message();
  ASSERT_EQ(out[0].dims(), std::vector<int64_t>{3});
  std::string joined;
  for (int i = 0; i < 3; ++i) {
    const stator_string s = out[0].data<stator_string>()[i];
    joined += std::string(s.data, s.size) + ";";
  }
  EXPECT_EQ(joined, "def;bc;a;");
  stator_string two[2];
  std::vector<Tensor> small = List(Tensor::Borrow<stator_string>({2}, two));
  EXPECT_EQ(context.Run(0, List(strings(text)), &small).message(),
            "output out:0: needs 48 bytes, its memory has 32");
  const std::vector<std::string> empty = {""};
  const Error failed = context.Run(0, List(strings(empty)), &out);
  EXPECT_EQ(failed.code(), STATOR_OUT_OF_RANGE);
  EXPECT_EQ(failed.message(), "node split: empty text");
}

// Nothing to read, nothing to write: still tensors with a shape.
Error SplitNothing(stator_call* call) {
  Error::Slot slot;
  auto input = stator_init<stator_tensor>();
  Error error = slot(stator_call_input(call, 0, &input, &slot.error));
  if (!error.ok()) return error;
  EXPECT_EQ(input.rank, 1);
  EXPECT_EQ(input.dims[0], 0);
  stator_string value;
  EXPECT_EQ(stator_call_input_string(call, 0, 0, &value, &slot.error), STATOR_INVALID_ARGUMENT);
  EXPECT_STREQ(slot.error.message, "host call: string 0 of 0");
  EXPECT_EQ(stator_call_set_output_string(call, 0, 0, "", 0, &slot.error), STATOR_INVALID_ARGUMENT);
  EXPECT_STREQ(slot.error.message, "host call: the output has no shape yet");
  const int64_t none = 0;
  auto output = stator_init<stator_tensor>();
  error = slot(stator_call_allocate_output(call, 0, 1, &none, &output, &slot.error));
  EXPECT_EQ(output.rank, 1);
  EXPECT_EQ(output.dims[0], 0);
  return error;
}

TEST(HostFunctions, EmptyTensorsHaveAShape) {
  LoadOptions options;
  options.host_functions = {{"split", SplitNothing}};
  const Model model = Load("words", std::move(options));
  Context context = Make(model, Threads(1));
  std::vector<Tensor> out;
  const Error error = context.Run(0, List(Tensor::Of<stator_string>({0}, {})), &out);
  ASSERT_TRUE(error.ok()) << error.message();
  EXPECT_EQ(out[0].dims(), std::vector<int64_t>{0});
}

TEST(HostFunctions, MustMakeTheirOutputsFromRealBytes) {
  LoadOptions options;
  int64_t size = -1;
  options.host_functions = {
      {"split", [&](stator_call* call) {
         if (size < 0) return Error();
         auto output = stator_init<stator_tensor>();
         const int64_t one = 1;
         Error::Slot slot;
         Error error = slot(stator_call_allocate_output(call, 0, 1, &one, &output, &slot.error));
         if (!error.ok()) return error;
         return slot(stator_call_set_output_string(call, 0, 0, nullptr, static_cast<size_t>(size),
                                                   &slot.error));
       }}};
  const Model model = Load("words", std::move(options));
  Context context = Make(model, Threads(1));
  std::vector<Tensor> out;
  const auto run = [&] { return context.Run(0, List(Tensor::Of<stator_string>({0}, {})), &out); };
  EXPECT_EQ(run().message(), "node split: host function split made no output 0");
  size = 5;
  EXPECT_EQ(run().message(), "node split: host call: a string of 5 bytes at NULL");
  size = 0;
  EXPECT_TRUE(run().ok());
}

std::vector<std::string> RunLabels(const Model& model) {
  Context context = Make(model, Threads(1));
  std::vector<Tensor> out;
  const Error error = context.Run(0, {}, &out);
  EXPECT_TRUE(error.ok()) << error.message();
  std::vector<std::string> strings;
  for (int64_t i = 0; error.ok() && i < out[0].size(); ++i) {
    const stator_string s = out[0].data<stator_string>()[i];
    strings.emplace_back(s.data, s.size);
  }
  return strings;
}

TEST(HostFunctions, TheLibraryHasSomeItself) {
  EXPECT_EQ(RunLabels(Load("labels")), (std::vector<std::string>{"cat", "say \"meow\"\n"}));
  LoadOptions options;  // the program's own goes first
  options.host_functions = {{"StringConstant", [](stator_call* call) {
                               const stator_string text = stator_call_attributes(call);
                               EXPECT_EQ(std::string(text.data, text.size).substr(0, 1), "{");
                               stator_call_set_output_string(call, 0, 1, "mine", 4, nullptr);
                               return Error();
                             }}};
  EXPECT_EQ(RunLabels(Load("labels", std::move(options))), (std::vector<std::string>{"", "mine"}));
}

}  // namespace
}  // namespace stator_runtime
