#include "distribute/launch/launch_record.h"

#include <algorithm>

#include "distribute/launch/json_text.h"
#include "distribute/launch/run_directory.h"
#include "formats/file.h"
#include "graph/status_macros.h"
#include "proto/json_text.h"

namespace stator::distribute {
namespace {

absl::StatusOr<google::protobuf::Struct> ReadObject(const std::string& path) {
  STATOR_ASSIGN_OR_RETURN(const std::string text, formats::ReadFile(path, 1 << 20));
  return ParseJsonObject(text, path);
}

}  // namespace

absl::Status WriteLaunchRecord(const std::string& run_directory, const LaunchRecord& record) {
  JsonObject json;
  json.Text("job", record.job)
      .Text("state", record.state)
      .Number("epoch", record.epoch)
      .Text("cause", record.cause);
  if (record.exit_code >= 0) json.Number("exit_code", record.exit_code);
  json.Number("pid", record.pid).Text("host", record.host).Text("engine", record.engine);
  return formats::WriteFileAtomically(RunDirectory(run_directory).launch_file(),
                                      json.ToString() + "\n");
}

absl::StatusOr<LaunchRecord> ReadLaunchRecord(const std::string& run_directory) {
  STATOR_ASSIGN_OR_RETURN(const auto object, ReadObject(RunDirectory(run_directory).launch_file()));
  LaunchRecord record;
  record.job = TextMember(object, "job");
  record.state = TextMember(object, "state");
  record.epoch = static_cast<uint64_t>(std::max(0.0, NumberMember(object, "epoch", 0)));
  record.cause = TextMember(object, "cause");
  record.exit_code = static_cast<int>(NumberMember(object, "exit_code", -1));
  record.pid = static_cast<int64_t>(NumberMember(object, "pid", 0));
  record.host = TextMember(object, "host");
  record.engine = TextMember(object, "engine");
  return record;
}

absl::Status WriteCoordinatorRecord(const std::string& run_directory,
                                    const CoordinatorRecord& record) {
  const auto there = ReadCoordinatorRecord(run_directory);
  if (there.ok() && there->epoch > record.epoch) return absl::OkStatus();
  JsonObject json;
  json.Text("address", record.address).Number("epoch", record.epoch);
  return formats::WriteFileAtomically(RunDirectory(run_directory).coordinator_file(),
                                      json.ToString() + "\n");
}

absl::StatusOr<CoordinatorRecord> ReadCoordinatorRecord(const std::string& run_directory) {
  STATOR_ASSIGN_OR_RETURN(const auto object,
                          ReadObject(RunDirectory(run_directory).coordinator_file()));
  CoordinatorRecord record;
  record.address = TextMember(object, "address");
  record.epoch = static_cast<uint64_t>(NumberMember(object, "epoch", 0));
  return record;
}

}  // namespace stator::distribute
