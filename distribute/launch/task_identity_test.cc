#include "distribute/launch/task_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "distribute/launch/node_list.h"

namespace stator::distribute {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Variables = std::map<std::string, std::string>;

struct Wanted {
  std::string engine;
  int workers = 0;
  int evaluators = 0;
};

TaskQuery Query(const Variables& variables, const Wanted& wanted = {}) {
  TaskQuery query;
  query.environment = EnvironmentOf(variables);
  query.engine = wanted.engine;
  query.engine_from = "--engine";
  query.workers = wanted.workers;
  query.evaluators = wanted.evaluators;
  return query;
}

// What was decided, in one line: "drive slurm", or name, workers, local place and coordinators.
std::string Summary(const TaskIdentity& task) {
  if (!task.is_task()) return "drive " + task.engine;
  std::string text = task.name() + " of " + std::to_string(task.workers);
  if (task.evaluators > 0) text += "+" + std::to_string(task.evaluators);
  if (task.local_index >= 0) text += " local " + std::to_string(task.local_index);
  if (task.local_count > 0) text += "/" + std::to_string(task.local_count);
  if (task.restarts > 0) text += " restarts " + std::to_string(task.restarts);
  for (const std::string& address : task.coordinators) text += " " + address;
  return text;
}

struct Case {
  std::string name;
  Variables variables;
  std::string summary;  // "" where an error is expected
  std::string text;     // the reason, or the error
  Wanted wanted = {};
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

class TaskIdentityTest : public ::testing::TestWithParam<Case> {};

TEST_P(TaskIdentityTest, Decides) {
  const Case& c = GetParam();
  const absl::StatusOr<TaskIdentity> task = FindTask(Query(c.variables, c.wanted));
  if (c.summary.empty()) {
    ASSERT_FALSE(task.ok()) << Summary(*task) << ": " << task->reason;
    EXPECT_EQ(std::string(task.status().message()), c.text);
    return;
  }
  ASSERT_TRUE(task.ok()) << task.status();
  EXPECT_EQ(Summary(*task), c.summary);
  EXPECT_EQ(task->reason, c.text);
}

// `base` with `changes`; an empty value removes a variable.
Variables With(Variables base, const Variables& changes) {
  for (const auto& [name, value] : changes) base[name] = value;
  return base;
}

const Variables kStator = {{"STATOR_TASK", "worker:1"},
                           {"STATOR_WORKERS", "2"},
                           {"STATOR_COORDINATOR", "127.0.0.1:20000"},
                           {"STATOR_EPOCH", "3"},
                           {"STATOR_LOCAL_TASKS", "2"}};
const Variables kOpenMpi = {{"OMPI_COMM_WORLD_RANK", "1"},
                            {"OMPI_COMM_WORLD_SIZE", "4"},
                            {"OMPI_COMM_WORLD_LOCAL_RANK", "1"},
                            {"OMPI_COMM_WORLD_LOCAL_SIZE", "2"}};
const Variables kPmi = {
    {"PMI_RANK", "0"}, {"PMI_SIZE", "2"}, {"MPI_LOCALRANKID", "0"}, {"MPI_LOCALNRANKS", "2"}};
const Variables kSlurmJob = {{"SLURM_JOB_ID", "12"},
                             {"SLURM_NTASKS", "4"},
                             {"SLURM_PROCID", "0"},
                             {"SLURM_LOCALID", "0"},
                             {"SLURM_NODEID", "0"}};
const Variables kSlurmStep = {{"SLURM_JOB_ID", "12"},
                              {"SLURM_STEP_ID", "0"},
                              {"SLURM_PROCID", "2"},
                              {"SLURM_STEP_NUM_TASKS", "4"},
                              {"SLURM_STEP_NUM_NODES", "2"},
                              {"SLURM_STEP_NODELIST", "n[1-2]"},
                              {"SLURM_STEP_TASKS_PER_NODE", "2(x2)"},
                              {"SLURM_NODEID", "1"},
                              {"SLURM_LOCALID", "0"}};
const Variables kIndexed = {{"JOB_COMPLETION_INDEX", "3"}, {"HOSTNAME", "digits-worker-0-3"}};
const Variables kRank = {{"RANK", "1"},        {"WORLD_SIZE", "2"},      {"LOCAL_RANK", "1"},
                         {"MASTER_ADDR", "a"}, {"MASTER_PORT", "29500"}, {"LOCAL_WORLD_SIZE", "2"}};

Variables TfConfig(const std::string& text) { return {{"TF_CONFIG", text}}; }

const char kTwoWorkers[] =
    R"({"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 1}})";

std::string MakeTfConfig(const std::string& cluster, const std::string& type,
                         const std::string& index) {
  return R"({"cluster": {)" + cluster + R"(}, "task": {"type": ")" + type + R"(", "index": )" +
         index + "}}";
}

