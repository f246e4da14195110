#include "distribute/checkpoint/checkpoint_writer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "distribute/checkpoint/sha256.h"
#include "formats/tensor_bundle.h"
#include "graph/status_macros.h"
#include "proto/checkpoint_state.pb.h"
#include "proto/serialize.h"

namespace stator::distribute {
namespace {

constexpr char kSaving[] = ".saving-";
constexpr char kOld[] = ".old-";

// A file that is hashed while it is written.
class HashedFile {
 public:
  static absl::StatusOr<HashedFile> Create(Disk* disk, const std::string& directory,
                                           const std::string& name) {
    STATOR_ASSIGN_OR_RETURN(auto file, disk->CreateFile(absl::StrCat(directory, "/", name)));
    return HashedFile(name, std::move(file));
  }

  absl::Status Append(absl::string_view bytes) {
    hash_.Update(bytes);
    size_ += static_cast<int64_t>(bytes.size());
    return file_->Append(bytes);
  }

  absl::Status Finish(CheckpointManifest::File* entry) {
    STATOR_RETURN_IF_ERROR(file_->Sync());
    file_.reset();
    entry->set_name(name_);
    entry->set_size(size_);
    entry->set_sha256(absl::BytesToHexString(hash_.Digest()));
    return absl::OkStatus();
  }

 private:
  HashedFile(std::string name, std::unique_ptr<DiskFile> file)
      : name_(std::move(name)), file_(std::move(file)) {}

  std::string name_;
  std::unique_ptr<DiskFile> file_;
  Sha256 hash_;
  int64_t size_ = 0;
};

// The pointer file, of names oldest first.
std::string PointerText(const std::vector<std::string>& names) {
  CheckpointState state;
  for (const std::string& name : names) {
    state.add_all_model_checkpoint_paths(absl::StrCat(name, "/", kBundleName));
  }
  state.set_model_checkpoint_path(*state.all_model_checkpoint_paths().rbegin());
  return PrintText(state);
}

}  // namespace

class CheckpointWriter::Files : public formats::BundleFiles {
 public:
  // `manifest` gets the two files.
  static absl::StatusOr<std::unique_ptr<Files>> Create(Disk* disk, const std::string& directory,
                                                       CheckpointManifest* manifest) {
    STATOR_ASSIGN_OR_RETURN(
        HashedFile data,
        HashedFile::Create(disk, directory, absl::StrCat(kBundleName, ".data-00000-of-00001")));
    return std::unique_ptr<Files>(new Files(disk, directory, manifest, std::move(data)));
  }

  absl::Status AppendData(absl::string_view bytes) override { return data_.Append(bytes); }

  absl::Status Finish(absl::string_view bytes) override {
    STATOR_RETURN_IF_ERROR(data_.Finish(manifest_->add_files()));
    STATOR_ASSIGN_OR_RETURN(
        HashedFile index,
        HashedFile::Create(disk_, directory_, absl::StrCat(kBundleName, ".index")));
    STATOR_RETURN_IF_ERROR(index.Append(bytes));
    return index.Finish(manifest_->add_files());
  }

 private:
  Files(Disk* disk, std::string directory, CheckpointManifest* manifest, HashedFile data)
      : disk_(disk),
        directory_(std::move(directory)),
        manifest_(manifest),
        data_(std::move(data)) {}

  Disk* disk_;
  std::string directory_;
  CheckpointManifest* manifest_;
  HashedFile data_;
};

absl::StatusOr<std::unique_ptr<CheckpointWriter>> CheckpointWriter::Open(
    CheckpointWriterOptions options) {
  if (options.epoch == 0) return absl::InvalidArgumentError("an epoch is positive, found 0");
  if (options.keep < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("checkpoint.keep must be at least 1, found ", options.keep));
  }
  auto writer = std::unique_ptr<CheckpointWriter>(new CheckpointWriter(std::move(options)));
  Disk* disk = writer->options_.disk;
  writer->disk_ = disk != nullptr ? disk : RealDisk();
  STATOR_RETURN_IF_ERROR(writer->Claim());
  writer->thread_ = std::thread([raw = writer.get()] { raw->RunThread(); });
  return writer;
}

CheckpointWriter::~CheckpointWriter() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    pending_.reset();
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::string CheckpointWriter::PathOf(const std::string& name) const {
  return absl::StrCat(options_.folder, "/", name);
}

absl::StatusOr<std::unique_ptr<DiskLock>> CheckpointWriter::LockFolder() {
  return disk_->Lock(PathOf(kLockFile), options_.lock_timeout);
}

