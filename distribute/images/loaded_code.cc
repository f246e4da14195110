#include "distribute/images/loaded_code.h"

#include <link.h>
#include <sys/stat.h>

#include "absl/strings/str_cat.h"

namespace stator::distribute {

std::string LoadedCode() {
  std::string text;
  dl_iterate_phdr(
      [](dl_phdr_info* object, size_t, void* out) {
        const std::string path =
            object->dlpi_name[0] == '\0' ? "/proc/self/exe" : object->dlpi_name;
        struct stat file;
        // The kernel's own object is no file.
        if (stat(path.c_str(), &file) != 0) return 0;
        absl::StrAppend(static_cast<std::string*>(out), path, " ", file.st_size, " ",
                        file.st_mtim.tv_sec, ".", file.st_mtim.tv_nsec, "\n");
        return 0;
      },
      &text);
  return text;
}

}  // namespace stator::distribute
