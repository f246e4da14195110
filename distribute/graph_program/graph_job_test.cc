#include "distribute/graph_program/graph_job.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "formats/file.h"
#include "formats/idx.h"
#include "formats/npy.h"
#include "proto/saved_model.pb.h"
#include "proto/serialize.h"

namespace stator::distribute {
namespace {

// Two inputs, of which the second knows its type only at its node.
constexpr char kProgram[] = R"(
graph_def {
  node { name: "image" op: "Placeholder" attr { key: "dtype" value { type: DT_UINT8 } } }
  node { name: "label" op: "Placeholder"
         attr { key: "dtype" value { type: DT_INT32 } }
         attr { key: "shape" value { shape { dim { size: -1 } } } } }
  node { name: "mean" op: "Identity" }
  node { name: "right" op: "Identity" attr { key: "_aggregation" value { s: "sum" } } }
  node { name: "update" op: "NoOp" }
  node { name: "first" op: "NoOp" }
  node { name: "counter" op: "VarHandleOp" attr { key: "shared_name" value { s: "global_step" } } }
}
signature_def { key: "train" value {
  inputs { key: "image" value { name: "image:0" dtype: DT_UINT8
           tensor_shape { dim { size: -1 } dim { size: 2 } dim { size: 1 } } } }
  inputs { key: "label" value { name: "label:0" } }
  outputs { key: "accuracy" value { name: "right:0" dtype: DT_FLOAT } }
  outputs { key: "loss" value { name: "mean:0" dtype: DT_FLOAT } }
  outputs { key: "step" value { name: "update" } }
} }
signature_def { key: "evaluate" value {
  inputs { key: "image" value { name: "image:0" dtype: DT_UINT8
           tensor_shape { dim { size: -1 } dim { size: 2 } dim { size: 1 } } } }
  inputs { key: "label" value { name: "label:0" } }
  outputs { key: "loss" value { name: "mean:0" dtype: DT_FLOAT } }
} }
signature_def { key: "initialize" value { outputs { key: "init" value { name: "first" } } } }
)";

class GraphJobTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::string(::testing::TempDir()) + "/" +
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    ASSERT_TRUE(ParseText(kProgram, {}, &program_).ok());
    WriteProgram();
    ASSERT_TRUE(formats::WriteIdx(Path("images"), {{5, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}).ok());
    ASSERT_TRUE(formats::WriteIdx(Path("labels"), {{5}, {10, 11, 12, 13, 14}}).ok());
    job_.mutable_program()->set_graph(Path("program.pbtxt"));
    job_.mutable_program()->mutable_signatures()->set_train("train");
    job_.mutable_program()->mutable_signatures()->set_evaluate("evaluate");
    job_.mutable_program()->mutable_signatures()->set_initialize("initialize");
    job_.mutable_strategy()->set_virtual_replicas(2);
    job_.mutable_training()->set_global_batch(4);
    job_.mutable_data()->set_directory(folder_);
    job_.mutable_data()->set_shuffle(Job::Data::SHUFFLE_NONE);
    for (auto* files :
         {job_.mutable_data()->mutable_train(), job_.mutable_data()->mutable_evaluate()}) {
      (*files)["image"] = "images";
      (*files)["label"] = "labels";
    }
  }

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }

  void WriteProgram() {
    ASSERT_TRUE(formats::WriteFileAtomically(Path("program.pbtxt"), PrintText(program_)).ok());
  }

  // The error of a job and program that `change` has made wrong.
  std::string ErrorAfter(const std::function<void()>& change) {
    const Job job = job_;
    const MetaGraphDef program = program_;
    change();
    WriteProgram();
    const absl::Status status = LoadGraphJob(job_).status();
    job_ = job;
    program_ = program;
    WriteProgram();
    std::string text(status.message());
    for (size_t at; (at = text.find(folder_)) != std::string::npos;) {
      text.replace(at, folder_.size(), "DIR");
    }
    return text;
  }

  std::string folder_;
  MetaGraphDef program_;
  Job job_;
};

TEST_F(GraphJobTest, FeedsSignaturesByKey) {
  const auto loaded = LoadGraphJob(job_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->initialize, "first");
  EXPECT_EQ(loaded->train.op, "update");
  ASSERT_EQ(loaded->train.metrics.size(), 2u);
  EXPECT_EQ(loaded->train.metrics[0].key, "loss");
  EXPECT_FALSE(loaded->train.metrics[0].is_sum);
  EXPECT_TRUE(loaded->train.metrics[1].is_sum);
  EXPECT_EQ(loaded->steps_per_epoch, 1);
  const auto shard = loaded->batch(0, 1, 2);
  ASSERT_TRUE(shard.ok()) << shard.status();
  EXPECT_EQ((*shard)[0].TypeToString(), "uint8[2, 2, 1]");
  EXPECT_EQ((*shard)[0].data<uint8_t>()[0], 4);
  EXPECT_EQ((*shard)[1].TypeToString(), "int32[2]");
  EXPECT_EQ((*shard)[1].data<int32_t>()[1], 13);
  ASSERT_NE(loaded->evaluation, nullptr);
  EXPECT_EQ(loaded->evaluation->size(), 2);
  EXPECT_EQ(loaded->evaluation->Get(0, 1)->at(1).TypeToString(), "int32[1]");
}