absl::Status CheckpointWriter::CheckEpoch() {
  STATOR_ASSIGN_OR_RETURN(const EpochFile file, ReadEpochFile(disk_, options_.folder));
  STATOR_ASSIGN_OR_RETURN(const std::vector<CheckpointPlace> places,
                          ListCheckpoints(disk_, options_.folder));
  const uint64_t newest = std::max(file.epoch, places.empty() ? 0 : places.front().epoch);
  if (newest <= options_.epoch) return absl::OkStatus();
  return absl::AbortedError(absl::StrCat("checkpoints in ", options_.folder, ": epoch ",
                                         options_.epoch, " has ended, epoch ", newest,
                                         " writes here now"));
}

absl::Status CheckpointWriter::Claim() {
  STATOR_RETURN_IF_ERROR(disk_->CreateDirectories(options_.folder));
  absl::StatusOr<std::unique_ptr<DiskLock>> taken = LockFolder();
  if (absl::IsDeadlineExceeded(taken.status())) {
    // Not if a newer generation has it.
    STATOR_RETURN_IF_ERROR(CheckEpoch());
    STATOR_RETURN_IF_ERROR(disk_->Remove(PathOf(kLockFile)));
    taken = LockFolder();
  }
  STATOR_ASSIGN_OR_RETURN(const std::unique_ptr<DiskLock> lock, std::move(taken));
  STATOR_RETURN_IF_ERROR(CheckEpoch());
  STATOR_ASSIGN_OR_RETURN(EpochFile file, ReadEpochFile(disk_, options_.folder));
  file.epoch = options_.epoch;
  if (options_.fresh) file.since = options_.epoch;
  STATOR_RETURN_IF_ERROR(WriteEpochFile(disk_, options_.folder, file, *lock));
  // If this process was stopped here, what lies about may be the work of the next generation.
  STATOR_RETURN_IF_ERROR(lock->Check());
  RemoveLeftovers();

  STATOR_ASSIGN_OR_RETURN(const std::vector<CheckpointPlace> places,
                          ListCheckpoints(disk_, options_.folder));
  for (auto place = places.rbegin(); place != places.rend(); ++place) {
    // One that is damaged is no reason to remove one that is not: it does not count, and stays.
    const auto manifest = ReadManifest(disk_, PathOf(place->name));
    if (!manifest.ok()) continue;
    Kept kept{*place, absl::nullopt};
    const bool counts = place->epoch >= file.since;
    if (counts && manifest->has_metric() && manifest->metric_name() == options_.metric_name) {
      kept.metric = manifest->metric();
    }
    kept_.push_back(std::move(kept));
    if (place->epoch == options_.epoch) last_saved_step_ = place->step;
  }
  return absl::OkStatus();
}

// Best effort: what cannot be removed does no harm.
void CheckpointWriter::RemoveLeftovers() {
  const auto names = disk_->List(options_.folder);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    if (absl::StartsWith(name, kSaving) || absl::StartsWith(name, kOld)) {
      disk_->Remove(PathOf(name)).IgnoreError();
    }
  }
}

absl::Status CheckpointWriter::Save(SaveRequest request) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return !pending_.has_value(); });
  if (!failure_.ok()) return superseded_ ? failure_ : std::exchange(failure_, absl::OkStatus());
  pending_ = std::move(request);
  changed_.notify_all();
  return absl::OkStatus();
}

absl::Status CheckpointWriter::Wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [this] { return !pending_.has_value() && !writing_; });
  return superseded_ ? failure_ : std::exchange(failure_, absl::OkStatus());
}

int64_t CheckpointWriter::last_saved_step() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return last_saved_step_;
}

void CheckpointWriter::RunThread() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || pending_.has_value(); });
    if (stop_) return;
    absl::optional<SaveRequest> request = std::exchange(pending_, absl::nullopt);
    writing_ = true;
    changed_.notify_all();  // there is room in the queue
    lock.unlock();
    const absl::Status status = Write(*request);
    const int64_t step = request->step;
    request.reset();  // the variables' memory, before anybody is told
    lock.lock();
    writing_ = false;
    if (status.ok()) last_saved_step_ = step;
    if (failure_.ok()) failure_ = status;
    if (absl::IsAborted(status)) superseded_ = true;
    changed_.notify_all();
  }
}

absl::Status CheckpointWriter::Write(const SaveRequest& request) {
  const CheckpointPlace place{CheckpointName(request.step, options_.epoch), request.step,
                              options_.epoch};
  const auto same = [&](const Kept& kept) { return kept.place.name == place.name; };
  if (std::any_of(kept_.begin(), kept_.end(), same)) return absl::OkStatus();
  {
    STATOR_ASSIGN_OR_RETURN(const std::unique_ptr<DiskLock> lock, LockFolder());
    STATOR_RETURN_IF_ERROR(CheckEpoch());
  }
  const std::string temporary = PathOf(kSaving + place.name);
  absl::Status status = WriteFiles(request, temporary);
  if (status.ok()) status = Publish(request, temporary, place);
  if (status.ok()) return status;
  disk_->Remove(temporary).IgnoreError();
  // Whoever took over has removed what was written so far: that is the reason then.
  STATOR_ASSIGN_OR_RETURN(const std::unique_ptr<DiskLock> lock, LockFolder());
  STATOR_RETURN_IF_ERROR(CheckEpoch());
  return status;
}

