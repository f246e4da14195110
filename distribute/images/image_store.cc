#include "distribute/images/image_store.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "distribute/checkpoint/sha256.h"
#include "distribute/images/compile_message.h"
#include "distribute/images/job_cpu.h"
#include "executable/image_view.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "proto/serialize.h"
#include "runtime/core/thread_pool.h"
#include "runtime/session/status.h"

namespace stator::distribute {
namespace {

constexpr int64_t kMaxImageBytes = int64_t{1} << 32;
constexpr size_t kPrefixDigits = 16;
constexpr char kSuffix[] = ".image";
constexpr size_t kMaxEntries = 4096;  // a program has some dozens of parts

// Null unless all of its hashes are right: a crash of the machine may have left anything.
ImageBytes ReadWholeImage(const std::string& path) {
  absl::StatusOr<std::string> bytes = formats::ReadFile(path, kMaxImageBytes);
  if (!bytes.ok()) return nullptr;
  auto image = std::make_shared<const std::string>(*std::move(bytes));
  const auto* data = reinterpret_cast<const uint8_t*>(image->data());
  return executable::ReadImage(data, image->size()).ok() ? image : nullptr;
}

}  // namespace

ImageStore::ImageStore(ImageStoreOptions options)
    : options_(std::move(options)),
      prefix_(Sha256Hex(options_.identity).substr(0, kPrefixDigits) + "-") {}

ImageStore::~ImageStore() {
  std::vector<CompileDone> waiting;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    for (auto& [key, entry] : entries_) {
      for (CompileDone& done : entry.waiting) waiting.push_back(std::move(done));
      entry.waiting.clear();
    }
  }
  for (const CompileDone& done : waiting) done(absl::CancelledError("the chief ends"));
  if (thread_.joinable()) thread_.join();
}

void ImageStore::Start(std::vector<control::Cpu> cpus) {
  cpus_ = std::move(cpus);
  thread_ = std::thread([this] { Work(); });
}

void ImageStore::Compile(const control::CompileRequest& request, CompileDone done) {
  control::CompileRequest anybodys = request;
  anybodys.clear_header();
  absl::StatusOr<std::string> key = SerializeDeterministic(anybodys);
  if (!key.ok()) {
    done(key.status());
    return;
  }
  std::optional<absl::StatusOr<ImageBytes>> image;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const bool full = entries_.size() >= kMaxEntries && entries_.count(*key) == 0;
    if (stopping_) {
      image = absl::CancelledError("the chief ends");
    } else if (full) {
      image = absl::ResourceExhaustedError(absl::StrCat(
          "the job has asked for ", kMaxEntries, " different parts of its graph"));
    } else if (const auto [at, is_new] = entries_.try_emplace(*key);
               at->second.image.has_value()) {
      image = at->second.image;
    } else {
      at->second.waiting.push_back(std::move(done));
      if (is_new) queue_.push_back({*std::move(key), std::move(anybodys)});
      wake_.notify_all();
    }
  }
  if (image.has_value()) done(*std::move(image));
}

int64_t ImageStore::compiled() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return compiled_;
}

int64_t ImageStore::found() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return found_;
}

void ImageStore::Work() {
  RemoveForeign();
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    const Job job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    absl::StatusOr<ImageBytes> image = FindOrMake(job);
    lock.lock();
    Entry& entry = entries_[job.key];
    entry.image = image;
    const std::vector<CompileDone> waiting = std::exchange(entry.waiting, {});
    lock.unlock();
    for (const CompileDone& done : waiting) done(image);
    lock.lock();
  }
}

absl::StatusOr<ImageBytes> ImageStore::FindOrMake(const Job& job) {
  STATOR_ASSIGN_OR_RETURN(const std::string target, CommonTarget(cpus_, job.request.arch()));
  const std::string path =
      options_.folder.empty()
          ? ""
          : absl::StrCat(options_.folder, "/", prefix_,
                         Sha256Hex(absl::StrCat(target, "\n", job.key)), kSuffix);
  if (!path.empty()) {
    if (ImageBytes image = ReadWholeImage(path); image != nullptr) {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++found_;
      return image;
    }
  }
  STATOR_ASSIGN_OR_RETURN(ImageBytes image, Make(job.request, target));
  // Where it cannot be kept, the next generation compiles again.
  if (!path.empty()) formats::WriteFileAtomically(path, *image).IgnoreError();
  const std::lock_guard<std::mutex> lock(mutex_);
  ++compiled_;
  return image;
}

absl::StatusOr<ImageBytes> ImageStore::Make(const control::CompileRequest& message,
                                            const std::string& target) {
  if (compiler_ == nullptr) {
    STATOR_ASSIGN_OR_RETURN(compiler_, options_.compiler(options_.graph, options_.seed));
  }
  STATOR_ASSIGN_OR_RETURN(executable::CompileRequest request, FromMessage(message));
  request.options.cpu = target;
  // All tasks wait for it.
  request.options.num_threads = runtime::ThreadPool::DefaultSize();
  STATOR_ASSIGN_OR_RETURN(const executable::CompiledImage image,
                          runtime::ToAbsl(compiler_->Compile(request)));
  return std::make_shared<const std::string>(image.bytes.begin(), image.bytes.end());
}

void ImageStore::RemoveForeign() const {
  if (options_.folder.empty()) return;
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  std::vector<std::filesystem::path> foreign;
  // Not by a range, which ends the process where a folder cannot be read to its end.
  for (std::filesystem::directory_iterator file(options_.folder, error), end; !error && file != end;
       file.increment(error)) {
    const std::string name = file->path().filename().string();
    if (absl::EndsWith(name, kSuffix) && !absl::StartsWith(name, prefix_)) {
      foreign.push_back(file->path());
    }
  }
  for (const std::filesystem::path& path : foreign) std::filesystem::remove(path, error);
}

}  // namespace stator::distribute
