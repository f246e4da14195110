#include "distribute/checkpoint/recording_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"

namespace stator::distribute {

namespace fs = std::filesystem;

// A file or directory as the system sees it, and what of it was flushed.
struct RecordingDisk::Node {
  bool is_directory = false;
  std::string bytes;
  size_t flushed_bytes = 0;
  std::map<std::string, NodeRef> names;
  std::map<std::string, NodeRef> flushed_names;
  // Changes of names since the last flush; a rename within a directory is one.
  std::vector<std::vector<std::pair<std::string, NodeRef>>> changes;  // null: removed

  void Change(std::vector<std::pair<std::string, NodeRef>> change) {
    ApplyTo(change, &names);
    changes.push_back(std::move(change));
  }
  static void ApplyTo(const std::vector<std::pair<std::string, NodeRef>>& change,
                      std::map<std::string, NodeRef>* names) {
    for (const auto& [name, node] : change) {
      if (node == nullptr) {
        names->erase(name);
      } else {
        (*names)[name] = node;
      }
    }
  }
};

class RecordingFile : public DiskFile {
 public:
  RecordingFile(RecordingDisk* disk, int number, std::unique_ptr<DiskFile> file)
      : disk_(disk), number_(number), file_(std::move(file)) {}

  absl::Status Append(absl::string_view bytes) override {
    STATOR_RETURN_IF_ERROR(
        disk_->Record({RecordingDisk::Kind::kAppend, "", std::string(bytes), number_}));
    return file_->Append(bytes);
  }
  absl::Status Sync() override {
    STATOR_RETURN_IF_ERROR(disk_->Record({RecordingDisk::Kind::kSync, "", "", number_}));
    return file_->Sync();
  }

 private:
  RecordingDisk* disk_;
  int number_;
  std::unique_ptr<DiskFile> file_;
};

size_t RecordingDisk::operations() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return operations_.size();
}

void RecordingDisk::FailAt(size_t operation) {
  const std::lock_guard<std::mutex> lock(mutex_);
  fail_at_ = operation;
}

absl::Status RecordingDisk::Record(Operation operation) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (operations_.size() == fail_at_) {
    fail_at_ = SIZE_MAX;
    return absl::ResourceExhaustedError(absl::StrCat("no space left on ", root_));
  }
  const bool flush = operation.kind == Kind::kSync || operation.kind == Kind::kSyncDirectory;
  if (!(flush && forget_flushes_)) operations_.push_back(std::move(operation));
  return absl::OkStatus();
}

std::string RecordingDisk::Below(const std::string& path) const {
  return fs::path(path).lexically_relative(root_);
}

absl::Status RecordingDisk::CreateDirectories(const std::string& path) {
  STATOR_RETURN_IF_ERROR(Record({Kind::kMakeDirectory, Below(path), "", -1}));
  return RealDisk()->CreateDirectories(path);
}

absl::StatusOr<std::unique_ptr<DiskFile>> RecordingDisk::CreateFile(const std::string& path) {
  int number;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    number = next_file_++;
  }
  STATOR_RETURN_IF_ERROR(Record({Kind::kCreate, Below(path), "", number}));
  STATOR_ASSIGN_OR_RETURN(auto file, RealDisk()->CreateFile(path));
  return std::make_unique<RecordingFile>(this, number, std::move(file));
}

absl::Status RecordingDisk::Rename(const std::string& from, const std::string& to) {
  STATOR_RETURN_IF_ERROR(Record({Kind::kRename, Below(from), Below(to), -1}));
  return RealDisk()->Rename(from, to);
}

absl::Status RecordingDisk::SyncDirectory(const std::string& path) {
  STATOR_RETURN_IF_ERROR(Record({Kind::kSyncDirectory, Below(path), "", -1}));
  return RealDisk()->SyncDirectory(path);
}

absl::Status RecordingDisk::Remove(const std::string& path) {
  STATOR_RETURN_IF_ERROR(Record({Kind::kRemove, Below(path), "", -1}));
  return RealDisk()->Remove(path);
}

absl::StatusOr<std::vector<std::string>> RecordingDisk::List(const std::string& path) {
  return RealDisk()->List(path);
}

