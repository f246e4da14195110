#include "distribute/images/shipped_compiler.h"

#include <memory>
#include <utility>

#include "distribute/images/compile_message.h"
#include "runtime/session/status.h"

namespace stator::distribute {
namespace {

class ShippedCompiler final : public executable::Compiler {
 public:
  explicit ShippedCompiler(Member* member) : member_(*member) {}

  executable::Result<executable::CompiledImage> Compile(
      const executable::CompileRequest& request) override {
    const int64_t start = runtime::NowNanoseconds();
    const absl::StatusOr<ImageBytes> bytes = member_.Compile(ToMessage(request));
    if (!bytes.ok()) return runtime::FromAbsl(bytes.status());
    executable::CompiledImage image;
    image.bytes.assign((*bytes)->begin(), (*bytes)->end());
    image.stage_ns.emplace_back("shipped", runtime::NowNanoseconds() - start);
    return image;
  }

 private:
  Member& member_;
};

}  // namespace

runtime::CompilerFactory ShippedCompilers(Member* member) {
  return [member](const graph::Graph*,
                  int64_t) -> absl::StatusOr<std::unique_ptr<executable::Compiler>> {
    return std::make_unique<ShippedCompiler>(member);
  };
}

}  // namespace stator::distribute