TEST_F(GraphJobTest, TakesSavedModelsAndTensorFlowsNames) {
  SavedModel model;
  *model.add_meta_graphs() = program_;
  auto& signatures = *model.mutable_meta_graphs(0)->mutable_signature_def();
  signatures["__saved_model_init_op"] = signatures["initialize"];
  signatures.erase("initialize");
  auto& train = *signatures["train"].mutable_outputs();
  (*signatures["__saved_model_train_op"].mutable_outputs())["op"] = train["step"];
  train.erase("step");
  const auto bytes = SerializeDeterministic(model);
  ASSERT_TRUE(formats::WriteFileAtomically(Path("saved_model.pb"), *bytes).ok());
  job_.mutable_program()->set_graph(folder_);
  const auto loaded = LoadGraphJob(job_);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->initialize, "first");
  EXPECT_EQ(loaded->train.op, "update");
}

TEST_F(GraphJobTest, NamesWhatIsWrongWithTheGraph) {
  auto& signatures = *program_.mutable_signature_def();
  EXPECT_EQ(ErrorAfter([&] { job_.mutable_program()->mutable_signatures()->set_train("fit"); }),
            "program.signatures.train: DIR/program.pbtxt: there is no signature 'fit'; there are: "
            "evaluate, initialize, train");
  EXPECT_EQ(ErrorAfter([&] { signatures["train"].mutable_outputs()->erase("step"); }),
            "program.signatures.train: DIR/program.pbtxt: signature 'train': expected an output "
            "that is an op (a name without dtype), found tensors only: which op updates the "
            "variables?");
  EXPECT_EQ(ErrorAfter([&] { (*signatures["train"].mutable_inputs())["image"].set_name("x:0"); }),
            "program.signatures.train: DIR/program.pbtxt: signature 'train', input 'image': the "
            "graph has no node 'x'");
  EXPECT_EQ(ErrorAfter([&] { program_.mutable_graph_def()->mutable_node()->RemoveLast(); }),
            "program.graph: DIR/program.pbtxt: expected a variable 'global_step', an int64 scalar "
            "to which the training op adds 1, found none");
  EXPECT_EQ(ErrorAfter([&] {
              auto& attr = *program_.mutable_graph_def()->mutable_node(3)->mutable_attr();
              attr["_aggregation"].set_s("max");
            }),
            "program.signatures.train: DIR/program.pbtxt: node 'right': attribute "
            "'_aggregation': expected \"mean\" or \"sum\", found \"max\"");
  EXPECT_EQ(ErrorAfter([&] { signatures.clear(); }),
            "program.graph: DIR/program.pbtxt: expected a MetaGraphDef with signatures, which say "
            "what a step is fed, found none; a GraphDef alone does not have them");
  EXPECT_EQ(ErrorAfter([&] {
              auto& image = (*signatures["train"].mutable_inputs())["image"];
              image.mutable_tensor_shape()->mutable_dim(0)->set_size(8);
            }),
            "training.global_batch: input 'image' of signature 'train' takes 8 examples: with "
            "strategy.virtual_replicas = 2 expected 16, found 4");
}

TEST_F(GraphJobTest, NamesWhatIsWrongWithTheFiles) {
  // Anew each time: the job is put back after each change.
  const auto files = [&]() -> auto& { return *job_.mutable_data()->mutable_train(); };
  EXPECT_EQ(ErrorAfter([&] { files().erase("label"); }),
            "data.train: no file for input 'label' of signature 'train', whose inputs are: image, "
            "label");
  EXPECT_EQ(ErrorAfter([&] { files()["lable"] = "labels"; }),
            "data.train.lable: signature 'train' has no input 'lable'; its inputs are: image, "
            "label");
  EXPECT_EQ(ErrorAfter([&] { files()["image"] = "labels"; }),
            "data.train.image: DIR/labels: expected uint8[?, 2, 1], which signature 'train' takes "
            "(or a type whose values that one holds), found uint8[5]");
  const std::vector<int64_t> wide(5);
  ASSERT_TRUE(formats::WriteNpy(Path("wide.npy"), DT_INT64, {5},
                                absl::string_view(reinterpret_cast<const char*>(wide.data()), 40))
                  .ok());
  EXPECT_EQ(ErrorAfter([&] { files()["label"] = "wide.npy"; }),
            "data.train.label: DIR/wide.npy: expected int32[?], which signature 'train' takes (or "
            "a type whose values that one holds), found int64[5]");
  ASSERT_TRUE(formats::WriteIdx(Path("few"), {{2}, {1, 2}}).ok());
  EXPECT_EQ(ErrorAfter([&] { files()["label"] = "few"; }),
            "data.train.label: expected 5 examples, as image has, found 2");
  EXPECT_EQ(ErrorAfter([&] { job_.mutable_training()->set_global_batch(6); }),
            "training.global_batch: no batch of 6 can be made of 5 elements");
  EXPECT_NE(ErrorAfter([&] { files()["label"] = "nowhere"; }).find("data.train.label: "),
            std::string::npos);
}

}  // namespace
}  // namespace stator::distribute
