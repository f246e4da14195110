#include "executable/verifier.h"

#include <cstddef>
#include <cstring>
#include <functional>
#include <random>

#include "executable/printer.h"
#include "executable/test_image.h"
#include "gtest/gtest.h"

namespace stator::executable {
namespace {

// x → launch → y in the arena → if → out, and a loop.
void Fill(TestImage* t) {
  t->model.symbols.push_back({"batch of x", SymbolLife::kInput});
  t->model.symbols.push_back({"rows", SymbolLife::kStep});
  const int32_t n = t->exprs.Symbol(0);
  const int32_t bytes = t->exprs.Mul(n, t->exprs.Const(4));
  const int32_t x = t->Sized("x", BufferKind::kInput, bytes, 0, 9);
  t->model.buffers[x].dims = {n};
  const int32_t y = t->Sized("y", BufferKind::kArena, bytes, 0, 5);
  const int32_t p = t->Arena("p", 1, 1, 2, DType::kBool);
  const int32_t out = t->Sized("out", BufferKind::kOutput, bytes, 0, 9);
  const int32_t constant = t->Constant("k", {1, 2});
  (void)constant;
  const int32_t k = t->Kernel({{Access::kRead}, {Access::kWrite}});
  const int32_t main = t->Block("main");
  const int32_t then_block = t->Block("then");
  t->model.nodes.push_back({"node", "Relu", "model.cc", 12});
  t->Add(main, 0, t->Launch(k, {x, y}), 0);
  t->Add(main, 1, t->Launch(k, {x, p}));
  t->Add(main, 2, If{p, then_block, kNone});
  t->Add(then_block, 3, t->Launch(k, {y, out}));
  t->Add(main, 5, Copy{y, out});
  EntryPoint& entry = t->Entry(main);
  entry.feeds.push_back({"x:0", DType::kFloat32, {n}, x, kNone});
  entry.fetches.push_back({"out:0", DType::kFloat32, {n}, out, kNone});
}

TEST(Verifier, AcceptsAndPrints) {
  TestImage t;
  Fill(&t);
  EXPECT_TRUE(VerifyModel(t.model).ok()) << VerifyModel(t.model).ToString();
  const std::string text = PrintImage(t.model);
  EXPECT_NE(text.find("node (model.cc:12)"), std::string::npos) << text;
  EXPECT_NE(text.find("(batch of x * 4)"), std::string::npos) << text;
}

// A variable of [3, 32] that the entry point reads, in panels.
void AddPanels(ImageModel* m) {
  ExprBuilder exprs(m);
  Buffer b;
  b.name = "w";
  b.kind = BufferKind::kVariableRead;
  b.dtype = DType::kFloat32;
  b.byte_size = exprs.Const(3 * 32 * 4);
  b.last_wave = 5;
  m->buffers.push_back(b);
  Variable w{"w", DType::kFloat32, {exprs.Const(3), exprs.Const(32)}, {}};
  w.read_buffer = static_cast<int32_t>(m->buffers.size()) - 1;
  w.layout = Layout::kPanelsOfLast;
  m->entry_points[0].variables.push_back(w);
}

TEST(Verifier, VariablesMayLieInPanels) {
  TestImage t;
  Fill(&t);
  AddPanels(&t.model);
  EXPECT_TRUE(VerifyModel(t.model).ok()) << VerifyModel(t.model).ToString();
  EXPECT_NE(PrintImage(t.model).find("panels of the last dimension"), std::string::npos);
}

TEST(Verifier, RefusesLayoutsThatDoNotFit) {
  const std::vector<std::function<void(ImageModel*, Variable*)>> breakages = {
      [](ImageModel*, Variable* w) { w->layout = Layout::kPanelsOfFirst; },
      [](ImageModel*, Variable* w) { w->layout = static_cast<Layout>(3); },
      [](ImageModel*, Variable* w) { w->read_dims.pop_back(); },
      [](ImageModel*, Variable* w) { w->read_dims[0] = 0; },  // a symbol
      [](ImageModel*, Variable* w) { w->read_dims[0] = w->read_dims[1]; },
      [](ImageModel* m, Variable* w) { w->read_dims[0] = ExprBuilder(m).Const(-3); },
      [](ImageModel* m, Variable* w) { w->read_dims[0] = ExprBuilder(m).Const(INT64_MAX); },
      [](ImageModel*, Variable* w) { w->zero_initialized = true; },
      [](ImageModel*, Variable* w) { w->read_buffer = kNone; },
      [](ImageModel* m, Variable* w) {
        m->entry_points.push_back(m->entry_points[0]);
        w->layout = Layout::kRowMajor;
      },
  };
  for (size_t i = 0; i < breakages.size(); ++i) {
    TestImage t;
    Fill(&t);
    AddPanels(&t.model);
    t.model.entry_points.reserve(2);
    breakages[i](&t.model, &t.model.entry_points[0].variables[0]);
    EXPECT_EQ(VerifyModel(t.model).code(), Code::kInvalidArgument) << i;
    PrintImage(t.model);
  }
}

struct Breakage {
  const char* name;
  std::function<void(ImageModel*)> apply;
};

TEST(Verifier, RefusesWhatBreaksARule) {
  const auto launch = [](ImageModel* m) -> LaunchKernel& {
    return std::get<LaunchKernel>(m->blocks[0].waves[0].steps[0].body);
  };
  const std::vector<Breakage> breakages = {
      {"forward expression",
       [](ImageModel* m) {
         m->expressions.push_back({ExprKind::kAdd, 0, 99, 0});
       }},
      {"unknown symbol",
       [](ImageModel* m) {
         m->expressions.push_back({ExprKind::kSymbol, 7});
       }},
      {"size", [](ImageModel* m) { m->buffers[0].byte_size = 1000; }},
      {"dtype", [](ImageModel* m) { m->buffers[0].dtype = static_cast<DType>(77); }},
      {"kind", [](ImageModel* m) { m->buffers[0].kind = static_cast<BufferKind>(9); }},
      {"alignment", [](ImageModel* m) { m->buffers[0].alignment = 48; }},
      {"lifetime", [](ImageModel* m) { m->buffers[1].last_wave = -1; }},
      {"lifetime past the end", [](ImageModel* m) { m->buffers[1].last_wave = 6; }},
      {"constant range", [](ImageModel* m) { m->buffers[4].constant_offset = 64; }},
      {"constant overflow", [](ImageModel* m) { m->buffers[4].constant_offset = INT64_MAX - 3; }},
      {"self view", [](ImageModel* m) { m->buffers[1].alias_of = 1; }},
      {"in place cycle",
       [](ImageModel* m) {
         m->buffers[1].in_place_of = 2;
         m->buffers[2].in_place_of = 1;
       }},
      {"code range", [](ImageModel* m) { m->kernels[0].code_size = 1000; }},
      {"entry", [](ImageModel* m) { m->kernels[0].phases[0].entry_offset = 1; }},
      {"grid over symbols", [](ImageModel* m) { m->kernels[0].phases[0].grid = 0; }},
      {"input shares", [](ImageModel* m) { m->kernels[0].arguments[0].may_share = 1; }},
      {"no such kernel", [&](ImageModel* m) { launch(m).kernel = 3; }},
      {"buffer count", [&](ImageModel* m) { launch(m).buffers.pop_back(); }},
      {"buffer index", [&](ImageModel* m) { launch(m).buffers[1] = -2; }},
      {"scalar count", [&](ImageModel* m) { launch(m).scalars.push_back(0); }},
      {"writes a feed", [&](ImageModel* m) { launch(m).buffers[1] = 0; }},
      {"source node", [](ImageModel* m) { m->blocks[0].waves[0].steps[0].source_node = 8; }},
      {"wave order", [](ImageModel* m) { m->blocks[0].waves[1].number = 0; }},
      {"nested wave", [](ImageModel* m) { m->blocks[1].waves[0].number = 7; }},
      {"predicate",
       [](ImageModel* m) { std::get<If>(m->blocks[0].waves[2].steps[0].body).predicate = 1; }},
      {"block twice",
       [](ImageModel* m) { std::get<If>(m->blocks[0].waves[2].steps[0].body).else_block = 1; }},
      {"recursion",
       [](ImageModel* m) { std::get<If>(m->blocks[0].waves[2].steps[0].body).then_block = 0; }},
      {"not alone",
       [](ImageModel* m) {
         m->blocks[0].waves[2].steps.push_back(m->blocks[0].waves[0].steps[0]);
       }},
      {"orphan block",
       [](ImageModel* m) {
         m->blocks.push_back({"orphan", {}});
       }},
      {"feed buffer", [](ImageModel* m) { m->entry_points[0].feeds[0].buffer = 1; }},
      {"feed dtype", [](ImageModel* m) { m->entry_points[0].feeds[0].dtype = DType::kInt32; }},
      {"unbound symbol", [](ImageModel* m) { m->entry_points[0].feeds[0].dims.clear(); }},
      {"variable",
       [](ImageModel* m) {
         m->entry_points[0].variables.push_back({"w", DType::kFloat32, {}, {}, 1});
       }},
      {"variable of strings",
       [](ImageModel* m) {
         m->entry_points[0].variables.push_back({"w", DType::kString, {}, {}, kNone, kNone});
       }},
      {"guard",
       [](ImageModel* m) {
         m->entry_points[0].guards.push_back({0, 500, Relation::kEqual, "g"});
       }},
      {"arena size of a step symbol",
       [](ImageModel* m) {
         m->expressions.push_back({ExprKind::kSymbol, 1});
         m->buffers[1].byte_size = static_cast<int32_t>(m->expressions.size() - 1);
       }},
      {"copy target",
       [](ImageModel* m) { std::get<Copy>(m->blocks[0].waves[3].steps[0].body).destination = 4; }},
      {"check code",
       [](ImageModel* m) {
         m->checks.push_back({Code::kOk, "fine?"});
       }},
      {"view past its base",
       [](ImageModel* m) {
         m->expressions.push_back({ExprKind::kConst, 4});
         m->buffers.push_back(m->buffers[4]);
         m->buffers[5].alias_of = 4;
         m->buffers[5].alias_offset = static_cast<int32_t>(m->expressions.size() - 1);
       }},
      {"view before its base",
       [](ImageModel* m) {
         m->expressions.push_back({ExprKind::kConst, -4});
         m->buffers.push_back(m->buffers[4]);
         m->buffers[5].alias_of = 4;
         m->buffers[5].alias_offset = static_cast<int32_t>(m->expressions.size() - 1);
       }},
      {"view longer than its base",
       [](ImageModel* m) {
         m->expressions.push_back({ExprKind::kConst, 0});
         m->buffers.push_back(m->buffers[1]);
         m->buffers[1].last_wave = 2;
         m->buffers[5].alias_of = 1;
         m->buffers[5].alias_offset = static_cast<int32_t>(m->expressions.size() - 1);
       }},
      {"grid of 2^40 nodes",
       [](ImageModel* m) {
         m->expressions.push_back({ExprKind::kConst, 0});
         for (int i = 0; i < 40; ++i) {
           const auto last = static_cast<int32_t>(m->expressions.size() - 1);
           m->expressions.push_back({ExprKind::kAdd, 0, last, last});
         }
         m->kernels[0].phases[0].grid = static_cast<int32_t>(m->expressions.size() - 1);
       }},
      {"host call into its own input",
       [](ImageModel* m) {
         m->blocks[0].waves[3].steps[0].body = HostCall{"f", {1}, {1}, ""};
       }},
      {"variable twice",
       [](ImageModel* m) {
         m->entry_points[0].variables.push_back({"w", DType::kFloat32, {}, {}});
         m->entry_points[0].variables.push_back({"w", DType::kFloat32, {}, {}});
       }},
      {"zeros that are not read",
       [](ImageModel* m) {
         m->entry_points[0].variables.push_back({"w", DType::kFloat32, {}, {}});
         m->entry_points[0].variables[0].zero_initialized = true;
       }},
      {"zeros without end",
       [](ImageModel* m) {
         m->expressions.push_back({ExprKind::kConst, int64_t{1} << 40});
         m->buffers[4].kind = BufferKind::kVariableRead;
         m->entry_points[0].variables.push_back({"w", DType::kFloat32, {}, {}, 4});
         executable::Variable& w = m->entry_points[0].variables[0];
         w.zero_initialized = true;
         w.read_dims = {static_cast<int32_t>(m->expressions.size() - 1)};
       }},
      {"initial value of another type",
       [](ImageModel* m) {
         m->buffers[4].kind = BufferKind::kVariableRead;
         m->entry_points[0].variables.push_back({"w", DType::kFloat32, {}, {}, 4});
         m->initial_values.push_back({"w", DType::kInt32, {}, 0, 4});
       }},
      {"symbol bounds",
       [](ImageModel* m) {
         m->symbols[0].min = INT64_MAX;
         m->symbols[0].max = 0;
       }},
  };
  for (const Breakage& breakage : breakages) {
    TestImage t;
    Fill(&t);
    breakage.apply(&t.model);
    const Status status = VerifyModel(t.model);
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << breakage.name;
    PrintImage(t.model);  // total
  }
}

// Rewrites the hashes, so that damage reaches what lies behind them.
void Rehash(std::vector<uint8_t>* bytes) {
  ImageHeader header;
  std::memcpy(&header, bytes->data(), sizeof(header));
  VariantHeader variant{};
  const bool has_variant = bytes->size() >= sizeof(header) + sizeof(variant);
  if (has_variant) std::memcpy(&variant, bytes->data() + sizeof(header), sizeof(variant));
  for (SectionHeader* s : {&variant.plan, &header.constants, &variant.code}) {
    if (s->offset <= bytes->size() && s->size <= bytes->size() - s->offset) {
      s->hash = HashBytes(bytes->data() + s->offset, s->size);
    }
  }
  if (has_variant) std::memcpy(bytes->data() + sizeof(header), &variant, sizeof(variant));
  header.variants_hash = HashBytes(&variant, sizeof(variant));
  header.header_hash = HashBytes(&header, offsetof(ImageHeader, header_hash));
  std::memcpy(bytes->data(), &header, sizeof(header));
}

TEST(Verifier, MutatedBytesNeverCrash) {
  TestImage t;
  Fill(&t);
  const std::vector<uint8_t> good = Serialize(t.model);
  Result<ImageView> view = VerifyImage(good.data(), good.size());
  ASSERT_TRUE(view.ok());
  const SectionHeader plan = view->variant.plan;
  std::mt19937 random(1);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::vector<uint8_t> bytes = good;
    const int changes = 1 + static_cast<int>(random() % 3);
    for (int c = 0; c < changes; ++c) {
      const size_t at = plan.offset + random() % plan.size;
      bytes[at] =
          random() % 2 == 0 ? static_cast<uint8_t>(random()) : bytes[at] ^ (1 << random() % 8);
    }
    Rehash(&bytes);
    Result<ImageView> view = VerifyImage(bytes.data(), bytes.size());
    if (view.ok()) {
      ++accepted;
      PrintImage(view->plan);
    }
  }
  EXPECT_LT(accepted, 20000);
}

TEST(Verifier, TruncatedBytesNeverCrash) {
  TestImage t;
  Fill(&t);
  const std::vector<uint8_t> good = Serialize(t.model);
  for (size_t size = 0; size < good.size(); size += size < 6000 ? 1 : 997) {
    std::vector<uint8_t> bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    if (size >= sizeof(ImageHeader)) {
      ImageHeader header;
      std::memcpy(&header, bytes.data(), sizeof(header));
      header.total_size = size;
      std::memcpy(bytes.data(), &header, sizeof(header));
      if (size >= sizeof(header) + sizeof(VariantHeader)) {
        VariantHeader variant;
        std::memcpy(&variant, bytes.data() + sizeof(header), sizeof(variant));
        variant.plan.size = std::min<uint64_t>(variant.plan.size, size - sizeof(header));
        std::memcpy(bytes.data() + sizeof(header), &variant, sizeof(variant));
      }
      Rehash(&bytes);
    }
    EXPECT_FALSE(VerifyImage(bytes.data(), bytes.size()).ok()) << size;
  }
}

}  // namespace
}  // namespace stator::executable
