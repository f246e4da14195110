// emit_test_images FOLDER: writes NAME.h and NAME.o of every hand-made image.
#include <cstdio>
#include <string>

#include "tools/emit_object/emit_object.h"
#include "tools/emit_object/test_images.h"

namespace {

bool WriteFile(const std::string& path, const void* data, size_t size) {
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) return false;
  const bool written = std::fwrite(data, 1, size, file) == size;
  return std::fclose(file) == 0 && written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string folder = std::string(argv[1]) + "/";
  for (auto& [name, image] : stator::tools::EmittableImages()) {
    const auto emitted = stator::tools::EmitObject(image->model, {name, ""});
    if (!emitted.ok()) {
      std::fprintf(stderr, "%s: %s\n", name.c_str(), emitted.status().ToString().c_str());
      return 1;
    }
    if (!WriteFile(folder + name + ".h", emitted->header.data(), emitted->header.size()) ||
        !WriteFile(folder + name + ".o", emitted->object.data(), emitted->object.size())) {
      std::perror(name.c_str());
      return 1;
    }
  }
  return 0;
}
