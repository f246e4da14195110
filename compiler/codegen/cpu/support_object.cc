#include "compiler/codegen/cpu/support_object.h"

#include <map>
#include <mutex>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "compiler/codegen/cpu/emit_object.h"
#include "llvm/AsmParser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"

namespace stator::compiler {
namespace {

// "no-builtins" keeps LLVM from turning the loops back into calls of themselves. memcpy and
// memset work in blocks of 32 bytes whose last one may overlap the one before; an overlapping
// memmove goes byte by byte (code generation hardly ever asks for one).
constexpr char kSource[] = R"(
define ptr @memmove(ptr %d, ptr %s, i64 %n) #0 {
entry:
  %di = ptrtoint ptr %d to i64
  %si = ptrtoint ptr %s to i64
  %up = sub i64 %di, %si
  %overlap_up = icmp ult i64 %up, %n
  br i1 %overlap_up, label %back, label %not_up
not_up:
  %down = sub i64 %si, %di
  %overlap_down = icmp ult i64 %down, %n
  br i1 %overlap_down, label %forward, label %apart
apart:
  %same = call ptr @memcpy(ptr %d, ptr %s, i64 %n)
  ret ptr %d
back:
  %i = phi i64 [ %n, %entry ], [ %next, %body ]
  %done = icmp eq i64 %i, 0
  br i1 %done, label %exit, label %body
body:
  %next = sub i64 %i, 1
  %from = getelementptr i8, ptr %s, i64 %next
  %to = getelementptr i8, ptr %d, i64 %next
  %byte = load i8, ptr %from, align 1
  store i8 %byte, ptr %to, align 1
  br label %back
forward:
  %f = phi i64 [ 0, %not_up ], [ %f2, %forward ]
  %ff = getelementptr i8, ptr %s, i64 %f
  %ft = getelementptr i8, ptr %d, i64 %f
  %fb = load i8, ptr %ff, align 1
  store i8 %fb, ptr %ft, align 1
  %f2 = add i64 %f, 1
  %fmore = icmp ult i64 %f2, %n
  br i1 %fmore, label %forward, label %exit
exit:
  ret ptr %d
}

define ptr @memcpy(ptr %d, ptr %s, i64 %n) #0 {
entry:
  %short = icmp ult i64 %n, 32
  br i1 %short, label %bytes, label %blocks
blocks:
  %last = sub i64 %n, 32
  br label %block
block:
  %b = phi i64 [ 0, %blocks ], [ %b2, %block ]
  %bf = getelementptr i8, ptr %s, i64 %b
  %bt = getelementptr i8, ptr %d, i64 %b
  %v = load <32 x i8>, ptr %bf, align 1
  store <32 x i8> %v, ptr %bt, align 1
  %b2 = add i64 %b, 32
  %more = icmp ult i64 %b2, %last
  br i1 %more, label %block, label %tail
tail:
  %tf = getelementptr i8, ptr %s, i64 %last
  %tt = getelementptr i8, ptr %d, i64 %last
  %tv = load <32 x i8>, ptr %tf, align 1
  store <32 x i8> %tv, ptr %tt, align 1
  ret ptr %d
bytes:
  %i = phi i64 [ 0, %entry ], [ %next, %byte ]
  %done = icmp eq i64 %i, %n
  br i1 %done, label %exit, label %byte
byte:
  %from = getelementptr i8, ptr %s, i64 %i
  %to = getelementptr i8, ptr %d, i64 %i
  %x = load i8, ptr %from, align 1
  store i8 %x, ptr %to, align 1
  %next = add i64 %i, 1
  br label %bytes
exit:
  ret ptr %d
}

define ptr @memset(ptr %d, i32 %c, i64 %n) #0 {
entry:
  %c8 = trunc i32 %c to i8
  %one = insertelement <32 x i8> undef, i8 %c8, i32 0
  %v = shufflevector <32 x i8> %one, <32 x i8> undef, <32 x i32> zeroinitializer
  %short = icmp ult i64 %n, 32
  br i1 %short, label %bytes, label %blocks
blocks:
  %last = sub i64 %n, 32
  br label %block
block:
  %b = phi i64 [ 0, %blocks ], [ %b2, %block ]
  %bt = getelementptr i8, ptr %d, i64 %b
  store <32 x i8> %v, ptr %bt, align 1
  %b2 = add i64 %b, 32
  %more = icmp ult i64 %b2, %last
  br i1 %more, label %block, label %tail
tail:
  %tt = getelementptr i8, ptr %d, i64 %last
  store <32 x i8> %v, ptr %tt, align 1
  ret ptr %d
bytes:
  %i = phi i64 [ 0, %entry ], [ %next, %byte ]
  %done = icmp eq i64 %i, %n
  br i1 %done, label %exit, label %byte
byte:
  %to = getelementptr i8, ptr %d, i64 %i
  store i8 %c8, ptr %to, align 1
  %next = add i64 %i, 1
  br label %bytes
exit:
  ret ptr %d
}

attributes #0 = { nounwind "no-builtins" }
)";

absl::StatusOr<std::string> CompileSupport(const CpuTarget& target) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic diagnostic;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(kSource, diagnostic, context);
  if (module == nullptr) {
    return absl::InternalError(absl::StrCat("support object: ", diagnostic.getMessage().str()));
  }
  return EmitObject(*module, target);
}

}  // namespace

bool IsSupportSymbol(const std::string& symbol) {
  return symbol == "memcpy" || symbol == "memmove" || symbol == "memset";
}

absl::StatusOr<const std::string*> SupportObject(const CpuTarget& target) {
  static std::mutex mutex;
  static auto* const objects = new std::map<std::string, std::string>();
  std::lock_guard<std::mutex> lock(mutex);
  std::string& object = (*objects)[target.CacheKey()];
  if (object.empty()) {
    absl::StatusOr<std::string> compiled = CompileSupport(target);
    if (!compiled.ok()) return compiled.status();
    object = *std::move(compiled);
  }
  return &object;
}

}  // namespace stator::compiler
