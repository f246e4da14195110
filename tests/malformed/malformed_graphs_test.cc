// Hostile and broken graphs through the whole library: a Status each, no abort, bounded memory.

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/text_format.h"
#include "stator.h"

namespace stator {
namespace {

using runtime::NamedTensor;
using runtime::Tensor;

std::string Node(const std::string& name, const std::string& op,
                 const std::vector<std::string>& inputs, const std::string& attrs = "") {
  std::string text = absl::StrCat("node { name: '", name, "' op: '", op, "' ");
  for (const std::string& input : inputs) absl::StrAppend(&text, "input: '", input, "' ");
  return absl::StrCat(text, attrs, " }\n");
}
std::string Attr(const std::string& key, const std::string& value) {
  return absl::StrCat("attr { key: '", key, "' value { ", value, " } } ");
}
std::string Shape(const std::vector<std::string>& dims) {
  std::string text = "shape { ";
  for (const std::string& dim : dims) absl::StrAppend(&text, "dim { size: ", dim, " } ");
  return text + "} ";
}
std::string Placeholder(const std::string& name, const std::vector<std::string>& dims,
                        const std::string& dtype = "DT_FLOAT") {
  return Node(name, "Placeholder", {},
              Attr("dtype", "type: " + dtype) + Attr("shape", Shape(dims)));
}
// A constant with these dims and values ("int64_val: 3").
std::string Const(const std::string& name, const std::string& dtype,
                  const std::vector<std::string>& dims, const std::string& values) {
  std::string shape = "tensor_shape { ";
  for (const std::string& dim : dims) absl::StrAppend(&shape, "dim { size: ", dim, " } ");
  return Node(
      name, "Const", {},
      Attr("dtype", "type: " + dtype) +
          Attr("value", absl::StrCat("tensor { dtype: ", dtype, " ", shape, "} ", values, " }")));
}
std::string Int(const std::string& name, const std::string& value) {
  return Const(name, "DT_INT64", {}, "int64_val: " + value);
}
std::string Ints(const std::string& name, const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) absl::StrAppend(&text, "int64_val: ", value, " ");
  return Const(name, "DT_INT64", {std::to_string(values.size())}, text);
}
const char kF32[] = "attr { key: 'T' value { type: DT_FLOAT } } ";
std::string Index(const std::string& key) { return Attr(key, "type: DT_INT64"); }

struct Case {
  std::string name;
  std::string graph;
  std::vector<std::string> fetches = {"y"};
  std::vector<std::pair<std::string, std::vector<int64_t>>> feeds = {};  // f32
};
void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

std::vector<Case> Structure() {
  const std::string x = Placeholder("x", {"4"});
  return {
      {"MissingInput", Node("y", "Neg", {"nothing"}, kF32)},
      {"MissingOutput", x + Node("y", "Neg", {"x:3"}, kF32)},
      {"HugeOutputIndex", x + Node("y", "Neg", {"x:99999999999999999999"}, kF32)},
      {"TooFewInputs", x + Node("y", "AddV2", {"x"}, kF32)},
      {"TooManyInputs", x + Node("y", "Neg", {"x", "x"}, kF32)},
      {"Cycle", Node("y", "Neg", {"z"}, kF32) + Node("z", "Neg", {"y"}, kF32)},
      {"SelfLoop", Node("y", "Neg", {"y"}, kF32)},
      {"ControlCycle", x + Node("y", "Neg", {"x", "^z"}, kF32) + Node("z", "Neg", {"y"}, kF32)},
      {"MissingControlInput", x + Node("y", "Neg", {"x", "^nothing"}, kF32)},
      {"DuplicateName", x + x + Node("y", "Neg", {"x"}, kF32)},
      {"EmptyName", Node("", "Neg", {"x"}, kF32)},
      {"BadName", x + Node("y z", "Neg", {"x"}, kF32), {"y z"}},
      {"UnknownOp", Node("y", "NoSuchOp", {})},
      {"UnknownFetch", x, {"nothing"}},
      {"FetchOfAMissingOutput", x + Node("y", "Neg", {"x"}, kF32), {"y:1"}, {{"x", {4}}}},
      {"MissingAttr", x + Node("y", "Cast", {"x"}, Attr("SrcT", "type: DT_FLOAT"))},
      {"AttrOfWrongKind", x + Node("y", "Neg", {"x"}, Attr("T", "i: 1"))},
      {"AttrOutsideItsList", x + Node("y", "Neg", {"x"}, Attr("T", "type: DT_STRING"))},
      {"AttrAgainstInput", x + Node("y", "Neg", {"x"}, Attr("T", "type: DT_DOUBLE"))},
      {"InputsDisagree",
       x + Placeholder("d", {"4"}, "DT_DOUBLE") + Node("y", "AddV2", {"x", "d"}, kF32)},
      {"BadDevice", x + Node("y", "Neg", {"x"}, absl::StrCat(kF32, "device: '/job:/x//'"))},
      {"NotFed", x + Node("y", "Neg", {"x"}, kF32)},
      {"FedTwice", x + Node("y", "Neg", {"x"}, kF32), {"y"}, {{"x", {4}}, {"x", {4}}}},
      {"FedWithWrongSize", x + Node("y", "Neg", {"x"}, kF32), {"y"}, {{"x", {5}}}},
      {"FedWithWrongRank", x + Node("y", "Neg", {"x"}, kF32), {"y"}, {{"x", {2, 2}}}},
  };
}

std::vector<Case> Sizes() {
  const std::string x = Placeholder("x", {"4", "6"});
  const std::vector<std::pair<std::string, std::vector<int64_t>>> fed = {{"x", {4, 6}}};
  const std::string one = Const("one", "DT_FLOAT", {}, "float_val: 1");
  const std::string fill = Attr("T", "type: DT_FLOAT") + Index("index_type");
  const std::string strides = Attr("strides", "list { i: 1 i: 1 i: 1 i: 1 }");
  const std::string image = Placeholder("i", {"1", "5", "5", "3"});
  const std::string slice = absl::StrCat(kF32, Index("Index"));
  const std::string zeros = Ints("b", {"0", "0"}), ends = Ints("e", {"4", "6"});
  // An op of x and of the constant p.
  auto of_x = [&](const char* name, const std::string& p, const char* op, const char* index) {
    const std::string attrs = absl::StrCat(kF32, Index(index));
    return Case{name, absl::StrCat(x, p, Node("y", op, {"x", "p"}, attrs)), {"y"}, fed};
  };
  // Before and after the first dimension.
  auto pads = [](const std::string& low, const std::string& high) {
    return Const("p", "DT_INT64", {"2", "2"},
                 absl::StrCat("int64_val: [", low, ", ", high, ", 0, 0]"));
  };
  return {
      {"NegativePlaceholder",
       Placeholder("x", {"-7"}) + Node("y", "Neg", {"x"}, kF32),
       {"y"},
       {{"x", {1}}}},
      {"OverflowingPlaceholder",
       Placeholder("x", {"4611686018427387904", "4611686018427387904"}) +
           Node("y", "Neg", {"x"}, kF32),
       {"y"},
       {{"x", {1, 1}}}},
      {"HugeConstBySplat",
       Const("c", "DT_FLOAT", {"1099511627776", "1099511627776"}, "float_val: 1") +
           Node("y", "Neg", {"c"}, kF32)},
      {"LargeConstBySplat",
       Const("c", "DT_FLOAT", {"268435456", "64"}, "float_val: 1") + Node("y", "Neg", {"c"}, kF32)},
      {"NegativeConst",
       Const("c", "DT_FLOAT", {"-3"}, "float_val: 1") + Node("y", "Neg", {"c"}, kF32)},
      {"ConstWithTooManyValues",
       Const("c", "DT_FLOAT", {"1"}, "float_val: 1 float_val: 2") + Node("y", "Neg", {"c"}, kF32)},
      {"ConstWithShortContent",
       Const("c", "DT_FLOAT", {"4"}, "tensor_content: 'abc'") + Node("y", "Neg", {"c"}, kF32)},
      {"ConstOfAnotherType",
       Node("c", "Const", {},
            Attr("dtype", "type: DT_FLOAT") +
                Attr("value", "tensor { dtype: DT_INT32 tensor_shape { } int_val: 1 }")) +
           Node("y", "Neg", {"c"}, kF32)},
      {"NegativeFill", Ints("d", {"-2"}) + one + Node("y", "Fill", {"d", "one"}, fill)},
      {"HugeFill", Ints("d", {"1099511627776", "8"}) + one + Node("y", "Fill", {"d", "one"}, fill)},
      {"OverflowingFill", Ints("d", {"4611686018427387904", "4611686018427387904"}) + one +
                              Node("y", "Fill", {"d", "one"}, fill)},
      {"HugeRange", Int("a", "0") + Int("e", "4611686018427387904") + Int("s", "1") +
                        Node("y", "Range", {"a", "e", "s"}, Index("Tidx"))},
      {"RangeWithoutStep", Int("a", "0") + Int("e", "4") + Int("s", "0") +
                               Node("y", "Range", {"a", "e", "s"}, Index("Tidx"))},
      of_x("HugeTile", Ints("p", {"4611686018427387904", "2"}), "Tile", "Tmultiples"),
      of_x("NegativeTile", Ints("p", {"-1", "2"}), "Tile", "Tmultiples"),
      of_x("HugeBroadcast", Ints("p", {"1099511627776", "1048576", "4", "6"}), "BroadcastTo",
           "Tidx"),
      of_x("ReshapeOfAnotherSize", Ints("p", {"5", "5"}), "Reshape", "Tshape"),
      of_x("ReshapeWithTwoUnknowns", Ints("p", {"-1", "-1"}), "Reshape", "Tshape"),
      of_x("ReshapeToExtremes", Ints("p", {"-9223372036854775808", "-1"}), "Reshape", "Tshape"),
      of_x("TransposeTwice", Ints("p", {"0", "0"}), "Transpose", "Tperm"),
      of_x("TransposeOutside", Ints("p", {"0", "9223372036854775807"}), "Transpose", "Tperm"),
      of_x("ReduceOutside", Ints("p", {"2"}), "Sum", "Tidx"),
      of_x("ReduceTwice", Ints("p", {"1", "-1"}), "Sum", "Tidx"),
      {"SliceOutside",
       x + zeros + Ints("n", {"4", "9223372036854775807"}) +
           Node("y", "Slice", {"x", "b", "n"}, slice),
       {"y"},
       fed},
      {"StrideOfZero",
       x + zeros + ends + Ints("s", {"1", "0"}) +
           Node("y", "StridedSlice", {"x", "b", "e", "s"}, slice),
       {"y"},
       fed},
      {"ConcatOfDifferentSizes",
       x + Placeholder("z", {"5", "5"}) + Int("a", "0") +
           Node("y", "ConcatV2", {"x", "z", "a"},
                absl::StrCat(kF32, Attr("N", "i: 2"), Index("Tidx"))),
       {"y"},
       {{"x", {4, 6}}, {"z", {5, 5}}}},
      {"HugeListLength",
       x + Node("y", "AddN", {"x"}, absl::StrCat(kF32, Attr("N", "i: 1000000000000"))),
       {"y"},
       fed},
      of_x("NegativePad", pads("-1", "0"), "Pad", "Tpaddings"),
      of_x("HugePad", pads("9223372036854775807", "9223372036854775807"), "Pad", "Tpaddings"),
      {"HugeOneHot",
       Ints("i", {"0", "1"}) + Const("d", "DT_INT32", {}, "int_val: 2147483647") + one +
           Const("z", "DT_FLOAT", {}, "float_val: 0") +
           Node("o", "OneHot", {"i", "d", "one", "z"}, absl::StrCat(kF32, Index("TI"))) +
           Ints("m", {"1048576", "1"}) +
           Node("y", "Tile", {"o", "m"}, absl::StrCat(kF32, Index("Tmultiples")))},
      {"MatMulOfUnequalSizes", x + Node("y", "MatMul", {"x", "x"}, kF32), {"y"}, fed},
      {"ConvOfUnequalChannels",
       image + Placeholder("k", {"3", "3", "4", "2"}) +
           Node("y", "Conv2D", {"i", "k"},
                absl::StrCat(kF32, strides, Attr("padding", "s: 'SAME'"))),
       {"y"},
       {{"i", {1, 5, 5, 3}}, {"k", {3, 3, 4, 2}}}},
      {"ConvWithoutStride",
       image + Placeholder("k", {"3", "3", "3", "2"}) +
           Node("y", "Conv2D", {"i", "k"},
                absl::StrCat(kF32, Attr("strides", "list { i: 1 i: 0 i: 1 i: 1 }"),
                             Attr("padding", "s: 'SAME'"))),
       {"y"},
       {{"i", {1, 5, 5, 3}}, {"k", {3, 3, 3, 2}}}},
      {"ConvLargerThanItsImage",
       image + Placeholder("k", {"9", "9", "3", "2"}) +
           Node("y", "Conv2D", {"i", "k"},
                absl::StrCat(kF32, strides, Attr("padding", "s: 'VALID'"))),
       {"y"},
       {{"i", {1, 5, 5, 3}}, {"k", {9, 9, 3, 2}}}},
      {"PoolOfNegativeWindow",
       image + Node("y", "MaxPool", {"i"},
                    absl::StrCat(kF32, strides, Attr("ksize", "list { i: 1 i: -2 i: 2 i: 1 }"),
                                 Attr("padding", "s: 'SAME'"))),
       {"y"},
       {{"i", {1, 5, 5, 3}}}},
      {"PoolOfHugeWindow",
       image + Node("y", "MaxPool", {"i"},
                    absl::StrCat(
                        kF32, strides,
                        Attr("ksize",
                             "list { i: 1 i: 4611686018427387904 i: 4611686018427387904 i: 1 }"),
                        Attr("padding", "s: 'VALID'"))),
       {"y"},
       {{"i", {1, 5, 5, 3}}}},
  };
}

std::string Function(const std::string& name, const std::string& nodes) {
  return absl::StrCat(
      "function { signature { name: '", name,
      "' input_arg { name: 'a' type: DT_FLOAT } output_arg { name: 'r' type: DT_FLOAT } } ", nodes,
      " ret { key: 'r' value: 'n:output:0' } }\n");
}
std::string Library(const std::string& functions) {
  return absl::StrCat("library { ", functions, " }\n");
}
std::string Call(const std::string& field, const std::string& name, const std::string& input,
                 const std::string& callee) {
  return absl::StrCat(field, " { name: '", name, "' op: 'PartitionedCall' input: '", input, "' ",
                      Attr("Tin", "list { type: DT_FLOAT }"),
                      Attr("Tout", "list { type: DT_FLOAT }"),
                      Attr("f", absl::StrCat("func { name: '", callee, "' }")), " }\n");
}

std::vector<Case> Functions() {
  const std::string x = Placeholder("x", {"4"});
  const std::vector<std::pair<std::string, std::vector<int64_t>>> fed = {{"x", {4}}};
  std::string chain, doubling;
  for (int i = 0; i < 100; ++i) {
    chain += Function(absl::StrCat("f", i), Call("node_def", "n", "a", absl::StrCat("f", i + 1)));
  }
  // Each function calls the next twice: a few lines that stand for 2^60 nodes.
  for (int i = 0; i < 60; ++i) {
    doubling += Function(absl::StrCat("f", i),
                         Call("node_def", "m", "a", absl::StrCat("f", i + 1)) +
                             Call("node_def", "n", "m:output:0", absl::StrCat("f", i + 1)));
  }
  doubling +=
      Function("f60", "node_def { name: 'n' op: 'Neg' input: 'a' " + std::string(kF32) + " }");
  doubling.replace(doubling.rfind("n:output:0"), 10, "n:y:0");  // what a Neg calls its result
  return {
      {"Recursion",
       Library(Function("f", Call("node_def", "n", "a", "f"))) + x + Call("node", "y", "x", "f"),
       {"y"},
       fed},
      {"MutualRecursion",
       Library(Function("f", Call("node_def", "n", "a", "g")) +
               Function("g", Call("node_def", "n", "a", "f"))) +
           x + Call("node", "y", "x", "f"),
       {"y"},
       fed},
      {"DeepCalls", Library(chain) + x + Call("node", "y", "x", "f0"), {"y"}, fed},
      {"ExponentialCalls", Library(doubling) + x + Call("node", "y", "x", "f0"), {"y"}, fed},
      {"MissingFunction", x + Call("node", "y", "x", "nothing"), {"y"}, fed},
      {"FunctionWithoutItsResult",
       "library { function { signature { name: 'f' input_arg { name: 'a' type: DT_FLOAT } "
       "output_arg { "
       "name: 'r' type: DT_FLOAT } } } }\n" +
           x + Call("node", "y", "x", "f"),
       {"y"},
       fed},
      {"FunctionResultOfNoNode",
       "library { function { signature { name: 'f' input_arg { name: 'a' type: DT_FLOAT } "
       "output_arg { "
       "name: 'r' type: DT_FLOAT } } ret { key: 'r' value: 'nothing:y:0' } } }\n" +
           x + Call("node", "y", "x", "f"),
       {"y"},
       fed},
  };
}

class MalformedTest : public testing::TestWithParam<Case> {};

TEST_P(MalformedTest, IsAStatus) {
  GraphDef graph;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(GetParam().graph, &graph))
      << GetParam().graph;
  runtime::SessionOptions options;
  options.max_run_bytes = int64_t{1} << 30;
  absl::Status status;
  auto session = NewSession(graph, options);
  if (session.ok()) {
    std::vector<NamedTensor> feeds;
    for (const auto& [name, dims] : GetParam().feeds) {
      auto tensor = Tensor::Create(executable::DType::kFloat32, dims);
      ASSERT_TRUE(tensor.ok());
      std::fill_n(tensor->data<float>(), tensor->num_elements(), 1.0f);
      feeds.emplace_back(name, *tensor);
    }
    status = (*session)->Run(feeds, GetParam().fetches).status();
  } else {
    status = session.status();
  }
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_NE(status.code(), absl::StatusCode::kUnknown) << status;
  EXPECT_FALSE(status.message().empty());
  RecordProperty("found", status.ToString());
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  EXPECT_LT(usage.ru_maxrss, 2 << 20) << "KiB";
}
std::string CaseName(const testing::TestParamInfo<Case>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Structure, MalformedTest, testing::ValuesIn(Structure()), CaseName);
INSTANTIATE_TEST_SUITE_P(Sizes, MalformedTest, testing::ValuesIn(Sizes()), CaseName);
INSTANTIATE_TEST_SUITE_P(Functions, MalformedTest, testing::ValuesIn(Functions()), CaseName);

// Long graphs are not wrong: nothing may recurse as deep as they are.
TEST(LongGraphTest, AChainOfThousandsOfNodesRuns) {
  std::string text = Placeholder("n0", {"4"});
  constexpr int kNodes = 5000;
  for (int i = 1; i <= kNodes; ++i) {
    text += Node(absl::StrCat("n", i), i % 2 ? "Tanh" : "Neg", {absl::StrCat("n", i - 1)}, kF32);
  }
  GraphDef graph;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &graph));
  auto session = NewSession(graph);
  ASSERT_TRUE(session.ok()) << session.status();
  auto fetched =
      (*session)->Run({{"n0", Tensor::Of<float>({4}, {1, 2, 3, 4})}}, {absl::StrCat("n", kNodes)});
  EXPECT_TRUE(fetched.ok()) << fetched.status();
}

}  // namespace
}  // namespace stator