const Case kDriving[] = {
    {"Nothing",
     {},
     "drive local",
     "starts the tasks on this host: no platform has started this process as a task"},
    {"EmptyVariablesAreUnset",
     {{"TF_CONFIG", ""}, {"RANK", ""}, {"STATOR_TASK", ""}},
     "drive local",
     "starts the tasks on this host: no platform has started this process as a task"},
    {"SlurmBatchScript", kSlurmJob, "drive slurm",
     "starts the tasks with srun: in Slurm job 12, but not in a step"},
    {"SlurmAllocationShell",
     {{"SLURM_JOB_ID", "12"}, {"SLURM_NTASKS", "4"}},
     "drive slurm",
     "starts the tasks with srun: in Slurm job 12, but not in a step"},
    {"SlurmBatchStepNumber", With(kSlurmStep, {{"SLURM_STEP_ID", "4294967291"}}), "drive slurm",
     "starts the tasks with srun: in Slurm job 12, but not in a step"},
    {"SlurmInteractiveStepNumber", With(kSlurmStep, {{"SLURM_STEP_ID", "4294967290"}}),
     "drive slurm", "starts the tasks with srun: in Slurm job 12, but not in a step"},
    {"EngineLocal", {}, "drive local", "starts the tasks: --engine says local", {"local"}},
    {"EngineLocalBeatsPlatforms",
     kSlurmStep,
     "drive local",
     "starts the tasks: --engine says local; not used: a Slurm step",
     {"local"}},
    {"EngineSshBeatsTfConfig",
     TfConfig(kTwoWorkers),
     "drive ssh",
     "starts the tasks: --engine says ssh; not used: TF_CONFIG",
     {"ssh"}},
    {"EngineSlurmInBatchScript",
     kSlurmJob,
     "drive slurm",
     "starts the tasks: --engine says slurm, and this is no Slurm step",
     {"slurm"}},
    {"EngineMpiOutside",
     {},
     "drive mpi",
     "starts the tasks: --engine says mpi, and no MPI has started this process",
     {"mpi"}},
    {"EngineMpiIgnoresTfConfig",
     TfConfig(kTwoWorkers),
     "drive mpi",
     "starts the tasks: --engine says mpi, and no MPI has started this process",
     {"mpi"}},
    {"EngineUnknown",
     {},
     "",
     "--engine: expected one of local, ssh, slurm, mpi, tf_config, indexed_job, rank, found "
     "\"pbs\"",
     {"pbs"}},
    {"EngineTfConfigWithout",
     kOpenMpi,
     "",
     "TF_CONFIG: expected, since --engine says tf_config, but it is not set",
     {"tf_config"}},
    {"EngineIndexedJobWithout",
     {},
     "",
     "JOB_COMPLETION_INDEX: expected, since --engine says indexed_job, but it is not set",
     {"indexed_job"}},
    {"EngineRankWithout",
     {},
     "",
     "RANK: expected, since --engine says rank, but it is not set",
     {"rank"}},
};

const Case kPrecedence[] = {
    {"StatorBeatsAll",
     With(With(With(kStator, kOpenMpi), kSlurmStep), TfConfig("broken")),
     "worker:1 of 2/2 restarts 2 127.0.0.1:20000",
     "joins as worker:1 of 2 workers: STATOR_TASK is set",
     {"local"}},
    {"TfConfigBeatsOpenMpi", With(TfConfig(kTwoWorkers), kOpenMpi), "worker:1 of 2 a:1",
     "joins as worker:1 of 2 workers: TF_CONFIG is set; not used: Open MPI"},
    {"TfConfigBeatsEverything",
     With(With(With(With(TfConfig(kTwoWorkers), kPmi), kSlurmStep), kIndexed), kRank),
     "worker:1 of 2 a:1",
     "joins as worker:1 of 2 workers: TF_CONFIG is set; not used: PMI, a Slurm step, an Indexed "
     "Job, RANK"},
    {"OpenMpiBeatsSlurmStep", With(kOpenMpi, kSlurmStep), "worker:1 of 4 local 1/2",
     "joins as worker:1 of 4 workers: started by Open MPI (OMPI_COMM_WORLD_RANK 1 of 4); not "
     "used: a Slurm step"},
    {"OpenMpiBeatsPmi", With(kOpenMpi, kPmi), "worker:1 of 4 local 1/2",
     "joins as worker:1 of 4 workers: started by Open MPI (OMPI_COMM_WORLD_RANK 1 of 4); not "
     "used: PMI"},
    {"OpenMpiInABatchScript", With(kSlurmJob, kOpenMpi), "worker:1 of 4 local 1/2",
     "joins as worker:1 of 4 workers: started by Open MPI (OMPI_COMM_WORLD_RANK 1 of 4)"},
    {"PmiBeatsSlurmStep", With(kPmi, kSlurmStep), "worker:0 of 2 local 0/2",
     "joins as worker:0 of 2 workers: started by an MPI (PMI_RANK 0 of 2); not used: a Slurm "
     "step"},
    {"SlurmStepBeatsIndexedJobAndRank", With(With(kSlurmStep, kIndexed), kRank),
     "worker:2 of 4 local 0/2 n1",
     "joins as worker:2 of 4 workers: a Slurm step (SLURM_STEP_ID 0, SLURM_PROCID 2 of 4); not "
     "used: an Indexed Job, RANK"},
    {"IndexedJobBeatsRank",
     With(kIndexed, kRank),
     "worker:3 of 4 digits-worker-0-0",
     "joins as worker:3 of 4 workers: a pod of an Indexed Job (JOB_COMPLETION_INDEX 3); not used: "
     "RANK",
     {"", 4}},
    {"EngineSlurmBeatsTfConfig",
     With(TfConfig(kTwoWorkers), kSlurmStep),
     "worker:2 of 4 local 0/2 n1",
     "joins as worker:2 of 4 workers: a Slurm step (SLURM_STEP_ID 0, SLURM_PROCID 2 of 4); "
     "--engine says slurm",
     {"slurm"}},
    {"EngineMpiTakesPmi",
     With(kPmi, TfConfig(kTwoWorkers)),
     "worker:0 of 2 local 0/2",
     "joins as worker:0 of 2 workers: started by an MPI (PMI_RANK 0 of 2); --engine says mpi",
     {"mpi"}},
    {"EngineRankInASlurmStep",
     With(kRank, kSlurmStep),
     "worker:1 of 2 local 1/2 a:29500",
     "joins as worker:1 of 2 workers: RANK 1 of WORLD_SIZE 2; --engine says rank",
     {"rank"}},
};

