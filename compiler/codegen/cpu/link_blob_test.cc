#include "compiler/codegen/cpu/link_blob.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

#include "compiler/codegen/cpu/blob_runner.h"
#include "compiler/codegen/cpu/emit_object.h"
#include "compiler/codegen/cpu/target.h"
#include "gtest/gtest.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

namespace stator::compiler {
namespace {

CpuTarget Target() { return *CpuTarget::Native(); }

absl::StatusOr<CodeBlob> Link(const std::string& source, const CpuTarget& target = Target()) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(source, diagnostic, context);
  if (module == nullptr) return absl::InvalidArgumentError(diagnostic.getMessage().str());
  absl::StatusOr<std::string> object = EmitObject(*module, target);
  if (!object.ok()) return object.status();
  return LinkBlob(*object, target);
}

void ExpectRejected(const std::string& source, const std::string& why) {
  absl::StatusOr<CodeBlob> blob = Link(source);
  ASSERT_FALSE(blob.ok()) << "linked although: " << why;
  EXPECT_EQ(blob.status().code(), absl::StatusCode::kInternal);
  EXPECT_NE(std::string(blob.status().message()).find(why), std::string::npos)
      << blob.status().ToString();
}

constexpr char kTable[] = R"(
@table = internal constant [4 x double] [double 1.5, double 2.5, double 3.5, double 4.5]
define internal double @pick(i64 %i) noinline {
  %p = getelementptr [4 x double], ptr @table, i64 0, i64 %i
  %v = load double, ptr %p
  ret double %v
}
define double @entry(i64 %i) {
  %v = call double @pick(i64 %i)
  %w = fadd double %v, 0.125
  ret double %w
}
)";

TEST(LinkBlobTest, RunsAtAnyAlignedAddress) {
  absl::StatusOr<CodeBlob> blob = Link(kTable);
  ASSERT_TRUE(blob.ok()) << blob.status().ToString();
  ASSERT_EQ(blob->entries.size(), 1u);
  EXPECT_EQ(blob->code.size() % 64, 0u);
  for (uint64_t displacement : {0, 1, 7, 100}) {
    MappedBlob mapped(*blob, displacement * blob->alignment);
    auto* entry = mapped.Entry<double(int64_t)>("entry");
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry(0), 1.625);
    EXPECT_EQ(entry(3), 4.625);
    EXPECT_EQ(mapped.Entry<void()>("pick"), nullptr) << "internal functions are no entries";
  }
}

TEST(LinkBlobTest, SameInputGivesSameBytes) {
  absl::StatusOr<CodeBlob> first = Link(kTable), second = Link(kTable);
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->code, second->code);
}

TEST(LinkBlobTest, LinksForAnotherTarget) {
  absl::StatusOr<CpuTarget> v4 = CpuTarget::FromName("x86-64-v4");
  ASSERT_TRUE(v4.ok());
  EXPECT_TRUE(v4->has_avx512());
  EXPECT_EQ(v4->vector_bits(), 512);
  EXPECT_TRUE(Link(kTable, *v4).ok());
}

TEST(LinkBlobTest, LinksForAnotherArchitecture) {
  absl::StatusOr<CpuTarget> arm = CpuTarget::FromName("aarch64");
  ASSERT_TRUE(arm.ok()) << arm.status();
  EXPECT_EQ(arm->arch(), "aarch64");
  EXPECT_EQ(arm->required_features(), std::vector<std::string>{"neon"});
  EXPECT_EQ(arm->Lanes(32), 4);
  EXPECT_FALSE(arm->has_avx2());
  absl::StatusOr<CodeBlob> blob = Link(kTable, *arm);
  ASSERT_TRUE(blob.ok()) << blob.status();
  EXPECT_NE(blob->FindEntry("entry"), nullptr);
  EXPECT_NE(blob->code, Link(kTable)->code);
}

