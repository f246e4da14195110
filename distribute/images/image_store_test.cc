#include "distribute/images/image_store.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "distribute/images/job_cpu.h"
#include "distribute/images/shipped_compiler.h"
#include "graph/graph.h"
#include "runtime/session/fake_compiler.h"

namespace stator::distribute {
namespace {

// Of the standard library, whose threads the thread sanitizer sees through.
class Signal {
 public:
  void Notify() {
    const std::lock_guard<std::mutex> lock(mutex_);
    notified_ = true;
    changed_.notify_all();
  }
  void Wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return notified_; });
  }
  bool notified() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return notified_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool notified_ = false;
};

class ImageStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    static int count = 0;
    folder_ = absl::StrCat(testing::TempDir(), "/images.", getpid(), ".", ++count);
    auto graph = graph::Graph::FromGraphDef(runtime::FakeGraph(), runtime::FakeSchemas());
    ASSERT_TRUE(graph.ok()) << graph.status();
    graph_ = std::make_unique<graph::Graph>(*std::move(graph));
  }

  std::unique_ptr<ImageStore> NewStore(const std::string& identity = "this build") {
    ImageStoreOptions options;
    options.graph = graph_.get();
    options.seed = 7;
    options.compiler = runtime::FakeOptions(&log_).compiler;
    options.folder = folder_;
    options.identity = identity;
    return std::make_unique<ImageStore>(std::move(options));
  }

  static control::CompileRequest Request(const std::string& target) {
    control::CompileRequest request;
    request.set_arch(HostCpu().arch());
    request.add_targets(target);
    return request;
  }

  static absl::StatusOr<ImageBytes> Get(ImageStore& store, const control::CompileRequest& request) {
    Signal done;
    absl::StatusOr<ImageBytes> result;
    store.Compile(request, [&](absl::StatusOr<ImageBytes> image) {
      result = std::move(image);
      done.Notify();
    });
    done.Wait();
    return result;
  }

  std::vector<std::filesystem::path> Files() const {
    std::vector<std::filesystem::path> files;
    for (const auto& file : std::filesystem::directory_iterator(folder_)) files.push_back(file);
    return files;
  }

  std::string folder_;
  std::unique_ptr<graph::Graph> graph_;
  runtime::FakeCompilerLog log_;
};

TEST_F(ImageStoreTest, ARequestIsCompiledOnceWhoeverAsks) {
  auto store = NewStore();
  store->Start({HostCpu(), HostCpu()});
  control::CompileRequest request = Request("train");
  request.mutable_header()->set_task("worker:0");
  const absl::StatusOr<ImageBytes> first = Get(*store, request);
  request.mutable_header()->set_task("worker:1");
  const absl::StatusOr<ImageBytes> second = Get(*store, request);
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  EXPECT_EQ(*first, *second);
  ASSERT_TRUE(Get(*store, Request("set")).ok());
  EXPECT_EQ(store->compiled(), 2);
  ASSERT_EQ(log_.requests.size(), 2);
  EXPECT_EQ(log_.seed, 7);
  EXPECT_EQ(log_.requests[0].options.cpu, *CommonTarget({HostCpu()}, HostCpu().arch()));
}

TEST_F(ImageStoreTest, WhoAsksBeforeTheStartIsAnsweredAfterIt) {
  auto store = NewStore();
  Signal done;
  store->Compile(Request("train"), [&](absl::StatusOr<ImageBytes> image) {
    EXPECT_TRUE(image.ok()) << image.status();
    done.Notify();
  });
  EXPECT_FALSE(done.notified());
  store->Start({HostCpu()});
  done.Wait();
}

TEST_F(ImageStoreTest, AnErrorIsTheAnswerForAll) {
  auto store = NewStore();
  store->Start({HostCpu()});
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Get(*store, Request("unknown")).status().code(), absl::StatusCode::kUnimplemented);
  }
  EXPECT_EQ(log_.requests.size(), 1);
}

TEST_F(ImageStoreTest, ATypeThatDoesNotExistIsRefused) {
  auto store = NewStore();
  store->Start({HostCpu()});
  control::CompileRequest request = Request("train");
  request.add_feeds()->set_name("x:0");
  request.mutable_feeds(0)->set_dtype(777);
  EXPECT_EQ(Get(*store, request).status(),
            absl::InvalidArgumentError(
                "compile request, tensor 'x:0': expected an element type, found 777"));
}