const Case kStatorCases[] = {
    {"Worker", kStator, "worker:1 of 2/2 restarts 2 127.0.0.1:20000",
     "joins as worker:1 of 2 workers: STATOR_TASK is set"},
    {"Evaluator", With(kStator, {{"STATOR_TASK", "evaluator:0"}}),
     "evaluator:0 of 2+1/2 restarts 2 127.0.0.1:20000",
     "joins as evaluator:0 of 2 workers: STATOR_TASK is set"},
    {"LocalIndex", With(kStator, {{"STATOR_LOCAL_INDEX", "1"}, {"STATOR_EPOCH", ""}}),
     "worker:1 of 2 local 1/2 127.0.0.1:20000",
     "joins as worker:1 of 2 workers: STATOR_TASK is set"},
    {"NoColon", With(kStator, {{"STATOR_TASK", "worker1"}}), "",
     "STATOR_TASK: expected worker:N or evaluator:N, found \"worker1\""},
    {"UnknownRole", With(kStator, {{"STATOR_TASK", "ps:0"}}), "",
     "STATOR_TASK: expected worker:N or evaluator:N, found \"ps:0\""},
    {"NegativeIndex", With(kStator, {{"STATOR_TASK", "worker:-1"}}), "",
     "STATOR_TASK: expected worker:N or evaluator:N, found \"worker:-1\""},
    {"IndexTooLarge", With(kStator, {{"STATOR_TASK", "worker:2"}}), "",
     "STATOR_TASK: expected worker:N with N less than 2, found \"worker:2\""},
    {"SecondEvaluator", With(kStator, {{"STATOR_TASK", "evaluator:1"}}), "",
     "STATOR_TASK: expected evaluator:N with N less than 1, found \"evaluator:1\""},
    {"NoWorkers", With(kStator, {{"STATOR_WORKERS", ""}}), "",
     "STATOR_WORKERS: expected, since STATOR_TASK is set, but it is not set"},
    {"ZeroWorkers", With(kStator, {{"STATOR_WORKERS", "0"}}), "",
     "STATOR_WORKERS: expected an integer from 1 to 1048576, found \"0\""},
    {"WorkersUnlikeTheJob",
     kStator,
     "",
     "STATOR_WORKERS: expected the job's roles.worker = 4, found \"2\"",
     {"", 4}},
    {"NoCoordinator", With(kStator, {{"STATOR_COORDINATOR", ""}}), "",
     "STATOR_COORDINATOR: expected, since STATOR_TASK is set, but it is not set"},
    {"CoordinatorWithoutPort", With(kStator, {{"STATOR_COORDINATOR", "host"}}), "",
     "STATOR_COORDINATOR: expected HOST:PORT, found \"host\""},
    {"EpochZero", With(kStator, {{"STATOR_EPOCH", "0"}}), "",
     "STATOR_EPOCH: expected an integer from 1 to 9223372036854775807, found \"0\""},
    {"LocalIndexTooLarge", With(kStator, {{"STATOR_LOCAL_INDEX", "2"}}), "",
     "STATOR_LOCAL_INDEX: expected less than STATOR_LOCAL_TASKS = 2, found \"2\""},
    {"MoreLocalTasksThanTasks", With(kStator, {{"STATOR_LOCAL_TASKS", "3"}}), "",
     "STATOR_LOCAL_TASKS: expected at most the 2 tasks of the job, found \"3\""},
};

