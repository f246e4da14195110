#include "runtime/session/session.h"

#include <chrono>
#include <cmath>
#include <thread>

#include "gtest/gtest.h"
#include "runtime/session/fake_compiler.h"

namespace stator::runtime {
namespace {

Tensor Floats(const std::vector<float>& values) {
  return Tensor::Of<float>({static_cast<int64_t>(values.size())}, values);
}

std::vector<float> Values(const Tensor& t) {
  return std::vector<float>(t.data<float>(), t.data<float>() + t.num_elements());
}

std::unique_ptr<Session> NewSession(FakeCompilerLog* log = nullptr) {
  absl::StatusOr<std::unique_ptr<Session>> session = Session::Create(FakeGraph(), FakeOptions(log));
  EXPECT_TRUE(session.ok()) << session.status();
  return std::move(session).value();
}

std::string ErrorOf(const absl::StatusOr<std::vector<Tensor>>& result) {
  return std::string(result.status().message());
}

TEST(Session, CompilesOnceForAllSizes) {
  FakeCompilerLog log;
  auto session = NewSession(&log);
  for (const int n : {1, 3, 257}) {
    const auto out = session->Run({{n == 3 ? "x:0" : "x", Floats(std::vector<float>(n, 1))},
                                   {"y:0", Floats(std::vector<float>(n, 2))}},
                                  {"sum"});
    ASSERT_TRUE(out.ok()) << out.status();
    EXPECT_EQ(Values((*out)[0]), std::vector<float>(n, 9));
  }
  ASSERT_EQ(log.requests.size(), 1);
  EXPECT_EQ(log.requests[0].feeds[0].name, "x:0");
  EXPECT_TRUE(log.requests[0].feeds[0].rank_known);
  EXPECT_EQ(log.requests[0].feeds[0].dims, std::vector<int64_t>{-1});
  EXPECT_EQ(session->Stats().runs, 3);
  EXPECT_EQ(session->Stats().executables, 1);
  EXPECT_EQ(session->StepCounts()[0], 6);
  EXPECT_EQ(session->Stats().last_compile_stages[0].first, "fake");
}

TEST(Session, AFailedGuardCompilesAVariantUnderTheFactThatASideIsOne) {
  FakeCompilerLog log;
  auto session = NewSession(&log);
  const auto run = [&](int n, int m) {
    return session->Run(
        {{"x:0", Floats(std::vector<float>(n, 2))}, {"y:0", Floats(std::vector<float>(m, 1))}},
        {"sum:0"});
  };
  ASSERT_TRUE(run(4, 4).ok());
  const auto broadcast = run(4, 1);
  ASSERT_TRUE(broadcast.ok()) << broadcast.status();
  EXPECT_EQ(Values((*broadcast)[0]), std::vector<float>(4, 10));
  ASSERT_EQ(log.requests.size(), 2);
  ASSERT_EQ(log.requests[1].facts.size(), 1);
  EXPECT_EQ(log.requests[1].facts[0].ToString(), "y:0[0]=1");
  // Both are kept: neither compiles again.
  EXPECT_EQ(Values((*run(7, 7))[0]), std::vector<float>(7, 9));
  EXPECT_EQ(Values((*run(9, 1))[0]), std::vector<float>(9, 10));
  EXPECT_EQ(session->Stats().compiles, 2);
  EXPECT_EQ(session->Stats().executables, 2);
  // No side is 1: an error in the user's terms.
  const auto bad = run(4, 3);
  EXPECT_EQ(bad.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(ErrorOf(bad).find("size of x must equal size of y"), std::string::npos);
}

TEST(Session, SaysWhatIsWrongWithARequest) {
  auto session = NewSession();
  const Tensor one = Floats({1});
  EXPECT_EQ(ErrorOf(session->Run({{"x", one}}, {})), "a run needs at least one fetch or target");
  EXPECT_EQ(ErrorOf(session->Run({{"q", one}}, {"sum"})), "feed 'q': the graph has no node 'q'");
  EXPECT_EQ(ErrorOf(session->Run({{"x", one}, {"x:0", one}}, {"sum"})), "feed 'x:0': fed twice");
  EXPECT_EQ(ErrorOf(session->Run({{"x", one}}, {"x"})), "fetch 'x': both fed and fetched");
  EXPECT_EQ(ErrorOf(session->Run({}, {"sum:1"})),
            "fetch 'sum:1': node 'sum' (op Sum) has 1 outputs");
  EXPECT_EQ(ErrorOf(session->Run({}, {"^sum"})),
            "fetch '^sum': not the name of a tensor (node or node:k)");
  EXPECT_EQ(ErrorOf(session->Run({}, {}, {"gone"})), "target 'gone': the graph has no such node");
  EXPECT_EQ(ErrorOf(session->Run({{"x", Tensor::Scalar<int32_t>(1)}, {"y", one}}, {"sum"})),
            "feed 'x:0': expected float, got int32[]");
  EXPECT_EQ(ErrorOf(session->Run({{"x", Tensor()}, {"y", one}}, {"sum"})),
            "feed 'x:0': expected float, got no tensor");
  const auto unknown = session->Run({}, {"y"});
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ErrorOf(unknown), "node y:0: the fake compiler does not know it");
}

TEST(Session, VariablesLiveInTheSession) {
  FakeCompilerLog log;
  auto session = NewSession(&log);
  EXPECT_EQ(session->Run({{"g", Floats({1, 2})}}, {}, {"train"}).status().message(),
            "node train: variable w is not initialized");
  ASSERT_TRUE(session->Run({{"g", Floats({1, 2})}}, {}, {"set"}).ok());
  const auto out = session->Run({{"g", Floats({10, 20})}}, {"train:0"});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_EQ(Values((*out)[0]), (std::vector<float>{11, 22}));
  EXPECT_EQ(Values(*session->variables()->Read("w")), (std::vector<float>{11, 22}));
  // A compile hears of the variables that have values.
  ASSERT_EQ(log.requests.back().variables.size(), 1);
  EXPECT_EQ(log.requests.back().variables[0].dims, std::vector<int64_t>{2});
}

TEST(Session, ConcurrentTrainingLosesNoUpdate) {
  auto session = NewSession();
  ASSERT_TRUE(session->Run({{"g", Floats({0, 0, 0})}}, {}, {"set"}).ok());
  constexpr int kRuns = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kRuns; ++i) {
        const auto out = session->Run({{"g", Floats({1, 1, 1})}}, {"train:0"});
        ASSERT_TRUE(out.ok()) << out.status();
        const std::vector<float> w = Values((*out)[0]);
        EXPECT_EQ(w[0], w[2]);  // never a half-written version
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Values(*session->variables()->Read("w")), std::vector<float>(3, 4 * kRuns));
  EXPECT_EQ(session->Stats().compiles, 2);
}

TEST(Session, ExtendGrowsTheGraphBesideRuns) {
  FakeCompilerLog log;
  auto session = NewSession(&log);
  const int before = FakeGraph().node_size();
  std::thread runs([&] {
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(session->Run({{"x", Floats({1})}, {"y", Floats({1})}}, {"sum"}).ok());
    }
  });
  for (int i = 0; i < 20; ++i) {
    GraphDef more;
    NodeDef* node = more.add_node();
    node->set_name("extra" + std::to_string(i));
    node->set_op("Chain");
    node->add_input("x");
    ASSERT_TRUE(session->Extend(std::move(more)).ok());
  }
  runs.join();
  const auto out = session->Run({{"extra19", Floats({3})}}, {"chain"});
  EXPECT_EQ(out.status().code(), absl::StatusCode::kOk) << out.status();
  EXPECT_EQ(log.graph_nodes.back(), before + 20);

