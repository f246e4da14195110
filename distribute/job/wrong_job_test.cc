// What a wrong job file is told: place, field, what was expected and what was found, word by word.

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "distribute/job/job_file.h"

namespace stator::distribute {
namespace {

JobOverrides Overrides(std::vector<std::string> sets = {}) {
  JobOverrides overrides;
  overrides.sets = std::move(sets);
  overrides.environment = EnvironmentOf({{"HOME", "/home/ada"}, {"EMPTY", ""}, {"BAD", "\xff"}});
  return overrides;
}

std::string ErrorOf(const std::string& text, const JobOverrides& overrides = Overrides(),
                    const std::string& name = "job.yaml") {
  const absl::StatusOr<Job> job = ParseJob(text, name, overrides);
  EXPECT_FALSE(job.ok()) << text;
  return std::string(job.status().message());
}

constexpr char kProgram[] = "program: {binary: p}\n";

// A job that is wrong, and the whole error.
struct Wrong {
  std::string text;
  std::string error;
  std::string name = "job.yaml";
  std::vector<std::string> sets = {};
};

// Reports are UTF-8, which some of these texts are not.
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << absl::CHexEscape(wrong.text); }

class WrongJobTest : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongJobTest, ErrorSaysWhereAndWhat) {
  const Wrong& wrong = GetParam();
  EXPECT_EQ(ErrorOf(wrong.text, Overrides(wrong.sets), wrong.name), wrong.error);
}

const Wrong kReading[] = {
    {"", "job.yaml: expected a map of fields, found nothing"},
    {"- a\n", "job.yaml:1:1: expected a map of fields, found a list"},
    {"text", "job.yaml:1:1: expected a map of fields, found \"text\""},
    {"strategy:\n  virtual_replica: 4\n",
     "job.yaml:2:3: strategy.virtual_replica: unknown field; did you mean virtual_replicas?"},
    {"restart: {zzzzzz: 4}",
     "job.yaml:1:11: restart.zzzzzz: unknown field; expected one of max_restarts, "
     "backoff_seconds, max_backoff_seconds"},
    {"roles: {worker: 1}\nroles: {worker: 2}",
     "job.yaml:2:1: \"roles\" appears twice; first in line 1"},
    {"environment: {A: 1,\n  A: 2}", "job.yaml:2:3: \"A\" appears twice; first in line 1"},
    {"strategy:\n  kind: multi-worker",
     "job.yaml:2:9: strategy.kind: expected one of single, mirrored, multi_worker, found "
     "\"multi-worker\""},
    {"strategy: {kind: unspecified}",
     "job.yaml:1:18: strategy.kind: expected one of single, mirrored, multi_worker, found "
     "\"unspecified\""},
    {"roles: {worker: 2.0}", "job.yaml:1:17: roles.worker: expected an integer, found \"2.0\""},
    {"roles: {worker: 010}", "job.yaml:1:17: roles.worker: expected an integer, found \"010\""},
    {"roles: {worker: 3000000000}",
     "job.yaml:1:17: roles.worker: expected an integer from -2147483648 to 2147483647, found "
     "\"3000000000\""},
    {"training: {steps: 99999999999999999999}",
     "job.yaml:1:19: training.steps: expected an integer from -9223372036854775808 to "
     "9223372036854775807, found \"99999999999999999999\""},
    {"roles: {worker: }", "job.yaml:1:9: roles.worker: expected an integer, found nothing"},
    {"roles: {worker: [1]}", "job.yaml:1:17: roles.worker: expected an integer, found a list"},
    {"roles: 2", "job.yaml:1:8: roles: expected a section with fields, found \"2\""},
    {"roles: [2]", "job.yaml:1:8: roles: expected a section with fields, found a list"},
    {"name: {a: b}", "job.yaml:1:7: name: expected a string, found a map"},
    {"name:\n", "job.yaml:1:1: name: expected a string, found nothing"},
    {"hosts: a", "job.yaml:1:8: hosts: expected a list, found \"a\""},
    {"hosts: [a, [b]]", "job.yaml:1:12: hosts[1]: expected a string, found a list"},
    {"environment: [A]",
     "job.yaml:1:14: environment: expected a map of names to values, found a list"},
    {"environment: {A: [b]}", "job.yaml:1:18: environment.A: expected a string, found a list"},
    {"timeouts: {start_seconds: soon}",
     "job.yaml:1:27: timeouts.start_seconds: expected a number, found \"soon\""},
    {"timeouts: {start_seconds: .nan}",
     "job.yaml:1:27: timeouts.start_seconds: expected a number, found \".nan\""},
    {"name: \"${NOPE}\"",
     "job.yaml:1:7: name: environment variable NOPE is not set (${NOPE:-VALUE} gives a value for "
     "that case)"},
    {"name: \"${NOPE\"", "job.yaml:1:7: name: ${ without }; $${ stands for a plain ${"},
    {"name: \"${A B}\"",
     "job.yaml:1:7: name: expected ${NAME} or ${NAME:-otherwise}, found ${A B}"},
    {"name: \"${BAD}\"", "job.yaml:1:7: name: environment variable BAD is not UTF-8 text"},
    {"name: &a b", "job.yaml:1:7: anchors (&name) are not allowed"},
    {"name: !!str b", "job.yaml:1:7: tags (!name) are not allowed"},
    {"a: 1\n---\nb: 2\n", "job.yaml:2:1: a second document; one is expected"},
    {"? [a]\n: b\n", "job.yaml:1:3: a list or map as a key"},
    {"name: \xff", "job.yaml: not UTF-8 text"},
    {"program { binary: 'p' args: }", "job.textproto:1:29: Expected string, got: }",
     "job.textproto"},
    {"strategy { devises: 2 }", "job.textproto:1:19: devises: unknown field; did you mean devices?",
     "job.textproto"},
    {"strategy { kind: multi_worker }",
     "job.textproto:1:31: kind: expected one of KIND_SINGLE, KIND_MIRRORED, KIND_MULTI_WORKER, "
     "found \"multi_worker\"",
     "job.textproto"},
    {"roles { worker: 1 worker: 2 }",
     "job.textproto:1:25: Non-repeated field \"worker\" is specified multiple times.",
     "job.textproto"},
    {"environment { key: 'A' value: '1' } environment { key: 'A' value: '2' }",
     "job.textproto:1:37: environment.A: the key appears twice", "job.textproto"},
    {"program { binary: '${NOPE}' }",
     "job.textproto:1:11: program.binary: environment variable NOPE is not set (${NOPE:-VALUE} "
     "gives a value for that case)",
     "job.textproto"},
    {kProgram, "--set roles.worker: expected FIELD.PATH=VALUE", "job.yaml", {"roles.worker"}},
    {kProgram,
     "--set roles.workers=2: roles.workers: unknown field; did you mean worker?",
     "job.yaml",
     {"roles.workers=2"}},
    {kProgram,
     "--set roles.worker=x: roles.worker: expected an integer, found \"x\"",
     "job.yaml",
     {"roles.worker=x"}},
    {kProgram,
     "--set name.x=1: name: holds a string, so it has no field \"x\"",
     "job.yaml",
     {"name.x=1"}},
    {kProgram,
     "--set hosts.0=a: hosts: holds a list, so it has no field \"0\"",
     "job.yaml",
     {"hosts.0=a"}},
};
INSTANTIATE_TEST_SUITE_P(Reading, WrongJobTest, ::testing::ValuesIn(kReading));