TEST_F(ImageStoreTest, TheNextGenerationFindsTheImage) {
  auto store = NewStore();
  store->Start({HostCpu()});
  const absl::StatusOr<ImageBytes> made = Get(*store, Request("train"));
  ASSERT_TRUE(made.ok()) << made.status();
  store = NewStore();
  store->Start({HostCpu()});
  const absl::StatusOr<ImageBytes> found = Get(*store, Request("train"));
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(**made, **found);
  EXPECT_EQ(store->found(), 1);
  EXPECT_EQ(store->compiled(), 0);
}

TEST_F(ImageStoreTest, OtherMachinesNeedOtherCode) {
  auto store = NewStore();
  store->Start({HostCpu()});
  ASSERT_TRUE(Get(*store, Request("train")).ok());
  store = NewStore();
  control::Cpu older = HostCpu();
  older.mutable_features()->RemoveLast();
  store->Start({HostCpu(), older});
  ASSERT_TRUE(Get(*store, Request("train")).ok());
  EXPECT_EQ(store->found(), 0);
}

TEST_F(ImageStoreTest, ADamagedFileIsCompiledAgain) {
  auto store = NewStore();
  store->Start({HostCpu()});
  ASSERT_TRUE(Get(*store, Request("train")).ok());
  ASSERT_EQ(Files().size(), 1);
  {
    std::fstream file(Files()[0], std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(200);
    file.put('\x5a');
  }
  store = NewStore();
  store->Start({HostCpu()});
  ASSERT_TRUE(Get(*store, Request("train")).ok());
  EXPECT_EQ(store->found(), 0);
  EXPECT_EQ(store->compiled(), 1);
}

TEST_F(ImageStoreTest, AnotherProgramsImagesGo) {
  auto store = NewStore("this build");
  store->Start({HostCpu()});
  ASSERT_TRUE(Get(*store, Request("train")).ok());
  const std::filesystem::path old = Files()[0];
  store = NewStore("the next build");
  store->Start({HostCpu()});
  ASSERT_TRUE(Get(*store, Request("train")).ok());
  EXPECT_EQ(store->found(), 0);
  ASSERT_EQ(Files().size(), 1);
  EXPECT_NE(Files()[0], old);
}

TEST_F(ImageStoreTest, TheEndAnswersThoseWhoWait) {
  auto store = NewStore();
  absl::Status status;
  store->Compile(Request("train"),
                 [&](absl::StatusOr<ImageBytes> image) { status = image.status(); });
  store.reset();
  EXPECT_EQ(status, absl::CancelledError("the chief ends"));
}

// A session of a job: its coordinator is in this process.
TEST_F(ImageStoreTest, ASessionRunsWhatTheChiefCompiled) {
  auto store = NewStore();
  CoordinatorOptions coordinator;
  coordinator.job = "digits";
  coordinator.tasks = {"worker:0"};
  coordinator.key = DrawKey();
  const auto host = CoordinatorHost::Start(
      coordinator, nullptr, [&](const control::CompileRequest& request, CompileDone done) {
        store->Compile(request, std::move(done));
      });
  MemberOptions options;
  options.job = "digits";
  options.task = "worker:0";
  JoinInfo info;
  info.cpu = HostCpu();
  Roster roster;
  auto member = Member::Join(host->Connect(), options, info, &roster);
  ASSERT_TRUE(member.ok()) << member.status();
  store->Start(roster.cpus);
  runtime::SessionOptions session_options = runtime::FakeOptions(nullptr);
  session_options.compiler = ShippedCompilers(member->get());
  auto session = runtime::Session::Create(runtime::FakeGraph(), std::move(session_options));
  ASSERT_TRUE(session.ok()) << session.status();
  const auto x = runtime::Tensor::Of<float>({2}, {1, 2});
  for (int i = 0; i < 2; ++i) {
    const auto sum = (*session)->Run({{"x", x}, {"y", x}}, {"sum"});
    ASSERT_TRUE(sum.ok()) << sum.status();
    EXPECT_EQ((*sum)[0].data<float>()[1], 12);
  }
  EXPECT_EQ(store->compiled(), 1);
  EXPECT_EQ((*session)->Stats().last_compile_stages[0].first, "shipped");
  const absl::Status unknown = (*session)->Run({{"x", x}}, {"x"}).status();
  EXPECT_FALSE(unknown.ok());
  EXPECT_EQ((*member)->Leave(), absl::OkStatus());
}

}  // namespace
}  // namespace stator::distribute
