#ifndef STATOR_DISTRIBUTE_IMAGES_IMAGE_STORE_H_
#define STATOR_DISTRIBUTE_IMAGES_IMAGE_STORE_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "distribute/control/coordinator_host.h"
#include "graph/graph.h"
#include "proto/control.pb.h"
#include "runtime/session/session.h"

namespace stator::distribute {

struct ImageStoreOptions {
  const graph::Graph* graph = nullptr;  // outlives the store
  int64_t seed = 0;                     // of random ops, as the sessions have it
  runtime::CompilerFactory compiler;
  std::string folder;  // where images stay for the next generation; "": nowhere
  // Tells apart what images in the folder were made from: graph, seed and build. Those of others
  // are removed.
  std::string identity;
};

// The images of one job's graph, each made once. Thread-safe.
class ImageStore {
 public:
  explicit ImageStore(ImageStoreOptions options);
  // Answers those who wait with Cancelled, and waits for the compiler.
  ~ImageStore();
  ImageStore(const ImageStore&) = delete;
  ImageStore& operator=(const ImageStore&) = delete;

  // Requests wait until it is known who takes part.
  void Start(std::vector<control::Cpu> cpus);

  // Calls `done` once: at once if the image is there, else from the store's thread.
  // ResourceExhausted after some thousand different requests.
  void Compile(const control::CompileRequest& request, CompileDone done);

  // Images compiled here, and taken from the folder.
  int64_t compiled() const;
  int64_t found() const;

 private:
  struct Job {
    std::string key;
    control::CompileRequest request;
  };
  struct Entry {
    std::optional<absl::StatusOr<ImageBytes>> image;  // none while it is made
    std::vector<CompileDone> waiting;
  };

  void Work();
  // Without the mutex, on the thread.
  absl::StatusOr<ImageBytes> FindOrMake(const Job& job);
  absl::StatusOr<ImageBytes> Make(const control::CompileRequest& request,
                                  const std::string& target);
  void RemoveForeign() const;

  const ImageStoreOptions options_;
  const std::string prefix_;  // of the folder's files

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<std::string, Entry> entries_;  // by request
  std::deque<Job> queue_;
  std::vector<control::Cpu> cpus_;
  bool stopping_ = false;
  int64_t compiled_ = 0;
  int64_t found_ = 0;

  std::unique_ptr<executable::Compiler> compiler_;  // the thread's
  std::thread thread_;                              // from Start on
};

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_IMAGES_IMAGE_STORE_H_
