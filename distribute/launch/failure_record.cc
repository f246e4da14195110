#include "distribute/launch/failure_record.h"

#include <filesystem>
#include <system_error>

#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "distribute/launch/json_text.h"
#include "distribute/launch/run_directory.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "proto/json_text.h"

namespace stator::distribute {

absl::Status WriteFailureRecord(const std::string& run_directory, uint64_t epoch,
                                FailureRecord record) {
  if (record.unix_seconds == 0)
    record.unix_seconds = absl::ToDoubleSeconds(absl::Now() - absl::UnixEpoch());
  JsonObject json;
  json.Text("task", record.task)
      .Number("epoch", static_cast<double>(epoch))
      .Number("step", static_cast<double>(record.step))
      .Text("code", record.code)
      .Text("message", record.message)
      .Text("blames", record.blames)
      .Json("unix_seconds", absl::StrFormat("%.3f", record.unix_seconds));
  const std::string path = RunDirectory(run_directory).FailureFile(epoch, record.task);
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  return formats::WriteFileAtomically(path, json.ToString() + "\n");
}

absl::StatusOr<FailureRecord> ReadFailureRecord(const std::string& run_directory, uint64_t epoch,
                                                const std::string& task) {
  const std::string path = RunDirectory(run_directory).FailureFile(epoch, task);
  STATOR_ASSIGN_OR_RETURN(const std::string text, formats::ReadFile(path, 1 << 20));
  STATOR_ASSIGN_OR_RETURN(const auto object, ParseJsonObject(text, path));
  FailureRecord record;
  record.task = TextMember(object, "task");
  record.step = static_cast<int64_t>(NumberMember(object, "step", -1));
  record.code = TextMember(object, "code");
  record.message = TextMember(object, "message");
  record.blames = TextMember(object, "blames");
  record.unix_seconds = NumberMember(object, "unix_seconds", 0);
  return record;
}

}  // namespace stator::distribute
