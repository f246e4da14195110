#include "compiler/codegen/cpu/index_set.h"

#include <algorithm>

namespace stator::compiler {
namespace {

using core::DimExpr;
using core::Dims;

// Of a group's dimensions from `begin`; the constant 1 needs no context, hence the optional.
std::optional<DimExpr> ProductFrom(const Dims& sizes, size_t begin) {
  std::optional<DimExpr> product;
  for (size_t i = begin; i < sizes.size(); ++i) product = product ? *product * sizes[i] : sizes[i];
  return product;
}

}  // namespace

DimExpr ProductOf(llvm::ArrayRef<DimExpr> dims, core::DimContext& context) {
  return core::Product(context, dims);
}

int IndexSetData::rank() const {
  size_t rank = 0;
  for (const IndexGroup& group : groups) rank += group.sizes.size();
  return static_cast<int>(rank);
}

Dims IndexSetData::sizes() const {
  Dims all;
  for (const IndexGroup& group : groups) all.append(group.sizes.begin(), group.sizes.end());
  return all;
}

bool IndexSetData::IsUniform() const {
  return std::all_of(groups.begin(), groups.end(),
                     [](const IndexGroup& group) { return group.linear.IsUniform(); });
}

bool IndexSetData::operator<(const IndexSetData& other) const {
  if (lanes != other.lanes) return lanes < other.lanes;
  return std::lexicographical_compare(
      groups.begin(), groups.end(), other.groups.begin(), other.groups.end(),
      [](const IndexGroup& a, const IndexGroup& b) {
        if (!(a.linear == b.linear)) return a.linear < b.linear;
        return std::lexicographical_compare(a.sizes.begin(), a.sizes.end(), b.sizes.begin(),
                                            b.sizes.end(), [](DimExpr x, DimExpr y) {
                                              return x.AsOpaquePointer() < y.AsOpaquePointer();
                                            });
      });
}

IndexSet IndexSets::Make(std::vector<IndexGroup> groups, int lanes) {
  for (IndexGroup& group : groups) {
    if (std::all_of(group.sizes.begin(), group.sizes.end(),
                    [](DimExpr size) { return size.IsConstant(1); })) {
      group.linear = 0;
    }
  }
  return &*sets_.insert(IndexSetData{lanes, std::move(groups)}).first;
}

IndexSet IndexSets::Of(llvm::ArrayRef<DimExpr> sizes, llvm::ArrayRef<LaneIndex> indices, int lanes) {
  std::vector<IndexGroup> groups;
  for (size_t i = 0; i < sizes.size(); ++i) groups.push_back({Dims{sizes[i]}, indices[i]});
  return Make(std::move(groups), lanes);
}

IndexSet IndexSets::Flat(llvm::ArrayRef<DimExpr> sizes, LaneIndex linear, int lanes) {
  std::vector<IndexGroup> groups;
  if (!sizes.empty()) groups.push_back({Dims(sizes), linear});
  return Make(std::move(groups), lanes);
}

IndexSet IndexSets::Scalar(IndexSet set) {
  if (set->lanes == 1) return set;
  std::vector<IndexGroup> groups = set->groups;
  for (IndexGroup& group : groups) group.linear = LaneIndex(group.linear.base);
  return Make(std::move(groups), 1);
}

IndexSet IndexSets::Lane(IndexSet set, mlir::Value lane) {
  std::vector<IndexGroup> groups = set->groups;
  for (IndexGroup& group : groups) group.linear = math_.Lane(group.linear, lane);
  return Make(std::move(groups), 1);
}

LaneIndex IndexSets::DimOfGroup(const IndexGroup& group, int dim) {
  if (group.sizes[dim].IsConstant(1)) return 0;
  LaneIndex index = group.linear;
  if (std::optional<DimExpr> inner = ProductFrom(group.sizes, dim + 1)) {
    index = math_.Div(index, math_.PositiveDim(*inner));
  }
  const bool outermost = std::all_of(group.sizes.begin(), group.sizes.begin() + dim,
                                     [](DimExpr size) { return size.IsConstant(1); });
  return outermost ? index : math_.Rem(index, math_.PositiveDim(group.sizes[dim]));
}

LaneIndex IndexSets::Dim(IndexSet set, int dim) {
  for (const IndexGroup& group : set->groups) {
    const int size = static_cast<int>(group.sizes.size());
    if (dim < size) return DimOfGroup(group, dim);
    dim -= size;
  }
  return 0;
}

LaneIndex IndexSets::Linearize(llvm::ArrayRef<IndexGroup> groups) {
  LaneIndex linear = 0;
  std::optional<DimExpr> stride;
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    if (!(group->linear.IsUniform() && group->linear.base.Is(0))) {
      Int scale = stride ? math_.Dim(*stride) : Int(1);
      linear = math_.Add(math_.Mul(group->linear, scale), linear);
    }
    if (std::optional<DimExpr> size = ProductFrom(group->sizes, 0)) {
      stride = stride ? *stride * *size : *size;
    }
  }
  return linear;
}

