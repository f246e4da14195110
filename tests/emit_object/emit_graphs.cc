// emit_graphs FOLDER: compiles real programs, runs them in a session, and writes what a user's
// program needs to do the same: headers, objects, inputs and the session's results as raw files.
#include <cstdio>
#include <string>
#include <vector>

#include "compiler/import/op_set.h"
#include "compiler/pipeline.h"
#include "examples/digits/model.h"
#include "executable/image_builder.h"
#include "executable/image_view.h"
#include "graph/status_macros.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "ops/register_all.h"
#include "runtime/core/executable.h"
#include "runtime/core/runner.h"
#include "stator.h"
#include "tools/emit_object/emit_object.h"

namespace stator {
namespace {

using runtime::NamedTensor;
using runtime::Tensor;

constexpr int64_t kTrainBatch = 32;
constexpr int kTrainSteps = 3;

absl::Status WriteFile(const std::string& path, const void* data, size_t size) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  bool written = file != nullptr && std::fwrite(data, 1, size, file) == size;
  if (file != nullptr && std::fclose(file) != 0) written = false;
  return written ? absl::OkStatus() : absl::UnknownError("cannot write " + path);
}

absl::Status WriteTensor(const std::string& path, const Tensor& t) {
  return WriteFile(path, t.raw(), static_cast<size_t>(t.bytes()));
}

absl::Status Emit(const std::string& folder, const std::string& name,
                  const executable::ImageModel& model) {
  const auto emitted = tools::EmitObject(model, {name, ""});
  if (!emitted.ok()) return absl::InternalError(name + ": " + emitted.status().ToString());
  STATOR_RETURN_IF_ERROR(
      WriteFile(folder + name + ".h", emitted->header.data(), emitted->header.size()));
  return WriteFile(folder + name + ".o", emitted->object.data(), emitted->object.size());
}

// Keeps the images that a session's compiler makes.
class RecordingCompiler : public executable::Compiler {
 public:
  RecordingCompiler(std::unique_ptr<executable::Compiler> compiler,
                    std::vector<std::vector<uint8_t>>* images)
      : compiler_(std::move(compiler)), images_(images) {}
  executable::Result<executable::CompiledImage> Compile(
      const executable::CompileRequest& request) override {
    auto image = compiler_->Compile(request);
    if (image.ok()) images_->push_back(image->bytes);
    return image;
  }

 private:
  std::unique_ptr<executable::Compiler> compiler_;
  std::vector<std::vector<uint8_t>>* images_;
};

// The session's image with names of our choice.
absl::StatusOr<executable::ImageModel> ToNamedModel(const std::vector<uint8_t>& image,
                                                    const std::string& entry,
                                                    const std::vector<std::string>& fetches) {
  const auto view = executable::ReadImage(image.data(), image.size());
  if (!view.ok()) return absl::InternalError(view.status().ToString());
  executable::ImageModel model = executable::ToModel(*view);
  model.entry_points[0].name = entry;
  for (size_t i = 0; i < fetches.size(); ++i) model.entry_points[0].fetches[i].name = fetches[i];
  return model;
}

Tensor Images(int64_t batch, int seed) {
  Tensor images = *Tensor::Create(executable::DType::kFloat32, {batch, 28, 28, 1});
  for (int64_t i = 0; i < images.num_elements(); ++i) {
    images.data<float>()[i] = static_cast<float>((i * 7919 + seed * 31) % 97) / 97.0f;
  }
  return images;
}

Tensor Labels(int64_t batch, int seed) {
  Tensor labels = *Tensor::Create(executable::DType::kInt32, {batch});
  for (int64_t i = 0; i < batch; ++i) {
    labels.data<int32_t>()[i] = static_cast<int32_t>((i * 7 + seed * 3) % 10);
  }
  return labels;
}

class Digits {
 public:
  explicit Digits(std::string folder)
      : folder_(std::move(folder)),
        scope_(NewProgram()),
        model_(scope_, /*seed=*/7, 28, 28, /*steps_per_epoch=*/10) {
    ops::RegisterAll(ops_);
  }