const Case kTfConfigCases[] = {
    {"Chief", TfConfig(MakeTfConfig(R"("chief": ["a:1"], "worker": ["b:2"])", "chief", "0")),
     "worker:0 of 2 a:1", "joins as worker:0 of 2 workers: TF_CONFIG is set"},
    {"WorkerBesideChief",
     TfConfig(MakeTfConfig(R"("chief": ["a:1"], "worker": ["b:2"])", "worker", "0")),
     "worker:1 of 2 a:1", "joins as worker:1 of 2 workers: TF_CONFIG is set"},
    {"MasterIsTheChief",
     TfConfig(MakeTfConfig(R"("master": ["a:1"], "worker": ["b:2"])", "master", "0")),
     "worker:0 of 2 a:1", "joins as worker:0 of 2 workers: TF_CONFIG is set"},
    {"Evaluator", TfConfig(MakeTfConfig(R"("worker": ["a:1"])", "evaluator", "0")),
     "evaluator:0 of 1+1 a:1", "joins as evaluator:0 of 1 worker: TF_CONFIG is set"},
    {"IndexAsText", TfConfig(MakeTfConfig(R"("worker": ["a:1", "b:1"])", "worker", "\"1\"")),
     "worker:1 of 2 a:1", "joins as worker:1 of 2 workers: TF_CONFIG is set"},
    {"OtherKeys",
     TfConfig(R"({"cluster": {"worker": ["[::1]:1"]}, "task": {"type": "worker", "index": 0},)"
              R"( "rpc_layer": "grpc", "environment": "cloud"})"),
     "worker:0 of 1 [::1]:1", "joins as worker:0 of 1 worker: TF_CONFIG is set"},
    {"KubeflowNames",
     TfConfig(MakeTfConfig(R"("worker": ["j-worker-0.ns.svc:2222", "j-worker-1.ns.svc:2222"])",
                           "worker", "0")),
     "worker:0 of 2 j-worker-0.ns.svc:2222",
     "joins as worker:0 of 2 workers: TF_CONFIG is set",
     {"", 2}},
    {"NoJson", TfConfig("no json"), "", "TF_CONFIG: expected a JSON object, found \"no json\""},
    {"NoObject", TfConfig("[]"), "", "TF_CONFIG: expected a JSON object, found a list"},
    {"NoCluster", TfConfig("{}"), "",
     "TF_CONFIG: cluster: expected an object of roles, found nothing"},
    {"NoTask", TfConfig(R"({"cluster": {"worker": ["a:1"]}})"), "",
     "TF_CONFIG: task: expected an object with type and index, found nothing"},
    {"NoType", TfConfig(R"({"cluster": {"worker": ["a:1"]}, "task": {"index": 0}})"), "",
     "TF_CONFIG: task.type: expected a role, found nothing"},
    {"NoIndex", TfConfig(R"({"cluster": {"worker": ["a:1"]}, "task": {"type": "worker"}})"), "",
     "TF_CONFIG: task.index: expected an integer, found nothing"},
    {"UnknownRole", TfConfig(MakeTfConfig(R"("worker": ["a:1"])", "boss", "0")), "",
     "TF_CONFIG: task.type: expected chief, worker or evaluator, found \"boss\""},
    {"NegativeIndex", TfConfig(MakeTfConfig(R"("worker": ["a:1"])", "worker", "-1")), "",
     "TF_CONFIG: task.index: expected an integer, found \"-1\""},
    {"IndexTooLarge", TfConfig(MakeTfConfig(R"("worker": ["a:1"])", "worker", "1")), "",
     "TF_CONFIG: task.index: expected less than 1, the number of worker tasks, found 1"},
    {"ChiefNotInCluster", TfConfig(MakeTfConfig(R"("worker": ["a:1"])", "chief", "0")), "",
     "TF_CONFIG: cluster.chief: expected the chief's HOST:PORT, found none"},
    {"TwoChiefs", TfConfig(MakeTfConfig(R"("chief": ["a:1", "b:1"])", "chief", "0")), "",
     "TF_CONFIG: cluster.chief: expected at most one, found 2"},
    {"NoWorkers", TfConfig(MakeTfConfig(R"("worker": [])", "worker", "0")), "",
     "TF_CONFIG: cluster.worker: expected at least one HOST:PORT, found none"},
    {"WorkersNoList", TfConfig(MakeTfConfig(R"("worker": "a:1")", "worker", "0")), "",
     "TF_CONFIG: cluster.worker: expected a list of HOST:PORT, found \"a:1\""},
    {"AddressWithoutPort", TfConfig(MakeTfConfig(R"("worker": ["a:1", "b"])", "worker", "0")), "",
     "TF_CONFIG: cluster.worker[1]: expected HOST:PORT, found \"b\""},
    {"PortTooLarge", TfConfig(MakeTfConfig(R"("worker": ["a:65536"])", "worker", "0")), "",
     "TF_CONFIG: cluster.worker[0]: expected HOST:PORT, found \"a:65536\""},
    {"AddressTwice", TfConfig(MakeTfConfig(R"("worker": ["a:1", "a:1"])", "worker", "0")), "",
     "TF_CONFIG: cluster: a:1 appears twice"},
    {"KeyTwice", TfConfig(R"({"task": 1, "task": 2})"), "",
     "TF_CONFIG:1:13: \"task\" appears twice; first in line 1"},
    {"ParameterServers",
     TfConfig(MakeTfConfig(R"("worker": ["a:1"], "ps": ["b:1"])", "worker", "0")), "",
     "TF_CONFIG: cluster.ps: parameter servers are not supported"},
    {"DynamicWorkers", TfConfig(R"({"cluster": {"sparseCluster": {}}})"), "",
     "TF_CONFIG: sparseCluster: dynamic workers are not supported"},
    {"CountUnlikeTheJob",
     TfConfig(kTwoWorkers),
     "",
     "TF_CONFIG has roles worker 2, the job wants worker 4: start as many, or change roles in the "
     "job (--workers 2)",
     {"", 4}},
    {"EvaluatorUnlikeTheJob",
     TfConfig(MakeTfConfig(R"("worker": ["a:1"])", "evaluator", "0")),
     "",
     "TF_CONFIG: task.type: this is an evaluator, but the job's roles.evaluator is 0",
     {"", 1}},
};