  GraphDef twice;
  twice.add_node()->set_name("new");
  twice.mutable_node(0)->set_op("Slow");
  *twice.add_node() = twice.node(0);
  twice.mutable_node(1)->set_name("x");
  EXPECT_FALSE(session->Extend(std::move(twice)).ok());
  EXPECT_EQ(ErrorOf(session->Run({}, {"new"})), "fetch 'new': the graph has no node 'new'");
}

TEST(Session, DeadlineAndCancellationEndARun) {
  auto session = NewSession();
  CallOptions deadline;
  deadline.timeout_ms = 20;
  EXPECT_EQ(session->Run({}, {"slow"}, {}, deadline).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  CancellationToken token;
  CallOptions cancel;
  cancel.cancellation = &token;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    token.Cancel();
  });
  EXPECT_EQ(session->Run({}, {"slow"}, {}, cancel).status().code(), absl::StatusCode::kCancelled);
  other.join();
}

TEST(Session, CloseEndsRunsAndGivesMemoryBack) {
  auto session = NewSession();
  ASSERT_TRUE(session->Run({{"g", Floats({1})}}, {}, {"set"}).ok());
  auto callable = session->MakeCallable({"x"}, {"chain"}, {});
  ASSERT_TRUE(callable.ok());
  std::vector<Tensor> out;
  ASSERT_TRUE((*callable)->Run({Floats({1})}, &out).ok());
  const std::weak_ptr<Executable> alive = session->Executables()[0];
  absl::Status ended;
  std::thread run([&] { ended = session->Run({}, {"slow"}).status(); });
  while (session->Stats().compiles < 3) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_TRUE(session->Close().ok());
  run.join();
  EXPECT_FALSE(ended.ok());
  EXPECT_TRUE(alive.expired());
  EXPECT_EQ(session->variables()->TotalBytes(), 0);
  for (const absl::Status& status :
       {session->Run({{"x", Floats({1})}}, {"chain"}).status(),
        (*callable)->Run({Floats({1})}, &out), session->Extend(GraphDef())}) {
    EXPECT_EQ(status, absl::FailedPreconditionError("the session is closed"));
  }
  EXPECT_TRUE(session->Close().ok());
}

