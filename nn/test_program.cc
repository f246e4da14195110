#include "nn/test_program.h"

#include <utility>

#include "compiler/import/graph_checker.h"
#include "graph/node_builder.h"
#include "ops/register_all.h"

namespace stator::nn {
namespace {

graph::Scope NewScope() {
  graph::ScopeOptions options;
  options.checker = compiler::NewGraphChecker(&TestProgram::Ops());
  return graph::Scope::NewRoot(&TestProgram::Ops(), std::move(options));
}

}  // namespace

TestProgram::TestProgram(uint64_t seed) : scope_(NewScope()), variables_(scope_, seed) {}

const compiler::OpSet& TestProgram::Ops() {
  static const compiler::OpSet* const ops = [] {
    auto* table = new compiler::OpSet();
    ops::RegisterAll(*table);
    return table;
  }();
  return *ops;
}

graph::Output TestProgram::Placeholder(const std::string& name, const std::vector<int64_t>& dims,
                                       DataType dtype) {
  return graph::NodeBuilder(scope_.WithOpName(name), "Placeholder")
      .Attr("dtype", dtype)
      .Attr("shape", graph::PartialShape(dims))
      .Finalize()
      .output(0);
}

}  // namespace stator::nn