const Case kMpiCases[] = {
    {"OpenMpi", kOpenMpi, "worker:1 of 4 local 1/2",
     "joins as worker:1 of 4 workers: started by Open MPI (OMPI_COMM_WORLD_RANK 1 of 4)"},
    {"OpenMpiEvaluator",
     With(kOpenMpi, {{"OMPI_COMM_WORLD_RANK", "3"}}),
     "evaluator:0 of 3+1 local 1/2",
     "joins as evaluator:0 of 3 workers: started by Open MPI (OMPI_COMM_WORLD_RANK 3 of 4)",
     {"", 3, 1}},
    {"OpenMpiNoSize", With(kOpenMpi, {{"OMPI_COMM_WORLD_SIZE", ""}}), "",
     "OMPI_COMM_WORLD_SIZE: expected, since OMPI_COMM_WORLD_RANK is set, but it is not set"},
    {"OpenMpiNoRank", With(kOpenMpi, {{"OMPI_COMM_WORLD_RANK", ""}}), "",
     "OMPI_COMM_WORLD_RANK: expected, since OMPI_COMM_WORLD_SIZE is set, but it is not set"},
    {"OpenMpiRankTooLarge", With(kOpenMpi, {{"OMPI_COMM_WORLD_RANK", "4"}}), "",
     "OMPI_COMM_WORLD_RANK: expected less than OMPI_COMM_WORLD_SIZE = 4, found \"4\""},
    {"OpenMpiRankNoNumber", With(kOpenMpi, {{"OMPI_COMM_WORLD_RANK", "one"}}), "",
     "OMPI_COMM_WORLD_RANK: expected an integer from 0 to 1048575, found \"one\""},
    {"OpenMpiUnlikeTheJob",
     kOpenMpi,
     "",
     "Open MPI's world has 4 tasks, the job wants 2 (roles.worker) + 0 (roles.evaluator): start as "
     "many, or change the job (--workers 4)",
     {"", 2}},
    {"OpenMpiLocalRankTooLarge", With(kOpenMpi, {{"OMPI_COMM_WORLD_LOCAL_RANK", "2"}}), "",
     "OMPI_COMM_WORLD_LOCAL_RANK: expected less than OMPI_COMM_WORLD_LOCAL_SIZE = 2, found \"2\""},
    {"OpenMpiCoordinatorGiven", With(kOpenMpi, {{"STATOR_COORDINATOR", "h:7"}}),
     "worker:1 of 4 local 1/2 h:7",
     "joins as worker:1 of 4 workers: started by Open MPI (OMPI_COMM_WORLD_RANK 1 of 4)"},
    {"Pmi", kPmi, "worker:0 of 2 local 0/2",
     "joins as worker:0 of 2 workers: started by an MPI (PMI_RANK 0 of 2)"},
    {"PmiNoSize",
     {{"PMI_RANK", "0"}},
     "",
     "PMI_SIZE: expected, since PMI_RANK is set, but it is not set"},
    {"PmiNegative",
     {{"PMI_RANK", "-1"}, {"PMI_SIZE", "2"}},
     "",
     "PMI_RANK: expected an integer from 0 to 1048575, found \"-1\""},
};