LaneIndex IndexSets::Linear(IndexSet set) { return Linearize(set->groups); }

IndexSet IndexSets::Reshape(IndexSet set, llvm::ArrayRef<DimExpr> sizes) {
  if (llvm::ArrayRef<DimExpr>(set->sizes()) == sizes) return set;
  std::vector<IndexGroup> result;
  size_t from = 0, to = 0;
  while (from < set->groups.size() && to < sizes.size()) {
    const size_t from_begin = from, to_begin = to;
    // Whole groups on one side and dimensions on the other until the products meet.
    DimExpr a = *ProductFrom(set->groups[from++].sizes, 0);
    DimExpr b = sizes[to++];
    while (a != b && (from < set->groups.size() || to < sizes.size())) {
      const bool grow_from = from < set->groups.size() &&
                             (to == sizes.size() || core::DivideExactly(b, a).has_value());
      if (grow_from) a = a * *ProductFrom(set->groups[from++].sizes, 0);
      else b = b * sizes[to++];
    }
    const bool last = from == set->groups.size() || to == sizes.size();
    if (last) {  // what remains has product 1
      from = set->groups.size();
      to = sizes.size();
    }
    Dims group_sizes(sizes.slice(to_begin, to - to_begin));
    result.push_back({group_sizes, Linearize(llvm::ArrayRef<IndexGroup>(set->groups)
                                                 .slice(from_begin, from - from_begin))});
  }
  if (result.empty() && !sizes.empty()) result.push_back({Dims(sizes), 0});
  return Make(std::move(result), set->lanes);
}

IndexSet IndexSets::Select(IndexSet set, llvm::ArrayRef<int64_t> source,
                           llvm::ArrayRef<DimExpr> sizes) {
  std::vector<IndexGroup> result;
  std::vector<int64_t> group_begin;  // per dimension of set, where its group begins
  std::vector<const IndexGroup*> group_of;
  for (const IndexGroup& group : set->groups) {
    group_begin.insert(group_begin.end(), group.sizes.size(), static_cast<int64_t>(group_of.size()));
    group_of.insert(group_of.end(), group.sizes.size(), &group);
  }
  for (size_t i = 0; i < source.size();) {
    if (source[i] < 0) {
      result.push_back({Dims{sizes[i++]}, 0});
      continue;
    }
    const IndexGroup& group = *group_of[source[i]];
    const size_t count = group.sizes.size();
    bool whole = source[i] == group_begin[source[i]] && i + count <= source.size();
    for (size_t k = 0; whole && k < count; ++k) {
      whole = source[i + k] == source[i] + static_cast<int64_t>(k);
    }
    if (whole) {
      result.push_back({Dims(sizes.slice(i, count)), group.linear});
      i += count;
    } else {
      result.push_back(
          {Dims{sizes[i]},
           DimOfGroup(group, static_cast<int>(source[i] - group_begin[source[i]]))});
      ++i;
    }
  }
  return Make(std::move(result), set->lanes);
}

IndexSet IndexSets::Replace(IndexSet set, llvm::ArrayRef<Change> changes,
                            llvm::ArrayRef<DimExpr> sizes) {
  std::vector<IndexGroup> result;
  int first = 0;
  for (const IndexGroup& group : set->groups) {
    const int count = static_cast<int>(group.sizes.size());
    auto change_of = [&](int dim) {
      return std::find_if(changes.begin(), changes.end(),
                          [&](const Change& change) { return change.dim == dim; });
    };
    bool whole = true;
    for (int k = 0; k < count; ++k) whole &= change_of(first + k) == changes.end();
    if (whole) {
      result.push_back({Dims(sizes.slice(first, count)), group.linear});
    } else {
      for (int k = 0; k < count; ++k) {
        auto change = change_of(first + k);
        result.push_back({Dims{sizes[first + k]},
                          change == changes.end() ? DimOfGroup(group, k) : change->index});
      }
    }
    first += count;
  }
  return Make(std::move(result), set->lanes);
}

}  // namespace stator::compiler
