// Looks, before a job runs, for what would keep it from running.
#ifndef STATOR_DISTRIBUTE_LAUNCH_DOCTOR_H_
#define STATOR_DISTRIBUTE_LAUNCH_DOCTOR_H_

#include <string>
#include <vector>

#include "proto/job.pb.h"

namespace stator::distribute {

struct Finding {
  bool ok = true;
  std::string what;    // "program", "ports", "host b: clock"
  std::string result;  // what was found
  std::string remedy;  // what to do, if not ok
};

// Of a resolved job: on this host, then on each of its `hosts` by ssh. Takes some seconds.
std::vector<Finding> Examine(const Job& job);

// A line each, with the remedy below it; or a JSON array.
std::string DescribeFindings(const std::vector<Finding>& findings, bool json);

}  // namespace stator::distribute

#endif  // STATOR_DISTRIBUTE_LAUNCH_DOCTOR_H_