TEST(Session, MetadataAndTraceNameStepsAndNodes) {
  auto session = NewSession();
  RunTrace trace;
  CallOptions options;
  options.trace = true;
  options.run_trace = &trace;
  RunMetadata metadata;
  ASSERT_TRUE(
      session->Run({{"x", Floats({1})}, {"y", Floats({1})}}, {"sum"}, {}, options, &metadata).ok());
  ASSERT_EQ(metadata.step_stats().dev_stats_size(), 1);
  const auto& nodes = metadata.step_stats().dev_stats(0).node_stats();
  ASSERT_EQ(nodes.size(), 2);
  EXPECT_EQ(nodes[0].node_name(), "sum");
  EXPECT_EQ(nodes[0].timeline_label(), "add = sum");
  EXPECT_GE(nodes[1].all_start_nanos(), nodes[0].all_start_nanos());
  const std::string json = trace.ToChromeJson();
  EXPECT_NE(json.find("\"name\":\"scale\""), std::string::npos) << json;
  EXPECT_NE(json.find("sum (model.cc:7)"), std::string::npos) << json;
  EXPECT_NE(json.find("\"why\":\"a \\\"test\\\"\""), std::string::npos) << json;

  RunMetadata untraced;
  ASSERT_TRUE(
      session->Run({{"x", Floats({1})}, {"y", Floats({1})}}, {"sum"}, {}, {}, &untraced).ok());
  EXPECT_FALSE(untraced.has_step_stats());
}

TEST(Session, SeedIsTheCallersOrFreshAndReachesTheCompiler) {
  FakeCompilerLog log;
  SessionOptions options = FakeOptions(&log);
  options.seed = 42;
  auto session = Session::Create(FakeGraph(), options);
  ASSERT_TRUE(session.ok());
  EXPECT_EQ((*session)->seed(), 42);
  EXPECT_EQ(log.seed, 42);
  auto first = NewSession(&log);
  EXPECT_EQ(log.seed, first->seed());
  auto second = NewSession();
  EXPECT_NE(first->seed(), second->seed());
}

TEST(Session, NeedsSchemasAndCompiler) {
  SessionOptions options = FakeOptions(nullptr);
  options.compiler = nullptr;
  EXPECT_FALSE(Session::Create(FakeGraph(), options).ok());
  options = FakeOptions(nullptr);
  options.schemas = nullptr;
  EXPECT_FALSE(Session::Create(FakeGraph(), options).ok());
}

}  // namespace
}  // namespace stator::runtime
