// An image's bytes in memory, its code callable.
#ifndef STATOR_RUNTIME_CORE_MAPPED_IMAGE_H_
#define STATOR_RUNTIME_CORE_MAPPED_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "executable/image_view.h"

namespace stator::runtime {

// Owns the mappings; the view's pointers live as long as this object.
class MappedImage {
 public:
  // Copies the bytes into a sealed memfd and maps that: what was checked is what runs. External
  // constants lie in the file `weights_path`, without which such an image is refused.
  static executable::Result<std::unique_ptr<MappedImage>> FromBytes(
      const uint8_t* data, size_t size, executable::HashCheck check,
      const std::string& weights_path = "");

  // Maps a bundle file; constants page in when used. The file must be replaced by rename, never
  // written in place. On a noexec mount the code is copied into a memfd. External constants lie in
  // `weights_path`, "": PATH.weights.
  static executable::Result<std::unique_ptr<MappedImage>> FromFile(
      const std::string& path, executable::HashCheck check, const std::string& weights_path = "");

  // Maps `size` bytes (0: all that follow) at `offset` of a regular file, for a bundle inside a
  // larger file. The descriptor may be closed afterwards; its position is neither used nor moved.
  // An offset that is no multiple of 64 KiB cannot be mapped, so the bytes are copied into a memfd.
  // External constants as in FromBytes.
  static executable::Result<std::unique_ptr<MappedImage>> FromFd(
      int fd, uint64_t offset, uint64_t size, executable::HashCheck check,
      const std::string& weights_path = "");

  ~MappedImage();
  MappedImage(const MappedImage&) = delete;
  MappedImage& operator=(const MappedImage&) = delete;

  // Verified (executable/verifier.h). `code` points at executable memory.
  const executable::ImageView& view() const { return view_; }

 private:
  MappedImage() = default;
  static executable::Result<std::unique_ptr<MappedImage>> Map(int fd, uint64_t offset, size_t size,
                                                              executable::HashCheck check,
                                                              const std::string& weights_path);
  executable::Status MapWeights(const std::string& path);
  executable::Status MapCode(int fd, uint64_t image_offset);

  executable::ImageView view_;
  void* image_ = nullptr;  // the whole image, read only
  size_t image_size_ = 0;
  void* weights_ = nullptr;  // external constants, read only
  size_t weights_size_ = 0;
  void* code_ = nullptr;  // the code section, read and execute
  size_t code_size_ = 0;
};

// FailedPrecondition naming the first CPU feature or architecture that `target` needs and this
// machine lacks.
executable::Status CheckTarget(const executable::Target& target);

}  // namespace stator::runtime

#endif  // STATOR_RUNTIME_CORE_MAPPED_IMAGE_H_