const Case kSlurmCases[] = {
    {"Step", kSlurmStep, "worker:2 of 4 local 0/2 n1",
     "joins as worker:2 of 4 workers: a Slurm step (SLURM_STEP_ID 0, SLURM_PROCID 2 of 4)"},
    {"Requeued", With(kSlurmStep, {{"SLURM_RESTART_COUNT", "2"}}),
     "worker:2 of 4 local 0/2 restarts 2 n1",
     "joins as worker:2 of 4 workers: a Slurm step (SLURM_STEP_ID 0, SLURM_PROCID 2 of 4)"},
    {"CountsOfTheJob",
     {{"SLURM_STEP_ID", "1"},
      {"SLURM_STEP_NODELIST", "n07"},
      {"SLURM_PROCID", "0"},
      {"SLURM_NTASKS", "1"}},
     "worker:0 of 1 n07",
     "joins as worker:0 of 1 worker: a Slurm step (SLURM_STEP_ID 1, SLURM_PROCID 0 of 1)"},
    {"NoProcid", With(kSlurmStep, {{"SLURM_PROCID", ""}}), "",
     "SLURM_PROCID: expected, since SLURM_STEP_NUM_TASKS is set, but it is not set"},
    {"NoNodeList", With(kSlurmStep, {{"SLURM_STEP_NODELIST", ""}}), "",
     "SLURM_STEP_NODELIST: expected, since SLURM_STEP_ID is set, but it is not set"},
    {"NoStepId", With(kSlurmStep, {{"SLURM_STEP_ID", ""}}), "",
     "SLURM_STEP_ID: expected, since SLURM_STEP_NODELIST is set, but it is not set"},
    {"StepIdNoNumber", With(kSlurmStep, {{"SLURM_STEP_ID", "batch"}}), "",
     "SLURM_STEP_ID: expected an integer from 0 to 4294967295, found \"batch\""},
    {"NoCount", With(kSlurmStep, {{"SLURM_STEP_NUM_TASKS", ""}}), "",
     "SLURM_NTASKS: expected, since SLURM_PROCID is set, but it is not set"},
    {"ProcidTooLarge", With(kSlurmStep, {{"SLURM_PROCID", "4"}}), "",
     "SLURM_PROCID: expected less than SLURM_STEP_NUM_TASKS = 4, found \"4\""},
    {"NodeListMalformed", With(kSlurmStep, {{"SLURM_STEP_NODELIST", "n[1-"}}), "",
     "SLURM_STEP_NODELIST: expected a list such as n[1-3,7],m, found \"n[1-\": [ without ]"},
    {"NodeCountUnlikeList", With(kSlurmStep, {{"SLURM_STEP_NUM_NODES", "3"}}), "",
     "SLURM_STEP_NUM_NODES: expected the 2 nodes of SLURM_STEP_NODELIST, found \"3\""},
    {"TasksPerNodeUnlikeCount", With(kSlurmStep, {{"SLURM_STEP_TASKS_PER_NODE", "2,1"}}), "",
     "SLURM_STEP_TASKS_PER_NODE: expected 4 tasks on 2 nodes, found \"2,1\""},
    {"TasksPerNodeMalformed", With(kSlurmStep, {{"SLURM_STEP_TASKS_PER_NODE", "2(x"}}), "",
     "SLURM_STEP_TASKS_PER_NODE: expected counts such as 2(x3),1, found \"2(x\""},
    {"LocalidTooLarge", With(kSlurmStep, {{"SLURM_LOCALID", "2"}}), "",
     "SLURM_LOCALID: expected less than the 2 tasks of node 1, found \"2\""},
    {"NodeidTooLarge", With(kSlurmStep, {{"SLURM_NODEID", "2"}}), "",
     "SLURM_NODEID: expected an integer from 0 to 1, found \"2\""},
    {"Heterogeneous", With(kSlurmStep, {{"SLURM_HET_SIZE", "2"}}), "",
     "SLURM_HET_SIZE: heterogeneous jobs are not supported, found 2 components"},
    {"UnlikeTheJob",
     kSlurmStep,
     "",
     "Slurm step 0 has 4 tasks, the job wants 2 (roles.worker) + 1 (roles.evaluator): start as "
     "many, or change the job (--workers 3)",
     {"", 2, 1}},
};