const Wrong kRules[] = {
    {"name: a", "job.yaml: program.binary: needed: the path of the program that each task runs; or "
                "program.graph"},
    {"program: {binary: p, graph: g}\ntraining: {global_batch: 8}\ndata: {train: {x: x.npy}}",
     "job.yaml:1:29: program.graph: expected a binary or a graph, found both: binary p, graph g"},
    {"program: {binary: p, signatures: {train: t}}",
     "job.yaml:1:42: program.signatures.train: needs program.graph"},
    {"program: {graph: g, args: [-v]}\ntraining: {global_batch: 8}\ndata: {train: {x: x.npy}}",
     "job.yaml:1:27: program.args: a graph has no arguments, found \"-v\""},
    {"program: {graph: g}\ndata: {train: {x: x.npy}}",
     "job.yaml: training.global_batch: needed with program.graph, which does not decide it"},
    {"program: {graph: g}\ntraining: {global_batch: 8}",
     "job.yaml: data.train: needed with program.graph: a file for each input of the signature "
     "that trains"},
    {"program: {graph: g, signatures: {evaluate: e}}\ntraining: {global_batch: 8}\n"
     "data: {train: {x: x.npy}}",
     "job.yaml: data.evaluate: needed with program.signatures.evaluate: a file for each input of "
     "that signature"},
    {"program: {graph: g}\ntraining: {global_batch: 8}\n"
     "data: {train: {x: x.npy}, shuffle: buffer}",
     "job.yaml: data.shuffle_buffer: expected at least 1, found 0"},
    {"program: {graph: g}\ntraining: {global_batch: 8}\n"
     "data: {train: {x: x.npy}, shuffle: sometimes}",
     "job.yaml:3:36: data.shuffle: expected one of full, buffer, none, found \"sometimes\""},
    {"program: {graph: g}\ntraining: {global_batch: 8}\n"
     "data: {train: {x: x.npy}, shuffle_buffer: 9}",
     "job.yaml:3:43: data.shuffle_buffer: needs data.shuffle buffer"},
    {"program: {binary: p}\nname: a b",
     "job.yaml:2:7: name: expected up to 63 letters, digits, '-', '_' and '.', the first a letter "
     "or digit, found \"a b\""},
    {"program: {binary: p}\nroles: {worker: 3}",
     "job.yaml:2:17: roles.worker: sums over replicas need a power of two: expected 2 or 4, found "
     "3"},
    {"program: {binary: p}\nstrategy: {determinism: fixed_size}\nroles: {worker: 3}",
     "job.yaml:3:17: roles.worker: sums over replicas need a power of two: expected 2 or 4, found "
     "3"},
    {"program: {binary: p}\nstrategy: {determinism: fixed_size, virtual_replicas: 6}\nroles: "
     "{worker: 2}",
     "job.yaml:2:55: strategy.virtual_replicas: sums over replicas need a power of two: expected 4 "
     "or 8, found 6"},
    {"program: {binary: p}\nstrategy: {devices: 3, virtual_replicas: 12}\nroles: {worker: 5}",
     "job.yaml:3:17: roles.worker: sums over replicas need a power of two: expected 4 or 8, found "
     "5\n"
     "job.yaml:2:21: strategy.devices: sums over replicas need a power of two: expected 2 or 4, "
     "found 3"},
    {"program: {binary: p}\nstrategy: {virtual_replicas: 3}\nroles: {worker: 8}",
     "job.yaml:2:30: strategy.virtual_replicas: sums over replicas need a power of two: expected "
     "8, found 3"},
    {"program: {binary: p}\nstrategy: {devices: 6}",
     "job.yaml:2:21: strategy.devices: sums over replicas need a power of two: expected 4 or 8, "
     "found 6"},
    {"program: {binary: p}\nstrategy: {virtual_replicas: 6}",
     "job.yaml:2:30: strategy.virtual_replicas: sums over replicas need a power of two: expected 4 "
     "or 8, found 6"},
    {"program: {binary: p}\nstrategy: {virtual_replicas: 2}\nroles: {worker: 4}",
     "job.yaml:2:30: strategy.virtual_replicas: each replica has equally many shards: expected a "
     "multiple of roles.worker x strategy.devices = 4 x 1 = 4, found 2"},
    {"program: {binary: p}\nstrategy: {determinism: fixed_size, virtual_replicas: 4}\nroles: "
     "{worker: 8}",
     "job.yaml:2:55: strategy.virtual_replicas: each replica has equally many shards: expected a "
     "multiple of roles.worker x strategy.devices = 8 x 1 = 8, found 4"},
    {"program: {binary: p}\nstrategy: {virtual_replicas: 4}\ntraining: {global_batch: 126}",
     "job.yaml:3:26: training.global_batch: shards are equally large: expected a multiple of "
     "strategy.virtual_replicas = 4, found 126"},
    {"program: {binary: p}\nstrategy: {kind: mirrored}\nroles: {worker: 2}",
     "job.yaml:3:17: roles.worker: strategy.kind mirrored has one task: expected 1, found 2; "
     "multi_worker has several"},
    {"program: {binary: p}\nstrategy: {kind: single, devices: 2}",
     "job.yaml:2:35: strategy.devices: strategy.kind single has one device: expected 1, found 2; "
     "mirrored has several"},
    {"program: {binary: p}\nroles: {worker: 0}",
     "job.yaml:2:17: roles.worker: expected at least 1, found 0"},
    {"program: {binary: p}\nroles: {evaluator: 2}",
     "job.yaml:2:20: roles.evaluator: expected at most 1, found 2"},
    {"program: {binary: p}\nstrategy: {bucket_bytes: 1}",
     "job.yaml:2:26: strategy.bucket_bytes: expected at least 1024, found 1"},
    {"program: {binary: p}\ntraining: {steps: 5, epochs: 1}",
     "job.yaml:2:30: training.epochs: expected steps or epochs, found both: steps 5, epochs 1"},
    {"program: {binary: p}\ntraining: {steps: -5}",
     "job.yaml:2:19: training.steps: expected at least 0, found -5"},
    {"program: {binary: p}\ncheckpoint: {keep: 0}",
     "job.yaml:2:20: checkpoint.keep: expected at least 1, found 0"},
    {"program: {binary: p}\nresume: /no/such/checkpoint",
     "job.yaml:2:9: resume: expected auto, never or the path of a checkpoint, found "
     "\"/no/such/checkpoint\", which does not exist"},
    {"program: {binary: p}\nnetwork: {ports: 20-10}",
     "job.yaml:2:18: network.ports: expected FIRST-LAST with 1 <= FIRST <= LAST <= 65535, found "
     "\"20-10\""},
    {"program: {binary: p}\nnetwork: {ports: 1-65536}",
     "job.yaml:2:18: network.ports: expected FIRST-LAST with 1 <= FIRST <= LAST <= 65535, found "
     "\"1-65536\""},
    {"program: {binary: p}\nnetwork: {ports: 2000-2001}\nroles: {worker: 4}",
     "job.yaml:2:18: network.ports: expected a port for each of 4 replicas and one for the "
     "coordinator, found 2000-2001, which is 2"},
    {"program: {binary: p}\nnetwork: {interface: eth0, cidr: 10.0.0.0/8}",
     "job.yaml:2:34: network.cidr: expected an interface or a network, found both: interface "
     "eth0, cidr 10.0.0.0/8"},
    {"program: {binary: p}\nnetwork: {cidr: 10.0.0.0/33}",
     "job.yaml:2:17: network.cidr: expected ADDRESS/BITS such as 10.0.0.0/8, found "
     "\"10.0.0.0/33\""},
    {"program: {binary: p}\nnetwork: {interface: eth0}\nsecurity: {mode: insecure_loopback}",
     "job.yaml:3:18: security.mode: insecure_loopback needs network.interface lo, found eth0; "
     "mtls protects what leaves the host"},
    {"program: {binary: p}\nhosts: [-oProxyCommand=x]",
     "job.yaml:2:9: hosts[0]: expected a host or user@host, found \"-oProxyCommand=x\""},
    {"program: {binary: p}\nhosts: [localhost, far]",
     "job.yaml:2:20: hosts[1]: tasks on other hosts need network.interface or network.cidr, found "
     "\"far\" with tasks that listen on loopback"},
    {"program: {binary: p}\nengine: {name: ssh}",
     "job.yaml: hosts: engine.name ssh needs at least one host, found none"},
    {"program: {binary: p}\nengine: {lines: [\"a\\nb\"]}",
     "job.yaml:2:18: engine.lines[0]: expected one line, found several"},
    {"program: {binary: p}\ntimeouts: {start_seconds: 0}",
     "job.yaml:2:27: timeouts.start_seconds: expected more than 0, found 0"},
    {"program: {binary: p}\ntimeouts: {heartbeat_ms: 0}",
     "job.yaml:2:26: timeouts.heartbeat_ms: expected at least 10, found 0"},
    {"program: {binary: p}\ntimeouts: {failure_seconds: 0.4}",
     "job.yaml:2:29: timeouts.failure_seconds: expected at least two heartbeats "
     "(timeouts.heartbeat_ms = 250), found 0.4"},
    {"program: {binary: p}\nrestart: {backoff_seconds: 60}",
     "job.yaml: restart.max_backoff_seconds: expected at least restart.backoff_seconds = 60, "
     "found 30"},
    {"program: {binary: p}\nrestart: {max_restarts: -1}",
     "job.yaml:2:25: restart.max_restarts: expected at least 0, found -1"},
    {"program: {binary: p}\nenvironment: {1A: b}",
     "job.yaml:2:19: environment.1A: expected the name of a variable (letters, digits, '_'), "
     "found \"1A\""},
    {"program: {binary: p}\nenvironment: {STATOR_TASK: b}",
     "job.yaml:2:28: environment.STATOR_TASK: set by stator itself for each task; choose another "
     "name"},
    {"program: {binary: p}\nresources: {threads: -1}",
     "job.yaml:2:22: resources.threads: expected at least 0, found -1"},
    {"program: {binary: p}",
     "--set roles.worker=3: roles.worker: sums over replicas need a power of two: expected 2 or 4, "
     "found 3",
     "job.yaml",
     {"roles.worker=3"}},
    {"program { binary: 'p' }\ntimeouts { start_seconds: nan }",
     "job.textproto:2:12: timeouts.start_seconds: expected more than 0, found nan",
     "job.textproto"},
};
INSTANTIATE_TEST_SUITE_P(Rules, WrongJobTest, ::testing::ValuesIn(kRules));

}  // namespace
}  // namespace stator::distribute