  absl::Status Write() {
    runtime::SessionOptions options;
    options.num_threads = 2;
    options.seed = 11;
    options.compiler = [this](
                           const graph::Graph* graph,
                           int64_t seed) -> absl::StatusOr<std::unique_ptr<executable::Compiler>> {
      return std::unique_ptr<executable::Compiler>(std::make_unique<RecordingCompiler>(
          std::make_unique<compiler::GraphCompiler>(graph, &ops_, static_cast<uint64_t>(seed)),
          &images_));
    };
    STATOR_ASSIGN_OR_RETURN(session_, NewSession(scope_, std::move(options)));
    std::vector<std::string> initializers;
    for (const nn::Variable& v : model_.variables().all()) {
      initializers.push_back(v.initialize.node().name());
    }
    STATOR_RETURN_IF_ERROR(session_->Run({}, {}, initializers).status());
    STATOR_RETURN_IF_ERROR(WriteVariables("before_"));
    STATOR_RETURN_IF_ERROR(WriteEvaluation());
    STATOR_RETURN_IF_ERROR(WriteTraining());
    return WriteVariables("after_");
  }

 private:
  absl::Status WriteVariables(const std::string& prefix) {
    for (const std::string& name : session_->variables()->Names()) {
      auto value = session_->variables()->Read(name);
      if (!value.ok()) continue;  // not initialized
      std::string file = name;
      for (char& c : file) c = c == '/' ? '_' : c;
      STATOR_RETURN_IF_ERROR(WriteTensor(folder_ + prefix + file, *value));
    }
    return absl::OkStatus();
  }

  absl::Status WriteEvaluation() {
    const size_t before = images_.size();
    for (const int64_t batch : {3, 1, 32}) {
      const Tensor images = Images(batch, 5);
      STATOR_ASSIGN_OR_RETURN(std::vector<Tensor> found,
                              session_->Run({{"images", images}}, {"probabilities:0", "digit:0"}));
      const std::string suffix = "_" + std::to_string(batch);
      STATOR_RETURN_IF_ERROR(WriteTensor(folder_ + "images" + suffix, images));
      STATOR_RETURN_IF_ERROR(WriteTensor(folder_ + "probabilities" + suffix, found[0]));
      STATOR_RETURN_IF_ERROR(WriteTensor(folder_ + "digit" + suffix, found[1]));
    }
    if (images_.size() != before + 1)
      return absl::InternalError("one image must serve all batches");
    STATOR_ASSIGN_OR_RETURN(executable::ImageModel model,
                            ToNamedModel(images_.back(), "evaluate", {}));
    return Emit(folder_, "digits", model);
  }

  absl::Status WriteTraining() {
    const auto& pass = model_.train_pass();
    std::vector<float> losses;
    for (int step = 0; step < kTrainSteps; ++step) {
      const Tensor images = Images(kTrainBatch, step);
      const Tensor labels = Labels(kTrainBatch, step);
      const std::string suffix = "_step" + std::to_string(step);
      STATOR_RETURN_IF_ERROR(WriteTensor(folder_ + "images" + suffix, images));
      STATOR_RETURN_IF_ERROR(WriteTensor(folder_ + "labels" + suffix, labels));
      STATOR_ASSIGN_OR_RETURN(
          std::vector<Tensor> found,
          session_->Run({{pass.inputs[0].name(), images}, {pass.inputs[1].name(), labels}},
                        {pass.loss.name()}, {pass.step.node().name()}));
      losses.push_back(*found[0].data<float>());
    }
    STATOR_RETURN_IF_ERROR(
        WriteFile(folder_ + "losses", losses.data(), losses.size() * sizeof(float)));
    STATOR_ASSIGN_OR_RETURN(executable::ImageModel model,
                            ToNamedModel(images_.back(), "train_step", {"loss:0"}));
    STATOR_RETURN_IF_ERROR(WriteArena());
    return Emit(folder_, "training", model);
  }

