#include "tests/distribute/run_replicas.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "distribute/collectives/shared_memory.h"
#include "tests/distribute/classifier.h"

namespace stator::distribute {

void RunReplicas(const TrainingProgram& program, const ShardedStep* sharded, int replicas,
                 int virtual_replicas, const std::function<void(Replica&)>& work) {
  std::vector<std::string> names;
  for (int i = 0; i < replicas; ++i) names.push_back("replica " + std::to_string(i));
  auto mesh = InProcessMesh(names, 1 << 16);
  ASSERT_TRUE(mesh.ok()) << mesh.status();
  std::vector<std::thread> threads;
  for (int rank = 0; rank < replicas; ++rank) {
    threads.emplace_back([&, rank] {
      auto group = Group::Create({.rank = rank, .tasks = names}, std::move((*mesh)[rank]));
      ASSERT_TRUE(group.ok()) << group.status();
      auto replica = Replica::Create(&program, sharded, Sessions(),
                                     {.virtual_replicas = virtual_replicas, .threads = 1},
                                     *std::move(group), nullptr);
      ASSERT_TRUE(replica.ok()) << replica.status();
      work(**replica);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace stator::distribute