const Case kOtherCases[] = {
    {"IndexedJob",
     kIndexed,
     "worker:3 of 4 digits-worker-0-0",
     "joins as worker:3 of 4 workers: a pod of an Indexed Job (JOB_COMPLETION_INDEX 3)",
     {"", 4}},
    {"IndexedJobCountOfManifest",
     With(kIndexed, {{"STATOR_WORKERS", "8"}, {"STATOR_COORDINATOR", "d-0.d:7"}}),
     "worker:3 of 8 d-0.d:7",
     "joins as worker:3 of 8 workers: a pod of an Indexed Job (JOB_COMPLETION_INDEX 3)"},
    {"IndexedJobOtherHostName",
     With(kIndexed, {{"HOSTNAME", "box"}}),
     "worker:3 of 4",
     "joins as worker:3 of 4 workers: a pod of an Indexed Job (JOB_COMPLETION_INDEX 3)",
     {"", 4}},
    {"IndexedJobEvaluator",
     kIndexed,
     "evaluator:0 of 3+1 digits-worker-0-0",
     "joins as evaluator:0 of 3 workers: a pod of an Indexed Job (JOB_COMPLETION_INDEX 3)",
     {"", 3, 1}},
    {"IndexedJobNoCount", kIndexed, "",
     "JOB_COMPLETION_INDEX: an Indexed Job does not say how many tasks it has: set roles.worker in "
     "the job, or STATOR_WORKERS"},
    {"IndexedJobIndexTooLarge",
     kIndexed,
     "",
     "JOB_COMPLETION_INDEX: expected less than the 2 tasks of the job, found \"3\"",
     {"", 2}},
    {"IndexedJobNoNumber",
     {{"JOB_COMPLETION_INDEX", "x"}},
     "",
     "JOB_COMPLETION_INDEX: expected an integer from 0 to 1048575, found \"x\"",
     {"", 2}},
    {"Rank", kRank, "worker:1 of 2 local 1/2 a:29500",
     "joins as worker:1 of 2 workers: RANK 1 of WORLD_SIZE 2"},
    {"RankAlone",
     {{"RANK", "0"}},
     "",
     "WORLD_SIZE: expected, since RANK is set, but it is not set"},
    {"WorldSizeAlone",
     {{"WORLD_SIZE", "2"}},
     "",
     "RANK: expected, since WORLD_SIZE is set, but it is not set"},
    {"RankWithoutMaster",
     {{"RANK", "0"}, {"WORLD_SIZE", "2"}},
     "worker:0 of 2",
     "joins as worker:0 of 2 workers: RANK 0 of WORLD_SIZE 2"},
    {"PortWithoutMaster", With(kRank, {{"MASTER_ADDR", ""}}), "",
     "MASTER_ADDR: expected, since MASTER_PORT is set, but it is not set"},
    {"MasterIsNoHost", With(kRank, {{"MASTER_ADDR", "-x"}}), "",
     "MASTER_ADDR: expected a host, found \"-x\""},
    {"MasterPortTooLarge", With(kRank, {{"MASTER_PORT", "70000"}}), "",
     "MASTER_PORT: expected an integer from 1 to 65535, found \"70000\""},
    {"Torchrun",
     With(kRank, {{"TORCHELASTIC_RUN_ID", "none"}, {"TORCHELASTIC_RESTART_COUNT", "1"}}),
     "worker:1 of 2 local 1/2 restarts 1 a",
     "joins as worker:1 of 2 workers: RANK 1 of WORLD_SIZE 2"},
    {"LocalRankTooLarge", With(kRank, {{"LOCAL_RANK", "2"}}), "",
     "LOCAL_RANK: expected less than LOCAL_WORLD_SIZE = 2, found \"2\""},
    {"HugeNumber", With(kRank, {{"RANK", "99999999999999999999"}}), "",
     "RANK: expected an integer from 0 to 1048575, found \"99999999999999999999\""},
};

std::string NameOf(const ::testing::TestParamInfo<Case>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Driving, TaskIdentityTest, ::testing::ValuesIn(kDriving), NameOf);
INSTANTIATE_TEST_SUITE_P(Precedence, TaskIdentityTest, ::testing::ValuesIn(kPrecedence), NameOf);
INSTANTIATE_TEST_SUITE_P(Stator, TaskIdentityTest, ::testing::ValuesIn(kStatorCases), NameOf);
INSTANTIATE_TEST_SUITE_P(TfConfig, TaskIdentityTest, ::testing::ValuesIn(kTfConfigCases), NameOf);
INSTANTIATE_TEST_SUITE_P(Mpi, TaskIdentityTest, ::testing::ValuesIn(kMpiCases), NameOf);
INSTANTIATE_TEST_SUITE_P(Slurm, TaskIdentityTest, ::testing::ValuesIn(kSlurmCases), NameOf);
INSTANTIATE_TEST_SUITE_P(Other, TaskIdentityTest, ::testing::ValuesIn(kOtherCases), NameOf);

TEST(TfConfigTest, TruncatedTextIsRefused) {
  const std::string text = kTwoWorkers;
  for (size_t size = 1; size < text.size(); ++size) {
    const auto task = FindTask(Query(TfConfig(text.substr(0, size))));
    ASSERT_FALSE(task.ok()) << text.substr(0, size);
    EXPECT_THAT(std::string(task.status().message()), StartsWith("TF_CONFIG:"));
  }
}

TaskIdentity ExportedTask() {
  TaskIdentity task;
  task.source = TaskSource::kStator;
  task.role = "worker";
  task.index = 1;
  task.workers = 2;
  task.epoch = 4;
  task.local_index = 1;
  task.local_count = 2;
  task.coordinators = {"127.0.0.1:20000"};
  task.worker_addresses = {"127.0.0.1:20001", "127.0.0.1:20002"};
  task.job_file = "runs/a/job.textproto";
  task.secret_file = "runs/a/secret";
  task.tls_directory = "runs/a/tls";
  return task;
}

TEST(ExportEnvironmentTest, GivesEveryVariable) {
  const auto variables = ExportEnvironment(ExportedTask());
  ASSERT_TRUE(variables.ok()) << variables.status();
  using Pair = std::pair<std::string, std::string>;
  EXPECT_THAT(
      *variables,
      ElementsAre(
          Pair("LOCAL_RANK", "1"), Pair("LOCAL_WORLD_SIZE", "2"), Pair("MASTER_ADDR", "127.0.0.1"),
          Pair("MASTER_PORT", "20000"), Pair("RANK", "1"),
          Pair("STATOR_COORDINATOR", "127.0.0.1:20000"), Pair("STATOR_EPOCH", "4"),
          Pair("STATOR_JOB_FILE", "runs/a/job.textproto"), Pair("STATOR_LOCAL_INDEX", "1"),
          Pair("STATOR_LOCAL_TASKS", "2"), Pair("STATOR_SECRET_FILE", "runs/a/secret"),
          Pair("STATOR_TASK", "worker:1"), Pair("STATOR_TLS_DIRECTORY", "runs/a/tls"),
          Pair("STATOR_WORKERS", "2"),
          Pair("TF_CONFIG", R"({"cluster":{"worker":["127.0.0.1:20001","127.0.0.1:20002"]},)"
                            R"("task":{"type":"worker","index":1}})"),
          Pair("WORLD_SIZE", "2")));
}