absl::Status CheckpointWriter::WriteFiles(const SaveRequest& request,
                                          const std::string& directory) {
  STATOR_RETURN_IF_ERROR(disk_->Remove(directory));
  STATOR_RETURN_IF_ERROR(disk_->CreateDirectories(directory));
  CheckpointManifest manifest;
  manifest.set_version(1);
  manifest.set_step(request.step);
  manifest.set_epoch(options_.epoch);
  if (request.metric) manifest.set_metric(*request.metric);
  manifest.set_metric_name(options_.metric_name);
  manifest.set_virtual_replicas(options_.virtual_replicas);
  manifest.set_data_position(request.data_position);
  manifest.set_job(options_.job);

  STATOR_ASSIGN_OR_RETURN(auto files, Files::Create(disk_, directory, &manifest));
  formats::BundleWriter bundle(absl::StrCat(directory, "/", kBundleName), std::move(files));
  std::string scratch;
  for (const Snapshot::Variable& variable : request.snapshot.variables()) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (stop_) return absl::CancelledError("the checkpoint was abandoned");
    }
    STATOR_RETURN_IF_ERROR(bundle.Add(variable.name, static_cast<DataType>(variable.dtype),
                                      variable.dims, variable.Bytes(&scratch)));
  }
  STATOR_RETURN_IF_ERROR(bundle.Finish());

  STATOR_ASSIGN_OR_RETURN(const std::unique_ptr<DiskFile> file,
                          disk_->CreateFile(absl::StrCat(directory, "/", kManifestFile)));
  STATOR_RETURN_IF_ERROR(file->Append(PrintManifest(manifest)));
  STATOR_RETURN_IF_ERROR(file->Sync());
  return disk_->SyncDirectory(directory);
}

// Under the lock from the check to the last change of a name: no newer generation comes between,
// unless this process is stopped here for so long that the lock is broken. So it looks again before
// each change.
absl::Status CheckpointWriter::Publish(const SaveRequest& request, const std::string& temporary,
                                       const CheckpointPlace& place) {
  STATOR_ASSIGN_OR_RETURN(const std::unique_ptr<DiskLock> lock, LockFolder());
  STATOR_RETURN_IF_ERROR(CheckEpoch());
  const std::string path = PathOf(place.name);
  if (disk_->Exists(path)) {  // and it has no manifest, else it were in kept_
    STATOR_RETURN_IF_ERROR(disk_->Rename(path, PathOf(kOld + place.name)));
  }
  STATOR_RETURN_IF_ERROR(lock->Check());
  STATOR_RETURN_IF_ERROR(disk_->Rename(temporary, path));
  STATOR_RETURN_IF_ERROR(disk_->SyncDirectory(options_.folder));

  kept_.push_back({place, request.metric});
  const std::vector<Kept> surplus = TakeSurplus();
  std::vector<std::string> names;
  for (const Kept& kept : kept_) names.push_back(kept.place.name);
  STATOR_RETURN_IF_ERROR(
      ReplaceFile(disk_, options_.folder, kPointerFile, PointerText(names), lock.get()));
  for (const Kept& kept : surplus) {
    STATOR_RETURN_IF_ERROR(lock->Check());
    // First its name, so that nobody takes what is left of it for a damaged checkpoint.
    const std::string old = PathOf(kOld + kept.place.name);
    if (disk_->Rename(PathOf(kept.place.name), old).ok()) disk_->Remove(old).IgnoreError();
  }
  return absl::OkStatus();
}

std::vector<CheckpointWriter::Kept> CheckpointWriter::TakeSurplus() {
  const Kept* best = nullptr;
  for (const Kept& kept : kept_) {
    if (options_.metric_name.empty() || !kept.metric || std::isnan(*kept.metric)) continue;
    const bool better =
        best == nullptr ||
        (options_.higher_is_better ? *kept.metric > *best->metric : *kept.metric < *best->metric);
    if (better) best = &kept;
  }
  std::vector<Kept> stay, go;
  for (size_t i = 0; i < kept_.size(); ++i) {
    const bool newest = kept_.size() - i <= static_cast<size_t>(options_.keep);
    (newest || &kept_[i] == best ? stay : go).push_back(kept_[i]);
  }
  kept_ = std::move(stay);
  return go;
}

}  // namespace stator::distribute