TEST(LinkBlobTest, MemoryFunctionsComeFromTheSupportObject) {
  absl::StatusOr<CodeBlob> blob = Link(R"(
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
define void @copy(ptr %d, ptr %s, i64 %n) {
  call void @llvm.memcpy.p0.p0.i64(ptr %d, ptr %s, i64 %n, i1 false)
  ret void
}
define void @move(ptr %d, ptr %s, i64 %n) {
  call void @llvm.memmove.p0.p0.i64(ptr %d, ptr %s, i64 %n, i1 false)
  ret void
}
define void @set(ptr %d, i8 %c, i64 %n) {
  call void @llvm.memset.p0.i64(ptr %d, i8 %c, i64 %n, i1 false)
  ret void
}
)");
  ASSERT_TRUE(blob.ok()) << blob.status().ToString();
  EXPECT_EQ(blob->entries.size(), 3u) << "support functions are no entries";
  MappedBlob mapped(*blob);
  auto* copy = mapped.Entry<void(char*, const char*, int64_t)>("copy");
  auto* move = mapped.Entry<void(char*, const char*, int64_t)>("move");
  auto* set = mapped.Entry<void(char*, char, int64_t)>("set");
  for (int64_t n : {0, 1, 31, 32, 33, 64, 95, 200}) {
    std::vector<char> source(n), target(n + 1, 'x');
    std::iota(source.begin(), source.end(), 1);
    copy(target.data(), source.data(), n);
    EXPECT_TRUE(std::equal(source.begin(), source.end(), target.begin())) << n;
    EXPECT_EQ(target[n], 'x');
    set(target.data(), 'q', n);
    EXPECT_EQ(std::count(target.begin(), target.end(), 'q'), n);
    for (int64_t shift : {-40, -3, 0, 3, 40}) {
      std::vector<char> memory(n + 80);
      std::iota(memory.begin(), memory.end(), 0);
      std::vector<char> expected = memory;
      std::memmove(expected.data() + 40 + shift, expected.data() + 40, n);
      move(memory.data() + 40 + shift, memory.data() + 40, n);
      EXPECT_EQ(memory, expected) << n << " by " << shift;
    }
  }
}

TEST(LinkBlobTest, RejectsUndefinedFunction) {
  ExpectRejected(
      "declare double @sin_of(double)\n"
      "define double @f(double %x) {\n"
      "  %y = call double @sin_of(double %x)\n  ret double %y\n}\n",
      "sin_of");
}

TEST(LinkBlobTest, RejectsCallInventedByCodeGeneration) {
  ExpectRejected(
      "define float @f(float %x, float %y) {\n"
      "  %r = frem float %x, %y\n  ret float %r\n}\n",
      "fmodf");
}

TEST(LinkBlobTest, RejectsWritableData) {
  ExpectRejected(
      "@counter = global i64 3\n"
      "define i64 @f() {\n  %v = load i64, ptr @counter\n  ret i64 %v\n}\n",
      "writable section .data");
  ExpectRejected(
      "@zeros = internal global [8 x i64] zeroinitializer\n"
      "define void @f(i64 %v) {\n  store i64 %v, ptr @zeros\n  ret void\n}\n",
      "writable section .bss");
}

TEST(LinkBlobTest, RejectsAddressesInData) {
  ExpectRejected(
      "@table = constant [1 x ptr] [ptr @f]\n"
      "define ptr @f() {\n  %p = load ptr, ptr @table\n  ret ptr %p\n}\n",
      ".data.rel.ro");
}

TEST(LinkBlobTest, RejectsExternalData) {
  ExpectRejected(
      "@elsewhere = external global i64\n"
      "define i64 @f() {\n  %v = load i64, ptr @elsewhere\n  ret i64 %v\n}\n",
      "elsewhere");
}

TEST(LinkBlobTest, RejectsWhatIsNoObject) {
  EXPECT_FALSE(LinkBlob("not an object at all", Target()).ok());
}

TEST(CpuTargetTest, Names) {
  EXPECT_FALSE(CpuTarget::FromName("i386").ok());
  absl::StatusOr<CpuTarget> v3 = CpuTarget::FromName("x86-64-v3");
  ASSERT_TRUE(v3.ok());
  EXPECT_FALSE(v3->has_avx512());
  EXPECT_TRUE(v3->converts_f16());
  EXPECT_EQ(v3->Lanes(32), 8);
  EXPECT_EQ(v3->arch(), "x86_64");
  const std::vector<std::string>& needed = v3->required_features();
  EXPECT_NE(std::find(needed.begin(), needed.end(), "bmi2"), needed.end());
  EXPECT_EQ(std::find(needed.begin(), needed.end(), "avx512f"), needed.end());
  EXPECT_EQ(v3->vector_registers(), 16);
  EXPECT_NE(v3->CacheKey(), Target().CacheKey());
}

TEST(CpuTargetTest, ListsOfFeatures) {
  absl::StatusOr<CpuTarget> common = CpuTarget::FromName("x86_64:fma,avx,avx2,f16c");
  ASSERT_TRUE(common.ok()) << common.status();
  const std::vector<std::string>& needed = common->required_features();
  EXPECT_NE(std::find(needed.begin(), needed.end(), "fma"), needed.end());
  EXPECT_EQ(std::find(needed.begin(), needed.end(), "bmi2"), needed.end());
  EXPECT_TRUE(CpuTarget::FromName("aarch64:neon").ok());
  EXPECT_EQ(CpuTarget::FromName("x86_64:fma,avx2,sse9").status(),
            absl::InvalidArgumentError("CPU target: expected features of x86_64, found 'sse9'"));
  EXPECT_EQ(CpuTarget::FromName("x86_64:avx").status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace stator::compiler
