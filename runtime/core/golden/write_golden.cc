// write_golden FOLDER [COMPILED.stb ...]: writes what is kept of the current version of bundles.
//
//   vN_steps.stb   every kind of step, hand-made, with kernels cut out of a C file
//   vN_NAME.stb    for each COMPILED.stb of that NAME, what the compiler made
//
// Each entry point gets a sample: inputs, and what they become here and now. Variables that have no
// initial value get one, so that every sample starts from the same state.
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "executable/append_image.h"
#include "executable/image_builder.h"
#include "executable/image_view.h"
#include "runtime/core/golden/golden_run.h"
#include "runtime/core/test_programs.h"

namespace stator::runtime {
namespace {

using executable::Access;
using executable::BufferKind;
using executable::ImageModel;
using executable::StoredTensor;
using executable::SymbolLife;

// out:0 = x:0; fails where x < 0. Two phases, scratch and a poll on the way: all that the interface
// between kernels and runtime has.
struct AllOfTheKernelInterface : TestProgram {
  AllOfTheKernelInterface() {
    const int32_t n = AddSymbol("n", SymbolLife::kInput);
    const int32_t tiles = exprs.CeilDiv(n, exprs.Const(16));
    const int32_t x = Vector("x", BufferKind::kInput, n, 0, 5);
    const int32_t checked = Vector("checked", BufferKind::kOutput, n, 0, 5);
    const int32_t squares = Vector("squares", BufferKind::kOutput, n, 0, 5);
    const int32_t partial = Vector("partial", BufferKind::kArena, tiles, 2, 2);
    const int32_t sum = Vector("sum", BufferKind::kOutput, exprs.Const(1), 0, 5);
    const int32_t last = Buffer("last", BufferKind::kOutput, 8, 0, 5, DType::kInt64);
    model.nodes.push_back({"check", "CheckNumerics", "model.cc", 3});
    model.checks.push_back({Code::kOutOfRange, "negative", 0});
    const int32_t check = AddKernel({"checked"}, {{Access::kRead}, {Access::kWrite, 0}}, 2);
    model.kernels[check].may_fail = true;
    const int32_t square = AddKernel({"square_scratch"}, {{Access::kRead}, {Access::kWrite}}, 1);
    model.kernels[square].scratch_bytes = exprs.Const(64);
    const int32_t reduce = AddKernel({"sum_partial", "sum_final"},
                                     {{Access::kRead}, {Access::kWrite}, {Access::kWrite}}, 1);
    const int32_t slow = AddKernel({"slow"}, {{Access::kWrite}}, 1, true);
    const int32_t main = Block("kernels");
    Add(main, 0, Launch(check, {x, checked}, {n, exprs.Const(0)}), 0);
    Add(main, 1, Launch(square, {x, squares}, {n}));
    Add(main, 2, Launch(reduce, {x, partial, sum}, {n}));
    Add(main, 3, Launch(slow, {last}, {exprs.Const(100'000)}));
    Entry(main);
    AddFeed("x:0", x);
    for (const auto& [name, buffer] :
         {std::pair("checked:0", checked), std::pair("squares:0", squares), std::pair("sum:0", sum),
          std::pair("last:0", last)}) {
      AddFetch(name, buffer);
    }
  }
};

// out:0 = what host function "keep_positive" makes of x:0, in a block that is called.
struct Hosted : TestProgram {
  Hosted() {
    const int32_t n = AddSymbol("n", SymbolLife::kInput);
    const int32_t k = AddSymbol("kept", SymbolLife::kStep);
    const int32_t x = Vector("x", BufferKind::kInput, n, 0, 5);
    const int32_t out = Vector("out", BufferKind::kDynamic, k, 0, 5);
    const int32_t check = Buffer("check", BufferKind::kConstant, 1, 0, 5, DType::kBool);
    model.buffers[check].constant_offset = executable::AddConstant(&model, "\1", 1);
    model.buffers[check].constant_size = 1;
    model.checks.push_back({Code::kInternal, "a constant changed", kNone});
    const int32_t main = Block("hosted");
    const int32_t called = Block("called");
    Add(main, 0, executable::CallBlock{called});
    Add(called, 1, executable::HostCall{"keep_positive", {x}, {out}, "attributes"});
    Add(called, 2, executable::Check{check, 0});
    Entry(main);
    AddFeed("x:0", x);
    AddFetch("out:0", out);
  }
};

[[noreturn]] void Fail(const std::string& message) {
  std::fprintf(stderr, "write_golden: %s\n", message.c_str());
  std::exit(1);
}
void Require(const Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

ImageModel Steps() {
  AllOfTheKernelInterface kernels;
  ImageModel model = kernels.model;
  model.entry_points[0].name = "kernels";
  model.producer = "write_golden";
  const float weights[4] = {0.5f, 1.5f, 2.5f, 3.5f};
  Chain chain;
  Training training(weights);
  Positive positive;
  Branch branch;
  Doubling doubling;
  Growing growing;
  Lists lists;
  Hosted hosted;
  const std::vector<std::pair<const char*, TestProgram*>> others = {
      {"chain", &chain},       {nullptr, &training},  {"positive", &positive}, {"branch", &branch},
      {"doubling", &doubling}, {"growing", &growing}, {"lists", &lists},       {"hosted", &hosted}};
  for (const auto& [name, program] : others) {
    if (name != nullptr) program->model.entry_points[0].name = name;
    Require(executable::AppendImage(program->model, &model));
  }
  return model;
}

// Numbers that are small, of both signs and not all alike.
Tensor Pattern(DType dtype, const std::vector<int64_t>& dims, int seed) {
  Result<Tensor> t = Tensor::Create(dtype, dims);
  if (!t.ok() || dtype != DType::kFloat32) Fail("only floats are fed");
  for (int64_t i = 0; i < t->num_elements(); ++i) {
    t->data<float>()[i] = static_cast<float>((7 * i + seed) % 13 - 4) / 4;
  }
  if (t->num_elements() > 0) t->data<float>()[0] = 1.5f;
  return *t;
}

std::vector<int64_t> Dims(const ImageModel& model, const std::vector<int32_t>& exprs) {
  const std::vector<int64_t> sizes(model.symbols.size(), 3);
  std::vector<int64_t> dims;
  for (int32_t e : exprs) {
    const auto dim = executable::EvaluateExpr(model, e, sizes.data(), nullptr);
    Require(dim.status());
    dims.push_back(*dim);
  }
  return dims;
}

StoredTensor Store(const std::string& name, const Tensor& t, std::vector<ImageModel>* bundle) {
  StoredTensor stored{name, t.dtype(), t.dims(), 0, t.bytes()};
  for (ImageModel& m : *bundle)
    stored.constant_offset = executable::AddConstant(&m, t.raw(), t.bytes());
  return stored;
}

void AddInitialValues(std::vector<ImageModel>* bundle) {
  const ImageModel first = (*bundle)[0];
  for (const executable::EntryPoint& entry : first.entry_points) {
    for (const executable::Variable& v : entry.variables) {
      bool known = v.zero_initialized;
      for (const StoredTensor& t : (*bundle)[0].initial_values) known |= t.name == v.name;
      if (known) continue;
      const auto& dims = v.read_buffer != kNone ? v.read_dims : v.write_dims;
      const StoredTensor stored = Store(v.name, Pattern(v.dtype, Dims(first, dims), 5), bundle);
      for (ImageModel& m : *bundle) m.initial_values.push_back(stored);
    }
  }
}

std::vector<uint8_t> Bytes(const std::vector<ImageModel>& bundle) {
  const auto bytes = executable::Serialize(bundle);
  Require(bytes.status());
  return *bytes;
}

void AddSamples(std::vector<ImageModel>* bundle) {
  for (ImageModel& m : *bundle) m.samples.clear();
  AddInitialValues(bundle);
  const std::vector<uint8_t> bytes = Bytes(*bundle);
  const auto loaded = LoadGolden(bytes);
  Require(loaded.status());
  const ImageModel model = (*loaded)->model();
  for (size_t e = 0; e < model.entry_points.size(); ++e) {
    const executable::EntryPoint& entry = model.entry_points[e];
    executable::Sample sample;
    sample.entry = static_cast<int32_t>(e);
    std::vector<Tensor> feeds;
    for (const executable::Port& p : entry.feeds) {
      // A check fails where x is negative.
      Tensor feed = Pattern(p.dtype, Dims(model, p.dims), entry.name == "kernels" ? 4 : 0);
      if (entry.name == "kernels") {
        for (int64_t i = 0; i < feed.num_elements(); ++i) feed.data<float>()[i] += 1;
      }
      sample.inputs.push_back(Store(p.name, feed, bundle));
      feeds.push_back(std::move(feed));
    }
    const auto fetches = RunFromTheStart(*loaded, static_cast<int32_t>(e), feeds);
    Require(fetches.status());
    for (size_t i = 0; i < fetches->size(); ++i) {
      sample.outputs.push_back(Store(entry.fetches[i].name, (*fetches)[i], bundle));
    }
    for (ImageModel& m : *bundle) m.samples.push_back(sample);
  }
}

void Write(const std::string& folder, const std::string& name, std::vector<ImageModel> bundle) {
  AddSamples(&bundle);
  const std::vector<uint8_t> bytes = Bytes(bundle);
  const std::string path =
      folder + "/v" + std::to_string(executable::kImageVersion) + "_" + name + ".stb";
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  if (!file.good()) Fail("cannot write " + path);
  std::printf("%s: %zu bytes, %zu samples\n", path.c_str(), bytes.size(), bundle[0].samples.size());
}

// All variants of a bundle, one after the other.
std::vector<ImageModel> ReadVariants(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<ImageModel> variants;
  const auto first = executable::ReadImage(bytes.data(), bytes.size());
  if (!first.ok()) Fail(path + ": " + first.status().ToString());
  for (const executable::Target& target : first->targets) {
    static std::string wanted;
    wanted = target.name;
    executable::ReadOptions options;
    options.accepts = [](const executable::Target& t) {
      return t.name == wanted ? Status::Ok() : executable::FailedPrecondition("another target");
    };
    const auto view = executable::ReadImage(bytes.data(), bytes.size(), options);
    Require(view.status());
    variants.push_back(executable::ToModel(*view));
  }
  return variants;
}

}  // namespace
}  // namespace stator::runtime

int main(int argc, char** argv) {
  using namespace stator::runtime;  // NOLINT: its main
  if (argc < 2) Fail("usage: write_golden FOLDER [COMPILED.stb ...]");
  Write(argv[1], "steps", {Steps()});
  for (int i = 2; i < argc; ++i) {
    std::string name = argv[i];
    name = name.substr(name.rfind('/') + 1);
    Write(argv[1], name.substr(0, name.rfind('.')), ReadVariants(argv[i]));
  }
  return 0;
}