bool RecordingDisk::Exists(const std::string& path) { return RealDisk()->Exists(path); }

absl::Status RecordingDisk::Read(const std::string& path,
                                 const std::function<absl::Status(absl::string_view)>& visit) {
  return RealDisk()->Read(path, visit);
}

absl::StatusOr<std::unique_ptr<DiskLock>> RecordingDisk::Lock(const std::string& path,
                                                              absl::Duration timeout) {
  return RealDisk()->Lock(path, timeout);
}

// All directories that checkpoints make are one or two levels deep, and made before they are used.
void RecordingDisk::Apply(const Operation& operation, const NodeRef& root,
                          std::map<int, NodeRef>* files) {
  const auto parent = [&](const std::string& path) {
    NodeRef node = root;
    const std::vector<std::string> parts = absl::StrSplit(path, '/');
    for (size_t i = 0; i + 1 < parts.size(); ++i) node = node->names.at(parts[i]);
    return std::pair(node, parts.back());
  };
  if (operation.path == "." && operation.kind != Kind::kSyncDirectory) return;
  switch (operation.kind) {
    case Kind::kMakeDirectory: {
      const auto [directory, name] = parent(operation.path);
      if (directory->names.count(name) > 0) return;
      auto node = std::make_shared<Node>();
      node->is_directory = true;
      directory->Change({{name, node}});
      return;
    }
    case Kind::kCreate: {
      const auto [directory, name] = parent(operation.path);
      auto node = std::make_shared<Node>();
      directory->Change({{name, node}});
      (*files)[operation.file] = node;
      return;
    }
    case Kind::kAppend:
      files->at(operation.file)->bytes += operation.text;
      return;
    case Kind::kSync:
      files->at(operation.file)->flushed_bytes = files->at(operation.file)->bytes.size();
      return;
    case Kind::kRename: {
      const auto [directory, name] = parent(operation.path);
      const auto [target, new_name] = parent(operation.text);
      const NodeRef node = directory->names.at(name);
      if (directory != target) std::abort();  // nobody does that
      directory->Change({{name, nullptr}, {new_name, node}});
      return;
    }
    case Kind::kRemove: {
      const auto [directory, name] = parent(operation.path);
      if (directory->names.count(name) > 0) directory->Change({{name, nullptr}});
      return;
    }
    case Kind::kSyncDirectory: {
      const NodeRef node = operation.path == "." ? root : parent(operation.path + "/.").first;
      node->flushed_names = node->names;
      node->changes.clear();
      return;
    }
  }
}

void RecordingDisk::Write(const Node& node, CrashKind kind, std::mt19937_64* random,
                          const std::string& path) {
  if (!node.is_directory) {
    size_t size = node.bytes.size();
    if (kind == CrashKind::kFlushed || kind == CrashKind::kNamesFirst) size = node.flushed_bytes;
    if (kind == CrashKind::kSomeOfBoth) {
      size = node.flushed_bytes + (*random)() % (size - node.flushed_bytes + 1);
    }
    std::ofstream(path, std::ios::binary).write(node.bytes.data(), size);
    return;
  }
  fs::create_directories(path);
  const bool flushed = kind == CrashKind::kFlushed || kind == CrashKind::kBytesFirst;
  std::map<std::string, NodeRef> names = flushed ? node.flushed_names : node.names;
  if (kind == CrashKind::kSomeOfBoth) {
    names = node.flushed_names;
    for (const auto& change : node.changes) {
      if ((*random)() % 2 == 0) Node::ApplyTo(change, &names);
    }
  }
  for (const auto& [name, child] : names) {
    Write(*child, kind, random, absl::StrCat(path, "/", name));
  }
}

void RecordingDisk::BuildCrashState(size_t operations, CrashKind kind, uint64_t seed,
                                    const std::string& directory) const {
  auto root = std::make_shared<Node>();
  root->is_directory = true;
  std::map<int, NodeRef> files;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (size_t i = 0; i < operations; ++i) Apply(operations_[i], root, &files);
  }
  fs::remove_all(directory);
  std::mt19937_64 random(seed);
  Write(*root, kind, &random, directory);
}

}  // namespace stator::distribute
