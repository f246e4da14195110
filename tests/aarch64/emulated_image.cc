#include "tests/aarch64/emulated_image.h"

#include "compiler/codegen/cpu/emulator.h"

namespace stator::tests {

ImageResult RunEmulated(const ImageRun& run) {
  static auto* const emulator = new compiler::Emulator("tests/aarch64/image_player_aarch64");
  compiler::Message request;
  Put(run, &request);
  absl::StatusOr<compiler::Message> answer = emulator->Call(request);
  if (answer.ok()) return GetImageResult(&*answer);
  ImageResult result;
  result.status = executable::Internal(std::string(answer.status().message()));
  return result;
}

}  // namespace stator::tests
