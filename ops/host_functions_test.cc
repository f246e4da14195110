// Host functions, called as the executor calls them.

#include <cstring>
#include <deque>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ops/register_host_functions.h"

namespace stator::ops {
namespace {

using executable::Code;
using executable::DType;
using executable::Status;
using runtime::TensorView;
using ::testing::HasSubstr;

// A call whose tensors the test owns. Outputs without memory are allocated when they are asked for.
class FakeCall : public runtime::HostCallContext {
 public:
  void AddFloats(std::vector<int64_t> dims, const std::vector<float>& values) {
    std::string& memory = memory_.emplace_back(values.size() * 4, '\0');
    std::memcpy(memory.data(), values.data(), memory.size());
    inputs_.push_back({DType::kFloat32, std::move(dims), memory.data()});
    input_strings_.emplace_back();
  }
  void AddStrings(std::vector<int64_t> dims, std::vector<std::string> strings) {
    inputs_.push_back({DType::kString, std::move(dims), nullptr});
    input_strings_.push_back(std::move(strings));
  }
  // Without memory unless the plan knows `dims`.
  void AddOutput(DType dtype, std::vector<int64_t> dims, bool known = true) {
    outputs_.push_back({dtype, dims, nullptr});
    output_strings_.emplace_back(8);
    if (known) Allocate(static_cast<int>(outputs_.size()) - 1);
  }
  Status Run(const std::string& function, const std::string& attributes = "{}") {
    static runtime::HostRegistry* const registry = [] {
      auto* made = new runtime::HostRegistry;
      RegisterHostFunctions(made);
      return made;
    }();
    attributes_ = attributes;
    const runtime::HostFunction* found = registry->Find(function);
    return found == nullptr ? executable::NotFound(function) : (*found)(this);
  }
  const std::string& OutputString(int i, int64_t element) const {
    return output_strings_[i][element];
  }
  std::vector<float> Floats(int i) const {
    const float* data = outputs_[i].as<const float>();
    return {data, data + outputs_[i].num_elements()};
  }

  int num_inputs() const override { return static_cast<int>(inputs_.size()); }
  int num_outputs() const override { return static_cast<int>(outputs_.size()); }
  const TensorView& input(int i) const override { return inputs_[i]; }
  TensorView& output(int i) override { return outputs_[i]; }
  Status AllocateOutput(int i, const std::vector<int64_t>& dims) override {
    outputs_[i].dims = dims;
    Allocate(i);
    return Status::Ok();
  }
  const std::string& InputString(int i, int64_t element) const override {
    return input_strings_[i][element];
  }
  void SetOutputString(int i, int64_t element, std::string value) override {
    output_strings_[i][element] = std::move(value);
  }
  std::string_view attributes() const override { return attributes_; }
  std::string node_name() const override { return "node"; }
  void* state() const override { return nullptr; }
  Status Poll() const override { return Status::Ok(); }

 private:
  void Allocate(int i) {
    const int64_t bytes = outputs_[i].num_elements() * executable::DTypeSize(outputs_[i].dtype);
    outputs_[i].data = memory_.emplace_back(static_cast<size_t>(bytes) + 1, '\0').data();
  }

