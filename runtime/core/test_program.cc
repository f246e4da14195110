#include "runtime/core/test_program.h"

#include <cstdio>
#include <cstdlib>
#include <map>

namespace stator::runtime {
namespace {

const std::map<std::string, std::vector<uint8_t>>& Kernels() {
  static const auto* kernels = new std::map<std::string, std::vector<uint8_t>>{
#include "runtime/core/test_kernels.inc"
  };
  return *kernels;
}

}  // namespace

int32_t TestProgram::AddKernel(const std::vector<std::string>& names,
                               std::vector<executable::KernelArgument> arguments, int num_scalars,
                               bool single_tile) {
  executable::Kernel k;
  k.name = names[0];
  k.kind = "test";
  std::vector<uint8_t> code;
  const int32_t tiles = exprs.CeilDiv(exprs.Scalar(0), exprs.Const(16));
  for (size_t i = 0; i < names.size(); ++i) {
    const auto it = Kernels().find(names[i]);
    if (it == Kernels().end()) {
      std::fprintf(stderr, "no test kernel %s\n", names[i].c_str());
      std::abort();
    }
    code.resize((code.size() + 15) / 16 * 16, 0xCC);
    const bool last_of_many = names.size() > 1 && i + 1 == names.size();
    k.phases.push_back(
        {static_cast<int64_t>(code.size()), single_tile || last_of_many ? exprs.Const(1) : tiles});
    code.insert(code.end(), it->second.begin(), it->second.end());
  }
  k.code_offset = executable::AddCode(&model, code.data(), static_cast<int64_t>(code.size()));
  k.code_size = static_cast<int64_t>(code.size());
  k.arguments = std::move(arguments);
  k.num_scalars = num_scalars;
  model.kernels.push_back(k);
  return static_cast<int32_t>(model.kernels.size() - 1);
}

int32_t TestProgram::Vector(const std::string& name, executable::BufferKind kind, int32_t n,
                            int32_t first, int32_t last) {
  const int32_t b = Sized(name, kind, exprs.Mul(n, exprs.Const(4)), first, last);
  model.buffers[b].dims = {n};
  return b;
}

int32_t TestProgram::AddSymbol(const std::string& name, executable::SymbolLife life) {
  model.symbols.push_back({name, life});
  return exprs.Symbol(static_cast<int32_t>(model.symbols.size() - 1));
}

void TestProgram::AddFeed(const std::string& name, int32_t buffer) {
  const executable::Buffer& b = model.buffers[buffer];
  model.entry_points[0].feeds.push_back({name, b.dtype, b.dims, buffer, kNone});
}

void TestProgram::AddFetch(const std::string& name, int32_t buffer) {
  const executable::Buffer& b = model.buffers[buffer];
  model.entry_points[0].fetches.push_back({name, b.dtype, b.dims, buffer, kNone});
}

Result<std::shared_ptr<Executable>> TestProgram::Load(const HostRegistry* host) {
  const std::vector<uint8_t> bytes = executable::Serialize(model);
  LoadOptions options;
  options.host_functions = host;
  options.check_plans = true;
  return Executable::Load(bytes.data(), bytes.size(), options);
}

}  // namespace stator::runtime
