#include "runtime/core/mapped_image.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "executable/cpu_features.h"
#include "executable/verifier.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3; its files may still be mapped executable
#endif

namespace stator::runtime {
namespace {

using executable::FailedPrecondition;
using executable::Result;
using executable::Status;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// What the system has no more of may be there later, or with smaller limits.
Status SystemError(const std::string& what) {
  const bool exhausted = errno == ENOMEM || errno == ENOSPC || errno == EMFILE || errno == ENFILE;
  return Status(exhausted ? executable::Code::kResourceExhausted : executable::Code::kInternal,
                what + ": " + std::strerror(errno));
}

// Of a file that could not be opened.
Status OpenError(const std::string& what) {
  if (errno == ENOMEM || errno == EMFILE || errno == ENFILE) return SystemError(what);
  const bool denied = errno == EACCES || errno == EPERM;
  return Status(denied ? executable::Code::kPermissionDenied : executable::Code::kNotFound,
                what + ": " + std::strerror(errno));
}

// A path may name a pipe, whose open would wait for a writer; only regular files are read.
constexpr int kOpenFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

Status WriteAll(int fd, const uint8_t* data, size_t size) {
  while (size > 0) {
    const ssize_t n = write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return SystemError("writing an image to a memfd");
    data += n;
    size -= static_cast<size_t>(n);
  }
  return Status::Ok();
}

// A memfd that `write` has filled and that can no longer change.
template <typename Write>
Result<int> SealedMemory(Write write) {
  int fd = memfd_create("stator-image", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (fd < 0) fd = memfd_create("stator-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return SystemError("memfd_create");
  Status status = write(fd);
  if (status.ok() &&
      fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    status = SystemError("sealing a memfd");
  }
  if (status.ok()) return fd;
  close(fd);
  return status;
}

Result<int> SealedCopy(const uint8_t* data, size_t size) {
  return SealedMemory([&](int fd) { return WriteAll(fd, data, size); });
}

Status CopyRange(int from, uint64_t offset, uint64_t size, int to) {
  std::vector<uint8_t> chunk(std::min<uint64_t>(size, 1 << 20));
  while (size > 0) {
    const ssize_t n = pread(from, chunk.data(), std::min<uint64_t>(size, chunk.size()),
                            static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError("reading an image");
    if (n == 0) return executable::DataLoss("image: the file became shorter while it was read");
    STATOR_EXEC_RETURN_IF_ERROR(WriteAll(to, chunk.data(), static_cast<size_t>(n)));
    offset += static_cast<uint64_t>(n);
    size -= static_cast<uint64_t>(n);
  }
  return Status::Ok();
}

}  // namespace

Status CheckTarget(const executable::Target& target) {
  const std::string arch = executable::HostArch();
  if (target.arch != arch) {
    return FailedPrecondition("image: made for " + target.arch + ", this machine is " + arch);
  }
  const std::vector<executable::CpuFeature> known = executable::CpuFeatures(arch);
  for (const std::string& feature : target.features) {
    const auto found = std::find_if(known.begin(), known.end(), [&](const auto& candidate) {
      return feature == candidate.name;
    });
    if (found != known.end() && found->present) continue;
    return FailedPrecondition("image: needs CPU feature " + feature +
                              (found != known.end() ? ", which this machine lacks"
                                                    : ", which this runtime does not know"));
  }
  return Status::Ok();
}

Result<std::unique_ptr<MappedImage>> MappedImage::FromBytes(const uint8_t* data, size_t size,
                                                            executable::HashCheck check,
                                                            const std::string& weights_path) {
  STATOR_EXEC_ASSIGN_OR_RETURN(const int raw, SealedCopy(data, size));
  const Descriptor fd(raw);
  return Map(fd.get(), 0, size, check, weights_path);
}

Result<std::unique_ptr<MappedImage>> MappedImage::FromFile(const std::string& path,
                                                           executable::HashCheck check,
                                                           const std::string& weights_path) {
  const Descriptor fd(open(path.c_str(), kOpenFlags));
  if (fd.get() < 0) return OpenError("image " + path);
  Result<std::unique_ptr<MappedImage>> image =
      FromFd(fd.get(), 0, 0, check, weights_path.empty() ? path + ".weights" : weights_path);
  if (!image.ok()) {
    return Status(image.status().code(), path + ": " + image.status().message());
  }
  return image;
}

Result<std::unique_ptr<MappedImage>> MappedImage::FromFd(int fd, uint64_t offset, uint64_t size,
                                                         executable::HashCheck check,
                                                         const std::string& weights_path) {
  struct stat info;
  if (fstat(fd, &info) != 0) {
    return executable::InvalidArgument("image: descriptor " + std::to_string(fd) + ": " +
                                       std::strerror(errno));
  }
  if (!S_ISREG(info.st_mode)) return executable::InvalidArgument("image: not a regular file");
  const auto file_size = static_cast<uint64_t>(info.st_size);
  if (offset > file_size || size > file_size - offset) {
    return executable::DataLoss("image: " + std::to_string(size) + " bytes at offset " +
                                std::to_string(offset) + " are expected, the file has " +
                                std::to_string(file_size));
  }
  if (size == 0) size = file_size - offset;
  if (offset % executable::kSectionAlignment == 0)
    return Map(fd, offset, size, check, weights_path);
  STATOR_EXEC_ASSIGN_OR_RETURN(
      const int raw, SealedMemory([&](int to) { return CopyRange(fd, offset, size, to); }));
  const Descriptor copy(raw);
  return Map(copy.get(), 0, size, check, weights_path);
}

Result<std::unique_ptr<MappedImage>> MappedImage::Map(int fd, uint64_t offset, size_t size,
                                                      executable::HashCheck check,
                                                      const std::string& weights_path) {
  if (size < sizeof(executable::ImageHeader)) {
    return executable::DataLoss("image: " + std::to_string(size) + " bytes are too few");
  }
  std::unique_ptr<MappedImage> image(new MappedImage);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, static_cast<off_t>(offset));
  if (data == MAP_FAILED) return SystemError("mapping an image");
  image->image_ = data;
  image->image_size_ = size;
  const auto* bytes = static_cast<const uint8_t*>(data);
  STATOR_EXEC_ASSIGN_OR_RETURN(const executable::ImageHeader header,
                               executable::ReadHeader(bytes, size));
  if ((header.flags & executable::kExternalConstants) != 0) {
    if (weights_path.empty()) {
      return FailedPrecondition(
          "image: its weights are in another file, which only loading by path finds: name it in "
          "the load options (weights_path)");
    }
    STATOR_EXEC_RETURN_IF_ERROR(image->MapWeights(weights_path));
  }
  const executable::ReadOptions options = {
      check, &CheckTarget, static_cast<const uint8_t*>(image->weights_), image->weights_size_};
  STATOR_EXEC_ASSIGN_OR_RETURN(image->view_, executable::VerifyImage(bytes, size, options));
  if (image->view_.code_size > 0) STATOR_EXEC_RETURN_IF_ERROR(image->MapCode(fd, offset));
  return image;
}

Status MappedImage::MapWeights(const std::string& path) {
  const Descriptor fd(open(path.c_str(), kOpenFlags));
  struct stat info;
  if (fd.get() < 0 || fstat(fd.get(), &info) != 0) return OpenError("weights " + path);
  if (!S_ISREG(info.st_mode)) {
    return executable::InvalidArgument("weights " + path + ": not a regular file");
  }
  if (info.st_size == 0) return Status::Ok();
  const auto size = static_cast<size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return SystemError("mapping " + path);
  weights_ = data;
  weights_size_ = size;
  return Status::Ok();
}

Status MappedImage::MapCode(int fd, uint64_t image_offset) {
  const auto offset = static_cast<off_t>(image_offset + view_.variant.code.offset);
  code_size_ = static_cast<size_t>(view_.code_size);
  void* code = mmap(nullptr, code_size_, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, offset);
  if (code == MAP_FAILED && (errno == EPERM || errno == EACCES)) {  // a noexec mount
    STATOR_EXEC_ASSIGN_OR_RETURN(const int copy, SealedCopy(view_.code, code_size_));
    const Descriptor sealed(copy);
    code = mmap(nullptr, code_size_, PROT_READ | PROT_EXEC, MAP_PRIVATE, sealed.get(), 0);
  }
  if (code == MAP_FAILED) return SystemError("mapping code as executable");
  code_ = code;
  view_.code = static_cast<const uint8_t*>(code);
  return Status::Ok();
}

MappedImage::~MappedImage() {
  if (code_ != nullptr) munmap(code_, code_size_);
  if (weights_ != nullptr) munmap(weights_, weights_size_);
  if (image_ != nullptr) munmap(image_, image_size_);
}

}  // namespace stator::runtime