  std::vector<TensorView> inputs_, outputs_;
  std::vector<std::vector<std::string>> input_strings_, output_strings_;
  std::deque<std::string> memory_;
  std::string attributes_;
};

TEST(HostFunctionsTest, StringConstants) {
  FakeCall call;
  call.AddOutput(DType::kString, {2});
  ASSERT_TRUE(
      call.Run("StringConstant", R"({has_side_effect = false, values = ["a", "\0A"]})").ok());
  EXPECT_EQ(call.OutputString(0, 0), "a");
  EXPECT_EQ(call.OutputString(0, 1), "\n");
}

TEST(HostFunctionsTest, APlaceholderThatIsNotFedIsAnError) {
  FakeCall call;
  call.AddOutput(DType::kFloat32, {2});
  EXPECT_EQ(call.Run("Placeholder").code(), Code::kInvalidArgument);
}

std::string SavePrefix(const std::string& name) { return ::testing::TempDir() + "/" + name; }

Status SaveTwo(const std::string& prefix, std::vector<std::string> names = {"a", "b/c"}) {
  FakeCall save;
  save.AddStrings({}, {prefix});
  const int64_t count = static_cast<int64_t>(names.size());
  save.AddStrings({count}, std::move(names));
  save.AddStrings({2}, {"", "2 2 0,2:0,2"});
  save.AddFloats({3}, {1, 2, 3});
  save.AddFloats({2, 2}, {5, 6, 7, 8});
  return save.Run("SaveV2");
}

// One restored tensor as it goes from one host function to the next.
std::string Restore(const std::string& prefix, const std::string& name, const std::string& slice,
                    const std::string& dtype, Status* status) {
  FakeCall restore;
  restore.AddStrings({}, {prefix});
  restore.AddStrings({1}, {name});
  restore.AddStrings({1}, {slice});
  restore.AddOutput(DType::kString, {});
  *status = restore.Run("RestoreV2", "{dtypes = [\"" + dtype + "\"]}");
  return restore.OutputString(0, 0);
}

TEST(HostFunctionsTest, ASavedTensorIsRestored) {
  const std::string prefix = SavePrefix("whole");
  ASSERT_TRUE(SaveTwo(prefix).ok());
  Status status;
  const std::string packed = Restore(prefix, "a", "", "1", &status);
  ASSERT_TRUE(status.ok()) << status.ToString();
  for (const bool known : {true, false}) {
    FakeCall unpack;
    unpack.AddStrings({}, {packed});
    unpack.AddOutput(DType::kFloat32, {3}, known);
    status = unpack.Run("RestoredTensor");
    ASSERT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(unpack.Floats(0), (std::vector<float>{1, 2, 3}));
  }
}

TEST(HostFunctionsTest, ASliceIsRestored) {
  const std::string prefix = SavePrefix("slice");
  ASSERT_TRUE(SaveTwo(prefix).ok());
  Status status;
  const std::string packed = Restore(prefix, "b/c", "2 2 1,1:0,2", "1", &status);
  ASSERT_TRUE(status.ok()) << status.ToString();
  FakeCall unpack;
  unpack.AddStrings({}, {packed});
  unpack.AddOutput(DType::kFloat32, {1, 2});
  ASSERT_TRUE(unpack.Run("RestoredTensor").ok());
  EXPECT_EQ(unpack.Floats(0), (std::vector<float>{7, 8}));
}

TEST(HostFunctionsTest, AStringIsRestoredAsItIs) {
  const std::string prefix = SavePrefix("strings");
  FakeCall save;
  save.AddStrings({}, {prefix});
  save.AddStrings({2}, {"scalar", "vector"});
  save.AddStrings({2}, {"", ""});
  save.AddStrings({}, {std::string("a\0b", 3)});
  save.AddStrings({2}, {"c", "d"});
  ASSERT_TRUE(save.Run("SaveV2").ok());
  Status status;
  EXPECT_EQ(Restore(prefix, "scalar", "", "7", &status), std::string("a\0b", 3));
  EXPECT_TRUE(status.ok()) << status.ToString();
  Restore(prefix, "vector", "", "7", &status);
  EXPECT_EQ(status.code(), Code::kUnimplemented);
  EXPECT_THAT(status.message(), HasSubstr("vector is string[2] in the checkpoint"));
  Restore(prefix, "scalar", "", "1", &status);
  EXPECT_THAT(status.message(), HasSubstr("'dtypes' asks for float"));
}

TEST(HostFunctionsTest, MistakesAreNamed) {
  const std::string prefix = SavePrefix("mistakes");
  ASSERT_TRUE(SaveTwo(prefix).ok());
  Status status;
  Restore(prefix, "absent", "", "1", &status);
  EXPECT_EQ(status.code(), Code::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("absent"));
  Restore(SavePrefix("nothing"), "a", "", "1", &status);
  EXPECT_EQ(status.code(), Code::kNotFound);
  Restore(prefix, "a", "", "3", &status);
  EXPECT_THAT(status.message(),
              HasSubstr("a is float[3] in the checkpoint, 'dtypes' asks for int32"));
  const std::string packed = Restore(prefix, "a", "", "1", &status);
  FakeCall unpack;
  unpack.AddStrings({}, {packed});
  unpack.AddOutput(DType::kFloat32, {2});
  EXPECT_THAT(unpack.Run("RestoredTensor").message(),
              HasSubstr("restored float[3], the variable is float[2]"));
  EXPECT_THAT(SaveTwo(SavePrefix("names"), {"a"}).message(),
              HasSubstr("'tensor_names' must have 2 elements"));
}

}  // namespace
}  // namespace stator::ops
