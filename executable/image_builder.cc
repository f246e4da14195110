#include "executable/image_builder.h"

#include <cstring>

#include "executable/expr_eval.h"

namespace stator::executable {
namespace {

int64_t Append(std::vector<uint8_t>* section, const void* data, int64_t size) {
  const size_t offset =
      (section->size() + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
  section->resize(offset + static_cast<size_t>(size));
  if (size > 0) std::memcpy(section->data() + offset, data, static_cast<size_t>(size));
  return static_cast<int64_t>(offset);
}

void PutUint64(std::string* out, uint64_t value) {
  for (int i = 0; i < 8; ++i) out->push_back(static_cast<char>(value >> (8 * i)));
}

uint64_t GetUint64(std::string_view bytes, size_t position) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | static_cast<uint8_t>(bytes[position + i]);
  return value;
}

}  // namespace

size_t ExprBuilder::Hash::operator()(const Expr& expr) const {
  uint64_t h = static_cast<uint64_t>(expr.kind) + 1;
  for (uint64_t word : {static_cast<uint64_t>(expr.value), static_cast<uint64_t>(expr.lhs),
                        static_cast<uint64_t>(expr.rhs)}) {
    h = (h ^ word) * 0x9E3779B97F4A7C15ull;
    h ^= h >> 29;
  }
  return h;
}

ExprBuilder::ExprBuilder(ImageModel* model) : model_(model) {
  for (size_t i = 0; i < model->expressions.size(); ++i) {
    index_.emplace(model->expressions[i], static_cast<int32_t>(i));
  }
}

int32_t ExprBuilder::Intern(const Expr& expr) {
  auto [it, inserted] = index_.emplace(expr, static_cast<int32_t>(model_->expressions.size()));
  if (inserted) model_->expressions.push_back(expr);
  return it->second;
}

int32_t ExprBuilder::Const(int64_t value) { return Intern({ExprKind::kConst, value}); }
int32_t ExprBuilder::Symbol(int32_t symbol) { return Intern({ExprKind::kSymbol, symbol}); }
int32_t ExprBuilder::Scalar(int32_t scalar) { return Intern({ExprKind::kScalar, scalar}); }

int32_t ExprBuilder::Binary(ExprKind kind, int32_t lhs, int32_t rhs) {
  const Expr& a = model_->expressions[lhs];
  const Expr& b = model_->expressions[rhs];
  int64_t folded = 0;
  if (a.kind == ExprKind::kConst && b.kind == ExprKind::kConst &&
      ApplyExpr(kind, a.value, b.value, &folded)) {
    return Const(folded);
  }
  return Intern({kind, 0, lhs, rhs});
}

int64_t AddConstant(ImageModel* model, const void* data, int64_t size) {
  return Append(&model->constants, data, size);
}

int64_t AddCode(ImageModel* model, const void* data, int64_t size) {
  return Append(&model->code, data, size);
}

std::string EncodeStrings(const std::vector<std::string>& strings) {
  std::string out;
  PutUint64(&out, strings.size());
  uint64_t offset = 0;
  PutUint64(&out, offset);
  for (const std::string& s : strings) PutUint64(&out, offset += s.size());
  for (const std::string& s : strings) out += s;
  return out;
}

Result<std::vector<std::string>> DecodeStrings(std::string_view bytes) {
  const Status bad = InvalidArgument("string constant: damaged encoding");
  if (bytes.size() < 16) return bad;
  const uint64_t count = GetUint64(bytes, 0);
  if (count > bytes.size() / 8 - 2) return bad;
  const size_t start = static_cast<size_t>(8 * (count + 2));
  const size_t characters = bytes.size() - start;
  std::vector<std::string> strings;
  strings.reserve(count);
  uint64_t previous = GetUint64(bytes, 8);
  if (previous != 0) return bad;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t next = GetUint64(bytes, 16 + 8 * i);
    if (next < previous || next > characters) return bad;
    strings.emplace_back(bytes.substr(start + previous, next - previous));
    previous = next;
  }
  return strings;
}

const char* StepKindName(StepKind kind) {
  switch (kind) {
    case StepKind::kLaunchKernel:
      return "launch";
    case StepKind::kCopy:
      return "copy";
    case StepKind::kHostCall:
      return "host_call";
    case StepKind::kIf:
      return "if";
    case StepKind::kWhile:
      return "while";
    case StepKind::kCallBlock:
      return "call";
    case StepKind::kBindSymbol:
      return "bind_symbol";
    case StepKind::kAlloc:
      return "alloc";
    case StepKind::kFree:
      return "free";
    case StepKind::kCheck:
      return "check";
    case StepKind::kDeclared:
      return "declared";
    case StepKind::kUseList:
      return "list";
  }
  return "unknown";
}

}  // namespace stator::executable
