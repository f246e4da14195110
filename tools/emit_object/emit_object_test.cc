#include "tools/emit_object/emit_object.h"

#include <elf.h>

#include <cstring>

#include "gtest/gtest.h"
#include "tools/emit_object/identifiers.h"
#include "tools/emit_object/scratch.h"
#include "tools/emit_object/state_writer.h"
#include "tools/emit_object/test_images.h"

namespace stator::tools {
namespace {

using executable::Code;

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(EmitObject, NamesEveryNodeThatNeedsTheRuntime) {
  const auto emitted = EmitObject(Where()->model, {"where"});
  ASSERT_FALSE(emitted.ok());
  EXPECT_EQ(emitted.status().code(), Code::kUnimplemented);
  const std::string& message = emitted.status().message();
  EXPECT_TRUE(Contains(message, "node where (model.cc:9): memory whose size only the run knows"))
      << message;
  EXPECT_TRUE(Contains(message, "node print: a call of the host function print")) << message;
}

TEST(EmitObject, RefusesMalformedImagesAndNamespaces) {
  TestImagePtr image = Chain();
  EXPECT_EQ(EmitObject(image->model, {"chain", "a::1b"}).status().code(), Code::kInvalidArgument);
  EXPECT_EQ(EmitObject(image->model, {"chain", "a::"}).status().code(), Code::kInvalidArgument);
  image->model.entry_points[0].main_block = 7;
  EXPECT_EQ(EmitObject(image->model, {"chain"}).status().code(), Code::kInvalidArgument);
}

TEST(EmitObject, RefusesVariablesWithoutAFixedShape) {
  TestImagePtr image = Stateful();
  image->model.symbols.push_back({"rows", executable::SymbolLife::kInput});
  image->model.nodes.push_back({"read_w", "ReadVariableOp", "", 0});
  executable::Variable& w = image->model.entry_points[1].variables[1];
  w.read_dims = {image->exprs.Symbol(0)};
  w.source_node = 0;
  const auto emitted = EmitObject(image->model, {"stateful"});
  EXPECT_EQ(emitted.status().ToString(),
            "Unimplemented: an object file cannot hold this: node read_w: variable w without a "
            "fixed shape");
}

TEST(EmitObject, SameImageSameBytes) {
  for (auto& [name, image] : EmittableImages()) {
    const auto a = EmitObject(image->model, {name});
    const auto b = EmitObject(image->model, {name});
    ASSERT_TRUE(a.ok()) << a.status().ToString();
    EXPECT_EQ(a->object, b->object);
    EXPECT_EQ(a->header, b->header);
  }
}

TEST(EmitObject, ObjectIsRelocatableForItsArchitecture) {
  TestImagePtr image = Chain();
  for (const char* arch : {"x86_64", "aarch64", "riscv64"}) {
    image->model.target.arch = arch;
    const auto emitted = EmitObject(image->model, {"chain"});
    if (std::string(arch) == "riscv64") {
      EXPECT_EQ(emitted.status().code(), Code::kUnimplemented);
      continue;
    }
    ASSERT_TRUE(emitted.ok()) << emitted.status().ToString();
    Elf64_Ehdr header;
    ASSERT_GT(emitted->object.size(), sizeof(header));
    std::memcpy(&header, emitted->object.data(), sizeof(header));
    EXPECT_EQ(std::memcmp(header.e_ident, ELFMAG, SELFMAG), 0);
    EXPECT_EQ(header.e_type, ET_REL);
    EXPECT_EQ(header.e_machine, std::string(arch) == "aarch64" ? EM_AARCH64 : EM_X86_64);
    EXPECT_EQ(header.e_shoff + header.e_shnum * sizeof(Elf64_Shdr), emitted->object.size());
  }
}

TEST(EmitObject, HeaderNamesTensorsSizesAndRules) {
  const auto emitted = EmitObject(Chain()->model, {"chain", "shop::models"});
  ASSERT_TRUE(emitted.ok()) << emitted.status().ToString();
  const std::string& header = emitted->header;
  EXPECT_TRUE(Contains(header, "namespace shop::models {")) << header;
  EXPECT_TRUE(Contains(header, "const float* x = nullptr;  // x:0: float[batch]")) << header;
  EXPECT_TRUE(Contains(header, "const float* model_y = nullptr;")) << header;
  EXPECT_TRUE(Contains(header, "float* class_ = nullptr;")) << header;
  EXPECT_TRUE(Contains(header, "batch must be at most \\\"300\\\", line 42")) << header;
  EXPECT_TRUE(Contains(header, "//   batch: dimension 0 of x:0, dimension 0 of model/y:0"))
      << header;
  EXPECT_TRUE(Contains(header, "// sum_node (model.cc:7)")) << header;
}

TEST(State, InitialValuesComeFromTheObject) {
  StateVariable weight;
  weight.name = weight.member = "w";
  weight.dtype = executable::DType::kFloat32;
  weight.dims = {2, 3};
  weight.elements = 6;
  weight.bytes = 24;
  weight.initial = 64;
  StateVariable counter = weight;
  counter.name = counter.member = "counter";
  counter.written = true;
  counter.initial = 128;
  const std::string text = WriteState({weight, counter}, "m_constants");
  EXPECT_TRUE(Contains(text, "w.set(internal::m_constants + 64);")) << text;
  EXPECT_TRUE(Contains(text, "counter.data = reinterpret_cast<float*>(at + 0);")) << text;
  EXPECT_TRUE(Contains(text, "counter.set(internal::m_constants + 128);")) << text;
  EXPECT_TRUE(
      Contains(text, "{\"w\", \"float\", 2, {2, 3}, 24, false, internal::m_constants + 64}"))
      << text;
}

TEST(Identifiers, AreValidCpp) {
  EXPECT_EQ(ToIdentifier("dense/kernel"), "dense_kernel");
  EXPECT_EQ(ToIdentifier("__x__"), "x");
  EXPECT_EQ(ToIdentifier("3d"), "n3d");
  EXPECT_EQ(ToIdentifier("class"), "class_");
  EXPECT_EQ(ToIdentifier("\xc3\xa9"), "unnamed");
  EXPECT_EQ(TensorIdentifier("x:0"), "x");
  EXPECT_EQ(TensorIdentifier("x:1"), "x_1");
  EXPECT_EQ(ToClassName("serving_default"), "ServingDefault");
  EXPECT_EQ(StringLiteral("a\"b\\\n"), "\"a\\\"b\\\\\\012\"");
  EXPECT_EQ(CommentText("a\nb\\"), "a?b?");
  UniqueNames names({"run"});
  EXPECT_EQ(names.Add("run"), "run_2");
  EXPECT_EQ(names.Add("run"), "run_3");
  EXPECT_EQ(names.Add("x_size"), "x_size");
  EXPECT_EQ(names.Add("x", "_size"), "x_2");
  EXPECT_EQ(names.Add("x_2_size"), "x_2_size_2");
}

TEST(Scratch, LifetimesInASlotDoNotMeet) {
  executable::TestImage image;
  image.model.symbols.push_back({"n", executable::SymbolLife::kInput});
  const int32_t n = image.exprs.Symbol(0);
  std::map<int32_t, ScratchItem> items;
  for (int32_t i = 0; i < 40; ++i) {
    ScratchItem& item = items[i];
    item.first_wave = i * 7 % 20;
    item.last_wave = item.first_wave + i % 5;
    item.bytes = {image.exprs.Mul(n, image.exprs.Const(4 * (i % 9 + 1)))};
    if (i % 8 == 0) item.alignment = 256;
    if (i % 4 == 0) item.bytes = {image.exprs.Const(100 * i)};
  }
  const Sizes sizes(&image.model);
  const ScratchLayout layout = LayOutScratch(items, sizes);
  EXPECT_EQ(layout.alignment, 256);
  EXPECT_LT(layout.slots.size(), 20u);
  for (const int64_t size : {0, 1, 33, 1000}) {
    const std::vector<int64_t> values = image.Values({size});
    const std::vector<int64_t> slots = SlotOffsets(layout, values);
    const auto offset = [&](int32_t root) {
      auto it = layout.fixed.find(root);
      return it != layout.fixed.end() ? it->second : slots[layout.slotted.at(root)];
    };
    for (const auto& [a, x] : items) {
      EXPECT_EQ(offset(a) % x.alignment, 0);
      for (const auto& [b, y] : items) {
        if (a == b || x.last_wave < y.first_wave || y.last_wave < x.first_wave) continue;
        const bool apart = offset(a) + values[x.bytes[0]] <= offset(b) ||
                           offset(b) + values[y.bytes[0]] <= offset(a);
        EXPECT_TRUE(apart) << a << " and " << b << " for n = " << size;
      }
    }
  }
}

}  // namespace
}  // namespace stator::tools