// What is exported says the same to every reader: as STATOR_*, as TF_CONFIG, and as RANK.
TEST(ExportEnvironmentTest, EveryReaderSeesTheSameTask) {
  for (const bool is_evaluator : {false, true}) {
    TaskIdentity task = ExportedTask();
    task.evaluators = 1;
    if (is_evaluator) {
      task.role = "evaluator";
      task.index = 0;
    }
    const auto exported = ExportEnvironment(task);
    ASSERT_TRUE(exported.ok()) << exported.status();
    Variables variables(exported->begin(), exported->end());
    const Wanted wanted = {"", 2, 1};
    absl::StatusOr<TaskIdentity> found = FindTask(Query(variables, wanted));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->source, TaskSource::kStator);
    EXPECT_EQ(found->name(), task.name());
    EXPECT_EQ(found->epoch, 4u);
    EXPECT_EQ(found->local_index, 1);
    EXPECT_EQ(found->job_file, task.job_file);
    EXPECT_EQ(found->secret_file, task.secret_file);
    EXPECT_EQ(found->tls_directory, task.tls_directory);

    variables.erase("STATOR_TASK");
    found = FindTask(Query(variables, wanted));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->source, TaskSource::kTfConfig);
    EXPECT_EQ(found->name(), task.name());
    EXPECT_EQ(found->worker_addresses, task.worker_addresses);

    variables.erase("TF_CONFIG");
    found = FindTask(Query(variables, wanted));
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->source, TaskSource::kRank);
    EXPECT_EQ(found->name(), task.name());
    EXPECT_EQ(found->rank(), task.rank());
  }
}

TEST(ExportEnvironmentTest, IPv6HasNoBracketsInMasterAddr) {
  TaskIdentity task = ExportedTask();
  task.coordinators = {"[::1]:7"};
  const auto variables = ExportEnvironment(task);
  ASSERT_TRUE(variables.ok());
  EXPECT_EQ(Variables(variables->begin(), variables->end()).at("MASTER_ADDR"), "::1");
}

TEST(ExportEnvironmentTest, WrongTasksAreRefused) {
  TaskIdentity task = ExportedTask();
  task.index = 2;
  EXPECT_EQ(ExportEnvironment(task).status().message(),
            "task worker:2: expected less than 2, the number of worker tasks");
  task = ExportedTask();
  task.coordinators = {"host"};
  EXPECT_EQ(ExportEnvironment(task).status().message(),
            "task worker:1: expected HOST:PORT as its coordinator, found \"host\"");
  task = ExportedTask();
  task.worker_addresses.pop_back();
  EXPECT_EQ(ExportEnvironment(task).status().message(),
            "task worker:1: expected addresses of 2 workers, found 1");
  task = ExportedTask();
  task.worker_addresses[0] = "a\":1";
  EXPECT_THAT(std::string(ExportEnvironment(task).status().message()),
              HasSubstr("expected HOST:PORT of each worker"));
}

TEST(NodeListTest, Expands) {
  const auto expand = [](const std::string& text) { return ExpandNodeList(text).value(); };
  EXPECT_THAT(expand("n1"), ElementsAre("n1"));
  EXPECT_THAT(expand("n[1-3,07],gpu"), ElementsAre("n1", "n2", "n3", "n07", "gpu"));
  EXPECT_THAT(expand("n[08-11]-x"), ElementsAre("n08-x", "n09-x", "n10-x", "n11-x"));
  EXPECT_THAT(expand("r[0-1]n[1-2]"), ElementsAre("r0n1", "r0n2", "r1n1", "r1n2"));
}

TEST(NodeListTest, RefusesWhatIsMalformed) {
  for (const char* text : {"", ",", "n[", "n]", "n[]", "n[a]", "n[2-1]", "n[1-]", "n[[1]]", "a b",
                           "n[0-999999999]", "n[1-300][1-300]", "n[1-40000],m[1-40000]", "a,"}) {
    const auto hosts = ExpandNodeList(text);
    ASSERT_FALSE(hosts.ok()) << text;
    EXPECT_THAT(std::string(hosts.status().message()),
                StartsWith("expected a list such as n[1-3,7],m, found"));
  }
}

TEST(TasksPerNodeTest, Expands) {
  EXPECT_THAT(ExpandTasksPerNode("2(x3),1").value(), ElementsAre(2, 2, 2, 1));
  for (const char* text : {"", "x", "2(x", "2(x)", "2(x0)", "2(x99999999)", "2,,1", "-1", "2)"}) {
    EXPECT_FALSE(ExpandTasksPerNode(text).ok()) << text;
  }
}

}  // namespace
}  // namespace stator::distribute
