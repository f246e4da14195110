#include <cstddef>
#include <cstring>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "executable/image_builder.h"
#include "executable/image_generated.h"
#include "executable/image_view.h"
#include "executable/kernel_frame.h"
#include "gtest/gtest.h"

namespace stator::executable {
namespace {

ImageModel EveryKind() {
  ImageModel m;
  m.producer = "test";
  m.target.features = {"avx2", "fma"};
  m.symbols.push_back({"batch of x", SymbolLife::kInput, 0, 1000, 4});
  ExprBuilder e(&m);
  const int32_t bytes = e.Mul(e.Symbol(0), e.Const(4));
  Buffer b;
  b.name = "x";
  b.dtype = DType::kFloat32;
  b.dims = {e.Symbol(0)};
  b.byte_size = bytes;
  b.in_place_of = 7;
  m.buffers.push_back(b);
  Kernel k;
  k.name = "k";
  k.phases = {{16, e.Scalar(0)}};
  k.arguments = {{Access::kRead, kNone}, {Access::kWrite, 0}};
  k.may_fail = true;
  m.kernels.push_back(k);
  m.checks.push_back({Code::kOutOfRange, "no", 0});
  Wave w;
  w.number = 3;
  w.steps.push_back({LaunchKernel{0, {0, 0}, {1}, {{0}, "epilogue", bytes, kNone}}, 0, 0, 0});
  w.steps.push_back({Copy{0, 1}});
  w.steps.push_back({HostCall{"f", {0}, {1, 2}, std::string("a\0b", 3)}});
  w.steps.push_back({If{0, 1, kNone}});
  w.steps.push_back({While{1, 2, 3, {{4, 5}}, {{0, 1, 2}}}});
  w.steps.push_back({CallBlock{2}});
  w.steps.push_back({BindSymbol{0, 1, 2}});
  w.steps.push_back({Alloc{1}});
  w.steps.push_back({Free{1}});
  w.steps.push_back({Check{1, 0}});
  w.steps.push_back({Declared{DeclaredKind::kAwait, "n", {1}, {2}, "x"}, 4, 5, 6});
  w.steps.push_back({UseList{ListAction::kPop, 2, 5}});
  m.num_lists = 3;
  m.blocks.push_back({"main", {w}});
  EntryPoint entry;
  entry.name = "main";
  entry.feeds.push_back({"x:0", DType::kFloat32, {0}, 0, 0});
  entry.fetches.push_back({"y:0", DType::kInt64, {}, 0, 0});
  entry.targets = {"train"};
  entry.variables.push_back({"w", DType::kFloat32, {0}, {0}, 1, 2, 3, true, true, true, 0, Layout::kPanelsOfFirst});
  entry.guards.push_back({0, 1, Relation::kLessOrEqual, "g", 0});
  entry.facts = {"x:0[0]=1"};
  entry.main_block = 0;
  entry.init_variables = {0};
  m.entry_points.push_back(entry);
  m.nodes.push_back({"node", "Op", "f.cc", 42});
  const float constant[3] = {1, 2, 3};
  const StoredTensor stored = {"w", DType::kFloat32, {3}, AddConstant(&m, constant, sizeof(constant)),
                               sizeof(constant)};
  m.initial_values = {stored};
  m.fixed_weights = {{"bias", "folded"}};
  m.samples = {{0, {stored}, {stored}}};
  AddCode(&m, "\xc3", 1);
  return m;
}

TEST(Image, RoundTripKeepsEveryField) {
  const ImageModel model = EveryKind();
  const std::vector<uint8_t> bytes = Serialize(model);
  Result<ImageView> view = ReadImage(bytes.data(), bytes.size());
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  EXPECT_EQ(Serialize(ToModel(*view)), bytes);
  const Wave& wave = view->plan.blocks[0].waves[0];
  ASSERT_EQ(wave.steps.size(), static_cast<size_t>(kNumStepKinds));
  for (int i = 0; i < kNumStepKinds; ++i) {
    EXPECT_EQ(wave.steps[i].kind(), static_cast<StepKind>(i));
  }
  EXPECT_EQ(std::get<HostCall>(wave.steps[2].body).attributes.size(), 3u);
  EXPECT_EQ(std::get<While>(wave.steps[4].body).carried[0].next, 5);
  EXPECT_EQ(std::get<UseList>(wave.steps[11].body).buffer, 5);
  EXPECT_EQ(view->plan.num_lists, 3);
  EXPECT_EQ(view->plan.buffers[0].in_place_of, 7);
  EXPECT_EQ(view->plan.kernels[0].arguments[1].may_share, 0);
  EXPECT_EQ(view->plan.entry_points[0].variables[0].initialized_buffer, 3);
  EXPECT_EQ(view->plan.entry_points[0].variables[0].layout, Layout::kPanelsOfFirst);
  EXPECT_EQ(view->plan.nodes[0].line, 42);
  EXPECT_EQ(view->header.constants.offset % kSectionAlignment, 0u);
  EXPECT_EQ(view->variant.code.offset % kSectionAlignment, 0u);
}

TEST(Image, ScalarsMayBeStored) {
  ImageModel model = EveryKind();
  const StoredTensor scalar = {"", DType::kFloat32, {}, model.initial_values[0].constant_offset, 4};
  for (int i = 0; i < 16; ++i) {
    model.initial_values.push_back(scalar);
    model.initial_values.back().name = std::string(static_cast<size_t>(i), 's');
  }
  const std::vector<uint8_t> bytes = Serialize(model);
  Result<ImageView> view = ReadImage(bytes.data(), bytes.size());
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  EXPECT_EQ(view->plan.initial_values.size(), 17u);
}

Status OnlyV3(const Target& target) {
  return target.name == "v3" ? Status::Ok() : FailedPrecondition("no " + target.name);
}

std::vector<ImageModel> TwoVariants() {
  std::vector<ImageModel> variants = {EveryKind(), EveryKind()};
  variants[0].target.name = "v4";
  variants[1].target.name = "v3";
  AddCode(&variants[1], "\xc3", 1);
  return variants;
}

TEST(Image, ReadersTakeTheFirstVariantThatTheyAccept) {
  Result<std::vector<uint8_t>> bytes = Serialize(TwoVariants());
  ASSERT_TRUE(bytes.ok());
  Result<ImageView> first = ReadImage(bytes->data(), bytes->size());
  ASSERT_TRUE(first.ok()) << first.status().ToString();
  EXPECT_EQ(first->plan.target.name, "v4");
  EXPECT_EQ(first->code_size, 1);
  Result<ImageView> v3 = ReadImage(bytes->data(), bytes->size(), {HashCheck::kAll, &OnlyV3});
  ASSERT_TRUE(v3.ok()) << v3.status().ToString();
  EXPECT_EQ(v3->plan.target.name, "v3");
  EXPECT_EQ(v3->code_size, 65);
  EXPECT_EQ(v3->targets.size(), 2u);
  EXPECT_EQ(v3->constants, first->constants);  // one section for both
}

TEST(Image, NoAcceptedVariantIsAStatusOfTheLast) {
  std::vector<ImageModel> variants = TwoVariants();
  variants[1].target.name = "v2";
  Result<std::vector<uint8_t>> bytes = Serialize(variants);
  ASSERT_TRUE(bytes.ok());
  Result<ImageView> view = ReadImage(bytes->data(), bytes->size(), {HashCheck::kAll, &OnlyV3});
  EXPECT_EQ(view.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(view.status().message(), "no v2");
}

TEST(Image, VariantsWithOtherConstantsAreRefused) {
  std::vector<ImageModel> variants = TwoVariants();
  AddConstant(&variants[1], "x", 1);
  EXPECT_FALSE(Serialize(variants).ok());
}

TEST(Image, ExternalConstantsComeFromTheirOwnBytes) {
  const std::vector<ImageModel> variants = TwoVariants();
  Result<std::vector<uint8_t>> bytes = Serialize(variants, /*external_constants=*/true);
  ASSERT_TRUE(bytes.ok());
  EXPECT_EQ(ReadImage(bytes->data(), bytes->size()).status().code(), Code::kFailedPrecondition);
  ReadOptions options;
  std::vector<uint8_t> constants = SerializeConstants(variants[0]);
  options.external_constants = constants.data();
  options.external_constants_size = constants.size();
  Result<ImageView> view = ReadImage(bytes->data(), bytes->size(), options);
  ASSERT_TRUE(view.ok()) << view.status().ToString();
  EXPECT_EQ(view->constants, constants.data());
  constants[0] ^= 1;
  EXPECT_FALSE(ReadImage(bytes->data(), bytes->size(), options).ok());
  options.check = HashCheck::kPlanAndCode;
  EXPECT_TRUE(ReadImage(bytes->data(), bytes->size(), options).ok());
  // Those of another image are found without reading them.
  ImageModel other = variants[0];
  other.constants[0] ^= 1;
  constants = SerializeConstants(other);
  options.external_constants = constants.data();
  EXPECT_EQ(ReadImage(bytes->data(), bytes->size(), options).status().message(),
            "image: the constants file belongs to another image");
  ++constants.back();
  ++constants[constants.size() - 16];
  EXPECT_EQ(ReadImage(bytes->data(), bytes->size(), options).status().message(),
            "image: the constants file does not end as one");
  options.external_constants_size -= 1;
  EXPECT_FALSE(ReadImage(bytes->data(), bytes->size(), options).ok());
}

TEST(Image, SameModelSameBytes) { EXPECT_EQ(Serialize(EveryKind()), Serialize(EveryKind())); }

TEST(Image, TruncatedIsAStatus) {
  const std::vector<uint8_t> bytes = Serialize(EveryKind());
  for (size_t size = 0; size < bytes.size(); size += size < 4096 ? 7 : 1021) {
    EXPECT_FALSE(ReadImage(bytes.data(), size).ok()) << size;
  }
}

TEST(Image, EveryFlippedByteOfASectionIsFound) {
  std::vector<uint8_t> bytes = Serialize(EveryKind());
  Result<ImageView> view = ReadImage(bytes.data(), bytes.size());
  ASSERT_TRUE(view.ok());
  const size_t plan_end = view->variant.plan.offset + view->variant.plan.size;
  const size_t table_end = sizeof(ImageHeader) + sizeof(VariantHeader);
  for (size_t i = 0; i < plan_end; ++i) {
    if (i == table_end) i = view->variant.plan.offset;  // padding
    bytes[i] ^= 0x40;
    EXPECT_FALSE(ReadImage(bytes.data(), bytes.size()).ok()) << i;
    bytes[i] ^= 0x40;
  }
}

TEST(Image, StringsRoundTrip) {
  const std::vector<std::string> strings = {"", "a", std::string("\0b", 2), "long enough"};
  const std::string bytes = EncodeStrings(strings);
  Result<std::vector<std::string>> back = DecodeStrings(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, strings);
  for (size_t size = 0; size < 16 + 8 * strings.size(); ++size) {
    EXPECT_FALSE(DecodeStrings(std::string_view(bytes).substr(0, size)).ok());
  }
}

TEST(ExprBuilder, FoldsAndShares) {
  ImageModel m;
  m.symbols.push_back({"n"});
  ExprBuilder e(&m);
  EXPECT_EQ(e.Add(e.Const(2), e.Const(3)), e.Const(5));
  EXPECT_EQ(e.Add(e.Symbol(0), e.Const(3)), e.Add(e.Symbol(0), e.Const(3)));
  const int32_t overflow = e.Mul(e.Const(INT64_MAX), e.Const(2));
  EXPECT_EQ(m.expressions[overflow].kind, ExprKind::kMul);  // left for run time to report
}

// Rewrites the hashes of header and table after `change`.
Status ReadChanged(std::vector<uint8_t> bytes,
                   const std::function<void(ImageHeader*, VariantHeader*)>& change) {
  ImageHeader header;
  VariantHeader variant;
  std::memcpy(&header, bytes.data(), sizeof(header));
  std::memcpy(&variant, bytes.data() + sizeof(header), sizeof(variant));
  change(&header, &variant);
  std::memcpy(bytes.data() + sizeof(header), &variant, sizeof(variant));
  header.variants_hash = HashBytes(bytes.data() + sizeof(header), sizeof(variant));
  header.header_hash = HashBytes(&header, offsetof(ImageHeader, header_hash));
  std::memcpy(bytes.data(), &header, sizeof(header));
  return ReadImage(bytes.data(), bytes.size()).status();
}

TEST(Image, OtherVersionsAreNamed) {
  const std::vector<uint8_t> bytes = Serialize(EveryKind());
  EXPECT_TRUE(ReadChanged(bytes, [](ImageHeader*, VariantHeader*) {}).ok());
  EXPECT_EQ(ReadChanged(bytes, [](ImageHeader* h, VariantHeader*) { h->version = 7; }).ToString(),
            "InvalidArgument: image: version 7.1, this runtime reads 2.1");
  EXPECT_EQ(
      ReadChanged(bytes, [](ImageHeader* h, VariantHeader*) { h->abi_version = 9; }).ToString(),
      "InvalidArgument: image: version 2.9, this runtime reads 2.1");
}

TEST(Image, SectionsMayNotOverlap) {
  const std::vector<uint8_t> bytes = Serialize(EveryKind());
  const auto message = [&](auto change) { return ReadChanged(bytes, change).message(); };
  EXPECT_EQ(message([](ImageHeader* h, VariantHeader* v) { v->code = h->constants; }),
            "image: sections overlap");
  EXPECT_EQ(message([](ImageHeader* h, VariantHeader*) { h->constants.size = UINT64_MAX - 3; }),
            "image: section constants lies outside the image");
}

// An image that is nothing but this plan.
Status ReadPlanBytes(const flatbuffers::FlatBufferBuilder& plan) {
  constexpr size_t kPlanAt = 192;
  std::vector<uint8_t> bytes(kPlanAt + plan.GetSize());
  std::memcpy(bytes.data() + kPlanAt, plan.GetBufferPointer(), plan.GetSize());
  ImageHeader header{};
  std::memcpy(header.magic, kImageMagic, sizeof(kImageMagic));
  header.version = kImageVersion;
  header.abi_version = STATOR_KERNEL_ABI_VERSION;
  header.num_variants = 1;
  header.total_size = bytes.size();
  header.constants.hash = HashBytes(nullptr, 0);
  std::memcpy(bytes.data(), &header, sizeof(header));
  return ReadChanged(std::move(bytes), [&](ImageHeader*, VariantHeader* v) {
    v->plan = {kPlanAt, plan.GetSize(), HashBytes(plan.GetBufferPointer(), plan.GetSize())};
    v->code = {0, 0, HashBytes(nullptr, 0)};
  });
}

// Each table of a small plan may refer to one long table: what is read must not grow without bound.
TEST(Image, PlansThatUnfoldAreRefused) {
  flatbuffers::FlatBufferBuilder fbb;
  const auto text = fbb.CreateString(std::string(1 << 16, 'x'));
  std::vector<flatbuffers::Offset<fb::Node>> nodes;
  for (int i = 0; i < 4000; ++i) nodes.push_back(fb::CreateNode(fbb, text, text, text));
  const auto table = fbb.CreateVector(nodes);
  fb::PlanBuilder plan(fbb);
  plan.add_version(kImageVersion);
  plan.add_nodes(table);
  fbb.Finish(plan.Finish(), fb::PlanIdentifier());
  EXPECT_EQ(ReadPlanBytes(fbb).message(), "image: the plan refers to the same bytes too often");

  flatbuffers::FlatBufferBuilder deep;
  const auto steps = deep.CreateVector(std::vector<flatbuffers::Offset<fb::Step>>(
      1000, fb::CreateStep(deep, fb::StepBody::Free, fb::CreateFree(deep, 1).Union())));
  const auto waves = deep.CreateVector(
      std::vector<flatbuffers::Offset<fb::Wave>>(1000, fb::CreateWave(deep, 0, steps)));
  const auto blocks = deep.CreateVector(std::vector<flatbuffers::Offset<fb::Block>>(
      1000, fb::CreateBlock(deep, deep.CreateString("b"), waves)));
  fb::PlanBuilder wide(deep);
  wide.add_version(kImageVersion);
  wide.add_blocks(blocks);
  deep.Finish(wide.Finish(), fb::PlanIdentifier());
  EXPECT_EQ(ReadPlanBytes(deep).message(), "image: the plan is damaged");
}

}  // namespace
}  // namespace stator::executable