  // What the runtime packs the same step's memory into.
  absl::Status WriteArena() {
    auto loaded = runtime::Executable::Load(images_.back().data(), images_.back().size());
    if (!loaded.ok()) return absl::InternalError(loaded.status().ToString());
    const std::vector<int64_t> sizes((*loaded)->model().symbols.size(), kTrainBatch);
    auto plan = (*loaded)->PlanFor(0, sizes, nullptr);
    if (!plan.ok()) return absl::InternalError(plan.status().ToString());
    const int64_t bytes = (*plan)->arena_bytes + (*plan)->scratch_stride;
    return WriteFile(folder_ + "arena_bytes", &bytes, sizeof(bytes));
  }

  const std::string folder_;
  compiler::OpSet ops_;
  graph::Scope scope_;
  examples::DigitsModel model_;
  std::vector<std::vector<uint8_t>> images_;
  std::unique_ptr<runtime::Session> session_;
};

// Loops and branches in static and symbolic memory: the Collatz-like walk of
// tests/control_flow_test.
constexpr char kLoop[] = R"(
  !v = tensor<?xf32, #core.dims<"n">>
  func.func @main(%x: !v, %w: !v, %trips: tensor<i32>) -> (!v, !v, tensor<i32>) {
    %zero = core.constant dense<0> : tensor<i32>
    %one = core.constant dense<1> : tensor<i32>
    %k = core.add %x, %w : !v
    %i, %a, %b = core.while %zero, %x, %k cond {
    ^bb0(%i: tensor<i32>, %a: !v, %b: !v):
      %p = core.compare LT %i, %trips : (tensor<i32>, tensor<i32>) -> tensor<i1>
      core.return %p : tensor<i1>
    } body {
    ^bb0(%i: tensor<i32>, %a: !v, %b: !v):
      %next = core.add %i, %one : tensor<i32>
      %odd = core.and %i, %one : tensor<i32>
      %p = core.compare EQ %odd, %one : (tensor<i32>, tensor<i32>) -> tensor<i1>
      %c = core.if %p {
        %m = core.multiply %a, %w : !v
        core.return %m : !v
      } else {
        %t = core.tanh %b : !v
        core.return %t : !v
      } : (tensor<i1>) -> !v
      %s = core.add %c, %k : !v
      core.return %next, %b, %s : tensor<i32>, !v, !v
    } : (tensor<i32>, !v, !v) -> (tensor<i32>, !v, !v)
    %r = core.subtract %a, %w : !v
    return %r, %b, %i : !v, !v, tensor<i32>
  })";

absl::Status WriteLoop(const std::string& folder) {
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  context.loadDialect<core::CoreDialect, mlir::func::FuncDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(kLoop, &context);
  if (!module) return absl::InternalError("the loop's text does not parse");
  const compiler::PipelineOptions options;
  STATOR_RETURN_IF_ERROR(compiler::RunCoreStages(*module, options));
  STATOR_ASSIGN_OR_RETURN(executable::ImageModel model, compiler::GenerateImage(*module, options));
  STATOR_RETURN_IF_ERROR(Emit(folder, "loop", model));
  const std::vector<uint8_t> bytes = executable::Serialize(model);
  auto loaded = runtime::Executable::Load(bytes.data(), bytes.size());
  if (!loaded.ok()) return absl::InternalError(loaded.status().ToString());
  auto runner = runtime::Runner::Create(*loaded, 0, nullptr);
  if (!runner.ok()) return absl::InternalError(runner.status().ToString());
  for (const int32_t trips : {0, 1, 6}) {
    const Tensor x = Tensor::Of<float>({3}, {1, 2, 3});
    const Tensor w = Tensor::Of<float>({3}, {0.5, 0.25, 2});
    std::vector<Tensor> found;
    const auto status = (*runner)->Run({x, w, Tensor::Scalar(trips)}, {}, &found);
    if (!status.ok()) return absl::InternalError(status.ToString());
    const std::string suffix = "_" + std::to_string(trips);
    STATOR_RETURN_IF_ERROR(WriteTensor(folder + "loop_a" + suffix, found[0]));
    STATOR_RETURN_IF_ERROR(WriteTensor(folder + "loop_b" + suffix, found[1]));
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace stator

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = std::string(argv[1]) + "/";
  absl::Status status = stator::WriteLoop(folder);
  if (status.ok()) status = stator::Digits(folder).Write();
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
