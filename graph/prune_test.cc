#include "graph/prune.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "google/protobuf/text_format.h"

namespace stator::graph {
namespace {

// x -> split -> (0) a -> c;  (1) b;  c waits for `effect`, `effect` waits for x.
const Graph& Example() {
  static const Graph* graph = [] {
    auto* ops = new OpSchemaTable();
    const auto add = [&](const OpSchemaBuilder& op) { EXPECT_TRUE(ops->Add(*op.Build()).ok()); };
    add(OpSchemaBuilder("Placeholder").Output("y: float"));
    add(OpSchemaBuilder("Split").Input("x: float").Output("p: float").Output("q: float"));
    add(OpSchemaBuilder("Neg").Input("x: float").Output("y: float"));
    add(OpSchemaBuilder("Effect").Output("y: float").SetIsStateful());
    GraphDef def;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        R"pb(
          node { name: "x" op: "Placeholder" }
          node { name: "split" op: "Split" input: "x" }
          node { name: "a" op: "Neg" input: "split" }
          node { name: "b" op: "Neg" input: "split:1" }
          node { name: "effect" op: "Effect" input: "^x" }
          node { name: "c" op: "Neg" input: "a" input: "^effect" }
          node { name: "unused" op: "Neg" input: "c" })pb",
        &def));
    return new Graph(*Graph::FromGraphDef(def, ops));
  }();
  return *graph;
}

std::vector<std::string> Names(const std::vector<std::string>& feeds,
                               const std::vector<std::string>& fetches,
                               const std::vector<std::string>& targets) {
  const auto pruned = Prune(Example(), feeds, fetches, targets);
  EXPECT_TRUE(pruned.ok()) << pruned.status();
  std::vector<std::string> names;
  for (const int id : pruned->nodes) names.push_back(Example().node(id).name());
  return names;
}

using Strings = std::vector<std::string>;

TEST(Prune, KeepsWhatReaches) {
  EXPECT_EQ(Names({}, {"c"}, {}), (Strings{"x", "split", "a", "effect", "c"}));
  EXPECT_EQ(Names({}, {}, {"b"}), (Strings{"x", "split", "b"}));
  EXPECT_EQ(Names({}, {"a:0", "a"}, {"^b"}), (Strings{"x", "split", "a", "b"}));
}

TEST(Prune, StopsAtFeeds) {
  EXPECT_EQ(Names({"split"}, {"a"}, {}), (Strings{"a"}));
  EXPECT_EQ(Names({"split:1"}, {"a", "b"}, {}), (Strings{"x", "split", "a", "b"}));
  EXPECT_EQ(Names({"split:0", "split:1"}, {"a", "b"}, {}), (Strings{"a", "b"}));
  EXPECT_EQ(Names({"a"}, {"c"}, {}), (Strings{"x", "effect", "c"}));
}

TEST(Prune, AFedPlaceholderIsNotWaitedFor) {
  EXPECT_EQ(Names({"x"}, {"c"}, {}), (Strings{"split", "a", "effect", "c"}));
  // Running `effect` does something, fed or not.
  EXPECT_EQ(Names({"a", "effect", "x"}, {"c"}, {}), (Strings{"effect", "c"}));
}

std::string Error(const Strings& feeds, const Strings& fetches, const Strings& targets) {
  return std::string(Prune(Example(), feeds, fetches, targets).status().message());
}

TEST(Prune, BadRequests) {
  EXPECT_EQ(Error({}, {}, {}), "expected at least one fetch or target, found none");
  EXPECT_EQ(Error({"x", "x:0"}, {"c"}, {}),
            "feed 'x:0': expected each tensor once, found it twice");
  EXPECT_EQ(Error({"a"}, {"a:0"}, {}),
            "fetch 'a:0': expected a tensor that is not fed, found one that is");
  EXPECT_EQ(Error({}, {"y"}, {}), "fetch 'y': expected a tensor of the graph");
  EXPECT_EQ(Error({}, {"a:1"}, {}),
            "fetch 'a:1': expected one of the 1 outputs of node 'a' (op Neg)");
  EXPECT_EQ(Error({}, {"^a"}, {}),
            "fetch '^a': expected the name of a tensor, found that of a node");
  EXPECT_EQ(Error({}, {}, {"split:1"}),
            "target 'split:1': expected the name of a node, found that of a tensor");
  EXPECT_EQ(Error({}, {}, {"nope"}), "target 'nope': expected a node of the graph");
}

}  // namespace
}  // namespace stator::graph
